"""A sweep gives what a plain loop gives, whoever computes it and whatever is killed on the way."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from datetime import date, datetime
from functools import partial
from importlib import import_module
from pathlib import Path

import dask
import distributed
import numpy as np
import pandas as pd
import pytest
import torch

from mtl_helpers.data import DataError, make_loader
from mtl_helpers.datasets import LEFT, RIGHT, two_digits
from mtl_helpers.evaluation import pareto_front, sweep
from mtl_helpers.models import ImageEncoder, MultiTaskModel
from mtl_helpers.training import fit, validate

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = [{"weight": round(0.05 + 0.09 * i, 2), "seed": seed} for i in range(11) for seed in range(5)]


def train(config: dict) -> dict:
    """Two digits, for an eighth of the usual steps; validation accuracy by task. (`make bench` times the whole.)"""
    digits = two_digits(1000, 500, 50, seed=config["seed"])
    torch.manual_seed(config["seed"])
    model = MultiTaskModel(ImageEncoder(), [LEFT, RIGHT])
    loader = make_loader(digits.train, 32, shuffle=True, seed=config["seed"])
    weights = {"left": config["weight"], "right": 1 - config["weight"]}
    fit(model, loader, torch.optim.AdamW(model.parameters(), lr=0.006), steps=50, weights=weights)
    return {**validate(model, make_loader(digits.val, 250))[1], "threads": torch.get_num_threads()}


def kills_its_worker_once(config: dict, marker: str) -> dict:
    """As `train`, but half-way through the sweep the worker is killed, the first time it comes there."""
    if config == CONFIGS[len(CONFIGS) // 2] and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return train(config)


def square(config: dict) -> dict:
    return {"square": config["x"] ** 2}


def fails_at_two(config: dict) -> dict:
    if config["x"] == 2:
        raise RuntimeError("two is too much")
    return square(config)


def dies_once(config: dict) -> dict:
    marker = Path(config["marker"])
    if config["x"] == 2 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return square(config)


def always_dies_at_two(config: dict) -> dict:
    if config["x"] == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return square(config)


def dies(config: dict, marker: str) -> dict:
    """Run 1 always kills its worker, and whatever waits there for its turn."""
    if config["x"] == 1:
        with open(marker, "a", encoding="utf-8") as file:
            file.write("x")
        os.kill(os.getpid(), signal.SIGKILL)
    return square(config)


def numbers(n: int, **more) -> list[dict]:
    return [{"x": x, **more} for x in range(n)]


def quiet(*args, **options) -> pd.DataFrame:
    return sweep(*args, **options, progress=False)


@pytest.fixture(scope="module")
def serial() -> pd.DataFrame:
    threads = torch.get_num_threads()
    table = quiet(CONFIGS, train, processes=1)
    assert torch.get_num_threads() == threads
    return table


def test_a_sweep_is_the_loop_in_the_order_of_its_configs(serial):
    assert serial[["weight", "seed"]].to_dict("records") == CONFIGS
    assert set(serial.threads) == {1} and set(serial.error) == {""} and (serial.seconds > 0).all()
    row = CONFIGS[3]
    assert {name: serial.loc[3, name] for name in ("left", "right")} == pytest.approx(
        {name: train(row)[name] for name in ("left", "right")}, abs=0
    )


def test_processes_give_the_same_bit_for_bit(serial):
    pd.testing.assert_frame_equal(
        quiet(CONFIGS, train, processes=2).drop(columns="seconds"), serial.drop(columns="seconds")
    )


def test_eleven_weights_and_five_seeds_have_a_front(serial):
    means = serial.groupby("weight")[["left", "right"]].mean()
    front = means[pareto_front(means)]
    print(f"\nthe front of {len(serial)} runs:\n{front.round(3)}")
    assert len(means) == 11 and len(front) >= 2
    assert front.left.is_monotonic_increasing and front.right.is_monotonic_decreasing


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    scratch = str(tmp_path_factory.mktemp("dask"))
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "local_directory": scratch}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        yield client


def test_a_dask_cluster_gives_the_same_bit_for_bit_with_a_worker_killed_half_way(serial, cluster, tmp_path):
    run = partial(kills_its_worker_once, marker=str(tmp_path / "died"))
    table = quiet(CONFIGS, run, executor=cluster.get_executor())
    assert (tmp_path / "died").exists()
    pd.testing.assert_frame_equal(table.drop(columns="seconds"), serial.drop(columns="seconds"))


def test_what_a_cluster_gives_up_is_reported_and_a_run_that_stood_beside_it_is_not_lost(tmp_path):
    """Two runs in one worker, and one kills it: dask gives up both. Alone, only the culprit fails again."""
    run = partial(dies, marker=str(tmp_path / "died"))
    options = {"n_workers": 1, "threads_per_worker": 2, "dashboard_address": None, "local_directory": str(tmp_path)}
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(**options) as cluster,
        distributed.Client(cluster) as client,
    ):
        table = quiet([{"x": 1}, {"x": 0}], run, executor=client.get_executor())
    assert table.error[1] == "" and table.square[1] == 0 and "KilledWorker" in table.error[0]
    assert (tmp_path / "died").read_text(encoding="utf-8") == "xx"


@pytest.mark.parametrize("processes", [1, 2])
def test_a_run_that_fails_is_reported_and_stops_no_other(processes, capsys):
    table = quiet(numbers(5), fails_at_two, processes=processes)
    assert table.error.tolist() == ["", "", "RuntimeError: two is too much", "", ""]
    assert table.square.dropna().tolist() == [0, 1, 9, 16]
    assert "failed: {'x': 2}: RuntimeError: two is too much" in "".join(capsys.readouterr())


def test_with_a_worker_killed_on_the_way_it_still_completes(tmp_path):
    table = quiet(numbers(6, marker=str(tmp_path / "died")), dies_once, processes=2)
    assert table.square.tolist() == [0, 1, 4, 9, 16, 25] and (tmp_path / "died").exists()


def test_a_run_that_always_kills_its_worker_is_found(tmp_path):
    table = quiet(numbers(4), always_dies_at_two, processes=2, store=tmp_path / "runs.jsonl")
    assert table.square.dropna().tolist() == [0, 1, 9] and "was killed" in table.error[2]
    assert len((tmp_path / "runs.jsonl").read_text(encoding="utf-8").splitlines()) == 3, (
        "what failed is no finished run"
    )


SCRIPT = """
import sys, time
from pathlib import Path
from mtl_helpers.evaluation import sweep
store, log, go_on = map(Path, sys.argv[1:])
def run(config):
    with log.open("a", encoding="utf-8") as file:
        file.write(f"{config['x']}\\n")
    while config["x"] >= 8 and not go_on.exists():
        time.sleep(0.01)
    return {"square": config["x"] ** 2}
