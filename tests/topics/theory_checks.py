"""Each statement of the theory, the functions that state it and the checks that hold it.

A check takes the theory as an argument, so that the same check runs on the real functions and on
mutants of them. It computes the other side by enumerating documents position by position, by
solving, by automatic differentiation or by optimisation, and never through the theory's formulas.
"""

from itertools import combinations, product

import numpy as np
import theory_checks_attention as attention
import theory_checks_values as values
from numpy.testing import assert_allclose
from scipy import integrate, stats
from theory_documents import close

from twostage.topics.corpus import CorpusConfig

# Generated corpora --------------------------------------------------------------------------

LDA = CorpusConfig(4, 3, None, 0.3, overlap=0.2, zipf=0.7)
SETS = CorpusConfig(4, 3, 3, overlap=0.2, zipf=0.7)


def check_topic_moments(theory):
    dirichlet = stats.dirichlet(np.full(4, 0.3))
    expected = dirichlet.cov() + np.outer(dirichlet.mean(), dirichlet.mean())
    close(theory.predict_topic_moments(LDA), expected, 1e-15)
    shares = [np.isin(range(4), topics) / 3 for topics in combinations(range(4), 3)]
    expected = np.mean([np.outer(share, share) for share in shares], axis=0)
    close(theory.predict_topic_moments(SETS), expected, 1e-16)


def check_cooccurrence(theory):
    ranks = np.arange(1, 4) ** -0.7
    words = np.full((4, 12), 0.2 / 12)
    for topic in range(4):
        words[topic, 3 * topic : 3 * topic + 3] += 0.8 * ranks / ranks.sum()
    shares = [np.isin(range(4), topics) / 3 for topics in combinations(range(4), 3)]
    expected = np.mean([np.outer(share @ words, share @ words) for share in shares], axis=0)
    close(theory.predict_cooccurrence(SETS), expected, 1e-16)
    close(theory.predict_same_word(SETS), np.diag(expected).sum(), 1e-15)
    close(theory.predict_same_topic(SETS), 1 / 3, 1e-15)


def check_distinct_topics(theory):
    for N in (1, 7, 128):
        missing = integrate.quad(lambda t, N=N: (1 - t) ** N, 0, 1, weight="alg", wvar=(-0.7, -0.1))
        missing = missing[0] / integrate.quad(lambda t: 1, 0, 1, weight="alg", wvar=(-0.7, -0.1))[0]
        assert_allclose(theory.predict_distinct_topics(LDA, N), 4 * (1 - missing), rtol=1e-9)
    draws = [len(set(draw)) for draw in product(range(3), repeat=5)]
    assert_allclose(theory.predict_distinct_topics(SETS, 5), np.mean(draws), rtol=1e-13)


def check_mask_shares(theory):
    cfg = CorpusConfig(4, 3, 2, doc_len=(3, 6), mask_rate=0.2, keep_rate=0.2, random_rate=0.3)
    shares = []
    for N in range(3, 7):
        n = np.arange(N + 1)
        shares.append(stats.binom.pmf(n, N, 0.2) @ np.maximum(n, 1) / N)
    found = theory.predict_mask_shares(cfg)
    expected = np.mean(shares) * np.array([1, 0.5, 0.2, 0.3])
    close([found[name] for name in ("masked", "shown_mask", "kept", "random")], expected, 1e-15)


def check_statistics(theory):
    cfg = CorpusConfig(4, 3, 2, doc_len=4, mask_rate=0.2, keep_rate=0.2, random_rate=0.3)
    n = np.arange(5)
    masked = stats.binom.pmf(n, 4, 0.2) @ np.maximum(n, 1) / 4
    found = theory.predict_statistics(cfg)
    close(found.pop("share of positions masked"), masked, 1e-15)
    close(found.pop("share that shows [MASK]"), 0.5 * masked, 1e-15)
    close(found.pop("share masked but left in place"), (0.2 + 0.3 / 12) * masked, 1e-15)
    same = {"two positions share a topic": 1 / 2, "two positions share a word": 1 / 6}
    for name, expected in same.items():
        close(found.pop(name), expected, 1e-15)
    draws = [len(set(draw)) for draw in product(range(2), repeat=4)]
    assert_allclose(found.pop("topics in a document"), np.mean(draws), rtol=1e-13)
    assert not found


