"""A training run that is steered while it goes, and that writes down what steered it, so that it can be taken again."""

from __future__ import annotations

import copy
import math
import threading
from collections import deque
from collections.abc import Callable, Iterable

import pandas as pd
from torch.nn import Parameter
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from mtl_helpers.models import MultiTaskModel
from mtl_helpers.training import (
    RULES,
    HandOver,
    Record,
    StaticWeights,
    TaskWeights,
    train_steps,
    whole_number,
)

BY_HAND = "by hand"
METHODS = (BY_HAND, *RULES)
METHOD = "method"  # what stands in place of a task's name where an event says who chooses λ from now on
LARGEST = 10.0  # λ by hand, where a rule leaves it: from 0 to this, as far as the sliders reach
SMOOTH = 20  # steps in a running mean

Change = tuple[str, float | str]
Script = dict[int, dict[str, float | str]]


class LabError(ValueError):
    """The lab was asked for something it can not do."""


class RecordedRun:
    """``model`` trained on ``loader``, with λ by hand or by a rule, which may take over at any moment.

    `set` and `use` may be called from any thread; they count from the next step on. ``weights`` are λ by hand, ``records``
    what each step did, ``mean_weights`` the λ of late: by hand the last ones, by a rule their running mean. ``method`` is
    who is to choose λ from the next step on, ``driving`` who chose those of the last one.

    A rule takes over from where λ stands. In mid-run it keeps the sum that it finds there, so that nothing jumps but what the
    rule wants otherwise; from the first step on λ sums to the number of tasks, so that runs by different rules compare. It is
    made anew each time, with its generator if it draws at random: a run can be taken again.
    """

    def __init__(
        self, model: MultiTaskModel, loader: DataLoader, val_loader: DataLoader | None = None, *, eval_every: int = 25
    ) -> None:
        if getattr(loader, "generator", None) is None:
            raise LabError(
                "The training loader has no generator, so no run could be replayed. Use make_loader, or pass generator=."
            )
        if len(model.tasks) > 5:
            raise LabError(
                f"The lab shows 1 to 5 tasks; this model has {len(model.tasks)}. Train it with fit, or leave some out."
            )
        self.names = [task.name for task in model.tasks]
        if METHOD in self.names:
            raise LabError(f"A task of the lab can not be called '{METHOD}': its events mean the choice of λ by that.")
        whole_number("eval_every", eval_every)
        self.model, self.val_loader, self.eval_every = model, val_loader, eval_every
        # An order of its own: two labs on one loader would take each other's random numbers. The data are shared.
        self.loader = loader = copy.deepcopy(loader, {id(loader.dataset): loader.dataset})
        self.weights = TaskWeights(self.names)
        self.method = BY_HAND
        self._start_state = copy.deepcopy(model.state_dict())
        self._start_generator = loader.generator.get_state()
        self._wheel = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        with self._wheel:
            # The sliders may move during a step: the step has λ of its own, which follow before the next one.
            self._hand = StaticWeights(self.model.tasks, TaskWeights(self.names))
            self._weighting = HandOver(self.model.tasks, self._hand)
            self._seized, self.driving = False, BY_HAND
        self.handed_over = False  # with the last step
        self._written: dict[str, float] = {}
        self._recent: deque[dict[str, float]] = deque(maxlen=SMOOTH)
        self.mean_weights: dict[str, float] = {}
        self.records: list[Record] = []
        self.changes: list[tuple[int, str, float | str]] = []

    def begin(self, new_optimizer: Callable[[Iterable[Parameter]], Optimizer]) -> None:
        """Put model and loader back to the start and forget the run; λ by hand and the method stay as they are."""
        self.model.load_state_dict(self._start_state)
        self.loader.generator.set_state(self._start_generator)
        self._forget()
        self._steps = train_steps(
            self.model,
            self.loader,
            new_optimizer(self.model.parameters()),
            weights=self._weighting,
            val_loader=self.val_loader,
            eval_every=self.eval_every,
        )

    def step(self) -> Record:
        """Take the next step, by what is chosen now."""
        changes = self._steer()
        record = next(self._steps)
        self.changes += [(record.step, *change) for change in changes]
        self.handed_over = METHOD in dict(changes)
        if self.handed_over or not self.by_rule:
            self._recent.clear()
        self._recent.append(record.weights)
        self.mean_weights = {name: sum(w[name] for w in self._recent) / len(self._recent) for name in self.names}
        self.records.append(record)
        return record

    def _steer(self) -> list[Change]:
        """Before a step: what is new since the last one takes effect; returns it as events."""
        with self._wheel:
            method, weights, seized = self.method, dict(self.weights), self._seized
            driving, self.driving, self._seized = self.driving, method, False
        changes: list[Change] = []
        if seized:
            self._weighting.rule = self._hand  # and not .to(): λ by hand may have moved on from where the rule left it
            self._written = {}
            changes += [(METHOD, BY_HAND)] * (method == BY_HAND)
        if self._weighting.rule is self._hand:
            self._hand.source.update(weights)
            changes += [(name, value) for name, value in weights.items() if self._written.get(name) != value]
            self._written = weights
        if method != BY_HAND and (method != driving or seized):
            self._weighting.to(RULES[method](self.model.tasks, total=self._total()))
            changes.append((METHOD, method))
        return changes

    def _total(self) -> float:
        """What λ by a rule sum to, see the class."""
        found = sum(self._weighting.weights.values())
        return found if self.records and 1e-3 < found < math.inf else float(len(self.names))

    def set(self, /, **weights: float) -> None:
        """Set λ by hand; if a rule drives, this takes the wheel from it, and the other λ stay where it left them."""
        TaskWeights(self.names, **weights)  # the same check, before anything changes
        with self._wheel:
            self._seize()
            self.weights.update(weights)

    def use(self, method: str) -> None:
        """Let a rule of `METHODS` choose λ, from where it stands; or choose it by hand, from where the rule left it."""
        if method not in METHODS:
            raise LabError(f"There is no method {method!r} to choose λ; there are {', '.join(METHODS)}.")
        with self._wheel:
            if method == BY_HAND:
                self._seize()
            self.method = method

    def _seize(self) -> None:
        if self.method == BY_HAND:
            return
        self.method = BY_HAND
        if self.driving != BY_HAND:
            self._seized = True
            left = {name: value for name, value in self._weighting.weights.items() if math.isfinite(value)}
            # To three digits, as a slider shows it.
            self.weights.update({n: float(f"{min(max(value, 0.0), LARGEST):.3g}") for n, value in left.items()})

    @property
    def by_rule(self) -> bool:
        """Whether a rule chose the λ of the last step."""
        return self.driving != BY_HAND

    @property
    def methods(self) -> list[str]:
        """Who has chosen λ in this run, in order."""
        chosen = [value for _, what, value in self.changes if what == METHOD]
        by_rule_at_once = (1, METHOD) in [change[:2] for change in self.changes]
        return chosen if by_rule_at_once else [BY_HAND, *chosen]

    def summary(self) -> str:
        """Who chose λ, or λ by hand, in a few words."""
        if self.methods != [BY_HAND]:
            return " → ".join(self.methods if len(self.methods) < 5 else ["...", *self.methods[-3:]])
        now = self.records[-1].weights
        changed = "" if len(self.changes) == len(self.names) else ", changed on the way"
        return "λ " + ", ".join(f"{name} {now[name]:g}" for name in self.names) + changed

    @property
    def events(self) -> pd.DataFrame:
        """What took effect when: ``step, task, value``; who chooses λ stands under the task 'method'."""
        return pd.DataFrame(list(self.changes), columns=["step", "task", "value"])

    def script(self, events: pd.DataFrame | None, steps: int | None) -> tuple[Script, int]:
        """What to `play` before which step, from a frame like `events`, and the number of steps; checked."""
        events = self.events if events is None else events
        steps = len(self.records) if steps is None else steps
        absent = {"step", "task", "value"} - set(events.columns)
        if absent:
            raise LabError(f"Events need the columns step, task and value; missing: {', '.join(sorted(absent))}.")
        if events.empty or steps == 0:
            raise LabError("There is nothing to replay: train first, or give events and steps.")
        whole_number("steps", steps)
        script: Script = {}
        for step, task, value in events[["step", "task", "value"]].itertuples(index=False):
            whole_number("An event's step", step)
            if task == METHOD and value not in METHODS:
                raise LabError(f"An event names the method {value!r}; there are {', '.join(METHODS)}.")
            if task != METHOD:
                TaskWeights(self.names, **{task: value})
                value = float(value)
            script.setdefault(int(step), {})[task] = value
        return script, steps

    def play(self, changes: dict[str, float | str]) -> None:
        """Let one step's part of a script take effect: λ first, since a rule takes over from where λ stands."""
        weights = {name: value for name, value in changes.items() if name != METHOD}
        if weights:
            self.set(**weights)
        if METHOD in changes:
            self.use(changes[METHOD])
