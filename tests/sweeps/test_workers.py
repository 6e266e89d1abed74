"""The same runs on one process, on two, and on a Dask cluster whose workers may be killed."""

import multiprocessing
import socket
import sys
import threading
from functools import partial

import pytest
import torch
from tiny_sweep import make_free_plan, make_plan
from torch import nn

from twostage.files import ChapterError
from twostage.sweeps.tables import run_plan
from twostage.sweeps.workers import (
    compute_here,
    compute_on_cluster,
    compute_run,
    connect,
    hash_code,
    name_code,
)
from twostage.training import TrainConfig, train

LOOPBACK = "127.0.0.1"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2,
        threads_per_worker=2,
        host=LOOPBACK,
        dashboard_address=f"{LOOPBACK}:0",
        local_directory=tmp_path_factory.mktemp("dask"),
    ) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    run_plan(make_free_plan(), folder, partial(compute_here, jobs=1))
    return (folder / "free_heads.csv").read_bytes()


@pytest.mark.slow
def test_two_processes_make_the_table_of_one(alone, tmp_path):
    run_plan(make_free_plan(), tmp_path, partial(compute_here, jobs=2))
    assert (tmp_path / "free_heads.csv").read_bytes() == alone


@pytest.mark.slow
def test_a_cluster_makes_the_table_of_one_process(alone, tmp_path, cluster):
    with connect(cluster.scheduler_address) as client:
        run_plan(make_free_plan(), tmp_path, partial(compute_on_cluster, client=client))
    assert (tmp_path / "free_heads.csv").read_bytes() == alone


def test_a_failure_on_a_cluster_is_recorded_and_stops_nothing(tmp_path, cluster):
    with connect(cluster.scheduler_address) as client:
        place = partial(compute_on_cluster, client=client)
        assert run_plan(make_plan(fails=[1]), tmp_path, place) == [("steps=5", 1), ("steps=10", 1)]


def test_the_runs_of_a_worker_that_is_killed_finish_elsewhere(tmp_path, cluster):
    plan = make_plan(n_seeds=6, dies=[3], once=str(tmp_path / "once"))
    with connect(cluster.scheduler_address) as client:
        place = partial(compute_on_cluster, client=client)
        assert run_plan(plan, tmp_path, place) == []
    assert (tmp_path / "once").exists()
    unharmed = make_plan(n_seeds=6)
    run_plan(unharmed, tmp_path / "unharmed", partial(compute_here, jobs=1))
    table = (tmp_path / "unharmed" / "tiny.csv").read_bytes()
    assert (tmp_path / "tiny.csv").read_bytes() == table


@pytest.mark.slow
def test_a_process_that_dies_costs_its_run_and_perhaps_one_beside_it(tmp_path, capsys):
    plan = make_plan(n_seeds=6, dies=[3], once=str(tmp_path / "once"))
    failed = run_plan(plan, tmp_path, partial(compute_here, jobs=2))
    assert 1 <= len(failed) <= 2 and any(seed == 3 for _, seed in failed)
    err = capsys.readouterr().err
    assert err.count("a process died; killed, or out of memory?") == err.count("\n") == len(failed)
    assert run_plan(plan, tmp_path, partial(compute_here, jobs=2)) == []


def test_a_run_says_what_computed_it():
    line = compute_run(make_plan().compute, "steps=5", {"steps": 5}, 0)
    assert line["made"] == name_code() | {"device": line["made"]["device"]}
    assert line["made"]["device"].endswith("CPU, one thread")
    assert line["seconds"] >= 0 and line["rows"]["step"] == [0, 5]


def test_code_outside_a_repository_or_without_git_has_no_commit(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert name_code.__wrapped__()["commit"] == "unknown"
    monkeypatch.undo()
    monkeypatch.setattr(
        "twostage.sweeps.workers.__file__", "/nowhere/lib/site-packages/twostage/x.py"
    )
    assert name_code.__wrapped__()["commit"] == "unknown"


def test_the_name_of_the_code_changes_with_any_of_its_files(tmp_path, monkeypatch):
    monkeypatch.setattr("twostage.sweeps.workers.__file__", str(tmp_path / "workers.py"))
    (tmp_path / "half").mkdir()
    names = [hash_code()]
    for text in ("x = 1", "x = 2", "x = 1"):
        (tmp_path / "half" / "model.py").write_text(text)
        names.append(hash_code())
    assert len(set(names)) == 3 and names[1] == names[3]


@pytest.mark.parametrize("process, bars", [("MainProcess", True), ("Worker-2", False)])
def test_only_the_first_process_draws_bars_of_training(monkeypatch, capsys, process, bars):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(multiprocessing.current_process(), "name", process)
    train(nn.Linear(1, 1), [torch.ones(1)], lambda model, x: model(x), TrainConfig(1))
    assert bool(capsys.readouterr().err) is bars


# Schedulers that are none ---------------------------------------------------------------------


def answer(server, reply):
    connections = []
    while True:
        connections.append(server.accept()[0])
        connections[-1].sendall(reply)


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\nno such page" * 9])
def test_what_answers_otherwise_is_no_scheduler(monkeypatch, reply):
    monkeypatch.setattr("twostage.sweeps.workers.TIMEOUT", 0.5)
    with socket.create_server((LOOPBACK, 0)) as server:
        threading.Thread(target=answer, args=(server, reply), daemon=True).start()
        check_refused(f"tcp://{LOOPBACK}:{server.getsockname()[1]}")


@pytest.mark.parametrize("address", [f"tcp://{LOOPBACK}:1", LOOPBACK, "tcp://", "post://x:1"])
def test_an_address_without_a_scheduler_is_refused_soon(monkeypatch, address):
    monkeypatch.setattr("twostage.sweeps.workers.TIMEOUT", 0.5)
    check_refused(address)


def check_refused(address):
    with pytest.raises(ChapterError, match=f"^no Dask scheduler answers at {address} "):
        with connect(address):
            pass


def test_without_dask_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ChapterError, match=r"needs Dask, .*: pip install 'twostage\[cluster\]'"):
        with connect(f"tcp://{LOOPBACK}:1"):
            pass
