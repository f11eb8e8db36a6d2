"""The one training loop that everything in the course runs through, and what it hands back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from mtl_helpers.arguments import number, whole_number
from mtl_helpers.data.batches import Batch
from mtl_helpers.models import MultiTaskModel, unwrapped
from mtl_helpers.randomness import Private, RandomState
from mtl_helpers.training.accumulation import StepLosses
from mtl_helpers.training.checkpoints import go_on
from mtl_helpers.training.epochs import Reading
from mtl_helpers.training.rules import StaticWeights, Weighting
from mtl_helpers.training.task_weights import Losses, TrainingDiverged, TrainingError, output_of, task_losses
from mtl_helpers.training.validation import in_32_bits, validation


@dataclass(slots=True)
class Record:
    """What one step did: the unweighted losses Lᵢ before it, the λᵢ it was taken with, and their total.

    A task without a label in the step has loss nan, and λ nan where the rule gave it none. ``batch`` is the last of those
    that made the step. ``val_losses``, ``val_scores`` and ``val_skills`` are empty except on the steps that were validated.
    ``random_state`` is from before the step, for a `look` with its dropout; ``place`` is for a `checkpoint`.
    """

    step: int
    epoch: int
    losses: dict[str, float]
    weights: dict[str, float]
    total: float
    batch: Batch | None
    val_losses: dict[str, float] = field(default_factory=dict)
    val_scores: dict[str, float] = field(default_factory=dict)
    val_skills: dict[str, float] = field(default_factory=dict)
    own_loss: float = 0.0  # what model and rule add to the total beside Σᵢ λᵢ Lᵢ
    random_state: RandomState | None = field(default=None, repr=False)
    place: dict[str, Any] | None = field(default=None, repr=False)
    best: dict[str, Any] | None = field(default=None, repr=False)  # what `fit` has kept so far

    def forget_batch(self) -> None:
        """Let go of the batch and of all that is only for a look at it or a `checkpoint`: a history would keep them alive."""
        self.batch = self.random_state = self.place = self.best = None

    def validate(self, model: nn.Module, loader: Iterable[Batch]) -> None:
        """Write down losses, scores and skills over a loader."""
        self.val_losses, self.val_scores, self.val_skills = validation(model, loader)


def train_steps(
    model: MultiTaskModel,
    loader: Iterable[Batch],
    optimizer: Optimizer,
    *,
    weights: Mapping[str, float] | Weighting | None = None,
    val_loader: Iterable[Batch] | None = None,
    eval_every: int = 50,
    accumulate: int = 1,
    clip: float | None = None,
    autocast: Literal["bf16"] | None = None,
    scheduler: LRScheduler | None = None,
    generator: torch.Generator | None = None,
    resume: Mapping[str, Any] | None = None,
) -> Iterator[Record]:
    """Train for ever, a `Record` per step: the only training loop of the course.

    It stops when the caller stops asking. The model trains where it is: batches are moved to its device. Raises
    `TrainingDiverged` before the step is taken if a loss is nan or infinite. A model with a method ``penalty()``, a scalar,
    has it added to the total (soft sharing ties its encoders so).

    Parameters
    ----------
    loader
        Anything that can be read again and again and gives a `Batch`, or ``(inputs, targets)`` with the targets by task, at a
        time; it needs no length. For data longer than memory: a class whose ``__iter__`` yields batches, or torch's
        ``IterableDataset`` in its ``DataLoader``. There a label that is missing is nan.
    weights
        λ by task name, read anew at each step, so that a λ changed between two steps counts from the next on; or a
        `Weighting`, a rule that chooses them; None means λ = 1 for all.
    val_loader, eval_every
        Every ``eval_every``-th step is validated.
    accumulate
        Batches that make a step, as if they were one, each task's loss a mean over all their labels, at the memory of one
        batch and the price of a forward pass more. It works with every rule.
    clip
        The gradient is shortened to this norm where it is longer.
    autocast
        ``"bf16"``: the forward pass in mixed precision; losses, λ and what rules make of gradients stay in 32 bits.
    scheduler
        Of the learning rate; stepped after each step of ``optimizer``.
    generator
        Dropout, and whatever else the forward pass or the loader draws on the CPU, comes from it; torch's global generator is
        not touched, see `drawn_from`.
    resume
        A `checkpoint` to go on from.
    """
    bare = unwrapped(model)
    whole_number("eval_every", eval_every, TrainingError)
    whole_number("accumulate", accumulate, TrainingError)
    clip = None if clip is None else number("clip, the longest gradient,", clip, TrainingError, above=0)
    rule = _as_rule(weights, bare)
    _check(model, optimizer, rule, accumulate=accumulate, autocast=autocast, scheduler=scheduler)
    if resume is not None:
        go_on(resume, bare, optimizer, rule, scheduler)
    rule.begin(bare, optimizer)
    device, penalty = next(bare.parameters()).device, getattr(bare, "penalty", None)
    reading = Reading(loader, bare.tasks, device, at_once=accumulate, generator=generator)
    privately, step = Private(generator), 0
    if resume is not None:
        reading.go_to(resume["place"], resume["random"])
        step = resume["place"]["step"]

    def forward(batch: Batch) -> Losses:
        if autocast is None:
            return task_losses(bare.tasks, model(batch.inputs), batch)
        with torch.autocast(device.type, torch.bfloat16):
            outputs = model(batch.inputs)
        wide = {task.name: in_32_bits(output_of(task, outputs)) for task in bare.tasks}
        losses = task_losses(bare.tasks, wide, batch)
        losses.features = getattr(outputs, "features", None)
        return losses

    taken, absent = StepLosses(bare, forward), dict.fromkeys((task.name for task in bare.tasks), math.nan)
    model.train()
    while True:
        for batches in reading.groups():
            step += 1
            optimizer.zero_grad()
            if generator is None:
                losses = taken.first(batches)
            else:
                with privately():
                    losses = taken.first(batches)
            values = {name: loss.item() for name, loss in losses.items()}
            if not all(map(math.isfinite, values.values())):
                raise TrainingDiverged(_what_diverged(step, values, rule.weights))
            extra = None if penalty is None else penalty()
            current = rule.backward(losses, bare, extra)
            own = rule.own_loss() + (0.0 if extra is None else extra.item())
            total = sum(current[name] * values[name] for name in values) + own
            if not math.isfinite(total):
                raise TrainingDiverged(_what_diverged(step, values, current))
            if clip is not None:
                nn.utils.clip_grad_norm_(bare.parameters(), clip)
            optimizer.step()
            # The next step reuses the graph's memory only if it is free by then: 2 % of an LSTM's step.
            del losses, extra
            rule.after_step(bare, taken.again)
            if scheduler is not None:
                scheduler.step()
            record = Record(
                step,
                reading.epoch,
                absent | values,
                absent | current,
                total,
                batches[-1],
                own_loss=own,
                random_state=taken.states[0],
                place=reading.place(step),
            )
            if val_loader is not None and step % eval_every == 0:
                record.validate(model, val_loader)
            yield record
        rule.after_epoch()


def _as_rule(weights: Mapping[str, float] | Weighting | None, model: MultiTaskModel) -> Weighting:
    if isinstance(weights, Weighting):
        return weights
    if isinstance(weights, type) and issubclass(weights, Weighting):
        raise TrainingError(
            f"weights is the class {weights.__name__}; make a rule of it: {weights.__name__}(model.tasks)."
        )
    if not isinstance(weights, (Mapping, type(None))):
        raise TrainingError(
            "weights must be a Weighting, or give λ by task name, such as "
            f"{{'{model.tasks[0].name}': 1}}; found {weights!r}."
        )
    return StaticWeights(model.tasks, weights)


def _check(
    model: nn.Module, optimizer: Optimizer, rule: Weighting, *, accumulate: int, autocast: str | None, scheduler: Any
) -> None:
    """What cannot work is refused before the first step."""
    if not hasattr(optimizer, "param_groups"):
        raise TrainingError(
            f"Give an optimizer, such as torch.optim.AdamW(model.parameters()); found {optimizer!r:.80}."
        )
    own = {id(p) for p in model.parameters()}
    if not any(id(p) in own for group in optimizer.param_groups for p in group["params"]):
        raise TrainingError(
            "The optimizer holds no parameter of this model, so nothing would be learnt. Make it of the model that is "
            f"trained: {type(optimizer).__name__}(model.parameters(), ...)."
        )
    if autocast not in (None, "bf16"):
        raise TrainingError(f"autocast is 'bf16' or None; found {autocast!r}. (fp16 would need its losses scaled.)")
    if isinstance(scheduler, ReduceLROnPlateau):
        raise TrainingError(
            "ReduceLROnPlateau wants a score at each step: leave scheduler=None and step it yourself in on_step."
        )
    if isinstance(model, nn.parallel.DistributedDataParallel) and (
        accumulate > 1 or not isinstance(rule, StaticWeights)
    ):
        raise TrainingError(
            "Under DistributedDataParallel a process sees only its share of a batch, so λ is by hand and a step one batch: "
            f"found {type(rule).__name__}, accumulate={accumulate}."
        )


def _what_diverged(step: int, losses: Mapping[str, float], weights: Mapping[str, float]) -> str:
    bad = [name for name, loss in losses.items() if not math.isfinite(loss)] or list(losses)
    found = ", ".join(f"'{name}' (loss {losses[name]}, λ {weights[name]:g})" for name in bad)
    return f"Training stopped at step {step}: {found}. Try a smaller learning rate or λ, and look at the labels."