# The ledger ---------------------------------------------------------------------------------

STATEMENTS = {  # number: (functions that state it, checks that hold it)
    "1": (
        (
            *("predict_value_minimiser", "predict_value_residual", "predict_excess_loss"),
            *("a", "b", "m", "mask_token_rate"),
        ),
        (
            values.check_constructed_minimisers_have_no_excess,
            values.check_spread_changes_no_topic_sum,
            values.check_every_minimiser_is_recognised,
            values.check_forced_u_without_mask_token,
            values.check_excess_of_any_matrix,
            values.check_residual_measures_the_excess,
        ),
    ),
    "2": (
        ("predict_value_matrix", "block_projectors", "topic_variance", "mean_shown"),
        (values.check_minimum_norm, values.check_ridge, values.check_limit_of_finite_documents),
    ),
    "3": (
        (
            *("predict_value_matrix", "predict_finite_value_matrix", "kappa"),
            *("_keys_with_own", "_keys_without_own"),
        ),
        (
            values.check_finite_documents,
            values.check_finite_documents_enumerated,
            values.check_limit_of_finite_documents,
            values.check_limit_with_masked_positions_left_out,
            values.check_minimum_norm,
            values.check_ridge,
        ),
    ),
    "4": (
        ("predict_embedding_gram", "predict_embedding_excess"),
        (
            values.check_gram_has_no_excess,
            values.check_gram_is_the_least,
            values.check_trained_gram_is_above_the_least,
            values.check_free_part_of_the_gram,
            values.check_embedding_dimension,
        ),
    ),
    "5": (
        ("predict_attention_loss", "predict_mask_offset", "_terms"),
        (
            attention.check_attention_loss,
            attention.check_mask_offset,
            attention.check_own_word_loss,
            attention.check_mask_queries_want_uniform_attention,
        ),
    ),
    "6": (("predict_attention_slope",), (attention.check_attention_slope,)),
    "7": (
        (
            "predict_attention_odds",
            "_stationary",
            "predict_joint_odds",
            "predict_joint_loss",
        ),
        (
            attention.check_joint_odds,
            attention.check_attention_odds,
            attention.check_odds_of_simple_cases,
            attention.check_where_attention_stays_uniform,
        ),
    ),
    "8": (
        ("predict_attention_loss", "predict_attention_drive"),
        (
            attention.check_own_word_loss,
            attention.check_attention_loss,
            attention.check_attention_drive,
            attention.check_twin_learns_its_own_words_in_finite_documents,
        ),
    ),
    "9": (
        (
            *("predict_attention_drive", "predict_stage_rates", "predict_start_delay"),
            *("predict_first_value_gradient", "predict_gradient_orders"),
        ),
        (
            attention.check_attention_drive,
            attention.check_rank_of_the_drive,
            attention.check_stage_rates,
            attention.check_start_delay,
            attention.check_first_value_gradient,
            attention.check_gradient_orders,
            attention.check_twin_learns_its_own_words_in_finite_documents,
            attention.check_twin_learns_nothing_between_topics,
        ),
    ),
    "15": (
        ("predict_value_matrix", "predict_attention_drive"),
        (
            attention.check_twin_learns_nothing_between_topics,
            attention.check_twin_learns_its_own_words_in_finite_documents,
            values.check_ridge,
            values.check_limit_of_finite_documents,
            attention.check_attention_drive,
        ),
    ),
    "corpora": (
        (
            *("predict_topic_moments", "predict_cooccurrence", "predict_same_topic"),
            *("predict_same_word", "predict_distinct_topics", "predict_mask_shares"),
            "predict_statistics",
        ),
        (
            *(check_topic_moments, check_cooccurrence, check_distinct_topics),
            *(check_mask_shares, check_statistics),
        ),
    ),
}


def find_checks(module):
    """Checks of the statements, by name, that stand in one of these modules."""
    checks = {check for _, checks in STATEMENTS.values() for check in checks}
    named = {check.__name__: check for check in checks if check.__module__ == module}
    return dict(sorted(named.items()))
