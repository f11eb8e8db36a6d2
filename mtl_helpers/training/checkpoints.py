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
from mtl_helpers.training.validation import unwrapped

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
                torch.save(checkpoint(record, model, optimizer, weights=rule), "new.pt")
                os.replace("new.pt", "run.pt")  # a kill in the middle of writing leaves the last one whole
        ...
        steps = train_steps(model, loader, optimizer, weights=rule, resume=torch.load("run.pt"))

    In the ``on_step`` of `fit` it also has the best weights so far, so that what is best, and how long nothing was better, is
    remembered, too. Of a loader it knows what torch's own remember: its generators and its samplers' (what your own stream
    draws elsewhere it cannot know).
    """
    model = unwrapped(model)
    parts = {"model": model, "optimizer": optimizer, "weights": weights, "scheduler": scheduler}
    state = {name: copy.deepcopy(part.state_dict()) for name, part in parts.items() if hasattr(part, "state_dict")}
    with drawn_from(generator or torch.default_generator):
        best = {} if record.best is None else {"best": record.best}
        return {**state, "random": random_state(), "place": record.place, **best}


def place_of(state: Any) -> dict[str, Any]:
    """Where in its run a `checkpoint` was made; raises `TrainingError` for what is none."""
    if not isinstance(state, Mapping) or not {"model", "optimizer", "random", "place"} <= state.keys():
        found = sorted(map(str, state)) if isinstance(state, Mapping) else repr(state)
        raise TrainingError(
            f"resume is what checkpoint(...) gave, read by torch.load if it is in a file; found {found!s:.80}."
        )
    return state["place"]


def go_on(
    state: Mapping[str, Any], model: MultiTaskModel, optimizer: Optimizer, weights: Weighting, scheduler: Any
) -> None:
    """Put model, optimizer, rule and scheduler where a `checkpoint` was."""
    place_of(state)
    parts = {"model": model, "optimizer": optimizer, "weights": weights, "scheduler": scheduler}
    for name, part in parts.items():
        if name in state and part is not None:
            try:
                part.load_state_dict(copy.deepcopy(state[name]))  # torch's Adam would go on in the state's own tensors
            except (RuntimeError, ValueError, KeyError) as problem:  # so torch's own say it; a rule does in words
                if isinstance(problem, TrainingError):
                    raise
                said = str(problem).splitlines()[-1].strip()
                raise TrainingError(
                    f"The checkpoint does not fit the {name}; make it as it was made. ({said})"
                ) from problem
        elif name in state:
            raise TrainingError(f"The checkpoint has a {name}, and the run that goes on from it has none: make one.")
        elif part is not None and not isinstance(part, StaticWeights):  # λ by a mapping needs no state
            raise TrainingError(f"The run has {name}, and the checkpoint has none of it: give checkpoint({name}=...).")
