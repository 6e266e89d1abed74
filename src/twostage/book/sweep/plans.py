"""What `twostage sweep` and `twostage record` can run: every experiment, and every chapter."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from twostage.book import notebooks, running
from twostage.book.parameters import Parameters
from twostage.experiments import Experiment, list_fields, set_fields
from twostage.files import ChapterError, suggest
from twostage.sweeps.tables import Plan, choose, make_conditions
from twostage.topics.experiments.registry import EXPERIMENTS as TOPICS
from twostage.translation.experiments.registry import EXPERIMENTS as TRANSLATION

EXPERIMENTS = {each.name: each for each in (*TOPICS, *TRANSLATION)}
MANY = 10_000  # runs that are not begun unless they are confirmed


@dataclass(frozen=True)
class Request:
    """What is asked for, not checked yet; what is left empty is as the subject has it."""

    subject: str  # the name of an experiment or of a chapter
    grid: Mapping[str, Sequence[object]] = field(default_factory=dict)
    values: Mapping[str, object] = field(default_factory=dict)  # that hold at every point
    seeds: Sequence[int] = ()
    conditions: Sequence[str] = ()
    measures: Sequence[str] = ()
    confirmed: bool = False  # however many runs it takes

    def check(self, known: Mapping[str, Collection[str]]) -> None:
        """Refuse names that are not known, by their kind, and values of the grid that lack."""
        asked = {"parameter": [*self.grid, *self.values]}
        asked |= {"condition": self.conditions, "measure": self.measures}
        for kind, names in asked.items():
            for name in names:
                choose(name, known[kind], self.subject, kind)
        for name in [name for name, values in self.grid.items() if not values]:
            raise ChapterError(f"the grid gives {name} no value: write {name}=1,2,3")

    def count(self, n_conditions: int, n_seeds: int) -> None:
        """Refuse more runs than anybody starts by mistake."""
        n_runs = n_conditions * math.prod(map(len, self.grid.values())) * n_seeds
        if n_runs > MANY and not self.confirmed:
            raise ChapterError(f"these are {n_runs:,} runs, more than {MANY:,}: add --yes")


def make_plan(request: Request, folder: Path, command: str) -> Plan:
    """Check a request and build all settings; ChapterError says what can be asked for."""
    if request.subject in EXPERIMENTS:
        return plan_experiment(EXPERIMENTS[request.subject], request, command)
    try:
        chapter = notebooks.find_chapter(request.subject)
    except ChapterError as error:
        what = f"no experiment {request.subject!r}{suggest(request.subject, EXPERIMENTS)}"
        raise ChapterError(f"{what}; there are {', '.join(EXPERIMENTS)}; and {error}") from None
    return plan_chapter(chapter, request, folder, command)


def plan_experiment(experiment: Experiment, request: Request, command: str) -> Plan:
    """Plan conditions of an experiment, all of them by default, or its base, over a grid."""
    known = {
        "parameter": list_fields(experiment.base),
        "condition": experiment.conditions,
        "measure": experiment.measures,
    }
    request = replace(
        request,
        conditions=_split(request.conditions, known["condition"]),
        measures=_split(request.measures, known["measure"]),
    )
    request.check(known)
    chosen: Mapping[str, Mapping[str, object]] = {"": {}}
    if request.conditions or not request.grid:
        chosen = {c: experiment.conditions[c] for c in request.conditions or experiment.conditions}
    seeds, measures = request.seeds or experiment.seeds, request.measures or experiment.measures
    request.count(len(chosen), len(seeds))
    build = partial(set_fields, experiment.base)
    conditions = make_conditions(chosen, request.grid, request.values, build)
    compute = partial(compute_experiment, experiment.name, tuple(measures))
    about = describe_experiment(experiment, conditions)
    return Plan(experiment.name, conditions, seeds, compute, measures, command, about)


def _split(texts: Sequence[str], known: Collection[str]) -> list[str]:
    """Take names given as 'a,b' apart, unless that is a name itself."""
    apart = [[text] if text in known else text.split(",") for text in texts]
    return list(dict.fromkeys(name.strip() for names in apart for name in names))


def describe_experiment(experiment: Experiment, conditions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the question, the rule of success in words, and what theory predicts of it."""
    rule = " and ".join(f"{each.measure} >= {each.passed:g}" for each in experiment.success)
    about = {"question": experiment.question}
    about |= {"success": f"{rule} at the last record"} if rule else {}
    if experiment.predict:
        told = {name: experiment.predict(settings) for name, settings in conditions.items()}
        about["predicted"] = {name: share for name, share in told.items() if share is not None}
    return about


def compute_experiment(
    name: str, measures: tuple[str, ...], condition: str, settings: Any, seed: int
) -> pd.DataFrame:
    """Run the experiment of this name once, in whatever process this is."""
    experiment = replace(EXPERIMENTS[name], base=settings, conditions={condition: {}})
    return replace(experiment, measures=measures).tabulate(condition, [seed])


def plan_chapter(chapter: Path, request: Request, folder: Path, command: str) -> Plan:
    """Plan a chapter over a grid of its parameters; its notebooks go to a folder of `folder`."""
    parameters = notebooks.read_parameters(chapter)
    if "seed" not in parameters or "seed" in {**request.grid, **request.values}:
        raise ChapterError(f"{chapter.stem} takes its parameter 'seed' from --seeds alone")
    request.check({"parameter": parameters, "condition": (), "measure": ()})
    seeds = request.seeds or [parameters["seed"].default]
    request.count(1, len(seeds))
    for seed in seeds:
        parameters["seed"].check(seed)
    build = partial(_fill_in, parameters, chapter.stem, seeds)
    conditions = make_conditions({"": {}}, request.grid, request.values, build)
    compute = partial(compute_chapter, chapter.resolve(), folder.resolve() / "notebooks")
    about, code = {"question": notebooks.read_title(chapter)}, notebooks.hash_cells(chapter)
    return Plan(chapter.stem, conditions, seeds, compute, (), command, about, code)


def _fill_in(
    parameters: Parameters, chapter: str, seeds: Sequence[int], values: Mapping[str, object]
) -> dict[str, object]:
    given = {name: parameters[name].check(value) for name, value in values.items()}
    for seed in seeds:
        parameters.check_rules({**given, "seed": seed}, chapter)
    default = {each.name: each.default for each in parameters.values() if each.name != "seed"}
    return default | {
        name: notebooks.from_here(parameters[name], value) for name, value in given.items()
    }


def compute_chapter(
    chapter: Path, folder: Path, condition: str, settings: Mapping[str, Any], seed: int
) -> pd.DataFrame:
    """Run a chapter once; its one record holds the values of its claims and its glued numbers."""
    from twostage.book.claims import LEDGER

    output = folder / f"{quote(condition, safe=' ,=')}, seed {seed}.ipynb"
    folder.mkdir(parents=True, exist_ok=True)
    output.unlink(missing_ok=True)
    running.run_chapter(chapter, {**settings, "seed": seed}, output)
    claims = {row["id"]: float(row["value"]) for row in notebooks.read_rows(output, LEDGER)}
    run = {"experiment": chapter.stem, "condition": condition, "seed": seed, "step": 0}
    return pd.DataFrame([run | claims | notebooks.read_glued(output)])
