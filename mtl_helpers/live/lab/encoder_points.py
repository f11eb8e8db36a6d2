"""What the shared encoder makes of the validation examples: a point each, in two dimensions, followed through a run."""

from __future__ import annotations

import base64
import io
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import anywidget
import numpy as np
import pandas as pd
import torch
import traitlets
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, SequentialSampler

from mtl_helpers.data import MultiTaskDataset
from mtl_helpers.live.widgets.chart import CSS, script
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.plots.styles import COLOURS, on_dark
from mtl_helpers.tasks import Task

MOST_POINTS = 300
MARKERS = "os^DvPX*"


def plane(features: np.ndarray, before: np.ndarray | None = None, *, head: np.ndarray | None = None) -> np.ndarray:
    """Points ``(n, width)`` in two dimensions ``(n, 2)``, turned to fit ``before``.

    Without ``head`` along the two main directions of the points (principal components). With the weights of a linear head,
    ``(outputs, width)``, in the plane in which it tells its classes apart best: the two main directions of the weights,
    centred; where it has but one, the points' main direction at a right angle to it is the other. Six classes lie apart there
    that in their main directions overlap: of the lab's reviews, trained 600 steps with λ topic 3, the silhouette by topic is
    0.04 along the main directions and 0.15 in the plane of topic's head (t-SNE: 0.28, at a hundred times a step's price).

    The directions of two pictures that follow one another may be swapped or mirrored, which would let all points jump. So the
    picture is turned and mirrored, and nothing else, to lie as near as can be to the one before it (orthogonal Procrustes,
    Schönemann 1966). Only distances mean anything, and a rotation of the features, and the head with them, changes none.

    >>> corners = np.array([[0.0, 0.0, 1.0], [2.0, 0.0, 1.0], [2.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    >>> plane(corners, before=corners[:, :2] - [1, 0.5]).round(6) + 0.0
    array([[-1. , -0.5],
           [ 1. , -0.5],
           [ 1. ,  0.5],
           [-1. ,  0.5]])
    """
    centred = features - features.mean(0)
    axes = np.zeros((0, centred.shape[1]))
    if head is not None:
        _, strength, axes = np.linalg.svd(head - head.mean(0), full_matrices=False)
        axes = axes[strength > 1e-6 * strength[0]][:2]
    if len(axes) < 2:
        rest = centred - centred @ axes.T @ axes
        axes = np.vstack([axes, np.linalg.svd(rest, full_matrices=False)[2][: 2 - len(axes)]])
    points = centred @ axes.T
    if points.shape[1] < 2:
        points = np.pad(points, ((0, 0), (0, 2 - points.shape[1])))
    if before is None:
        return points
    left, _, right = np.linalg.svd(points.T @ before)
    return points @ (left @ right)


