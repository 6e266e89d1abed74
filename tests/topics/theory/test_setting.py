"""Settings outside the theory, and arguments that make no sense, are refused."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from theory_documents import CFG, WIDE

from twostage.topics import theory


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"topics_per_doc": None}, "not Dirichlet"),
        ({"overlap": 0.1}, "overlap must be 0, got 0.1"),
        ({"zipf": 1.0}, "zipf must be 0, got 1.0"),
        ({"mask_rate": 1.0, "keep_rate": 0.0}, "mask_rate must be < 1, got 1.0"),
    ],
)
def test_settings_outside_the_theory_are_refused(change, message):
    cfg = replace(CFG, **change)
    for predict in (theory.predict_value_matrix, theory.predict_attention_odds):
        with pytest.raises(ValueError, match=message):
            predict(cfg)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.predict_value_matrix(CFG, -1.0), "ridge must be >= 0, got -1.0"),
        (lambda: theory.predict_value_matrix(CFG, 0.1, 64), "predict_finite_value_matrix"),
        (lambda: theory.predict_value_matrix(CFG, doc_len=1), "doc_len must be .* >= 2, got 1"),
        (lambda: theory.predict_finite_value_matrix(CFG, 1), "doc_len must be .* >= 2, got 1"),
        (lambda: theory.predict_value_minimiser(CFG, 1.0, masked_keys=False), "only u = 0 has no"),
        (lambda: theory.predict_embedding_excess(CFG, 0), "d_model must be >= 1, got 0"),
        (lambda: theory.predict_stage_rates(CFG, 0), "d_model must be >= 1, got 0"),
        (lambda: theory.predict_start_delay(CFG, 9, 0.0), "shrink must be > 0, got 0.0"),
        (lambda: theory.predict_distinct_topics(CFG, 0), "doc_len must be >= 1, got 0"),
        (
            lambda: theory.predict_attention_loss(replace(CFG, topics_per_doc=4), 2.0),
            "topics_per_doc must be < n_topics",
        ),
    ],
)
def test_impossible_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_any_configuration_with_the_six_names_will_do():
    names = (
        "n_topics",
        "words_per_topic",
        "topics_per_doc",
        "mask_rate",
        "keep_rate",
        "random_rate",
    )
    plain = SimpleNamespace(**{name: getattr(WIDE, name) for name in names})
    assert (theory.predict_value_matrix(plain) == theory.predict_value_matrix(WIDE)).all()
    assert theory.predict_attention_odds(plain) == theory.predict_attention_odds(WIDE)
