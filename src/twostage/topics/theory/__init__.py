"""What training must find, computed without a network (li2023topic and beyond).

`cfg` is a `CorpusConfig` with `topics_per_doc` set (only the expectations of generated corpora
cover Dirichlet mixtures too), and `masked_keys` says whether masked positions are attended to
(False in the authors' code).

Stage 1, uniform attention (`theory_values`)
  all minimisers            predict_value_minimiser, predict_value_residual, predict_excess_loss
  minimum norm, ridge,      predict_value_matrix
    long finite documents
  documents of N words      predict_finite_value_matrix
  trained embeddings        predict_embedding_gram, predict_embedding_excess
Stage 2, W_V fixed (`theory_attention`)
  loss in the topic odds    predict_attention_loss, predict_attention_slope, predict_mask_offset
  optimal odds rho*         predict_attention_odds; predict_joint_odds if W_V moves too
  own word above topic      predict_attention_loss(own=...), predict_attention_drive(own_word=True)
Why two stages (`theory_attention`)
  orders of gradients       predict_gradient_orders, predict_first_value_gradient
  start of stage 2          predict_attention_drive, predict_stage_rates, predict_start_delay
Generated corpora (`theory_corpus`)
  expectations              predict_topic_moments, predict_cooccurrence, predict_same_topic,
                            predict_same_word, predict_distinct_topics, predict_mask_shares,
                            predict_statistics

The twin of the permutation, tau = T, is covered by all of these: every document has the same
expected bag, so nothing is learned between topics, and nothing drives attention.
"""

from twostage.topics.theory.attention import (
    StageRates,
    predict_attention_drive,
    predict_attention_loss,
    predict_attention_odds,
    predict_attention_slope,
    predict_gradient_orders,
    predict_joint_loss,
    predict_joint_odds,
    predict_mask_offset,
    predict_stage_rates,
    predict_start_delay,
)
from twostage.topics.theory.corpus import (
    predict_cooccurrence,
    predict_distinct_topics,
    predict_mask_shares,
    predict_same_topic,
    predict_same_word,
    predict_statistics,
    predict_topic_moments,
)
from twostage.topics.theory.values import (
    predict_embedding_excess,
    predict_embedding_gram,
    predict_excess_loss,
    predict_finite_value_matrix,
    predict_first_value_gradient,
    predict_value_matrix,
    predict_value_minimiser,
    predict_value_residual,
)

__all__ = [
    "StageRates",
    "predict_attention_drive",
    "predict_attention_loss",
    "predict_attention_odds",
    "predict_attention_slope",
    "predict_cooccurrence",
    "predict_distinct_topics",
    "predict_embedding_excess",
    "predict_embedding_gram",
    "predict_excess_loss",
    "predict_finite_value_matrix",
    "predict_first_value_gradient",
    "predict_gradient_orders",
    "predict_joint_loss",
    "predict_joint_odds",
    "predict_mask_offset",
    "predict_mask_shares",
    "predict_same_topic",
    "predict_same_word",
    "predict_stage_rates",
    "predict_start_delay",
    "predict_statistics",
    "predict_topic_moments",
    "predict_value_matrix",
    "predict_value_minimiser",
    "predict_value_residual",
]
