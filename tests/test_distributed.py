"""Two processes take the steps that one would take, in words as in numbers: to 1e-5 per step."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tiny_models import save_tiny

from mtl_helpers.data import load_reviews
from mtl_helpers.training import TrainingError
from mtl_helpers.training.distributed import Options, read_checkpoint, read_options

SCRIPT = ["-m", "mtl_helpers.training.distributed"]
TWO = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def losses(launcher: list[str], *options: str, script: list[str] = SCRIPT) -> list[dict[str, float]]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, *launcher, *script, *options]
    result = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture(scope="module")
def bert(tmp_path_factory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("bert"), "bert", list(load_reviews().text[:200]))


@pytest.fixture(scope="module")
def with_dropout(tmp_path_factory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("dropout"), "bert", list(load_reviews().text[:200]), dropout=0.2)


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


@pytest.mark.parametrize("launcher", [[], TWO], ids=["one process", "two"])
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(launcher, tmp_path, with_dropout):
    """With dropout, LoRA and an order to remember: 400 rows a step end an epoch of 1,848 after 5 steps."""
    encoder = ["--encoder", str(with_dropout), "--batch-size", "400", "--lr", "0.01", "--lora", "2"]
    whole = losses(launcher, *encoder, "--steps", "7")
    kept = ["--checkpoints", str(tmp_path), "--every", "2"]
    first = losses(launcher, *encoder, *kept, "--steps", "4")
    rest = losses(launcher, *encoder, *kept, "--steps", "7", "--resume")
    assert [line["step"] for line in first + rest] == list(range(1, 8))
    for line, again in zip(whole, first + rest, strict=True):
        assert line == pytest.approx(again, abs=1e-6)


@pytest.mark.parametrize(
    "options",
    [("--lora", "0"), ("--lora", "2", "--precision", "bf16")],
    ids=["all layers", "LoRA in bf16"],
)
def test_two_processes_with_the_other_options(options, bert):
    given = ("--steps", "4", "--encoder", str(bert), "--batch-size", "8", "--lr", "0.01", *options)
    one, two = losses([], *given), losses(TWO, *given)
    near = 1e-5 if "bf16" not in options else 0.02  # bf16 has 8 bits, and sums its halves in another order
    for alone, shared in zip(one, two, strict=True):
        assert alone == pytest.approx(shared, rel=near, abs=near)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--steps", "0"], "--steps must be a whole number of at least 1; found 0"),
        (["--lora", "-1"], "--lora, the rank, must be a whole number of at least 0; found -1"),
        (["--lr", "0"], "--lr must be a finite number above 0; found 0.0"),
        (["--resume"], "name it by --checkpoints FOLDER"),
        (["--precision", "fp16"], "choose from"),
    ],
)
def test_an_option_that_cannot_be_is_named(options, said, capsys):
    with pytest.raises(SystemExit):
        read_options(options)
    assert said in capsys.readouterr().err


@pytest.mark.bad_input
def test_what_cannot_go_on_says_why(tmp_path):
    accelerator = SimpleNamespace(process_index=0, num_processes=2, device="cpu", gather=lambda steps: steps)
    chosen = Options(checkpoints=tmp_path, steps=5, resume=True)
    torch.save({"place": {"step": 5}}, tmp_path / "process-1-of-1.pt")
    with pytest.raises(TrainingError, match=r"lacks process-1-of-2.pt, found process-1-of-1.pt: go on with as many"):
        read_checkpoint(chosen, accelerator)
    accelerator.num_processes = 1
    with pytest.raises(TrainingError, match=r"has its 5 steps; for more give --steps 10"):
        read_checkpoint(chosen, accelerator)
    accelerator.gather = lambda steps: torch.tensor([5, 3])
    with pytest.raises(TrainingError, match=r"of the steps \[5, 3\]: begin anew"):
        read_checkpoint(chosen, accelerator)


SOFT = """
import json, torch
from accelerate import Accelerator
from mtl_helpers.data import MultiTaskDataset, make_loader
from mtl_helpers.models import OnFeatures
from mtl_helpers.relations import SoftSharing
from mtl_helpers.tasks import SENTIMENT, STARS
from mtl_helpers.training.distributed import train_shared
torch.manual_seed(0)
tasks, inputs = [SENTIMENT, STARS], torch.randn(24, 4)
masks = {"sentiment": torch.arange(24) % 3 > 0, "stars": torch.arange(24) < 12}
data = MultiTaskDataset(inputs, {"sentiment": torch.arange(24) % 2, "stars": torch.randn(24)}, masks, tasks=tasks)
model = SoftSharing({task.name: OnFeatures(4, hidden=3) for task in tasks}, tasks, strength=20)
optimizer, accelerator = torch.optim.SGD(model.parameters(), lr=0.01), Accelerator(cpu=True)
for record in train_shared(model, make_loader(data, 6), optimizer, accelerator):
    if accelerator.is_main_process:
        print(json.dumps({"total": record.total, "penalty": record.own_loss, "stars": record.losses["stars"]}), flush=True)
    if record.step == 6:
        break
