"""Experiments on small corrections to large models, and the weights they leave in data/results, which lessons load.

Weights are kept as safetensors: a LoRA in peft's own folder, with the head that was trained with it. ``SHA256SUMS`` beside
them is what `sha256sum -c` reads, and what `stored` holds each file against before anything is loaded from it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from torch import Tensor

from mtl_helpers.data.batches import MultiTaskDataset
from mtl_helpers.experiments import RESULTS
from mtl_helpers.models import ModelError, MultiTaskModel, PretrainedEncoder
from mtl_helpers.models.large.weight_files import checksum
from mtl_helpers.tasks import Task

WEIGHTS = RESULTS / "weights"
SUMS, HEADS = "SHA256SUMS", "heads.safetensors"


def stored(name: str) -> Path:
    """The folder of an experiment's weights, each file as it was written; raises `ModelError` if one is not.

    >>> sorted(path.name for path in stored("merge").iterdir())
    ['SHA256SUMS', 'sentiment', 'topic']
    """
    folder = WEIGHTS / name
    if not (folder / SUMS).is_file():
        raise ModelError(f"{folder} is not there: it comes with the course, or from the experiment '{name}'.")
    for line in (folder / SUMS).read_text(encoding="utf-8").splitlines():
        total, path = line.split("  ", 1)
        if not (folder / path).is_file() or checksum(folder / path) != total:
            raise ModelError(
                f"{folder / path} is not the file it should be, by its SHA-256: take the course's own again."
            )
    return folder


def store(name: str, source: Path) -> list[str]:
    """Put a folder of weights, as a run left it, in data/results; say so in lines for the head of a table."""
    folder = WEIGHTS / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    sums = [f"{checksum(path)}  {path.relative_to(folder).as_posix()}" for path in files]
    (folder / SUMS).write_text("\n".join(sums) + "\n", encoding="utf-8")
    return [f"weights of seed 0: weights/{name}, {sum(path.stat().st_size for path in files):,} bytes"]


def save_adapter(model: MultiTaskModel, folder: Path) -> None:
    """Write an encoder's LoRA as peft does, and beside it the heads that were trained with it."""
    from safetensors.torch import save_file

    shutil.rmtree(folder, ignore_errors=True)
    model.encoder.save_adapter(folder)
    save_file({name: value.detach().contiguous() for name, value in model.heads.state_dict().items()}, folder / HEADS)


def load_heads(model: MultiTaskModel, folder: Path) -> MultiTaskModel:
    """Fill the heads of a model with those that `save_adapter` wrote; return it."""
    from safetensors.torch import load_file

    model.heads.load_state_dict(load_file(folder / HEADS))
    return model


@torch.no_grad()
def text_features(encoder: PretrainedEncoder, data: MultiTaskDataset, batch_size: int = 40) -> Tensor:
    """Features ``(n, width)`` of a data set's texts; the short ones together, so that little is padding."""
    encoder.eval()
    order = data.lengths.argsort()
    made = [encoder(data[rows].inputs) for rows in order.split(batch_size)]
    return torch.cat(made)[order.argsort()]


def accuracy(head: torch.nn.Module, features: Tensor, data: MultiTaskDataset, task: Task) -> float:
    """The share of right answers of one task's head."""
    return (head(features).argmax(dim=1) == data.targets[task.name]).float().mean().item()
