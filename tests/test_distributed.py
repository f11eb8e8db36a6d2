"""Two processes take the steps that one would take, in words as in numbers: to 1e-5 per step."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_models import save_tiny

from mtl_helpers.data import load_reviews

SCRIPT = ["-m", "mtl_helpers.training.distributed"]
TWO = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def losses(launcher: list[str], *options: str) -> list[dict[str, float]]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, *launcher, *SCRIPT, *options]
    result = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture(scope="module")
def bert(tmp_path_factory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("bert"), "bert", list(load_reviews().text[:200]))


@pytest.mark.parametrize("case", ["CNN", "CNN, one row a step", "BERT with LoRA"])
def test_two_processes_take_the_steps_of_one(case, bert):
    """One row a step leaves a process without any; in every case some labels are missing."""
    options = {
        "CNN": ("--steps", "8", "--lr", "0.01"),
        "CNN, one row a step": ("--steps", "8", "--batch-size", "1"),
        "BERT with LoRA": ("--steps", "6", "--encoder", str(bert), "--batch-size", "7", "--lr", "0.01"),
    }[case]
    one, two = losses([], *options), losses(TWO, *options)
    assert len(one) == len(two) == int(options[1])
    for alone, shared in zip(one, two, strict=True):
        assert alone == pytest.approx(shared, rel=1e-5, abs=1e-5)
    assert abs(one[0]["topic"] - one[-1]["topic"]) > 1e-4, "nothing was learnt: the comparison would say nothing"


def test_mixed_precision_is_near_and_not_the_same():
    full, mixed = losses([], "--steps", "3"), losses([], "--steps", "3", "--precision", "bf16")
    assert full != mixed and full[2]["topic"] == pytest.approx(mixed[2]["topic"], rel=0.02)
