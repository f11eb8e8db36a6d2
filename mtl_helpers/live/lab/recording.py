"""A training run that is steered while it goes, and that writes down what steered it, so that it can be taken again."""

from __future__ import annotations

import copy
import math
from collections import deque
from collections.abc import Callable, Iterable

import pandas as pd
from torch.nn import Parameter
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from mtl_helpers.arguments import whole_number
from mtl_helpers.live.lab.curves import SMOOTH, mean
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.randomness import Private, seeded
from mtl_helpers.relations import cosines_between, task_gradients
from mtl_helpers.training import RULES, HandOver, Record, StaticWeights, TaskWeights, Weighting, train_steps

BY_HAND = "by hand"
METHOD = "method"  # what stands in place of a task's name where an event says who chooses λ from now on
LARGEST = 10.0  # λ by hand, where a rule leaves it: from 0 to this, as far as the sliders reach
MOST_TASKS = 8  # that are told apart by colour, line and marker

Change = tuple[str, float | str]
Script = dict[int, dict[str, float | str]]


class LabError(ValueError):
    """The lab was asked for something it can not do."""


class RecordedRun:
    """``model`` trained on ``loader``, with λ by hand or by a rule, which may take over at any moment.

    `set` and `use` count from the next step on. ``weights`` are λ by hand, ``records`` what each step did, ``mean_weights``
    the λ of late: by hand the last ones, by a rule their running mean. ``method`` is who is to choose λ from the next step on,
    ``driving`` who chose those of the last one. Only one thread may use it.

    A rule takes over from where λ stands. In mid-run it keeps the sum that it finds there, so that nothing jumps but what the
    rule wants otherwise; from the first step on λ sums to the number of tasks, so that runs by different rules compare. It is
    made anew each time, with its generator if it draws at random; so are the loader with its order, and the random numbers of
    the model, which are the run's own: torch's global generator is not touched. A run can be taken again, bit for bit.
    """

    def __init__(
        self, model: MultiTaskModel, loader: DataLoader, val_loader: DataLoader | None = None, *, eval_every: int = 25
    ) -> None:
        if getattr(loader, "generator", None) is None:
            raise LabError(
                "The training loader has no generator, so no run could be replayed. Use make_loader, or pass generator=."
            )
        if len(model.tasks) > MOST_TASKS:
            raise LabError(
                f"The lab shows 1 to {MOST_TASKS} tasks; this model has {len(model.tasks)}. Train it with fit, or leave some "
                "out."
            )
        self.names = [task.name for task in model.tasks]
        if METHOD in self.names:
            raise LabError(f"A task of the lab can not be called '{METHOD}': its events mean the choice of λ by that.")
        self.eval_every = whole_number("eval_every", eval_every, LabError)
        self.model, self.val_loader = model, val_loader
        self.loader = self._first_loader = _own_copy(loader)
        self.weights = TaskWeights(self.names)
        self.method = BY_HAND
        self._own_rules: dict[str, tuple[Weighting, Weighting]] = {}  # as given, and as it was then
        self._start_state = copy.deepcopy(model.state_dict())
        self._forget()

    def _forget(self) -> None:
        # A slider may move before a step that has λ of its own: these follow just before it.
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
        """Put model, loader and random numbers back to the start and forget the run; λ by hand and the method stay."""
        self.model.load_state_dict(self._start_state)
        # An order of its own: two labs on one loader would take each other's random numbers.
        self.loader = _own_copy(self._first_loader)
        self._privately = Private(seeded(0))
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
        self.handed_over = METHOD in dict(changes)
        if self.handed_over:  # the new rule may draw, though nothing did so far
            self._privately = Private(self._privately.generator)
        if self.records:  # a long run would keep every batch alive
            self.records[-1].forget_batch()
        with self._privately():  # and not train_steps(generator=...): a rule may draw, too
            record = next(self._steps)
        self.changes += [(record.step, *change) for change in changes]
        if self.handed_over or not self.by_rule:
            self._recent.clear()
        self._recent.append(record.weights)
        self.mean_weights = {name: mean(w.get(name, math.nan) for w in self._recent) for name in self.names}
        self.records.append(record)
        return record

    def pull(self) -> tuple[dict[tuple[str, str], float], dict[str, float]]:
        """Gradient cosine of each pair of tasks, and λᵢ‖gᵢ‖ of each task, at the shared parameters.

        On the batch of the last step and with its dropout, at the parameters after it; λ is the step's.
        """
        last = self.records[-1]
        gradients = task_gradients(self.model, last.batch, last.random_state)
        lengths = {name: gradient.norm().item() * abs(last.weights[name]) for name, gradient in gradients.items()}
        return cosines_between(gradients, self.names), lengths

    def _steer(self) -> list[Change]:
        """Before a step: what is new since the last one takes effect; returns it as events."""
        seized, driving = self._seized, self.driving
        self._seized, self.driving = False, self.method
        changes: list[Change] = []
        if seized:
            self._weighting.rule = self._hand  # and not .to(): λ by hand may have moved on from where the rule left it
            self._written = {}
            changes += [(METHOD, BY_HAND)] * (self.method == BY_HAND)
        if self._weighting.rule is self._hand:
            self._hand.source.update(self.weights)
            changes += [(name, value) for name, value in self.weights.items() if self._written.get(name) != value]
            self._written = dict(self.weights)
        if self.method != BY_HAND and (self.method != driving or seized):
            self._weighting.to(self._new_rule())
            changes.append((METHOD, self.method))
        return changes

    def _new_rule(self) -> Weighting:
        found = sum(self._weighting.weights.values())
        total = found if self.records and 1e-3 < found < math.inf else float(len(self.names))
        if self.method not in self._own_rules:
            return RULES[self.method](self.model.tasks, total=total)
        rule = copy.deepcopy(self._own_rules[self.method][1])
        rule.total = total if rule.total is None else rule.total
        return rule

    def set(self, /, **weights: float) -> None:
        """Set λ by hand; if a rule drives, this takes the wheel from it, and the other λ stay where it left them."""
        TaskWeights(self.names, **weights)  # the same check, before anything changes
        self._seize()
        self.weights.update(weights)

    def use(self, method: str | Weighting) -> None:
        """Let a rule choose λ, from where it stands; or choose it by hand, from where the rule left it.

        ``method`` is one of `methods`, or a `Weighting` of one's own, which is used as it was when it was first given.
        """
        if isinstance(method, Weighting):
            method = self._own(method)
        elif method not in self.methods:
            raise LabError(
                f"There is no method {method!r} to choose λ; there are {', '.join(self.methods)}. A rule of your own is given "
                "as an object: use(MyRule(model.tasks))."
            )
        if method == BY_HAND:
            self._seize()
        self.method = method

    def _own(self, rule: Weighting) -> str:
        if sorted(rule.names) != sorted(self.names):
            raise LabError(f"This {type(rule).__name__} was made for the tasks {rule.names}; the lab has {self.names}.")
        for name, (given, _) in self._own_rules.items():
            if given is rule:
                return name
        name, number = type(rule).__name__, 1
        while (label := name if number == 1 else f"{name} {number}") in self.methods:
            number += 1
        self._own_rules[label] = rule, copy.deepcopy(rule)
        return label

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
    def methods(self) -> list[str]:
        """Who may choose λ: by hand, the rules there are, and those of one's own that were used."""
        return [BY_HAND, *RULES, *self._own_rules]

    @property
    def by_rule(self) -> bool:
        """Whether a rule chose the λ of the last step."""
        return self.driving != BY_HAND

    def summary(self) -> str:
        """Who chose λ, or λ by hand, in a few words."""
        chosen = [value for _, what, value in self.changes if what == METHOD]
        if (1, METHOD) not in [change[:2] for change in self.changes]:
            chosen = [BY_HAND, *chosen]
        if chosen != [BY_HAND]:
            return " → ".join(chosen if len(chosen) < 5 else ["...", *chosen[-3:]])
        changed = "" if len(self.changes) == len(self.names) else ", changed on the way"
        return "λ " + ", ".join(f"{name} {value:g}" for name, value in self._written.items()) + changed

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
        steps = whole_number("steps", steps, LabError)
        script: Script = {}
        for step, task, value in events[["step", "task", "value"]].itertuples(index=False):
            whole_number("An event's step", step, LabError)
            if task == METHOD and value not in self.methods:
                raise LabError(f"An event names the method {value!r}; there are {', '.join(self.methods)}.")
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


def _own_copy(loader: DataLoader) -> DataLoader:
    """The loader with an order of its own, as far as it was dealt, on the same data."""
    return copy.deepcopy(loader, {id(loader.dataset): loader.dataset})
