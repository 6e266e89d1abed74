"""Translation: translators with attention, and models one can solve (snell2021attention)."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    ["experiments", "figures", "probes", "theory"],
    {
        "corpus": [
            "CorpusConfig",
            "DICTIONARIES",
            "EOS",
            "Pairs",
            "sample_batches",
            "sample_pairs",
        ],
        "experiments.copying": ["AUTHORS_SIZE", "COPY", "FIRST_STEPS", "LANGUAGES"],
        "free": ["ATTENTION", "FreeModelConfig", "FreeTranslator"],
        "model": [
            "Attention",
            "BagTranslator",
            "CHOICES",
            "ModelConfig",
            "PARTS",
            "Trace",
            "Translator",
        ],
        "statistics": ["count_cooccurrence", "count_excess", "translation_pairs"],
        "toy": ["CRITERIA", "GATES", "ToyClassifier", "toy_loss", "train_toy"],
        "training": [
            "MeasureTrace",
            "Transplant",
            "bag_cross_entropy",
            "cross_entropy",
            "draw_heads",
            "sample_runs",
            "shuffle_sources",
            "target_loss",
            "train_bag",
            "train_free",
            "train_shuffled",
            "train_translators",
            "word_loss",
        ],
    },
)
