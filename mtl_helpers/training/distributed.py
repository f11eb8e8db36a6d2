"""The same training on one processor or on many: one process a device, each with its share of every batch.

Started by PyTorch's own launcher, with as many processes as there are devices:

    python -m mtl_helpers.training.distributed --steps 20                                # one process
    torchrun --nproc-per-node 2 -m mtl_helpers.training.distributed --steps 20           # two; on a CPU, through gloo

`accelerate` finds the devices and the other processes, wraps the model in DistributedDataParallel, and casts to bfloat16 if
that is asked for. The loop is `train_steps`, as everywhere. All that can be chosen is in `Options`; with
``--checkpoints FOLDER`` a run that was stopped goes on by the same command and ``--resume``.
"""

from __future__ import annotations

import argparse
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

# Whoever imports this later (an optimizer does) keeps the process group for good, as the default of its functions' arguments:
# gloo's threads then outlive the interpreter, and one time in some hundred they abort the process as it ends.
import torch.distributed.nn
from torch import Tensor
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from mtl_helpers.arguments import number, whole_number
from mtl_helpers.data import Vocabulary, encode_reviews, load_reviews, make_loader, split_reviews
from mtl_helpers.data.batches import Batch
from mtl_helpers.models import CNNEncoder, MultiTaskModel, load_pretrained
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC, Task
from mtl_helpers.training.checkpoints import checkpoint
from mtl_helpers.training.loop import Record, train_steps
from mtl_helpers.training.rules import StaticWeights
from mtl_helpers.training.task_weights import TrainingError

if TYPE_CHECKING:
    from accelerate import Accelerator


class ShareOfBatches:
    """The batches of ``loader``, of each only what falls to this process, on its device: rows rank, rank + world, ...

    All processes must have loaders that give the same batches, so be made with the same seed. A process for which no row is
    left gets the first one with every label masked, so that it takes part and adds nothing. ``counts`` holds, of the latest
    batch, each task's labels here and in all.
    """

    def __init__(self, loader: DataLoader, accelerator: Accelerator) -> None:
        self.loader, self.accelerator = loader, accelerator
        self.counts: dict[str, tuple[int, int]] = {}

    def __getattr__(self, name: str) -> Any:
        """What else a loader is asked for, such as its data and what draws its order."""
        if name == "loader":  # not there yet: in a copy that is being made
            raise AttributeError(name)
        return getattr(self.loader, name)

    def __iter__(self) -> Iterator[Batch]:
        from accelerate.utils import send_to_device

        for batch in self.loader:
            mine = share_of(batch, self.accelerator.process_index, self.accelerator.num_processes)
            self.counts = {name: (int(mine.masks[name].sum()), int(mask.sum())) for name, mask in batch.masks.items()}
            yield send_to_device(mine, self.accelerator.device)


def share_of(batch: Batch, rank: int, world: int) -> Batch:
    """Rows rank, rank + world, ... of a batch; if there is none, row 0 without a label.

    >>> labels = {"stars": torch.arange(5.0)}
    >>> batch = Batch(torch.arange(5), labels, {"stars": torch.ones(5, dtype=torch.bool)})
    >>> share_of(batch, 1, 2).targets["stars"], share_of(batch, 5, 6).masks["stars"]
    (tensor([1., 3.]), tensor([False]))
    """
    empty = rank >= batch.size
    rows = slice(0, 1) if empty else slice(rank, None, world)
    inputs = (
        batch.inputs[rows] if isinstance(batch.inputs, Tensor) else {key: x[rows] for key, x in batch.inputs.items()}
    )
    masks = {name: mask[rows] & (not empty) for name, mask in batch.masks.items()}
    return Batch(inputs, {name: target[rows] for name, target in batch.targets.items()}, masks)


