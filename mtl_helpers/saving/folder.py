"""The folder of a saved model: ``model.json`` (how to make it again, its tasks), ``weights.safetensors``, ``vocabulary.json``.

There is no pickle, so nothing in it can run when it is loaded. Of a pre-trained encoder only what was changed is kept, such as
the numbers of its LoRA; the rest is named, with its SHA-256.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mtl_helpers.data import ColumnNumbers, Vocabulary
from mtl_helpers.models import FrozenFeatures, ModelError, MultiTaskModel, PretrainedEncoder, Subwords
from mtl_helpers.models.large.weight_files import checksum
from mtl_helpers.randomness import drawn_from
from mtl_helpers.saving.description import UnknownClass, describe, make
from mtl_helpers.saving.trained import Reader, Trained
from mtl_helpers.tasks import Task

FORMAT = 1
_PARTS = {"format", "tasks", "vocabulary", "sources", "frozen", "modules", "model", "features", "sha256"}
MODEL, WEIGHTS, VOCABULARY = "model.json", "weights.safetensors", "vocabulary.json"


def save(model: MultiTaskModel, path: str | os.PathLike[str], *, vocabulary: Reader | None = None) -> Path:
    """Write a model, its tasks and its vocabulary to the folder ``path``, and return that.

    ``vocabulary`` is what encoded the training data: a vocabulary, frozen features, or the columns of a table. A model saved
    there before is replaced at the very end, so that an interruption leaves it whole.

    The course's encoders and ways of sharing, with heads of plain layers, are made again by `load`. A class of your own is
    saved too; `load` then wants to be given one to fill.

    >>> import tempfile
    >>> from mtl_helpers.models import CNNEncoder
    >>> from mtl_helpers.tasks import SENTIMENT
    >>> words = Vocabulary(["good", "bad"])
    >>> model = MultiTaskModel(CNNEncoder(len(words)), [SENTIMENT])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save(model, f"{folder}/mine", vocabulary=words)
    ...     list(load(path).answer(["a good film"]))
    ['sentiment', 'sentiment: negative', 'sentiment: positive']
    """
    from safetensors.torch import save_file

    path = Path(path)
    if not hasattr(model, "tasks"):
        raise ModelError(
            f"save takes a multi-task model; found {type(model).__name__}. Of a wrapped one give model.module."
        )
    if path.exists() and not (path / MODEL).is_file() and (not path.is_dir() or any(path.iterdir())):
        raise ModelError(f"{path} is there and holds no saved model: give another name, or take it away.")
    words = vocabulary.subwords if isinstance(vocabulary, FrozenFeatures) else vocabulary
    if words is not None and not hasattr(words, "save"):
        raise ModelError(f"The vocabulary, a {type(words).__name__}, has no save(file); write one, or save without it.")
    parts = _parts(model, vocabulary)
    sources = _sources(parts)
    elsewhere = {f"{at}.{name}" for at, encoder in sources.items() for name in encoder.from_source()}
    tensors = {name: value for name, value in parts.state_dict().items() if name not in elsewhere}
    said = {
        "format": FORMAT,
        "tasks": [task.to_dict() for task in model.tasks],
        "vocabulary": None if words is None else type(words).__name__,
        "sources": {at: encoder.source.to_dict() for at, encoder in sources.items()},
        "frozen": [name for name, parameter in parts.named_parameters() if not parameter.requires_grad],
        **_described(parts),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.", ignore_cleanup_errors=True) as scratch:
        new, old = Path(scratch, "new"), Path(scratch, "old")
        new.mkdir()
        save_file({name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}, new / WEIGHTS)
        if words is not None:
            words.save(new / VOCABULARY)
        said["sha256"] = {file.name: checksum(file) for file in sorted(new.iterdir())}
        (new / MODEL).write_text(json.dumps(said, ensure_ascii=False, indent=1, default=_plain), encoding="utf-8")
        if path.exists():
            path.rename(old)
        new.rename(path)
    return path


def load(
    path: str | os.PathLike[str],
    *,
    model: MultiTaskModel | None = None,
    vocabulary: Any = None,
    tokenizer: Callable[[str], list[str]] | None = None,
    base: str | os.PathLike[str] | None = None,
) -> Trained:
    """The model that `save` wrote, in eval mode, with its tasks and vocabulary.

    ``model`` is one of your own class, to be filled with the weights; ``vocabulary`` stands in for one of your own class, and
    ``tokenizer`` is that of the vocabulary, if it was made with one. ``base`` is a folder with the pre-trained encoder, if
    that no longer lies where it did; wherever it lies, it is checked.

    Raises `ModelError` for a folder that is no saved model, incomplete, damaged, or does not fit.
    """
    path = Path(path)
    said = _read_description(path)
    tasks = [Task.from_dict(task) for task in said["tasks"]]
    if model is None and said["model"] is None:
        raise ModelError(
            f"{path} holds a model that can not be made again from its description ({said['unknown']}). "
            "Make one as it was made, and call load(path, model=it)."
        )
    if model is not None and list(model.tasks) != tasks:
        raise ModelError(f"The saved model is for the tasks {tasks}; the given one is for {list(model.tasks)}.")
    made = _made(said["modules"], base)
    model = made[said["model"]] if model is None else model
    if vocabulary is None and said["vocabulary"] is not None:
        vocabulary = _read_vocabulary(path, said["vocabulary"], tokenizer)
        if said["features"] is not None:
            vocabulary = FrozenFeatures(made[said["features"]].requires_grad_(False), vocabulary)
    parts = _parts(model, vocabulary)
    _fill(parts, _read_weights(path), said["sources"])
    for name, parameter in parts.named_parameters():
        parameter.requires_grad_(name not in said["frozen"])
    return Trained(model.eval(), vocabulary)


def _parts(model: nn.Module, vocabulary: Any) -> nn.ModuleDict:
    """All that has weights, under one roof."""
    frozen = {"features": vocabulary.encoder} if isinstance(vocabulary, FrozenFeatures) else {}
    return nn.ModuleDict({"model": model, **frozen})


def _sources(parts: nn.Module) -> dict[str, PretrainedEncoder]:
    """The pre-trained encoders whose weights lie elsewhere, by their place in the model."""
    named = parts.named_modules(remove_duplicate=False)
    return {at: part for at, part in named if isinstance(part, PretrainedEncoder) and part.source is not None}


def _described(parts: nn.ModuleDict) -> dict[str, Any]:
    """The modules to make, and which of them are the model and the frozen encoder; None and why if that can not be."""
    modules: list[dict[str, Any]] = []
    found: dict[str, Any] = {"model": None, "features": None, "unknown": None, "modules": modules}
    places: dict[int, int] = {}
    if "features" in parts:
        found["features"] = describe(parts["features"], modules, places)["module"]
    known = len(modules)
    try:
        place = describe(parts["model"], modules, places)["module"]
        model, again = parts["model"], _made(modules)[place]
        if _shapes(again.state_dict()) != _shapes(model.state_dict()) or list(again.tasks) != list(model.tasks):
            raise UnknownClass(f"its {type(model).__name__} was changed after it was made")
        return {**found, "model": place}
    except UnknownClass as unknown:
        return {**found, "modules": modules[:known], "unknown": str(unknown)}


def _made(modules: list[dict[str, Any]], base: str | os.PathLike[str] | None = None) -> list[nn.Module]:
    """Made again without touching anybody's random numbers: what is drawn here is replaced by what was saved."""
    if base is not None:
        for module in modules:
            if "source" in module["arguments"]:
                module["arguments"]["source"]["dict"].update(name=os.fspath(base), revision=None)
    with drawn_from(torch.Generator()):
        return make(modules)


