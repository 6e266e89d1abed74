"""Figures, measures, losses, clocks, intervals and masks: a small change fails the nearest test.

`ROOMS` is the one place that names modules and their nearest test files. A sample of the mutants of
`SAMPLED`, the same each time, runs with every other test, and those in `NAMED` always do;
`TWOSTAGE_MUTANTS=1 python -m pytest tests/test_perturbations.py` runs all (most of an hour),
`TWOSTAGE_MUTANTS=40` one in forty.
"""

import ast
import json
import os
import subprocess
import sys

import perturb
import pytest

ROOMS = {
    "twostage.attention": ["test_attention.py"],
    "twostage.estimates": ["test_estimates.py", "test_estimates_resampled.py"],
    "twostage.measures": ["test_measures.py", "translation/probes/test_free.py"],
    "twostage.stages": ["test_stages.py"],
    "twostage.style": ["test_style.py", "test_style_scores.py"],
    "twostage.training": ["test_training.py"],
    "twostage.topics.batches": ["topics/test_batches.py"],
    "twostage.topics.figures.assumptions": ["topics/figures/test_assumptions.py"],
    "twostage.topics.figures.stages": [
        "topics/figures/test_stages.py",
        "topics/figures/test_stages_curves.py",
    ],
    "twostage.topics.figures.theory": ["topics/figures/test_theory.py"],
    "twostage.topics.probes.attention": [
        "topics/probes/test_attention.py",
        "topics/probes/test_attention_scores.py",
        "topics/probes/test_attention_theory.py",
    ],
    "twostage.topics.probes.knowledge": [
        "topics/probes/test_knowledge.py",
        "topics/probes/test_knowledge_votes.py",
        "topics/probes/test_attention_theory.py",
    ],
    "twostage.topics.probes.record": [
        "topics/probes/test_record.py",
        "topics/probes/test_record_conclusions.py",
        "topics/probes/test_attention_theory.py",
    ],
    "twostage.topics.relations": ["topics/test_relations.py", "topics/probes/test_knowledge.py"],
    "twostage.topics.statistics": [
        "topics/test_statistics.py",
        "topics/test_statistics_assumptions.py",
    ],
    "twostage.topics.text.attention": [
        "topics/text/test_attention.py",
        "topics/text/test_attention_variance.py",
    ],
    "twostage.topics.training": ["topics/test_training.py"],
    "twostage.translation.figures.fates": [
        "translation/figures/test_fates.py",
        "translation/figures/test_fates_rescues.py",
    ],
    "twostage.translation.figures.theory": ["translation/figures/test_theory.py"],
    "twostage.translation.probes.agreement": ["translation/probes/test_agreement.py"],
    "twostage.translation.probes.attention": [
        "translation/probes/test_attention.py",
        "translation/probes/test_attention_heads.py",
    ],
    "twostage.translation.probes.free": ["translation/probes/test_free.py"],
    "twostage.translation.probes.knowledge": [
        "translation/probes/test_knowledge.py",
        "translation/probes/test_attention_heads.py",
    ],
    "twostage.translation.probes.record": [
        "translation/probes/test_record.py",
        "translation/probes/test_attention_heads.py",
    ],
    "twostage.translation.statistics": ["translation/test_statistics.py"],
    "twostage.translation.training": [
        "translation/test_training.py",
        "translation/test_training_bag.py",
        "translation/test_training_free.py",
    ],
}
SAMPLE = 60  # one mutant in so many runs with every other test
SAMPLED = {  # the rooms that this sample is of: what everything rests on, tested in seconds
    "twostage.attention",
    "twostage.estimates",
    "twostage.measures",
    "twostage.stages",
    "twostage.style",
    "twostage.training",
    "twostage.topics.batches",
    "twostage.topics.figures.stages",
}
SLOW = ("covers", "by_a_loop")  # tests of seconds: left out, so that a mutant takes a tenth of one
EQUIVALENT = {  # what a mutant's text holds, and why no test can tell it from the original
    "strict=False": "guards against lists of unequal length, which no caller gives",
    "cfg.topic_of, [-1] * 4])": "a topic for a token after the last, which no document shows",
}
NAMED = {  # mistakes that no test noticed once: function, and what stands in the mutant's line
    "labels upside down": ("twostage.style", "plot_intervals", "[::1], rows"),
    "knowledge and attention swapped": (
        "twostage.topics.figures.stages",
        "plot_stages",
        "(ATTENTION, ATTENTION)",
    ),
    "mean for median": ("twostage.style", "plot_runs", "np.mean("),
    "layer and head swapped": (
        "twostage.topics.figures.stages",
        "plot_heads",
        "(head - 1.5, head - 1.5)",
    ),
}


ALL = "TWOSTAGE_MUTANTS" in os.environ
CHOSEN = {name: files for name, files in ROOMS.items() if ALL or name in SAMPLED}


@pytest.fixture(scope="module")
def survivors():
    """Mutants that no test noticed, by module, from a process that runs nothing else."""
    one_in = int(os.environ.get("TWOSTAGE_MUTANTS", SAMPLE))
    named = [text for _, _, text in NAMED.values()]  # always drawn
    found = f"perturb.find_survivors({CHOSEN!r}, {one_in}, {SLOW!r}, {named!r})"
    call = f"import json, perturb; print(json.dumps({found}))"
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "CI"))}
    run = subprocess.run(
        [sys.executable, "-c", call],
        cwd=perturb.TESTS,
        env=environment | {"MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("module", CHOSEN)
def test_no_small_change_goes_unnoticed(survivors, module):
    unknown = [text for text in survivors[module] if not any(e in text for e in EQUIVALENT)]
    assert not unknown, f"no test of {ROOMS[module]} noticed:\n" + "\n".join(unknown)


@pytest.mark.parametrize("name", NAMED)
def test_a_mistake_that_once_went_unnoticed_is_among_the_mutants(name):
    module, function, text = NAMED[name]
    assert any(
        changed == function and text in mutant for mutant, changed, _ in perturb.mutants_of(module)
    )


@pytest.mark.parametrize(
    "source, mutants",
    [
        ("x.mean(0)", ["x.median(0)", "x.mean(1)"]),
        ("x.sum(-1) / n", ["x.sum(-1)", "x.mean(-1) / n", "x.sum(-2) / n"]),
        ("x[:, :-1]", ["x[:, :1]"]),
        ("a + 0.5 * b", ["a - 0.5 * b", "a + 0.5 / b", "a + 0.505 * b"]),
        ("x[~m]", ["x[m]"]),
        ("a >= 2", ["a > 2", "a >= 3"]),
        ("u if c else v", ["v if c else u"]),
        ("f(KNOWLEDGE, alpha=0.5)", ["f(ATTENTION, alpha=0.5)"]),
        ("-x", ["x"]),
    ],
)
def test_changes_are_those_of_the_list(source, mutants):
    tree = ast.parse(f"def f():\n    return {source}")
    found = {text for text, _, _ in perturb.mutants_of_tree(tree)}
    assert found == {f"f: return {mutant}" for mutant in mutants}