print(sweep([{"x": x} for x in range(20)], run, processes=2, store=store, progress=False).square.sum())
"""


def test_killed_half_way_and_begun_again_it_repeats_no_finished_run(tmp_path):
    """The first sweep can not come past its eighth run, however slow the machine: there it is killed."""
    store, log, go_on = (tmp_path / name for name in ("runs.jsonl", "log", "go_on"))
    command = [sys.executable, "-c", SCRIPT, str(store), str(log), str(go_on)]
    first = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    try:
        while not store.exists() or len(store.read_text(encoding="utf-8").splitlines()) < 8:
            assert first.poll() is None, "it ended before it could be killed"
            time.sleep(0.02)
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    finished = {json.loads(line)["result"]["square"] for line in store.read_text(encoding="utf-8").splitlines()}
    assert finished == {x**2 for x in range(8)}
    go_on.touch()
    log.write_text("", encoding="utf-8")
    second = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    assert second.stdout.split() == [str(sum(x**2 for x in range(20)))]
    assert sorted(map(int, log.read_text(encoding="utf-8").split())) == list(range(8, 20)), (
        "what was finished is not run again"
    )


LOKY = """
import sys
from mtl_helpers.evaluation import sweep
sys.modules["mtl_helpers.evaluation.running.sweep"].get_all_start_methods = lambda: ["spawn"]
def run(config):
    return {"square": config["x"] ** 2}
if __name__ == "__main__":
    print(sweep([{"x": x} for x in range(4)], run, processes=2, progress=False).square.tolist())
