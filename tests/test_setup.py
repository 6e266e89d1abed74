"""Setting up: which Python, whose .venv, what ruff reads, and that nothing is left in the tree."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from tiny_book import snapshot

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text()
FITS = re.search(r"^FITS := (.+)$", MAKEFILE, re.MULTILINE)[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture
def folder(tmp_path):
    """A folder that `make` can set up, under a name that a careless command line breaks at."""
    folder = tmp_path / "Tom's Bücher & mehr"
    folder.mkdir()
    for name in ("Makefile", "requirements.txt", "constraints.txt", "pyproject.toml"):
        shutil.copy2(ROOT / name, folder)
    return folder


def make(folder, *arguments, **environment):
    """Run `make` in a folder; PATH and more may be replaced."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "PYTHON"}
    command = ["make", "--no-print-directory", *arguments]
    environment = {**kept, **environment}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def pretend(path, version):
    """Write a Python that takes itself for another version and does nothing else."""
    script = f"import sys; sys.version_info = {version}; {FITS}"
    path.write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(script)}\n")
    path.chmod(0o755)
    return path


# Which Python ---------------------------------------------------------------------------------


@pytest.mark.parametrize("minor", range(9, 17))
def test_make_takes_the_versions_that_the_metadata_allows(minor):
    allowed = SpecifierSet(PROJECT["requires-python"]).contains(f"3.{minor}.1")
    script = f"import sys; sys.version_info = (3, {minor}, 1); {FITS}"
    assert (subprocess.run([sys.executable, "-c", script]).returncode == 0) == allowed
    readme = (ROOT / "README.md").read_text()
    assert (f"3.{minor}" in re.search(r"^Python 3.*?;", readme, re.MULTILINE)[0]) == allowed


@pytest.mark.parametrize("version", [(3, 10, 13), (3, 14, 0)])
def test_a_python_that_does_not_fit_is_refused_in_one_line_and_nothing_is_left(folder, version):
    python = pretend(folder.parent / "a python", version)
    before = snapshot(folder)
    done = make(folder, "book", f"PYTHON={python}")
    line, by_make = done.stderr.splitlines()
    assert line.startswith(f"{python} does not fit: the book needs Python 3.11, 3.12 or 3.13 with")
    assert done.returncode == 2 and by_make.startswith("make: ***")
    assert snapshot(folder) == before and not (folder / ".venv").exists()


@pytest.mark.parametrize(
    "there, chosen",
    [
        ({"python3": (3, 12, 0), "python3.11": (3, 11, 0)}, "python3"),
        ({"python3": (3, 14, 0), "python3.11": (3, 11, 0), "python3.13": (3, 13, 0)}, "python3.13"),
        ({"python3": (3, 9, 0), "python3.12": (3, 12, 0)}, "python3.12"),
    ],
)
def test_make_chooses_the_first_python_that_fits(folder, tmp_path, there, chosen):
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("make", "sh", "test", "grep", "echo"):
        (programs / name).symlink_to(shutil.which(name))
    for name, version in there.items():
        pretend(programs / name, version)
    done = make(folder, "--dry-run", ".venv/.ready", PATH=str(programs))
    assert f'"{chosen}" -m venv' in done.stdout, done


# Whose .venv ----------------------------------------------------------------------------------


def steps(folder):
    """What `make` would do to set a folder up."""
    return make(folder, "--dry-run", ".venv/.ready", f"PYTHON={sys.executable}").stdout


@pytest.fixture
def ready(folder):
    """A folder that is set up, as far as `make` can see."""
    venv.create(folder / ".venv", symlinks=True)
    (folder / ".venv" / ".ready").touch()
    assert "up to date" in steps(folder)
    return folder


def copy(ready):
    shutil.copytree(ready, ready.with_name("book2"), symlinks=True)
    return ready.with_name("book2")


def move(ready):
    return ready.rename(ready.with_name("moved"))


def lose_python(ready):
    for path in (ready / ".venv" / "bin").glob("python*"):
        path.unlink()
        path.symlink_to(ready / "gone")
    return ready


