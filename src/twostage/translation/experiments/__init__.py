"""The experiments on copying that are repeated, recorded or swept (snell2021attention)."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    [],
    {
        "copying": [
            "AUTHORS_SIZE",
            "COPY",
            "FIRST_STEPS",
            "LANGUAGES",
            "measure_first_steps",
            "measure_forced",
        ],
        "heads": ["FREE_HEADS", "FreeSettings", "HEADS", "predict_free_heads", "train_free_heads"],
        "lessons": ["COPIES", "CopySettings", "DONOR_SEEDS", "KNOWS", "Lesson", "train_copy"],
        "registry": ["EXPERIMENTS"],
        "rescues": ["COPIER", "KTIW", "MAP", "OF_18", "RESCUES", "UNIFORM", "predict_rescue"],
    },
)
