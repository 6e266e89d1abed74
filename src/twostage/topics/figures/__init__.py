"""The figures of the topics half."""

from twostage.topics.figures.assumptions import (
    plot_architectures,
    plot_broken,
    plot_lengths,
    plot_shares,
)
from twostage.topics.figures.stages import (
    plot_documents,
    plot_heads,
    plot_stages,
    plot_start_times,
    plot_word_table,
)
from twostage.topics.figures.text import plot_cosines, plot_distances, plot_layers
from twostage.topics.figures.theory import (
    mark_predictions,
    plot_agreement,
    plot_contrasts,
    plot_delay,
    plot_errors,
    plot_excess,
    plot_limits,
    plot_odds_loss,
    plot_orders,
    plot_ratios,
    plot_relations,
    plot_splitting,
)

__all__ = [
    "mark_predictions",
    "plot_agreement",
    "plot_architectures",
    "plot_broken",
    "plot_cosines",
    "plot_contrasts",
    "plot_delay",
    "plot_distances",
    "plot_documents",
    "plot_errors",
    "plot_excess",
    "plot_heads",
    "plot_layers",
    "plot_lengths",
    "plot_limits",
    "plot_odds_loss",
    "plot_orders",
    "plot_ratios",
    "plot_relations",
    "plot_shares",
    "plot_splitting",
    "plot_stages",
    "plot_start_times",
    "plot_word_table",
]