class EncoderPoints(anywidget.AnyWidget):
    """Validation examples as points, by what the encoder makes of them in validations that are made anyway.

    ``looking`` is a context in which a model's forward passes in eval mode are watched; `picture` then draws what was seen.
    It draws them in each of a few planes, see `plane`, and the page chooses one. Of at most `MOST_POINTS` examples, the first
    ones of the loader. Coloured by the first task's label, shaped by the second's; a number is a colour scale.
    """

    _esm = script("theme.js", "points.js")
    _css = CSS
    name = traitlets.Unicode().tag(sync=True)

    def __init__(self) -> None:
        super().__init__(name=uuid.uuid4().hex)
        self._about: dict[str, Any] = {}
        self._pictures: list[dict[str, Any]] = []
        self.planes: dict[str, np.ndarray] = {}
        self.on_msg(lambda *_: self._send_all())

    def begin(self, model: MultiTaskModel, loader: DataLoader | None, examples: Sequence[str] | None) -> bool:
        """Make ready for a model and its validation data; whether there is anything to see."""
        self._model, self._tasks = model, model.tasks
        self._features, self._outputs = [], []
        self.forget()
        if not isinstance(getattr(model, "encoder", None), nn.Module) or not _in_order(loader):
            return False
        data = loader.dataset[list(range(min(MOST_POINTS, len(loader.dataset))))]
        self._n = data.size
        self._shown = [t for t in self._tasks if t.name in data.targets and data.targets[t.name].dim() == 1]
        shown = self._shown[:2]  # a label an example, which a tag for each word is not
        self._about = {"examples": _shown(data.inputs, examples, self._n), "tasks": [_labels(t, data) for t in shown]}
        self._send_all()
        return True

    def forget(self) -> None:
        """Forget the pictures: those of a new run follow."""
        self._pictures, self.planes = [], {}
        self._send_all()

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Within it the model's forward passes in eval mode are watched."""
        hooks = [
            self._model.encoder.register_forward_hook(self._note(self._features)),
            self._model.register_forward_hook(self._note(self._outputs)),
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _note(self, into: list[Any]) -> Any:
        def note(module: nn.Module, inputs: Any, output: Any) -> None:
            if not module.training:
                into.append(output)

        return note

    def picture(self, step: int) -> None:
        """Draw what was seen since the last picture, if anything was."""
        features, outputs = self._features[:], self._outputs[:]
        self._features.clear()
        self._outputs.clear()
        if not features or not isinstance(features[0], Tensor) or features[0].dim() != 2:
            return
        seen = torch.cat(features)[: self._n].double().cpu().numpy()
        self.planes = {axes: plane(seen, self.planes.get(axes), head=head) for axes, head in self._axes().items()}
        said = {task.name: _answers(task, outputs, self._n) for task in self._shown}
        drawn = {axes: points.T.round(4).tolist() for axes, points in self.planes.items()}
        picture = {"step": step, "planes": drawn}
        self._pictures.append(picture | {"said": said})
        self.send({"picture": self._pictures[-1], "number": len(self._pictures)})

    def frame(self) -> pd.DataFrame:
        """The last picture in its first plane: ``x, y``, and for each task shown its labels, None where there are none."""
        labels = {about["name"]: _words(about) for about in self._about.get("tasks", ())}
        x, y = next(iter(self.planes.values())).T if self.planes else ([], [])
        return pd.DataFrame({"x": x, "y": y, **{name: column[: len(x)] for name, column in labels.items()}})

    def _axes(self) -> dict[str, np.ndarray | None]:
        """The planes to draw, each with its head's weights: what the tasks' heads look at, and the main directions."""
        heads = {f"as {task.name}'s head sees it": self._model.heads[task.name] for task in self._tasks[:2]}
        linear = {name: head.weight for name, head in heads.items() if isinstance(head, nn.Linear)}
        return {name: weight.detach().double().cpu().numpy() for name, weight in linear.items()} | {
            "main directions": None
        }

    def _send_all(self) -> None:
        self.send({"about": self._about, "pictures": self._pictures})


def _in_order(loader: DataLoader | None) -> bool:
    """Whether a loader gives a data set's examples in their order, so that each can be told from the others."""
    if not isinstance(getattr(loader, "dataset", None), MultiTaskDataset):
        return False
    return not getattr(loader.sampler, "shuffle", not isinstance(loader.sampler, SequentialSampler))


def _labels(task: Task, data: Any) -> dict[str, Any]:
    """A task's labels as numbers, and what they look like."""
    target, mask = data.labels_of(task.name)
    values = [float(v) if m else None for v, m in zip(target.tolist(), mask.tolist(), strict=True)]
    colours = [[colour, on_dark(colour)] for colour in COLOURS]
    classes = [str(label) for label in task.classes]
    return {"name": task.name, "values": values, "classes": classes, "colours": colours, "markers": list(MARKERS)}


def _words(about: Mapping[str, Any]) -> list[Any]:
    """The labels that `_labels` turned into numbers."""
    classes = about["classes"]
    return [v if v is None or not classes else classes[int(v)] for v in about["values"]]


def _answers(task: Task, outputs: Sequence[Mapping[str, Tensor]], n: int) -> list[str]:
    """What the task's head says of each example, in its own words."""
    output = task.join([out[task.name].detach() for out in outputs])[:n]
    answers: pd.DataFrame = task.decode(output)
    sure = answers.iloc[:, 1:].max(axis=1) if answers.shape[1] > 1 else None
    said = [f"{value:.2f}" if isinstance(value, float) else str(value) for value in answers[task.name]]
    return said if sure is None else [f"{text} ({100 * p:.0f} %)" for text, p in zip(said, sure, strict=True)]


def _shown(inputs: Any, examples: Sequence[str] | None, n: int) -> list[str]:
    """What to show of each example: its text, or its picture."""
    if examples is not None:
        return [str(text) for text in list(examples)[:n]]
    if isinstance(inputs, Tensor) and inputs.is_floating_point() and inputs.dim() == 4 and inputs.shape[1] in (1, 3):
        return [_picture(image) for image in inputs]
    return [f"example {number}" for number in range(1, n + 1)]


def _picture(image: Tensor) -> str:
    low, high = image.min(), image.max()
    pixels = ((image - low) / (high - low + 1e-9) * 255).byte().permute(1, 2, 0).squeeze(-1).numpy()
    with io.BytesIO() as file:
        Image.fromarray(pixels).save(file, format="png")
        return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
