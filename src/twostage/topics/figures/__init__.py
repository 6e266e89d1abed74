"""The figures of the topics half."""

from twostage.topics.figures.assumptions import (
    SHARES,
    VOTES,
    label_survival,
    mark_chances,
    mark_real,
    plot_architectures,
    plot_bump,
    plot_medians,
    plot_shares,
    plot_survival,
)
from twostage.topics.figures.stages import (
    plot_documents,
    plot_heads,
    plot_stages,
    plot_start_times,
    plot_word_table,
)
from twostage.topics.figures.theory import (
    mark_predictions,
    plot_agreement,
    plot_delay,
    plot_excess,
    plot_limits,
    plot_odds_loss,
    plot_orders,
    plot_relations,
    plot_splitting,
)

__all__ = [
    "SHARES",
    "VOTES",
    "label_survival",
    "mark_chances",
    "mark_predictions",
    "mark_real",
    "plot_agreement",
    "plot_architectures",
    "plot_bump",
    "plot_delay",
    "plot_documents",
    "plot_excess",
    "plot_heads",
    "plot_limits",
    "plot_medians",
    "plot_odds_loss",
    "plot_orders",
    "plot_relations",
    "plot_shares",
    "plot_splitting",
    "plot_stages",
    "plot_start_times",
    "plot_survival",
    "plot_word_table",
]
