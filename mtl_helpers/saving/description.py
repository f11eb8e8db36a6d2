"""How a model is described as JSON, and made again from that: its classes are the course's, or plain layers of torch's."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor, nn

from mtl_helpers import models, relations
from mtl_helpers.models import ModelError
from mtl_helpers.models.described import Described
from mtl_helpers.tasks import Task

_COURSE = {
    name: kind
    for module in (models, relations)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and issubclass(kind, Described)
}
_LAYERS = {
    layer.__name__: layer
    for layer in (nn.Linear, nn.ReLU, nn.GELU, nn.Tanh, nn.Sigmoid, nn.Dropout, nn.LayerNorm, nn.Identity)
}


class UnknownClass(Exception):
    """A part of the model is of this class, neither the course's nor a plain layer of torch's."""


def describe(value: Any, modules: list[dict[str, Any]], places: dict[int, int]) -> Any:
    """An argument as JSON; a module becomes its place in ``modules``, so that one used twice stays one."""
    if isinstance(value, Task):
        return {"task": value.to_dict()}
    if isinstance(value, (Mapping, nn.ModuleDict)):
        return {"dict": {name: describe(part, modules, places) for name, part in value.items()}}
    if isinstance(value, nn.Module):
        if id(value) not in places:
            entry = {"class": type(value).__name__, "arguments": {}}
            entry["arguments"] = {k: describe(v, modules, places) for k, v in _arguments(value).items()}
            modules.append(entry)
            places[id(value)] = len(modules) - 1
        return {"module": places[id(value)]}
    if isinstance(value, (list, tuple)):
        return [describe(part, modules, places) for part in value]
    if isinstance(value, (np.generic, Tensor)):
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise UnknownClass(f"an argument of it is {value!r}, which JSON can not write")


def _arguments(module: nn.Module) -> dict[str, Any]:
    kind = type(module)
    if _COURSE.get(kind.__name__) is kind:
        return module.arguments()
    if kind is nn.Sequential:
        return {"layers": list(module)}
    if _LAYERS.get(kind.__name__) is kind:  # torch keeps a layer's arguments under their names, but for bias
        names = inspect.signature(kind).parameters
        bias = {"bias": module.bias is not None} if "bias" in names else {}
        return {name: value for name, value in vars(module).items() if name in names} | bias
    raise UnknownClass(f"a part of it is of the class {kind.__name__}, which is not the course's")


def make(described: list[dict[str, Any]]) -> list[nn.Module]:
    """New modules as `describe` listed them; raises `ModelError` for a class that is not there."""
    made: list[nn.Module] = []
    for entry in described:
        arguments = {name: _made_value(value, made) for name, value in entry["arguments"].items()}
        if entry["class"] == "Sequential":
            made.append(nn.Sequential(*arguments["layers"]))
            continue
        kind, other = entry["class"], "the model was saved by another version of the course"
        if kind not in _LAYERS and kind not in _COURSE:
            raise ModelError(f"The course has no class {kind}: {other}.")
        try:
            made.append(_LAYERS[kind](**arguments) if kind in _LAYERS else _COURSE[kind].made_from(arguments))
        except (TypeError, KeyError) as error:
            raise ModelError(f"A {kind} can not be made as it was saved ({error}): {other}.") from error
    return made


def _made_value(value: Any, made: list[nn.Module]) -> Any:
    if isinstance(value, list):
        return [_made_value(part, made) for part in value]
    if isinstance(value, dict):
        ((kind, content),) = value.items()
        if kind == "module":
            return made[content]
        return Task.from_dict(content) if kind == "task" else {k: _made_value(v, made) for k, v in content.items()}
    return value
