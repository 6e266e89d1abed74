"""What a run of copying refuses, and what its donor learns."""

import pytest

from twostage.translation import PARTS, CorpusConfig, experiments


@pytest.mark.parametrize(
    "values, complaint",
    [
        ({"n_probed": 0}, "n_probed must be >= 1, got 0"),
        ({"n_test": 0}, "n_test must be >= 1, got 0"),
        ({"batch_size": 0}, "batch_size must be >= 1, got 0"),
        ({"n_test": 32}, "n_probed must be <= n_test = 32, got 64"),
    ],
)
def test_impossible_numbers_of_sentences_are_refused(values, complaint):
    with pytest.raises(ValueError, match=f"^{complaint}$"):
        experiments.CopySettings(**values)


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_donor_learns_from_batches_of_the_runs_size(shuffled):
    corpus = CorpusConfig(4, 4, repeats=True)
    lesson = experiments.Lesson(corpus, steps=2, shuffled=shuffled)
    parts = PARTS
    at = {"lesson": lesson, "parts": parts, "stop_at": None}
    size = {"vocab_size": 4, "seq_len": 4, "hidden": 8, "steps": 1, "n_records": 1}
    size |= {"n_test": 4, "n_probed": 4}
    known = [
        experiments.RESCUES.at({"one": at}, batch_size=n, **size).run([0]).table for n in (2, 3)
    ]
    assert (known[0][known[0].step == 0].ktiw.size, len(known)) == (1, 2)
    first, other = (one[one.step == 0].signed_contrast.item() for one in known)
    assert first != other, "the same donor, whatever the batch size"
