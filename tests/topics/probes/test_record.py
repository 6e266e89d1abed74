"""What is recorded comes from the single probes."""

from numpy.testing import assert_allclose

from twostage.seeding import numpy_rng, torch_rng
from twostage.topics.bags import BagTransformer
from twostage.topics.corpus import CorpusConfig, sample_corpus
from twostage.topics.model import ModelConfig
from twostage.topics.probes.attention import (
    measure_attention,
    measure_attention_table,
    measure_preference_table,
)
from twostage.topics.probes.knowledge import (
    measure_value_blocks,
    measure_value_gap,
    measure_value_matrix,
)
from twostage.topics.probes.record import film_measure, stage_measure
from twostage.topics.relations import correlate_blocks

TINY = CorpusConfig(n_topics=2, words_per_topic=2)  # words 0 1 | 2 3, tokens 1 2 | 3 4

SOME = CorpusConfig(n_topics=3, words_per_topic=3, doc_len=(4, 20))


def make(cfg, corpus=TINY, n_runs=1):
    return BagTransformer(cfg, corpus, [torch_rng(seed) for seed in range(n_runs)])


def test_stages_and_film_record_the_probes_of_each_run():
    model = make(ModelConfig(init_scale=1.0, n_heads=2), SOME, n_runs=3)
    counts = sample_corpus(SOME, 20, numpy_rng(0)).counts()
    stages, film = stage_measure(counts)(model), film_measure(counts)(model)
    assert_allclose(stages["knowledge"], measure_value_blocks(model))
    assert_allclose(stages["attention"], measure_attention(model, counts).contrast[:, 0])
    relative = measure_attention(model, counts).relative[:, 0].T
    assert_allclose([stages[n] for n in ("own word", "same topic", "other topic")], relative)
    directions = correlate_blocks(measure_preference_table(model), SOME.topic_of)
    assert_allclose(stages["direction"], directions)
    assert_allclose(stages["value gap"], measure_value_gap(model))
    assert stages.keys() < film.keys()
    for name in stages:
        assert stages[name].shape == (3,)
        assert_allclose(film[name], stages[name])
    assert_allclose(film["value table"], measure_value_matrix(model)[:, :, 1:])
    assert_allclose(film["score table"], measure_preference_table(model))
    assert_allclose(film["attention table"], measure_attention_table(model))
