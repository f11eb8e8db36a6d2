"""The one interface of all rules that choose λ while a model trains, and λ by hand as the simplest of them."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence

from torch import Tensor
from torch.optim import Optimizer

from mtl_helpers.data.batches import Batch
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.tasks import Task, check_tasks
from mtl_helpers.training.weights import TaskWeights, TrainingError, weighted_sum


class Weighting:
    """A rule that chooses λ anew at each step: give it to `train_steps` or `fit` as ``weights``.

    A rule needs one method, `weigh`: from the losses to λ. The loop calls the others at their time, and most rules can
    leave them as they are.

    Parameters
    ----------
    tasks
        The model's tasks.
    total
        Scales λ so that they sum to it. Rules differ in their sum, some 1 and some T; at one learning rate they can be
        compared only at one sum, say T. None leaves λ as the rule says.
    """

    def __init__(self, tasks: Sequence[Task], *, total: float | None = None) -> None:
        self.tasks = check_tasks(tasks)
        self.names = [task.name for task in self.tasks]
        number = isinstance(total, numbers.Real) and not isinstance(total, bool)
        if total is not None and not (number and 0 < total < math.inf):
            raise TrainingError(f"total, the sum of λ, must be a finite number above 0, or None; found {total!r}.")
        self.total = total
        self._weights = dict.fromkeys(self.names, 1.0)

    @property
    def weights(self) -> dict[str, float]:
        """λ by task as it stands: that of the last step, or where the rule starts."""
        return dict(self._weights)

    def weigh(self, losses: Mapping[str, Tensor], model: MultiTaskModel) -> dict[str, float]:
        """λ by task for this step, from the tasks' losses, each a scalar; exactly 0 where the batch has no label."""
        raise NotImplementedError

    def backward(
        self, losses: Mapping[str, Tensor], model: MultiTaskModel, penalty: Tensor | None = None
    ) -> dict[str, float]:
        """Put the gradient of Σᵢ λᵢ Lᵢ, and of the model's own ``penalty``, into ``.grad``; return λ by task."""
        self._weights = self.weigh(losses, model)
        total = weighted_sum(losses, self._weights)
        (total if penalty is None else total + penalty).backward()
        return self._weights

    def own_loss(self) -> float:
        """What the rule itself adds to the total, beside Σᵢ λᵢ Lᵢ."""
        return 0.0

    def begin(self, model: MultiTaskModel, optimizer: Optimizer) -> None:
        """Before the first step: see that the tasks are the model's; a learnt λ joins the optimiser here."""
        names = [task.name for task in model.tasks]
        if sorted(names) != sorted(self.names):
            raise TrainingError(
                f"This {type(self).__name__} was made for the tasks {self.names}; the model has {names}. "
                f"Make it with the model's: {type(self).__name__}(model.tasks)."
            )

    def after_step(self, model: MultiTaskModel, batch: Batch) -> None:
        """After the optimiser's step."""

    def after_epoch(self) -> None:
        """After the last batch of an epoch."""

    def start_from(self, weights: Mapping[str, float]) -> bool:
        """Take over from where λ stands; False if the rule has no state that could, and starts with its own λ."""
        return False

    def rescaled(self, weights: dict[str, float]) -> dict[str, float]:
        """The same λ, scaled to sum to ``total`` if that is set (and their sum is not 0)."""
        now = sum(weights.values())
        if self.total is None or abs(now) < 1e-12:
            return weights
        return {name: value * self.total / now for name, value in weights.items()}

    def given(self, weights: Mapping[str, float]) -> dict[str, float]:
        """``weights`` of all the rule's tasks, in its order; raises `TrainingError` if one is missing or no number."""
        for name in self.names:
            value = weights.get(name)
            if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
                raise TrainingError(f"To take over, a rule needs a finite λ for '{name}'; found {value!r}.")
        return {name: float(weights[name]) for name in self.names}


class StaticWeights(Weighting):
    """λ by hand: a mapping from task name to λ, 1 where it names none.

    `TaskWeights` are kept as they are and read anew at each step, so that a λ changed meanwhile counts from the next step.

    >>> from mtl_helpers.tasks import SENTIMENT, STARS
    >>> StaticWeights([SENTIMENT, STARS], {"stars": 0.5}).weights
    {'sentiment': 1.0, 'stars': 0.5}
    """

    def __init__(
        self, tasks: Sequence[Task], weights: Mapping[str, float] | None = None, *, total: float | None = None
    ) -> None:
        super().__init__(tasks, total=total)
        self.source = weights if isinstance(weights, TaskWeights) else TaskWeights(self.names, **dict(weights or {}))
        if absent := set(self.names) - set(self.source):
            raise TrainingError(
                f"There is no λ for the task '{min(absent)}'; there are weights for {sorted(self.source)}."
            )

    @property
    def weights(self) -> dict[str, float]:
        """λ by task as it is set now."""
        return self.rescaled(dict(self.source))

    def weigh(self, losses: Mapping[str, Tensor], model: MultiTaskModel) -> dict[str, float]:
        """What was set by hand."""
        return self.weights

    def start_from(self, weights: Mapping[str, float]) -> bool:
        """Set these λ; one below 0, as some rules choose, becomes 0."""
        self.source.update({name: max(value, 0.0) for name, value in self.given(weights).items()})
        return True


class HandOver(Weighting):
    """One rule after another in the same run: the next one starts from where λ stands.

    ``first`` is a rule or a mapping (λ by hand). `to` may be called at any time, from another thread too, and counts from the
    next step on.

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

    def after_step(self, model: MultiTaskModel, batch: Batch) -> None:
        """As the rule at work does."""
        self.rule.after_step(model, batch)

    def after_epoch(self) -> None:
        """As the rule at work does."""
        self.rule.after_epoch()
