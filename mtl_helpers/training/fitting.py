"""Training for a number of steps, the best weights kept, and the history as a frame."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import pandas as pd
import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from mtl_helpers.arguments import whole_number
from mtl_helpers.data.batches import Batch
from mtl_helpers.models import MultiTaskModel, unwrapped
from mtl_helpers.training.loop import Record, train_steps
from mtl_helpers.training.rules import Weighting
from mtl_helpers.training.task_weights import TrainingError
from mtl_helpers.training.validation import mean_skill

Best = str | Callable[[Mapping[str, float]], float] | None


def fit(
    model: MultiTaskModel,
    loader: Iterable[Batch],
    optimizer: Optimizer,
    *,
    steps: int,
    weights: Mapping[str, float] | Weighting | None = None,
    val_loader: Iterable[Batch] | None = None,
    eval_every: int = 50,
    best: Best = None,
    each: dict[str, dict[str, Tensor]] | None = None,
    patience: int | None = None,
    on_step: Callable[[Record], None] | None = None,
    accumulate: int = 1,
    clip: float | None = None,
    autocast: Literal["bf16"] | None = None,
    scheduler: LRScheduler | None = None,
    generator: torch.Generator | None = None,
    resume: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Run `train_steps` for ``steps`` steps and return its history as a tidy frame, see `as_history`.

    With ``val_loader`` the model ends with the weights of its best validation; the last step is always validated. It comes
    back in eval mode, ready to answer. What is not described here is as for `train_steps`.

    Parameters
    ----------
    steps
        In all, with those of the run that ``resume`` goes on from.
    best
        What *best* means. None: the mean over the tasks of their skill, see `mean_skill`: it has no unit, so no task
        decides alone because its numbers are large. A task's name: that task's skill. Or a function of the scores by task,
        such as ``lambda scores: scores["topic"] - scores["stars"]``; larger is better. A best that the validation data say
        nothing of, as there is no label of the task, is refused at the first validation.
    each
        An empty dict, to be filled by task with the weights of that task's own best validation, for
        ``model.load_state_dict(each["topic"])``. A task that is never validated, as it has no label there, gets none.
    patience
        Stop after so many validations in a row that were no better than the best.
    on_step
        Called with each record, for a progress bar say.
    """
    whole_number("steps", steps, TrainingError)
    if resume is not None and (done := resume["place"]["step"]) >= steps:
        raise TrainingError(
            f"The checkpoint stands at step {done}, so with steps={steps} nothing is left to do; give more."
        )
    names = [task.name for task in unwrapped(model).tasks]
    keep = BestWeights(best, names)
    of_each = [] if each is None else [(name, BestWeights(name, names)) for name in names]
    if val_loader is None and (best is not None or each is not None or patience is not None):
        raise TrainingError("best, each and patience compare validations: give a val_loader.")
    patience = steps if patience is None else whole_number("patience", patience, TrainingError)
    records = []
    for record in train_steps(
        model,
        loader,
        optimizer,
        weights=weights,
        val_loader=val_loader,
        eval_every=eval_every,
        accumulate=accumulate,
        clip=clip,
        autocast=autocast,
        scheduler=scheduler,
        generator=generator,
        resume=resume,
    ):
        records.append(record)
        if val_loader is not None and record.step == steps and not record.val_scores:
            record.validate(model, val_loader)
        if record.val_scores:
            if math.isnan(keep.see(model, record)):
                raise TrainingError(
                    f"best={keep.by!r} is no number at step {record.step}: {keep.why_nothing(record)} Choose another best."
                )
            for name, kept in of_each:
                kept.see(model, record)
                if kept.state is not None:
                    each[name] = kept.state
        if on_step is not None:
            on_step(record)
        record.forget_batch()
        if record.step >= steps or keep.waited >= patience:
            break
    if keep.state is not None:
        model.load_state_dict(keep.state)
    model.eval()
    return as_history(records)


class BestWeights:
    """Weights and scores of the best validation so far, and how many validations ago that was; ``by`` is `fit`'s ``best``."""

    def __init__(self, by: Best, names: Sequence[str]) -> None:
        if isinstance(by, str) and by not in names:
            raise TrainingError(
                f"best is a task's name, a function of the scores, or None; found {by!r}, tasks are {names}."
            )
        if not (by is None or isinstance(by, str) or callable(by)):
            raise TrainingError(f"best is a task's name, a function of the scores, or None; found {by!r}.")
        self.by, self.score, self.waited = by, -math.inf, 0
        self.state: dict[str, Tensor] | None = None
        self.scores: dict[str, float] = {}

    def see(self, model: MultiTaskModel, record: Record) -> float:
        """Keep the model's weights if they are the best; how good they are."""
        if self.by is None:
            score = mean_skill(record.val_skills)
        else:
            score = record.val_skills[self.by] if isinstance(self.by, str) else float(self.by(record.val_scores))
        self.waited += 1
        if score > self.score:
            self.score, self.waited, self.scores = score, 0, record.val_scores
            self.state = copy.deepcopy(model.state_dict())
        return score

    def why_nothing(self, record: Record) -> str:
        """What may be the reason of a score that is no number."""
        nothing = [name for name, skill in record.val_skills.items() if math.isnan(skill)]
        return f"the validation data say nothing of {nothing} (no label, or all alike)." if nothing else ""


def as_history(records: Iterable[Record]) -> pd.DataFrame:
    """One row a step and task: ``step, epoch, task, loss, weight, val_loss, val_score``.

    nan where a step was not validated, and the loss (by some rules the weight, too) of a task without a label in the step.
    """
    rows = [
        (
            r.step,
            r.epoch,
            name,
            loss,
            r.weights[name],
            r.val_losses.get(name, math.nan),
            r.val_scores.get(name, math.nan),
        )
        for r in records
        for name, loss in r.losses.items()
    ]
    return pd.DataFrame(rows, columns=["step", "epoch", "task", "loss", "weight", "val_loss", "val_score"])
