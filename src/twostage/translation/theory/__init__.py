"""What training must find, computed without a network (snell2021attention and beyond).

The toy classifier (`theory_toy`)
  closed form, time to p = 1      predict_toy, predict_toy_arrival
  softmax and cross-entropy       predict_soft_gate, predict_fixed_margin
Copying with free logits and a free table (`theory_copy`)
  first gradient of the table     predict_signal, predict_finite_population
  two valleys and their saddle    predict_copy_loss, predict_copy_flow, predict_copy_saddle,
                                  predict_permutation_separatrix, predict_anticopy_floor
  several heads                   predict_heads
"""

from twostage.translation.theory.copy import (
    Saddle,
    predict_anticopy_floor,
    predict_copy_flow,
    predict_copy_loss,
    predict_copy_saddle,
    predict_finite_population,
    predict_heads,
    predict_permutation_separatrix,
    predict_signal,
)
from twostage.translation.theory.toy import (
    predict_fixed_margin,
    predict_soft_gate,
    predict_toy,
    predict_toy_arrival,
)

__all__ = [
    "Saddle",
    "predict_anticopy_floor",
    "predict_copy_flow",
    "predict_copy_loss",
    "predict_copy_saddle",
    "predict_finite_population",
    "predict_fixed_margin",
    "predict_heads",
    "predict_permutation_separatrix",
    "predict_signal",
    "predict_soft_gate",
    "predict_toy",
    "predict_toy_arrival",
]
