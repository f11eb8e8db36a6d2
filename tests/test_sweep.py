"""A sweep gives what a plain loop gives, whoever computes it and whatever is killed on the way."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch

from mtl_helpers.data import DataError, make_loader
from mtl_helpers.datasets import LEFT, RIGHT, two_digits
from mtl_helpers.evaluation import sweep
from mtl_helpers.models import ImageEncoder, MultiTaskModel
from mtl_helpers.training import fit, validate

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = [{"weight": weight, "seed": seed} for weight in (0.1, 0.5, 0.9) for seed in range(2)]


def train(config: dict) -> dict:
    """A few steps on two digits; validation loss by task."""
    digits = two_digits(200, 50, 50, seed=config["seed"])
    torch.manual_seed(config["seed"])
    model = MultiTaskModel(ImageEncoder(channels=4, hidden=16), [LEFT, RIGHT])
    loader = make_loader(digits.train, 32, shuffle=True, seed=config["seed"])
    weights = {"left": config["weight"], "right": 1 - config["weight"]}
    fit(model, loader, torch.optim.AdamW(model.parameters(), lr=0.01), steps=20, weights=weights)
    return {**validate(model, make_loader(digits.val, 50))[0], "threads": torch.get_num_threads()}


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


def test_a_dask_cluster_gives_the_same_bit_for_bit(serial, tmp_path):
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "local_directory": str(tmp_path)}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        client.run(sys.path.append, str(ROOT / "tests"))
        table = quiet(CONFIGS, train, executor=client.get_executor())
    pd.testing.assert_frame_equal(table.drop(columns="seconds"), serial.drop(columns="seconds"))


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
    assert len((tmp_path / "runs.jsonl").read_text().splitlines()) == 3, "what failed is no finished run"


SCRIPT = """
import sys, time
from mtl_helpers.evaluation import sweep
def run(config):
    with open(sys.argv[2], "a") as log:
        log.write(f"{config['x']}\\n")
    time.sleep(0.1)
    return {"square": config["x"] ** 2}
print(sweep([{"x": x} for x in range(20)], run, processes=2, store=sys.argv[1], progress=False).square.sum())
"""


def test_killed_half_way_and_begun_again_it_repeats_no_finished_run(tmp_path):
    store, log = tmp_path / "runs.jsonl", tmp_path / "log"
    command = [sys.executable, "-c", SCRIPT, str(store), str(log)]
    first = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    while not store.exists() or len(store.read_text().splitlines()) < 6:
        assert first.poll() is None, "it ended before it could be killed"
        time.sleep(0.02)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    finished = {json.loads(line)["result"]["square"] for line in store.read_text().splitlines()}
    begun = log.read_text().split()
    log.write_text("")
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert second.stdout.split() == [str(sum(x**2 for x in range(20)))]
    again = log.read_text().split()
    assert 6 <= len(finished) < 20 and {int(x) ** 2 for x in again} == {x**2 for x in range(20)} - finished
    assert len(again) == len(set(again)) and len(begun) <= len(finished) + 3


def test_a_line_cut_off_is_computed_again_and_what_is_done_is_not(tmp_path):
    store = tmp_path / "runs.jsonl"
    quiet(numbers(3), square, processes=1, store=store)
    lines = store.read_text().splitlines(keepends=True)
    store.write_text("".join(lines[:2]) + lines[2][:10])
    seen = []
    table = quiet(numbers(4), lambda config: seen.append(config["x"]) or square(config), processes=1, store=store)
    assert seen == [2, 3] and table.square.tolist() == [0, 1, 4, 9]
    assert len(store.read_text().splitlines()) == 4


@pytest.mark.parametrize(
    ("configs", "run", "said"),
    [
        ([], square, "no config to run"),
        ([{"x": 1}, {"x": 1}], square, "stands in the sweep twice; add a seed"),
        ([{"x": torch.ones(1)}], square, "plain numbers"),
        ([{"x": 1}, {"x": 2}], lambda config: config, "define it at the top of a cell or module"),
    ],
)
def test_what_can_not_be_swept_is_refused(configs, run, said):
    with pytest.raises(DataError, match=said):
        quiet(configs, run, processes=2)


def test_a_result_that_can_not_be_kept_is_an_error_of_its_run():
    assert "not JSON serializable" in quiet([{"x": 1}], lambda config: {"model": torch.ones(1)}, processes=1).error[0]


def test_a_file_of_something_else_is_named(tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"Line 1 of .*other.csv is no finished run"):
        quiet(numbers(2), square, store=tmp_path / "other.csv")
