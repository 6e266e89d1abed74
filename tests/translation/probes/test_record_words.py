"""What is recorded of words alone, and of attention beside the right one."""

from twostage.seeding import numpy_rng
from twostage.translation import probes
from twostage.translation.corpus import CorpusConfig, sample_pairs
from twostage.translation.model import ModelConfig, Translator

CORPUS = CorpusConfig(vocab_size=6, seq_len=4, dictionary="random")


def test_words_are_recorded_alone_and_attention_beside_the_right_one_too():
    trace = Translator(ModelConfig(hidden=8), CORPUS, seed=0).trace(
        sample_pairs(CORPUS, 40, numpy_rng(1))
    )
    found = probes.measure_words(trace, n_probed=10)
    recorded = probes.measure_translator(trace, n_probed=10)
    assert {name: found.pop(name) for name in recorded} == recorded
    words, near = probes.measure_word_ktiw(trace), probes.measure_attention(trace, within=1)
    assert found == {"word_ktiw": words, "within_one": near}
    assert near > recorded["attn_accuracy"] and words != recorded["ktiw"]