"""


def test_where_there_is_no_fork_a_function_of_main_still_runs():
    found = subprocess.run([sys.executable, "-c", LOKY], cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    assert found.stdout.strip() == "[0, 1, 4, 9]"


def test_a_line_cut_off_is_computed_again_and_what_is_done_is_not(tmp_path):
    store = tmp_path / "runs.jsonl"
    quiet(numbers(3), square, processes=1, store=store)
    lines = store.read_text(encoding="utf-8").splitlines(keepends=True)
    store.write_text("".join(lines[:2]) + lines[2][:10], encoding="utf-8")
    seen = []
    table = quiet(numbers(4), lambda config: seen.append(config["x"]) or square(config), processes=1, store=store)
    assert seen == [2, 3] and table.square.tolist() == [0, 1, 4, 9]
    assert len(store.read_text(encoding="utf-8").splitlines()) == 4


@pytest.mark.parametrize(
    ("configs", "run", "said"),
    [
        ([], square, "no config to run"),
        ([{"x": 1}, {"x": 1}], square, "stands in the sweep twice; add a seed"),
        ([{"x": object()}], square, "plain numbers"),
        ([{"x": 1}, {"x": 2}], lambda config: config, "define it at the top of a cell or module"),
    ],
)
def test_what_can_not_be_swept_is_refused(configs, run, said):
    with pytest.raises(DataError, match=said):
        quiet(configs, run, processes=2)


@pytest.mark.bad_input
@pytest.mark.parametrize("processes", [0, -1, True])
def test_a_number_of_processes_that_is_none_is_refused(processes):
    with pytest.raises(DataError, match=f"processes must be a whole number of at least 1; found {processes}"):
        quiet([{"x": 1}], square, processes=processes)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"model": object()}, "only numbers, texts, lists, .* can be kept; found <object"),
        ({"seconds": 1}, "needs the column 'seconds' for itself; let run return it under another name"),
        ({"error": "none"}, "needs the column 'error' for itself"),
        ({"x": 2}, "run returned 'x' = 2, but the config has 1 there; let run return it under another name"),
        (None, "run must return a dict of results by name; it returned None"),
    ],
)
def test_a_result_that_cannot_be_kept_is_an_error_of_its_run(result, said):
    assert re.search(said, quiet([{"x": 1}], lambda config: result, processes=1).error[0])


def returns_y(config: dict) -> dict:
    return {"y": 5} if "x" in config else {"z": 6}


@pytest.mark.bad_input
@pytest.mark.parametrize("processes", [1, 2])
def test_a_result_named_like_the_column_of_other_configs_is_an_error_of_its_run(processes):
    table = quiet([{"x": 1}, {"y": 2}], returns_y, processes=processes)
    assert "run returned 'y', and other configs of the sweep have a column of that name" in table.error[0]
    assert table.error[1] == "" and table.y[1] == 2 and table.z[1] == 6


@pytest.mark.bad_input
@pytest.mark.parametrize("name", ["error", "seconds"])
def test_a_column_that_a_sweep_adds_is_refused_in_a_config(name):
    with pytest.raises(DataError, match=f"needs the column '{name}' for itself; give it another name in the configs"):
        quiet([{name: 1}], square)


def all_kinds(config: dict) -> dict:
    return {
        "x": np.int64(config["x"]),
        "key": torch.tensor(0.5),
        "curve": torch.ones(2, dtype=torch.bfloat16),
        "front": np.array([True, False]),
        "at": datetime(2026, 1, 31, 12),
        "file": Path("runs") / "a",
        "pair": (np.float32(0.25), date(2026, 1, 31)),
        "by": {"task": [np.datetime64("2026-01-31")]},
    }


@pytest.mark.parametrize("processes", [1, 2])
def test_numpy_torch_dates_and_paths_come_back_plain_and_the_same_from_the_file(processes, tmp_path):
    store = tmp_path / "runs.jsonl"
    first = quiet([{"x": np.int64(1)}], all_kinds, processes=processes, store=store)
    assert first.drop(columns=["seconds", "error"]).to_dict("records") == [
        {
            "x": 1,
            "key": 0.5,
            "curve": [1.0, 1.0],
            "front": [True, False],
            "at": "2026-01-31T12:00:00",
            "file": str(Path("runs") / "a"),
            "pair": [0.25, "2026-01-31"],
            "by": {"task": ["2026-01-31"]},
        }
    ]
    pd.testing.assert_frame_equal(quiet([{"x": 1}], square, store=store), first)


def meets_another(config: dict) -> dict:
    """Draws on its seed, with time for another thread to come between."""
    torch.manual_seed(config["seed"])
    drawn = []
    for _ in range(20):
        drawn.append(torch.rand(1).item())
        time.sleep(0.001)
    return {"drawn": drawn}


def test_threads_of_one_process_do_not_mix_their_seeds():
    """As the threads of a Dask worker: torch's seed is one for the process, so they take turns."""
    seeds = [{"seed": seed} for seed in range(6)]
    with ThreadPoolExecutor(3) as threads:
        table = quiet(seeds, meets_another, executor=threads)
    assert table.drawn.tolist() == quiet(seeds, meets_another, processes=1).drawn.tolist()


