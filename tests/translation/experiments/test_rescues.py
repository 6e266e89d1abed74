"""What should rescue is said beforehand."""

from twostage.translation import experiments

ALL = {  # fixed before the runs, and said beforehand in the chapter on rescues
    "from scratch": 0.5,
    "KTIW of a copier": 1,
    "KTIW of a uniform donor": 1,
    "query of a copier": 0.5,
    "query and decoder of a copier": 0.5,
    "attention map of a copier": 1,
    "uniform on repeats, released": 1,
    "uniform on permutations, released": 0.5,
    "uniform on shuffled repeats, released": 1,
    "uniform on shuffled permutations, released": 0.5,
    "12 of 18 words, from scratch": 0.5,
    "uniform on 18 words, released": 1,
    "2 steps of repeats first": 1,
    "5 steps of repeats first": 1,
    "10 steps of repeats first": 1,
    "20 steps of repeats first": 1,
}


def test_every_rescue_is_predicted_by_its_rule_as_it_was_before_the_runs():
    rescues = experiments.RESCUES
    settings = {name: rescues.settings(name) for name in rescues.conditions}
    assert {name: rescues.predict(one) for name, one in settings.items()} == ALL


def test_a_map_of_uniform_attention_is_no_map():
    lesson = experiments.Lesson(attention="uniform")
    settings = experiments.CopySettings(lesson=lesson, parts=experiments.MAP)
    assert experiments.predict_rescue(settings) == 0.5
