"""The one interface of all rules that choose λ while a model trains, and λ by hand as the simplest of them."""

from __future__ import annotations

import math
import numbers
import weakref
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from mtl_helpers.arguments import number
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.tasks import Task, check_tasks
from mtl_helpers.training.task_weights import Losses, TaskWeights, TrainingError, weighted_sum


class Weighting:
    """A rule that chooses λ anew at each step: give it to `train_steps` or `fit` as ``weights``.

    A rule of your own is a subclass with one method, `weigh`, from the losses to λ. The loop calls the others at their time,
    and most rules leave them as they are.

    A rule that is used again on the same model goes on where it stood. On another model it starts anew, unless
    `load_state_dict` has just told it where to go on; a rule of your own that remembers something says how in `reset`.

    Parameters
    ----------
    tasks
        The model's tasks.
    total
        Scales λ so that they sum to it, whatever `weigh` returns; of tasks without a label in the batch, for which a rule
        may give no λ, the share is left out. Rules differ in their sum, some 1 and some T; at one learning rate they can be
        compared only at one sum, say T. None leaves λ as the rule says.

    >>> import torch
    >>> from mtl_helpers.tasks import SENTIMENT, STARS
    >>> class Lagging(Weighting):
    ...     '''More for the task with the larger loss.'''
    ...     def weigh(self, losses, model):
    ...         return {name: loss.item() for name, loss in losses.items()}
    >>> losses = {"sentiment": torch.tensor(1.0, requires_grad=True), "stars": torch.tensor(3.0, requires_grad=True)}
    >>> Lagging([SENTIMENT, STARS], total=2).backward(losses, None)
    {'sentiment': 0.5, 'stars': 1.5}
    """

    def __init__(self, tasks: Sequence[Task], *, total: float | None = None) -> None:
        self.tasks = check_tasks(tasks)
        self.names = [task.name for task in self.tasks]
        self._known = frozenset(self.names)
        self.total = None if total is None else number("total, the sum of λ,", total, TrainingError, above=0)
        self._weights = dict.fromkeys(self.names, 1.0)
        self._model: weakref.ref[MultiTaskModel] | None = None

    @property
    def weights(self) -> dict[str, float]:
        """λ by task as it stands: the last that the rule gave it, or where the rule starts."""
        return dict(self._weights)

    def weigh(self, losses: Mapping[str, Tensor], model: MultiTaskModel) -> dict[str, float]:
        """λ by task for this step, from the losses, each a scalar, of the tasks that have a label in the batch."""
        raise NotImplementedError

    def backward(
        self, losses: Mapping[str, Tensor], model: MultiTaskModel, penalty: Tensor | None = None
    ) -> dict[str, float]:
        """Put the gradient of Σᵢ λᵢ Lᵢ, and of the model's own ``penalty``, into ``.grad``; return λ by task.

        ``losses`` are of the tasks that have a label in the batch; λ are of these, or of all if the rule knows them.
        """
        weights = self.scaled(self.weigh(losses, model)) if losses else {}
        self._weights |= weights
        parts = [weighted_sum(losses, weights)] if losses else []
        parts += [penalty] if penalty is not None and penalty.requires_grad else []
        if parts:
            sum(parts[1:], start=parts[0]).backward()
        return weights

    def own_loss(self) -> float:
        """What the rule itself adds to the total, beside Σᵢ λᵢ Lᵢ."""
        return 0.0

    def begin(self, model: MultiTaskModel, optimizer: Optimizer) -> None:
        """Before the first step: see that the tasks are the model's, and start anew if the last model was another."""
        names = [task.name for task in model.tasks]
        if sorted(names) != sorted(self.names):
            raise TrainingError(
                f"This {type(self).__name__} was made for the tasks {self.names}; the model has {names}. "
                f"Make it with the model's: {type(self).__name__}(model.tasks)."
            )
        if self._model is not None and self._model() is not model:
            self.reset()
        self._model = weakref.ref(model)

    def reset(self) -> None:
        """Back to where the rule stood when it was made."""
        self._weights = dict.fromkeys(self.names, 1.0)

    def after_step(self, model: MultiTaskModel, again: Callable[[], Losses]) -> None:
        """After the optimiser's step. ``again()`` gives the losses on the same batch as they are now.

        It is a look: with the step's dropout, and neither BatchNorm nor random numbers are moved by it.
        """

    def after_epoch(self) -> None:
        """After the last batch of an epoch."""

    def start_from(self, weights: Mapping[str, float]) -> bool:
        """Take over from where λ stands; False if the rule has no state that could, and starts with its own λ."""
        return False

    def state_dict(self) -> dict[str, Any]:
        """All that the rule remembers, to go on later with `load_state_dict`; ``torch.save`` takes it."""
        return {"rule": self.kind, "weights": self.weights, "total": self.total}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict` of the same rule for the same tasks."""
        if state["rule"] != self.kind or list(state["weights"]) != self.names:
            raise TrainingError(
                f"This is the state of {state['rule']} for the tasks {list(state['weights'])}; "
                f"this rule is {self.kind} for {self.names}."
            )
        self._weights, self.total, self._model = dict(state["weights"]), state["total"], None

    @property
    def kind(self) -> str:
        """What a state must be of, to be loaded."""
        return type(self).__name__

    def scaled(self, weights: Mapping[str, float]) -> dict[str, float]:
        """λ as floats, scaled to sum to ``total`` if that is set; to a part of it, if some tasks have none."""
        if not isinstance(weights, (dict, Mapping)) or not self._known.issuperset(weights):
            raise TrainingError(
                f"{type(self).__name__} must give λ by task name, of {', '.join(self.names)}; found {weights!r:.80}."
            )
        weights = {n: value.item() if isinstance(value, Tensor) else float(value) for n, value in weights.items()}
        if self.total is None or abs(now := sum(weights.values())) < 1e-12:
            return weights
        total = self.total * len(weights) / len(self.names)
        return {name: value * total / now for name, value in weights.items()}

    def given(self, weights: Mapping[str, float]) -> dict[str, float]:
        """``weights`` of all the rule's tasks, in its order; raises `TrainingError` if one is missing or no number."""
        for name in self.names:
            value = weights.get(name)
            if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
                raise TrainingError(f"To take over, a rule needs a finite λ for '{name}'; found {value!r}.")
        return {name: float(weights[name]) for name in self.names}


def refuse_below_zero(rule: Weighting, losses: Mapping[str, float]) -> None:
    """Raise `TrainingError` if a loss is below 0, as that of a task of one's own may be: it has no rate at which it falls."""
    for name, loss in losses.items():
        if loss < 0:
            raise TrainingError(
                f"{rule.kind} compares how fast losses fall, by ratios or logarithms, and the loss of '{name}' is {loss:.4g}: "
                "take a rule that does not, such as uncertainty or PCGrad, or a loss that is never below 0."
            )


class StaticWeights(Weighting):
    """λ by hand: a mapping from task name to λ, 1 where it names none.

    The mapping is read anew at each step, so that a λ changed meanwhile counts from the next step. `TaskWeights` refuse what
    cannot be a λ when it is set, a plain dict only when it is read.

    >>> from mtl_helpers.tasks import SENTIMENT, STARS
    >>> StaticWeights([SENTIMENT, STARS], {"stars": 0.5}).weights
    {'sentiment': 1.0, 'stars': 0.5}
    """

    def __init__(
        self, tasks: Sequence[Task], weights: Mapping[str, float] | None = None, *, total: float | None = None
    ) -> None:
        super().__init__(tasks, total=total)
        self.source: Mapping[str, float] = {} if weights is None else weights
        self._read: tuple[dict[str, float], dict[str, float]] | None = None  # the mapping as it was, and λ made of it
        if isinstance(weights, TaskWeights) and (absent := set(self.names) - set(weights)):
            raise TrainingError(f"There is no λ for the task '{min(absent)}'; there are weights for {sorted(weights)}.")
        self._set()  # a mistake in it is told now

    def _set(self) -> dict[str, float]:
        now = dict(self.source)
        if self._read is None or self._read[0] != now:
            self._read = now, dict(now if isinstance(self.source, TaskWeights) else TaskWeights(self.names, **now))
        return dict(self._read[1])

    @property
    def weights(self) -> dict[str, float]:
        """λ by task as it is set now."""
        return self.scaled(self._set())

    def weigh(self, losses: Mapping[str, Tensor], model: MultiTaskModel) -> dict[str, float]:
        """What was set by hand."""
        return self._set()

    def start_from(self, weights: Mapping[str, float]) -> bool:
        """Set these λ; one below 0, as some rules choose, becomes 0."""
        given = {name: max(value, 0.0) for name, value in self.given(weights).items()}
        if isinstance(self.source, MutableMapping):
            self.source.update(given)
        else:
            self.source = given
        return True

    def state_dict(self) -> dict[str, Any]:
        """λ as they are set, before they are scaled."""
        return {**super().state_dict(), "set": self._set()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Set λ, in the mapping that the rule was made with if it can be written to."""
        super().load_state_dict(state)
        self.start_from(state["set"])


class HandOver(Weighting):
    """One rule after another in the same run: the next one starts from where λ stands.

    ``first`` is a rule or a mapping (λ by hand). `to` may be called at any time, from another thread too, and counts from the
    next step on. The state is that of the rule at work: to go on from it, make a `HandOver` that begins with such a rule.

    >>> from mtl_helpers.tasks import SENTIMENT, STARS
    >>> from mtl_helpers.training import FAMO
    >>> tasks = [SENTIMENT, STARS]
    >>> by_hand = TaskWeights(["sentiment", "stars"], stars=0.25)
    >>> weights = HandOver(tasks, by_hand)  # fit(..., weights=weights)
    >>> weights.to(FAMO(tasks))
    """

    def __init__(self, tasks: Sequence[Task], first: Weighting | Mapping[str, float] | None = None) -> None:
        super().__init__(tasks)
        self.rule = first if isinstance(first, Weighting) else StaticWeights(tasks, first)
        self._next: Weighting | None = None
        self._run: tuple[MultiTaskModel, Optimizer] | None = None

    @property
    def weights(self) -> dict[str, float]:
        """λ by task of the rule that is at work."""
        return self.rule.weights

    def to(self, rule: Weighting) -> None:
        """Let ``rule`` choose λ from the next step on."""
        if not isinstance(rule, Weighting) or sorted(rule.names) != sorted(self.names):
            found = f"one for {rule.names}" if isinstance(rule, Weighting) else repr(rule)
            raise TrainingError(f"λ is handed over to a Weighting for the tasks {self.names}; found {found}.")
        self._next = rule

    def begin(self, model: MultiTaskModel, optimizer: Optimizer) -> None:
        """Begin with the rule that is at work."""
        super().begin(model, optimizer)
        self._run = model, optimizer
        self.rule.begin(model, optimizer)

    def reset(self) -> None:
        """The rule at work begins, and sees for itself whether the model is another."""

    def backward(
        self, losses: Mapping[str, Tensor], model: MultiTaskModel, penalty: Tensor | None = None
    ) -> dict[str, float]:
        """Change the rule if another waits; then as that rule does."""
        if self._next is not None:
            rule, self._next = self._next, None
            if self._run is not None:
                rule.begin(*self._run)
            rule.start_from(self.rule.weights)
            self.rule = rule
        return self.rule.backward(losses, model, penalty)

    def own_loss(self) -> float:
        """As the rule at work says."""
        return self.rule.own_loss()

    def after_step(self, model: MultiTaskModel, again: Callable[[], Losses]) -> None:
        """As the rule at work does."""
        self.rule.after_step(model, again)

    def after_epoch(self) -> None:
        """As the rule at work does."""
        self.rule.after_epoch()

    def state_dict(self) -> dict[str, Any]:
        """That of the rule at work."""
        return self.rule.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """For the rule at work."""
        self.rule.load_state_dict(state)