INTERRUPTED = """
import os, sys, time
from pathlib import Path
from mtl_helpers.evaluation import sweep
store, log = map(Path, sys.argv[1:])
def run(config):
    with log.open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\\n")
    if config["x"] >= 6:
        time.sleep(600)
    return {"square": config["x"] ** 2}
try:
    sweep([{"x": x} for x in range(20)], run, processes=int(os.environ["PROCESSES"]), store=store, progress=False)
except KeyboardInterrupt:
    print("interrupted")
"""


def ended(pid: int) -> bool:
    """No such process, or one that only waits to be counted out."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def started(tmp_path: Path, processes: int) -> tuple[subprocess.Popen, Path, set[int]]:
    """A sweep whose workers are all in the middle of a run of 10 minutes, six runs being finished."""
    store, log = tmp_path / "runs.jsonl", tmp_path / "log"
    command = [sys.executable, "-c", INTERRUPTED, str(store), str(log)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        start_new_session=True,
        stdout=subprocess.PIPE,
        env=os.environ | {"PROCESSES": str(processes)},
    )
    while not log.exists() or len(log.read_text(encoding="utf-8").splitlines()) < 6 + processes:
        assert process.poll() is None
        time.sleep(0.02)
    return process, store, set(map(int, log.read_text(encoding="utf-8").split())) - {process.pid}


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("to_all", [False, True], ids=["from code", "from the keyboard"])
def test_an_interrupt_ends_it_and_every_finished_run_is_kept(processes, to_all, tmp_path):
    """The runs under way would last 10 minutes."""
    process, store, workers = started(tmp_path, processes)
    (os.killpg if to_all else os.kill)(process.pid, signal.SIGINT)
    assert process.communicate(timeout=60)[0] == b"interrupted\n" and process.returncode == 0
    assert sorted(json.loads(line)["result"]["square"] for line in store.read_text(encoding="utf-8").splitlines()) == [
        x**2 for x in range(6)
    ]
    assert all(map(ended, workers))


class InterruptedWhileItIsGivenWork(Executor):
    """Does a run as soon as it is submitted; Ctrl-C comes with the fourth."""

    _processes = None

    def submit(self, call, *values):
        if values[-1]["x"] == 3:
            raise KeyboardInterrupt
        future = Future()
        future.set_result(call(*values))
        return future


def test_what_is_finished_is_kept_where_the_interrupt_comes_before_all_runs_are_handed_out(tmp_path, monkeypatch):
    module = import_module("mtl_helpers.evaluation.running.sweep")
    monkeypatch.setattr(module, "_pool", lambda processes: InterruptedWhileItIsGivenWork())
    with pytest.raises(KeyboardInterrupt):
        quiet(numbers(6), square, processes=2, store=tmp_path / "runs.jsonl")
    assert len((tmp_path / "runs.jsonl").read_text(encoding="utf-8").splitlines()) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_workers_end_when_their_parent_was_killed(tmp_path):
    process, _, workers = started(tmp_path, 2)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 60
    while not all(map(ended, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert workers and all(map(ended, workers))


@pytest.mark.bad_input
def test_a_file_without_a_line_end_that_is_no_sweep_s_is_left_as_it_is(tmp_path):
    (tmp_path / "notes.txt").write_text("my notes", encoding="utf-8")
    with pytest.raises(DataError, match=r"Line 1 of .*notes.txt is no finished run"):
        quiet(numbers(2), square, store=tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "my notes"


def test_a_file_of_something_else_is_named(tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"Line 1 of .*other.csv is no finished run"):
        quiet(numbers(2), square, store=tmp_path / "other.csv")


def test_what_is_no_list_of_configs_or_no_store_bad_input(tmp_path):
    cases = {
        "configs is a list of dicts; found the single config {'x': 1}. Write [config].": ({"x": 1}, {}),
        "A config must be a dict of plain numbers, texts, lists or dicts; found 0.1: it is a float.": ([0.1], {}),
        "processes must be a whole number of at least 1; found 0.": ([{"x": 1}], {"processes": 0}),
        "processes must be a whole number of at least 1; found -1.": ([{"x": 1}], {"processes": -1}),
        f"A sweep's store is a file, such as {tmp_path / 'runs.jsonl'}; {tmp_path} is": (
            [{"x": 1}],
            {"store": tmp_path},
        ),
    }
    for said, (configs, options) in cases.items():
        with pytest.raises(DataError) as caught:
            sweep(configs, dict, progress=False, **{"processes": 1, **options})
        assert said in str(caught.value)
