"""The walk along the README: it finds the commands, runs them in order, and sees what is left."""

import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest
import walk_readme

ROOT = Path(__file__).parents[1]
README = """\
Text with `make nothing`.

```bash
make one     # and why
# a remark
make two -p 'a=[1, 2]' \\
  -o out#1
```

```python
print("no command")
```

<details>

```bash
make three
```
"""


@pytest.fixture
def clone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old").write_text("1")
    command = "git init -q && git add old && git -c user.name=a -c user.email=a commit -qm old"
    subprocess.run(["bash", "-c", command], check=True)
    return tmp_path


def test_commands_are_those_of_the_bash_blocks_in_order():
    commands = walk_readme.read_commands(README)
    assert commands == ["make one", "make two -p 'a=[1, 2]'    -o out#1", "make three"]


def test_the_readme_is_walked_whole_but_for_what_is_replaced():
    commands = walk_readme.read_commands((ROOT / "README.md").read_text())
    plan = walk_readme.plan_walk(commands)
    assert len(plan) == len(commands) - 1 and "make test" not in plan
    assert {"make book", "make test"} < set(commands)
    assert any("n_seeds=2" in command for command in plan)
    assert any("sweep free_heads" in command and "--seeds 0:2" in command for command in plan)
    assert not any("dask" in command or "--scheduler" in command for command in plan)
    assert any("twostage claims my_run.ipynb" in command for command in plan)


def test_a_replacement_that_replaces_nothing_is_said():
    with pytest.raises(SystemExit, match="does not say make test nor make serve nor"):
        walk_readme.plan_walk(["make book"])


def test_the_walk_stops_at_the_first_command_that_fails(clone):
    with pytest.raises(SystemExit, match="the README's command failed: false"):
        walk_readme.walk(["touch one", "false", "touch two"])
    assert (clone / "one").exists() and not (clone / "two").exists()


def test_a_server_is_visited_and_stopped_with_all_that_it_started(clone, monkeypatch):
    python = shlex.quote(sys.executable)
    monkeypatch.setattr(walk_readme, "SERVERS", (python,))
    monkeypatch.setattr(walk_readme, "PATIENCE", 30)
    logs, is_answered = [], walk_readme.is_answered

    def record(log):
        logs.append(log)
        return is_answered(log)

    monkeypatch.setattr(walk_readme, "is_answered", record)
    walk_readme.walk([f"{python} -u -m http.server 0 --bind 127.0.0.1 & wait"])
    deadline = time.monotonic() + 10
    while is_answered(logs[-1]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_answered(logs[-1])


def test_a_server_that_cuts_the_line_has_not_answered(monkeypatch):
    def cut(address, timeout):
        raise ConnectionResetError

    monkeypatch.setattr(walk_readme, "urlopen", cut)
    assert not walk_readme.is_answered("Serving on http://127.0.0.1:8000/ now")


def test_a_server_that_gives_no_address_fails(clone, monkeypatch):
    monkeypatch.setattr(walk_readme, "SERVERS", ("echo",))
    with pytest.raises(SystemExit, match="failed: echo no address"):
        walk_readme.walk(["echo no address"])


@pytest.mark.parametrize("name, mark", [("new", "??"), ("old", " M")])
def test_what_no_command_names_is_found(clone, name, mark):
    (clone / "my_run").touch()
    walk_readme.check_traces(["run -o my_run"])
    (clone / name).write_text("2")
    with pytest.raises(SystemExit, match=f"{re.escape(mark)} {name}"):
        walk_readme.check_traces(["run -o my_run"])
