"""The figures of the translation half."""

from twostage.translation.figures.copying import (
    tabulate_early,
    tabulate_signals,
    tabulate_ways,
)
from twostage.translation.figures.fates import (
    COLORS,
    FATES,
    plot_each_run,
    plot_fates,
    plot_gradient,
    plot_heads,
    plot_predicted_rates,
    plot_success,
    plot_successes,
    plot_valleys,
    tabulate_counts,
    tabulate_rescues,
)
from twostage.translation.figures.knowledge import (
    tabulate_agreements,
    tabulate_languages,
    tabulate_signal,
)
from twostage.translation.figures.theory import (
    FAILED,
    Curves,
    plot_losses,
    plot_portrait,
    plot_separatrix,
    plot_toy,
)

__all__ = [
    "COLORS",
    "Curves",
    "FAILED",
    "FATES",
    "plot_each_run",
    "plot_fates",
    "plot_gradient",
    "plot_heads",
    "plot_losses",
    "plot_portrait",
    "plot_predicted_rates",
    "plot_separatrix",
    "plot_success",
    "plot_successes",
    "plot_toy",
    "plot_valleys",
    "tabulate_agreements",
    "tabulate_counts",
    "tabulate_early",
    "tabulate_languages",
    "tabulate_rescues",
    "tabulate_signal",
    "tabulate_signals",
    "tabulate_ways",
]