class SharedWeights(StaticWeights):
    """λ by hand for one process of several: λᵢ times world · nᵢ(here) / nᵢ(in all), with n the labels of the batch.

    A task's loss is a mean over labels, and DistributedDataParallel takes the mean of gradients over processes. With labels
    missing, a process has more of them than another; so weighted, the mean over processes is again the mean over labels.
    """

    def __init__(
        self, tasks: Sequence[Task], weights: Mapping[str, float] | None, batches: ShareOfBatches, world: int
    ) -> None:
        super().__init__(tasks, weights)
        self.batches, self.world = batches, world

    def backward(
        self, losses: Mapping[str, Tensor], model: MultiTaskModel, penalty: Tensor | None = None
    ) -> dict[str, float]:
        """As by hand; and every parameter has a gradient, if only 0: DistributedDataParallel waits for all of them."""
        nothing = sum(0 * p.sum() for p in model.parameters() if p.requires_grad)
        return super().backward(losses, model, nothing if penalty is None else penalty + nothing)

    def weigh(self, losses: Mapping[str, Tensor], model: MultiTaskModel) -> dict[str, float]:
        """What was set by hand, for this process's share of the labels."""
        return {
            name: weight * self.world * self.batches.counts[name][0] / max(self.batches.counts[name][1], 1)
            for name, weight in self.weights.items()
        }


def train_shared(
    model: MultiTaskModel,
    loader: DataLoader,
    optimizer: Optimizer,
    accelerator: Accelerator,
    *,
    weights: Mapping[str, float] | None = None,
    resume: Mapping[str, Any] | None = None,
) -> Iterator[Record]:
    """`train_steps` on all processes at once: records of the *whole* batch, the same in each process.

    ``loader`` gives whole batches, the same in each process. Up to rounding, and to dropout, which each process draws for
    itself, a step is the step that one process alone would take. λ is by hand: rules that weigh gradients would each see
    their own share's only. ``resume`` is this process's own `checkpoint`.
    """
    wrapped, optimizer = accelerator.prepare(model, optimizer)
    batches = ShareOfBatches(loader, accelerator)
    rule = SharedWeights(model.tasks, weights, batches, accelerator.num_processes)
    for record in train_steps(wrapped, batches, optimizer, weights=rule, resume=resume):
        here = [count for count, _ in batches.counts.values()]
        sums = [record.losses[name] * n if n else 0.0 for name, n in zip(batches.counts, here, strict=True)]
        sums = accelerator.reduce(torch.tensor(sums, device=accelerator.device), reduction="sum").tolist()
        for (name, (_, n)), value in zip(batches.counts.items(), sums, strict=True):
            record.losses[name] = value / n if n else math.nan
        record.weights = rule.weights
        labelled = [name for name, (_, n) in batches.counts.items() if n]
        record.total = sum(record.weights[name] * record.losses[name] for name in labelled) + record.own_loss
        yield record


@dataclass(frozen=True)
class Options:
    """What a run is made of; raises `TrainingError` for a value that cannot be.

    >>> Options(encoder="minilm", lora=16, precision="bf16").steps
    100
    """

    encoder: str = "CNN"
    lora: int = 8
    steps: int = 100
    batch_size: int = 32
    lr: float = 1e-3
    seed: int = 0
    precision: Literal["no", "bf16"] = "no"
    checkpoints: Path | None = None
    every: int = 50
    resume: bool = False

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "every"):
            whole_number(f"--{name.replace('_', '-')}", getattr(self, name), TrainingError)
        whole_number("--lora, the rank,", self.lora, TrainingError, at_least=0)
        number("--lr", self.lr, TrainingError, above=0)
        if self.resume and self.checkpoints is None:
            raise TrainingError("--resume goes on from a folder of checkpoints: name it by --checkpoints FOLDER.")

    def file(self, rank: int, world: int) -> Path:
        """Where this process's checkpoint lies: each has its own, as each draws its own dropout."""
        return self.checkpoints / f"process-{rank + 1}-of-{world}.pt"


