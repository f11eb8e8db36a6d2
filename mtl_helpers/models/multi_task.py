"""The multi-task model: one encoder, whatever it reads, and a head per task."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from mtl_helpers.tasks import Task, check_tasks


class ModelError(ValueError):
    """A model was put together, or fed, in a way that cannot work; the message gives the shapes."""


class MultiTaskModel(nn.Module):
    """One encoder shared by all tasks (hard parameter sharing, Caruana 1997) and a linear head for each.

    ``forward`` returns a dict from task name to ``(batch, classes)``, or ``(batch,)`` for a regression. Any module will do
    as encoder if it maps the batch's inputs to ``(batch, encoder.features)``. Own heads may be given, one per task name.

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
        features = self.encoder(inputs)
        if features.dim() != 2 or features.shape[1] != self.encoder.features:
            raise ModelError(
                f"The encoder {type(self.encoder).__name__} gave shape {tuple(features.shape)}; "
                f"the heads need (batch, {self.encoder.features}), as its .features says."
            )
        outputs = {}
        for task in self.tasks:
            output = self.heads[task.name](features)
            outputs[task.name] = output.squeeze(-1) if task.kind == "regression" else output
        return outputs


def count_parameters(model: MultiTaskModel) -> dict[str, int]:
    """Trainable numbers by part: the shared encoder, then each task's head.

    >>> from mtl_helpers.models import CNNEncoder
    >>> from mtl_helpers.tasks import SENTIMENT
    >>> count_parameters(MultiTaskModel(CNNEncoder(100, filters=4), [SENTIMENT]))
    {'encoder': 4492, 'sentiment head': 26}
    """

    def size(module: nn.Module) -> int:
        return sum(p.numel() for p in module.parameters() if p.requires_grad)

    return {"encoder": size(model.encoder)} | {f"{name} head": size(head) for name, head in model.heads.items()}
