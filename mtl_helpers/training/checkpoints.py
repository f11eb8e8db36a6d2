"""A run that is stopped, saved, and goes on as if nothing had been."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch.optim import Optimizer

from mtl_helpers.models import MultiTaskModel
from mtl_helpers.randomness import drawn_from, random_state
from mtl_helpers.training.rules import StaticWeights, Weighting
from mtl_helpers.training.task_weights import TrainingError

if TYPE_CHECKING:
    from mtl_helpers.training.loop import Record


def checkpoint(
    record: Record,
    model: MultiTaskModel,
    optimizer: Optimizer,
    *,
    weights: Weighting | None = None,
    scheduler: Any = None,
    generator: torch.Generator | None = None,
) -> dict[str, Any]:
    """All that a run needs to go on after the step of ``record``: give it what `train_steps` was given.

    ``torch.save`` writes it and ``torch.load`` reads it, with ``weights_only``. With a new model, optimizer, rule and loader,
    made as the first ones were, ``train_steps(..., resume=state)`` takes the very steps that the old run would have taken:
    the same dropout, batches and λ, bit for bit.

        for record in train_steps(model, loader, optimizer, weights=rule):
            if record.step % 1000 == 0:
                torch.save(checkpoint(record, model, optimizer, weights=rule), "run.pt")
        ...
        steps = train_steps(model, loader, optimizer, weights=rule, resume=torch.load("run.pt"))
    """
    parts = {"model": model, "optimizer": optimizer, "weights": weights, "scheduler": scheduler}
    state = {name: copy.deepcopy(part.state_dict()) for name, part in parts.items() if hasattr(part, "state_dict")}
    with drawn_from(generator or torch.default_generator):
        return {**state, "random": random_state(), "place": record.place}


def go_on(
    state: Mapping[str, Any], model: MultiTaskModel, optimizer: Optimizer, weights: Weighting, scheduler: Any
) -> None:
    """Put model, optimizer, rule and scheduler where a `checkpoint` was."""
    parts = {"model": model, "optimizer": optimizer, "weights": weights, "scheduler": scheduler}
    for name, part in parts.items():
        if name in state and part is not None:
            part.load_state_dict(state[name])
        elif name in state:
            raise TrainingError(f"The checkpoint has a {name}, and the run that goes on from it has none: make one.")
        elif part is not None and not isinstance(part, StaticWeights):  # λ by a mapping needs no state
            raise TrainingError(f"The run has {name}, and the checkpoint has none of it: give checkpoint({name}=...).")
