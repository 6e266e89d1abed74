"""The experiments on topics that are repeated, recorded or swept (li2023topic, and beyond it)."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    [],
    {
        "odds": [
            "Agreement",
            "ODDS",
            "OddsSettings",
            "average_late",
            "average_runs",
            "tabulate_odds",
            "train_odds",
        ],
        "registry": ["EXPERIMENTS"],
        "stages": [
            "HELD",
            "STAGES",
            "StageSettings",
            "hold_values",
            "measure_gradient_orders",
            "train_stages",
        ],
    },
)
