"""The same training on one processor or on many: one process a device, each with its share of every batch.

Started by PyTorch's own launcher, with as many processes as there are devices:

    python -m mtl_helpers.training.distributed --steps 20                                # one process
    torchrun --nproc-per-node 2 -m mtl_helpers.training.distributed --steps 20           # two; on a CPU, through gloo

`accelerate` finds the devices and the other processes, wraps the model in DistributedDataParallel, and casts to bfloat16 if
that is asked for. The loop is `train_steps`, as everywhere.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

# Whoever imports this later (an optimizer does) keeps the process group for good, as the default of its functions' arguments:
# gloo's threads then outlive the interpreter, and one time in some hundred they abort the process as it ends.
import torch.distributed.nn
from torch import Tensor
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from mtl_helpers.data import Vocabulary, encode_reviews, load_reviews, make_loader, split_reviews
from mtl_helpers.data.batches import Batch
from mtl_helpers.models import CNNEncoder, MultiTaskModel, load_pretrained
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC, Task
from mtl_helpers.training.loop import Record, train_steps
from mtl_helpers.training.rules import StaticWeights

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

    @property
    def dataset(self) -> Any:
        """The data behind the batches."""
        return getattr(self.loader, "dataset", None)

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
) -> Iterator[Record]:
    """`train_steps` on all processes at once: records of the *whole* batch, the same in each process.

    ``loader`` gives whole batches, the same in each process. Up to rounding, and to dropout, which each process draws for
    itself, a step is the step that one process alone would take. λ is by hand: rules that weigh gradients would each see
    their own share's only.
    """
    wrapped, optimizer = accelerator.prepare(model, optimizer)
    batches = ShareOfBatches(loader, accelerator)
    rule = SharedWeights(model.tasks, weights, batches, accelerator.num_processes)
    for record in train_steps(wrapped, batches, optimizer, weights=rule):
        here = [count for count, _ in batches.counts.values()]
        sums = [record.losses[name] * n if n else 0.0 for name, n in zip(batches.counts, here, strict=True)]
        sums = accelerator.reduce(torch.tensor(sums, device=accelerator.device), reduction="sum").tolist()
        for (name, (_, n)), value in zip(batches.counts.items(), sums, strict=True):
            record.losses[name] = value / n if n else math.nan
        record.weights = rule.weights
        labelled = [name for name, (_, n) in batches.counts.items() if n]
        record.total = sum(record.weights[name] * record.losses[name] for name in labelled) + record.own_loss
        yield record


def main(arguments: Sequence[str] | None = None) -> None:
    """Train a multi-task model on the review corpus; the first process prints a JSON line a step."""
    parser = argparse.ArgumentParser(prog="mtl_helpers.training.distributed", description=main.__doc__)
    parser.add_argument("--encoder", default="CNN", help="CNN, minilm, or a folder or hub name of another BERT or GPT")
    parser.add_argument("--lora", type=int, default=8, metavar="RANK", help="rank of LoRA in a pre-trained encoder")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=32, help="rows of a step, over all processes")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", choices=["no", "bf16"], default="no", help="bf16: mixed precision")
    chosen = parser.parse_args(arguments)
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
        encoder.add_lora(chosen.lora)
    model = MultiTaskModel(encoder, tasks)
    loader = make_loader(encode_reviews(train, vocabulary, tasks), chosen.batch_size, shuffle=True, seed=chosen.seed)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=chosen.lr)
    for record in train_shared(model, loader, optimizer, accelerator, weights={"stars": 0.2}):
        if accelerator.is_main_process:
            print(json.dumps({"step": record.step, **record.losses}), flush=True)
        if record.step == chosen.steps:
            break
    accelerator.wait_for_everyone()
    accelerator.end_training()


if __name__ == "__main__":
    main()