@pytest.mark.parametrize("change", [copy, move, lose_python])
def test_a_venv_of_another_folder_or_of_no_python_is_made_anew(ready, change):
    assert "-m venv --clear .venv" in steps(change(ready))


def test_a_venv_made_here_is_kept_with_what_is_in_it(ready):
    (ready / ".venv" / ".ready").unlink()
    assert "-m venv" in steps(ready) and "--clear" not in steps(ready)


def test_a_link_to_a_venv_elsewhere_is_never_cleared(ready):
    linked = copy(ready)
    (linked / ".venv").rename(linked / "shared")
    (linked / ".venv").symlink_to(linked / "shared")
    assert "--clear" not in steps(linked)


def test_the_tests_refuse_the_package_of_another_folder(tmp_path):
    (tmp_path / "twostage").mkdir()
    (tmp_path / "twostage" / "__init__.py").touch()
    command = [sys.executable, "-m", "pytest", "--collect-only", "conftest.py"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"twostage is {tmp_path}/twostage/__init__.py, not in {ROOT}" in run.stderr


# What is read, and what is left ---------------------------------------------------------------


def test_ruff_leaves_a_readers_files_alone(tmp_path):
    for name in ("pyproject.toml", "chapters/ruff.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    bad = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import os,sys")])
    ours = ["chapters/11_new.ipynb", "chapters/_ext/a.py", "src/twostage/a.py", "tests/topics/a.py"]
    ours += [".ci/a.py", "benchmarks/a.py", "conftest.py"]
    for name in (*ours, "my_run.ipynb", "runs/02.ipynb", "mine.py", "notes/a.py", "notes/a.ipynb"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        text = nbformat.writes(bad) if name.endswith("ipynb") else "import os,sys\n"
        (tmp_path / name).write_text(text)
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise", "."]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    found = re.findall(r"^([^:]+):.* E401 ", run.stdout, re.MULTILINE)
    assert sorted(found) == sorted(ours)


def test_installing_the_package_leaves_nothing_in_the_tree(tmp_path):
    tree, target = tmp_path / "tree", tmp_path / "target"
    skip = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", tree / "src", ignore=skip)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    before = snapshot(tree)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--no-compile", "--target", str(target), "."]
    subprocess.run(command, cwd=tree, check=True)
    assert snapshot(tree) == before
    package = {path.relative_to(tree / "src") for path in before if tree / "src" in path.parents}
    installed = {path.relative_to(target) for path in snapshot(target)}
    assert package == {path for path in installed if path.parts[0] == "twostage"}


def test_a_clone_has_the_same_bytes_whatever_autocrlf_says(tmp_path):
    clones = {value: tmp_path / value for value in ("true", "false")}
    for value, clone in clones.items():
        command = ["git", "-c", f"core.autocrlf={value}", "clone", "-q", str(ROOT), str(clone)]
        subprocess.run(command, check=True)
        shutil.rmtree(clone / ".git")
    one, other = (snapshot(clone) for clone in clones.values())
    assert [*one.values()] == [*other.values()] and len(one) > 100
    assert not [path for path, text in one.items() if b"\r\n" in text and b"\0" not in text]


def test_what_lab_installs_is_pinned_and_does_not_touch_the_rest():
    pins = {}
    for name in ("requirements-lab.txt", "constraints.txt"):
        lines = (ROOT / name).read_text().splitlines()
        found = [Requirement(line) for line in lines if line and not line.startswith("#")]
        assert all(str(each.specifier).startswith("==") for each in found)
        pins[name] = {each.name.lower() for each in found}
    lab, others = pins.values()
    assert "jupyterlab" in lab and not lab & others


# What is shown --------------------------------------------------------------------------------


def test_lists_are_quoted_in_every_command_that_is_shown():
    files = subprocess.check_output(["git", "ls-files", "*.md", "*.ipynb", "src"], cwd=ROOT)
    for name in files.decode().splitlines():
        found = re.findall(r"-p \w+=[^\s'\"]*[\[*?{]\S*", (ROOT / name).read_text())
        assert not found, f"{name}: quote {found}, or a shell takes the brackets for a pattern"
