"""How attention learns: what goes with what first, then where to look."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    ["style"],
    {
        "estimates": [
            "Estimate",
            "ResampleConfig",
            "bootstrap_interval",
            "mean_interval",
            "median_interval",
            "rate_interval",
            "shuffle_chance",
        ],
        "experiments": [
            "ATOL",
            "DIGITS",
            "Experiment",
            "KEYS",
            "RTOL",
            "Runs",
            "find_difference",
            "list_fields",
            "read_recorded",
            "set_fields",
        ],
        "seeding": [
            "Batch",
            "DEVICES",
            "check_device",
            "move",
            "numpy_rng",
            "run_alike_everywhere",
            "torch_rng",
        ],
        "stages": [
            "Criteria",
            "Criterion",
            "RISE_ALLOWED",
            "StageTimes",
            "check_learning",
            "crossing_time",
            "difference",
            "map_order",
            "measure_rise",
        ],
        "training": ["History", "Measure", "OPTIMIZERS", "TrainConfig", "measure_nothing", "train"],
    },
)
