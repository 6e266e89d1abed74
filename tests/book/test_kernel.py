"""What the kernel holds is checked as well: plain papermill and JupyterLab check nothing."""

from types import SimpleNamespace

import papermill
import pytest
from tiny_book import PARAMETERS, add_chapter, make_book

from twostage.book import kernel
from twostage.files import ChapterError

RULED = PARAMETERS + "# rule: steps * batch < 300\nbatch: int = 2  # size [1, 9]\n"
CHECK = "from twostage.book import kernel\n\nkernel.check_parameters()"


@pytest.fixture
def hold(monkeypatch):
    """Pretend to be in a kernel that ran these cells, each by plain Python."""

    def run(*cells):
        space = {"In": ["", *cells]}
        for cell in cells:
            exec(cell, space)
        monkeypatch.setattr(kernel, "get_ipython", lambda: SimpleNamespace(user_ns=space))

    return run


@pytest.mark.parametrize("given", ["", "# Parameters\nsteps = 9\nlearning_rate = 5\nbias = True\n"])
def test_what_the_cell_allows_passes(hold, given):
    hold("n = 1", RULED, given, CHECK.splitlines()[0])
    kernel.check_parameters()


@pytest.mark.parametrize(
    "given, answer",
    [
        ("steps = 'many'", "steps must be an int in [1, 100], got 'many'"),
        ("steps = 101", "steps must be an int in [1, 100], got 101"),
        (
            "init_scales = 0.1",
            "init_scales must be a list, each element a float in [1e-6, 1]",
        ),
        ("init_scales = '[0.1]'", "use papermill -y 'init_scales: [0.1, 0.01]'"),
        ("steps, batch = 40, 8", "steps * batch < 300 must hold, got steps=40, batch=8"),
        ("# Parameters\nstepz = 3\n", "no parameter 'stepz' (did you mean 'steps'?)"),
    ],
)
def test_what_it_does_not_allow_is_answered_by_name(hold, given, answer):
    hold(RULED, given)
    with pytest.raises(ChapterError) as caught:
        kernel.check_parameters()
    assert answer in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_cell_that_ran_last_counts(hold):
    hold(RULED, "steps = 101", RULED.replace("[1, 100]", "[1, 200]"), "steps = 101")
    kernel.check_parameters()


def test_a_cell_edited_beyond_its_range_is_named(hold):
    hold(RULED.replace("= 3", "= 300"))
    with pytest.raises(ChapterError, match="parameter cell, line 1: steps must be an int in"):
        kernel.check_parameters()


def test_a_check_before_the_parameters_says_so(hold):
    hold("n = 1")
    with pytest.raises(ChapterError, match="has not run yet"):
        kernel.check_parameters()


@pytest.mark.kernel
def test_plain_papermill_stops_at_the_check_with_one_line(tmp_path):
    chapter = add_chapter(make_book(tmp_path / "book"), "01_one", CHECK, parameters=RULED)
    given = {"init_scales": "[0.1]"}
    with pytest.raises(papermill.PapermillExecutionError) as caught:
        papermill.execute_notebook(
            chapter,
            tmp_path / "out.ipynb",
            given,
            kernel_name="python3",
            language="python",
            progress_bar=False,
        )
    assert caught.value.exec_count == 3
    assert caught.value.traceback == [f"ChapterError: {caught.value.evalue}"]
    assert "use papermill -y 'init_scales: [0.1, 0.01]'" in caught.value.evalue