def _plain(value: Any) -> Any:
    """A class label of numpy's or pandas's as JSON can write it."""
    if isinstance(value, np.generic):
        return value.item()
    raise ModelError(
        f"{value!r}, a {type(value).__name__}, can not be written as JSON: name the classes by texts or numbers."
    )


def _shapes(state: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in state.items()}


def _read_description(path: Path) -> dict[str, Any]:
    if not (path / MODEL).is_file():
        raise ModelError(f"{path} is no saved model: there is no {MODEL} in it. save(model, path) writes one.")
    try:
        said = json.loads((path / MODEL).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{path / MODEL} can not be read ({error}); it is damaged.") from error
    if isinstance(said, dict) and said.get("format", FORMAT) != FORMAT:
        raise ModelError(f"{path} was saved in format {said['format']!r}; this version of the course reads {FORMAT}.")
    if not isinstance(said, dict) or _PARTS - said.keys():
        raise ModelError(f"{path / MODEL} does not describe a model: it is damaged, or another program's.")
    for name, expected in said["sha256"].items():
        if not (path / name).is_file():
            raise ModelError(f"{path} lacks {name}: copy the folder as a whole.")
        if checksum(path / name) != expected:
            raise ModelError(f"{path / name} is damaged, or that of another model: it is not what was saved.")
    return said


def _read_weights(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path / WEIGHTS} can not be read ({error}); it is damaged.") from error


def _read_vocabulary(path: Path, kind: str, tokenizer: Any) -> Reader:
    if kind == "Vocabulary":
        return Vocabulary.load(path / VOCABULARY, tokenizer=tokenizer)
    for own in (Subwords, ColumnNumbers):
        if kind == own.__name__:
            return own.load(path / VOCABULARY)
    raise ModelError(f"{path} was saved with a vocabulary of your own class {kind}: call load(path, vocabulary=it).")


def _fill(parts: nn.Module, tensors: Mapping[str, Tensor], sources: Mapping[str, Any]) -> None:
    """Put the saved numbers in place; those that are not saved must come from a checked source."""
    encoders = _sources(parts)
    for at, source in sources.items():
        if at not in encoders or encoders[at].source.to_dict()["sha256"] != source["sha256"]:
            raise ModelError(
                f"The saved model stands on the weights of '{source['name']}' (at {at}), and the given one does not: "
                "make its encoder with load_pretrained."
            )
    expected, found = _shapes(parts.state_dict()), _shapes(tensors)
    elsewhere = tuple(f"{at}.transformer." for at in sources)
    expected = {k: v for k, v in expected.items() if k in found or "lora_" in k or not k.startswith(elsewhere)}
    odd = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if odd:
        wanted, got = (list(shapes[odd[0]]) if odd[0] in shapes else "nothing" for shapes in (expected, found))
        raise ModelError(
            f"The saved weights do not fit the model: for {odd[0]} it takes {wanted}, saved is {got}"
            f"{f' (and {len(odd) - 1} more)' if len(odd) > 1 else ''}. Make the model as it was made."
        )
    parts.load_state_dict(tensors, strict=False)
