"""The multi-task model: one encoder, whatever it reads, and a head per task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from mtl_helpers.models.described import Described
from mtl_helpers.tasks import Task, check_tasks


class ModelError(ValueError):
    """A model was put together, or fed, in a way that cannot work; the message gives the shapes."""


class Answers(dict[str, Tensor]):
    """The output of each task; ``features`` are, by task, those that its head read: one tensor under every name, or several.

    A rule that looks at the tasks' gradients there (``on="features"``) asks for them.
    """

    features: Mapping[str, Tensor]


class MultiTaskModel(Described, nn.Module):
    """One encoder shared by all tasks (hard parameter sharing, Caruana 1997) and a linear head for each.

    ``forward`` returns a dict from task name to ``(batch, classes)``, or ``(batch,)`` for a number. Any module will do as
    encoder if it maps the batch's inputs to ``(batch, encoder.features)``; for a task with a label for each word it also
    needs a method ``by_word``, from inputs to ``(batch, time, encoder.features)``. Own heads may be given, one per task name.

    >>> import torch
    >>> from mtl_helpers.models import CNNEncoder
    >>> from mtl_helpers.tasks import SENTIMENT, STARS
    >>> model = MultiTaskModel(CNNEncoder(100), [SENTIMENT, STARS])
    >>> {name: tuple(output.shape) for name, output in model(torch.tensor([[5, 7, 0], [8, 9, 3]])).items()}
    {'sentiment': (2, 2), 'stars': (2,)}
    """

    def __init__(self, encoder: nn.Module, tasks: Sequence[Task], heads: dict[str, nn.Module] | None = None) -> None:
        super().__init__()
        self.tasks = check_tasks(tasks)
        if not isinstance(getattr(encoder, "features", None), int):
            raise ModelError(f"The encoder {type(encoder).__name__} must tell its width in .features, a whole number.")
        names = [task.name for task in self.tasks]
        if heads is None:
            heads = {task.name: nn.Linear(encoder.features, task.n_outputs) for task in self.tasks}
        elif set(heads) != set(names):
            raise ModelError(
                f"Heads are for {sorted(heads)} and tasks are {sorted(names)}: each task needs its own head."
            )
        for task in self.tasks:
            width = getattr(heads[task.name], "out_features", task.n_outputs)
            if width != task.n_outputs:
                raise ModelError(
                    f"The head of '{task.name}' puts out {width} numbers; the task needs {task.n_outputs}."
                )
            width = getattr(heads[task.name], "in_features", encoder.features)
            if width != encoder.features:
                raise ModelError(
                    f"The head of '{task.name}' takes {width} numbers; the encoder gives {encoder.features} features."
                )
        self.encoder = encoder
        self.heads = nn.ModuleDict(heads)

    def forward(self, inputs: Tensor | dict[str, Tensor]) -> dict[str, Tensor]:
        """Encode once, then let every head answer."""
        if any(task.per_word for task in self.tasks):
            return self.answers(self._by_word(inputs))
        features = self.encoder(inputs)
        if features.dim() != 2 or features.shape[1] != self.encoder.features:
            raise ModelError(
                f"The encoder {type(self.encoder).__name__} gave shape {tuple(features.shape)}; "
                f"the heads need (batch, {self.encoder.features}), as its .features says."
            )
        return self.answers({task.name: features for task in self.tasks})

    def answers(self, features: Mapping[str, Tensor]) -> Answers:
        """What each task's head makes of the features it is given, in the shape that the task takes."""
        made = Answers((task.name, task.from_head(self.heads[task.name](features[task.name]))) for task in self.tasks)
        made.features = features
        return made

    def shared_parameters(self) -> list[nn.Parameter]:
        """The trainable parameters that more than one task's loss reaches: here the encoder's.

        Only there can the gradients of tasks meet, so rules that look at gradients, cosines and affinity ask for these. Of a
        frozen encoder there are none.
        """
        return [p for p in self.encoder.parameters() if p.requires_grad]

    def _by_word(self, inputs: Tensor | dict[str, Tensor]) -> dict[str, Tensor]:
        """By task its features: of the words, or of the text."""
        if not hasattr(self.encoder, "by_word"):
            tagged = next(task.name for task in self.tasks if task.per_word)
            raise ModelError(
                f"The task '{tagged}' labels words, and the encoder {type(self.encoder).__name__} has no method by_word that "
                "gives (batch, time, features). The course's text encoders have one."
            )
        text = None if all(task.per_word for task in self.tasks) else self.encoder(inputs)
        words = self.encoder.by_word(inputs)
        return {task.name: words if task.per_word else text for task in self.tasks}


def shared_parameters(model: nn.Module) -> list[nn.Parameter]:
    """What a model says that its tasks share, inside of any wrapper; raises `ModelError` if it does not say it."""
    inner = unwrapped(model)
    if not hasattr(inner, "shared_parameters"):
        raise ModelError(
            f"Gradients of tasks meet in what the tasks share, and {type(inner).__name__} does not say what that is. Add a "
            "method shared_parameters(self) to it that returns a list, such as list(self.encoder.parameters())."
        )
    return inner.shared_parameters()


def unwrapped(model: nn.Module) -> MultiTaskModel:
    """The multi-task model inside of a wrapper such as ``DataParallel``."""
    inner = model
    while not hasattr(inner, "tasks") and isinstance(getattr(inner, "module", None), nn.Module):
        inner = inner.module
    if not hasattr(inner, "tasks"):
        raise ModelError(
            f"Expected a MultiTaskModel, or one in a wrapper that keeps it as .module; found {type(model).__name__}."
        )
    return inner