def read_options(arguments: Sequence[str] | None = None) -> Options:
    """The options of the command line; it ends with a line that says what is wrong with them, if anything is."""
    parser = argparse.ArgumentParser(prog="mtl_helpers.training.distributed", description=main.__doc__)
    add, default = parser.add_argument, Options()
    add("--encoder", default=default.encoder, help="CNN, minilm, or a folder or hub name of another BERT or GPT")
    add("--lora", type=int, default=default.lora, metavar="RANK", help="in a pre-trained encoder; 0: all of it learns")
    add("--steps", type=int, default=default.steps, help="of the whole run, those before --resume included")
    add("--batch-size", type=int, default=default.batch_size, help="rows of a step, over all processes")
    add("--lr", type=float, default=default.lr)
    add("--seed", type=int, default=default.seed)
    add("--precision", choices=["no", "bf16"], default=default.precision, help="bf16: mixed precision")
    add("--checkpoints", type=Path, metavar="FOLDER", help="keep the run here, so that --resume can go on from it")
    add("--every", type=int, default=default.every, metavar="STEPS", help="from one checkpoint to the next")
    add("--resume", action="store_true", help="go on from the checkpoints, in as many processes as wrote them")
    try:
        return Options(**vars(parser.parse_args(arguments)))
    except TrainingError as error:
        parser.error(str(error))


def main(arguments: Sequence[str] | None = None) -> None:
    """Train a multi-task model on the review corpus; the first process prints a JSON line a step."""
    chosen = read_options(arguments)
    from accelerate import Accelerator

    accelerator = Accelerator(mixed_precision=chosen.precision, cpu=not torch.accelerator.is_available())
    tasks = [TOPIC, SENTIMENT, STARS]
    train = split_reviews(load_reviews(), seed=chosen.seed).train
    torch.manual_seed(chosen.seed)
    if chosen.encoder == "CNN":
        vocabulary = Vocabulary.from_texts(train.text)
        encoder = CNNEncoder(len(vocabulary))
    else:
        encoder, vocabulary = load_pretrained() if chosen.encoder == "minilm" else load_pretrained(chosen.encoder)
        if chosen.lora:
            encoder.add_lora(chosen.lora)
    model = MultiTaskModel(encoder, tasks)
    loader = make_loader(encode_reviews(train, vocabulary, tasks), chosen.batch_size, shuffle=True, seed=chosen.seed)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=chosen.lr)
    resume = read_checkpoint(chosen, accelerator) if chosen.resume else None
    for record in train_shared(model, loader, optimizer, accelerator, weights={"stars": 0.2}, resume=resume):
        if accelerator.is_main_process:
            print(json.dumps({"step": record.step, **record.losses}), flush=True)
        if chosen.checkpoints and (record.step % chosen.every == 0 or record.step == chosen.steps):
            write_checkpoint(checkpoint(record, model, optimizer), chosen, accelerator)
        if record.step >= chosen.steps:
            break
    accelerator.wait_for_everyone()
    accelerator.end_training()


def write_checkpoint(state: Mapping[str, Any], chosen: Options, accelerator: Accelerator) -> None:
    """Each process its own, put in place once all are written, so that a kill leaves the last ones whole."""
    file = chosen.file(accelerator.process_index, accelerator.num_processes)
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, new := file.with_suffix(".new"))
    accelerator.wait_for_everyone()
    os.replace(new, file)


def read_checkpoint(chosen: Options, accelerator: Accelerator) -> dict[str, Any]:
    """This process's own; raises `TrainingError` if it is missing, at the end already, or not of the others' step."""
    file = chosen.file(accelerator.process_index, accelerator.num_processes)
    if not file.is_file():
        there = ", ".join(sorted(path.name for path in chosen.checkpoints.glob("*.pt"))) or "no checkpoint"
        raise TrainingError(
            f"{chosen.checkpoints} lacks {file.name}, found {there}: go on with as many processes as were stopped."
        )
    state = torch.load(file, map_location="cpu")
    step = state["place"]["step"]
    steps = accelerator.gather(torch.tensor([step], device=accelerator.device)).tolist()
    if len(set(steps)) > 1:
        raise TrainingError(f"The processes' checkpoints in {chosen.checkpoints} are of the steps {steps}: begin anew.")
    if step >= chosen.steps:
        raise TrainingError(
            f"The run in {chosen.checkpoints} has its {step} steps; for more give --steps {2 * step}, say."
        )
    return state


if __name__ == "__main__":
    main()
