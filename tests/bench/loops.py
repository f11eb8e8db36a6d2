"""One training loop in four ways: written out by hand, the course's `train_steps`, Lightning and skorch.

Each takes the batches in the same order from the same first weights, and returns every step's losses by task.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable
from itertools import islice

import torch
import torch.nn.functional as F
from measure import Turns
from problem import OPTIMIZERS, WEIGHTS, new_model, new_optimizer
from torch import Tensor

from mtl_helpers.data.batches import Batch
from mtl_helpers.training import train_steps

History = list[dict[str, float]]


def masked_losses(outputs: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
    losses = {}
    for name, output in outputs.items():
        each, mask = F.cross_entropy(output, batch.targets[name], reduction="none"), batch.masks[name]
        losses[name] = (each * mask).sum() / mask.sum().clamp(min=1)
    return losses


def step_by_hand(
    model: torch.nn.Module, optimizer: torch.optim.Optimizer, batch: Batch
) -> tuple[dict[str, float], float]:
    optimizer.zero_grad()
    losses = masked_losses(model(batch.inputs), batch)
    total = sum(WEIGHTS[name] * loss for name, loss in losses.items())
    values = {name: loss.item() for name, loss in losses.items()}
    total.backward()
    optimizer.step()
    return values, sum(WEIGHTS[name] * value for name, value in values.items())


def by_hand(kind: str, batches: Iterable[Batch], history: History) -> None:
    model = new_model(kind)
    optimizer = new_optimizer(kind, model)
    model.train()
    totals = []
    for batch in batches:
        values, total = step_by_hand(model, optimizer, batch)
        history.append(values)
        totals.append((dict(WEIGHTS), total))


def by_train_steps(kind: str, batches: Turns, history: History) -> None:
    model = new_model(kind)
    for record in islice(train_steps(model, batches, new_optimizer(kind, model), weights=WEIGHTS), len(batches)):
        history.append(record.losses)


def by_lightning(kind: str, batches: Turns, history: History) -> None:
    """The Trainer at its barest: no logger, no checkpoints, no progress bar, no validation."""
    import lightning

    for part in ("pytorch", "fabric"):
        logging.getLogger(f"lightning.{part}").setLevel(logging.ERROR)

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.model = new_model(kind)

        def training_step(self, batch, index):
            losses = masked_losses(self.model(batch.inputs), batch)
            history.append({name: loss.item() for name, loss in losses.items()})
            return sum(WEIGHTS[name] * loss for name, loss in losses.items())

        def configure_optimizers(self):
            return new_optimizer(kind, self.model)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lightning.Trainer(accelerator="cpu", devices=1, max_epochs=1, barebones=True).fit(Module(), batches)


def by_skorch(kind: str, batches: Turns, history: History) -> None:
    """`NeuralNet` without callbacks and without its own validation split."""
    import skorch

    class Net(skorch.NeuralNet):
        def get_iterator(self, dataset, training=False):
            return ((batch.inputs, batch) for batch in batches)

        def get_loss(self, outputs, batch, X=None, training=False):
            losses = masked_losses(outputs, batch)
            history.append({name: loss.item() for name, loss in losses.items()})
            return sum(WEIGHTS[name] * loss for name, loss in losses.items())

    optimizer, lr = OPTIMIZERS[kind]
    bare = {"max_epochs": 1, "train_split": None, "callbacks": "disable"}
    net = Net(new_model(kind), torch.nn.Identity, optimizer=optimizer, lr=lr, **bare)
    net.fit(torch.zeros(1), None)


LOOPS = {
    "by hand": by_hand,
    "train_steps": by_train_steps,
    "lightning": by_lightning,
    "skorch": by_skorch,
    "by hand again": by_hand,  # shows how far from 1 the same code may come out
}
