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


def plane(features: np.ndarray, before: np.ndarray | None = None) -> np.ndarray:
    """Points ``(n, width)`` in two dimensions ``(n, 2)``: their first two principal components, turned to fit ``before``.

    The components of two pictures that follow one another may be swapped or mirrored, which would let all points jump. So the
    picture is turned and mirrored, and nothing else, to lie as near as can be to the one before it (orthogonal Procrustes,
    Schönemann 1966). Only distances mean anything, and a rotation of the features changes none.

    >>> square = np.array([[0.0, 0.0, 1.0], [2.0, 0.0, 1.0], [2.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    >>> bool(np.allclose(plane(-square, before=plane(square)), -plane(-square, before=-plane(square))))
    True
    """
    centred = features - features.mean(0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    points = centred @ axes[:2].T
    if points.shape[1] < 2:
        points = np.pad(points, ((0, 0), (0, 2 - points.shape[1])))
    if before is None:
        return points
    left, _, right = np.linalg.svd(points.T @ before)
    return points @ (left @ right)


class EncoderPoints(anywidget.AnyWidget):
    """Validation examples as points, by what the encoder makes of them in validations that are made anyway.

    ``looking`` is a context in which a model's forward passes in eval mode are watched; `picture` then draws what was seen.
    Of at most `MOST_POINTS` examples, the first ones of the loader. Coloured by the first task's label, shaped by the
    second's; a number is a colour scale.
    """

    _esm = script("theme.js", "points.js")
    _css = CSS
    name = traitlets.Unicode().tag(sync=True)

    def __init__(self) -> None:
        super().__init__(name=uuid.uuid4().hex)
        self._about: dict[str, Any] = {}
        self._pictures: list[dict[str, Any]] = []
        self.points: np.ndarray | None = None
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
        shown = [task for task in self._tasks if task.name in data.targets and not task.label_shape][:2]
        self._about = {"examples": _shown(data.inputs, examples, self._n), "tasks": [_labels(t, data) for t in shown]}
        self._send_all()
        return True

    def forget(self) -> None:
        """Forget the pictures: those of a new run follow."""
        self._pictures, self.points = [], None
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
        self.points = plane(seen, self.points)
        said = {task.name: _answers(task, outputs, self._n) for task in self._tasks if not task.label_shape}
        picture = {"step": step, "x": self.points[:, 0].round(4).tolist(), "y": self.points[:, 1].round(4).tolist()}
        self._pictures.append(picture | {"said": said})
        self.send({"picture": self._pictures[-1], "number": len(self._pictures)})

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