accelerator.wait_for_everyone()
accelerator.end_training()
"""


def test_the_tie_of_soft_sharing_holds_over_processes(tmp_path):
    """In the last batches there is no label of stars at all: that is no number, and no process waits for another."""
    script = tmp_path / "soft.py"
    script.write_text(SOFT, encoding="utf-8")
    one, two = losses([], str(script), script=[]), losses(TWO, str(script), script=[])
    assert len(one) == 6 and one[0]["penalty"] > 1 and one[0]["total"] > one[0]["penalty"] > one[-1]["penalty"]
    assert math.isnan(one[2]["stars"]) and math.isfinite(one[4]["stars"])
    for alone, shared in zip(one, two, strict=True):
        assert alone == pytest.approx(shared, rel=1e-5, abs=1e-5, nan_ok=True)


# In a process of its own, which ends without taking its group down: PyTorch's own can wait for itself there, for ever.
CANNOT = """
import os
import sys

import torch

from mtl_helpers.data import MultiTaskDataset, make_loader
from mtl_helpers.models import MultiTaskModel, OnFeatures
from mtl_helpers.tasks import SENTIMENT, STARS
from mtl_helpers.training import RULES, TrainingError, train_steps

torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
tasks = [SENTIMENT, STARS]
data = MultiTaskDataset(torch.rand(8, 3), {"sentiment": torch.ones(8), "stars": torch.rand(8)})
model = torch.nn.parallel.DistributedDataParallel(MultiTaskModel(OnFeatures(3), tasks))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
next(train_steps(model, make_loader(data, 4), optimizer, weights={"stars": 0.1}))
for options in ({"weights": RULES["MGDA"](tasks)}, {"weights": RULES["uncertainty"](tasks)}, {"accumulate": 2}):
    try:
        next(train_steps(model, make_loader(data, 4), optimizer, **options))
    except TrainingError as error:
        print(error.args[0].encode("ascii", "replace").decode())
sys.stdout.flush()
os._exit(0)
"""


@pytest.mark.bad_input
def test_what_one_process_of_several_cannot_do_is_said():
    done = subprocess.run([sys.executable, "-c", CANNOT], capture_output=True, encoding="utf-8", timeout=100)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert len(said) == 3, said
    for line, found in zip(
        said, ("GradientWeighting, accumulate=1", "Uncertainty, accumulate=1", "accumulate=2"), strict=True
    ):
        assert "a process sees only its share of a batch, so" in line and found in line


def test_mixed_precision_is_near_and_not_the_same():
    full, mixed = losses([], "--steps", "3"), losses([], "--steps", "3", "--precision", "bf16")
    assert full != mixed and full[2]["topic"] == pytest.approx(mixed[2]["topic"], rel=0.02)


ENDED = """
import os
from pathlib import Path
from mtl_helpers.training.distributed import main
main(["--steps", "2"])
names = [path.read_text(encoding="utf-8").strip() for path in Path("/proc/self/task").glob("*/comm")]
Path(__file__).with_suffix("." + os.environ["RANK"]).write_text(" ".join(names), encoding="utf-8")
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted in /proc, which only Linux has")
def test_no_thread_of_the_process_group_outlives_the_training(tmp_path):
    """A thread of gloo that is still there when the interpreter ends may abort the process, after all was done well."""
    script = tmp_path / "ended.py"
    script.write_text(ENDED, encoding="utf-8")
    assert len(losses(TWO, script=[str(script)])) == 2
    for rank in "01":
        left = script.with_suffix("." + rank).read_text(encoding="utf-8")
        assert left and "gloo" not in left
