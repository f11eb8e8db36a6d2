"""Data sets for the λ lab to choose from, each with a model that learns it within a minute."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
from torch import nn
from torch.utils.data import DataLoader

from mtl_helpers.corpus import make_reviews
from mtl_helpers.data import Vocabulary, encode_reviews, load_reviews, make_loader, split_reviews
from mtl_helpers.experiments import methods
from mtl_helpers.live.lab.recording import LabError
from mtl_helpers.models import CNNEncoder, MultiTaskModel
from mtl_helpers.randomness import drawn_from, seeded
from mtl_helpers.tasks import SENTIMENT, TOPIC, Task


class World(NamedTuple):
    """What the lab trains: a model, its data, the learning rate to open with, and what to show of the validation examples."""

    model: MultiTaskModel
    loader: DataLoader
    val_loader: DataLoader | None = None
    lr: float = 0.002
    examples: Sequence[str] | None = None


Worlds = Mapping[str, Callable[[], World | tuple]]


def lab_worlds() -> dict[str, Callable[[], World]]:
    """The three of the course, for `LambdaLab.of`; each is a function, called only when its data are chosen.

    ``reviews``: the course's corpus and a roomy CNN, in which both tasks find their place. ``controlled reviews``: 3,000
    of `make_reviews` with relatedness 0.5, and a CNN of 3 filters, too small for both tasks. ``two digits``: real pictures
    of two overlapping digits, and a small `ImageEncoder`: what one digit gains the other loses.

    >>> list(lab_worlds())
    ['reviews', 'controlled reviews', 'two digits']
    """
    return {"reviews": corpus_world, "controlled reviews": controlled_world, "two digits": digits_world}


def corpus_world() -> World:
    """Topic and sentiment of the review corpus that comes with the course."""
    return _texts(load_reviews(), 0.002)


def controlled_world() -> World:
    """Topic and sentiment of controlled reviews, by an encoder that is too small for both."""
    return _texts(make_reviews(3000, relatedness=0.5, seed=0), 0.005, **methods.WORLDS["reviews"].sizes["small"])


def digits_world() -> World:
    """The left and the right one of two overlapping digits.

    >>> digits_world().model.tasks[0].name
    'left'
    """
    world = methods.WORLDS["digits"]
    words, splits = world.parts(seed=0)
    model = _seeded(lambda: world.encoder(words, "small"), world.tasks)
    train, val = make_loader(splits.train, 32, shuffle=True, seed=0), make_loader(splits.val, 128)
    return World(model, train, val, lr=world.lrs[0])


def _texts(frame: pd.DataFrame, lr: float, **sizes: int) -> World:
    tasks, splits = [TOPIC, SENTIMENT], split_reviews(frame, seed=0)
    vocabulary = Vocabulary.from_texts(splits.train.text)
    train, val = (encode_reviews(part, vocabulary, tasks) for part in (splits.train, splits.val))
    model = _seeded(lambda: CNNEncoder(len(vocabulary), **sizes), tasks)
    return World(model, make_loader(train, 32, shuffle=True, seed=0), make_loader(val, 128), lr, list(splits.val.text))


def _seeded(new_encoder: Callable[[], nn.Module], tasks: Sequence[Task]) -> MultiTaskModel:
    """The same model every time, and the notebook's own random numbers go on as if nothing was drawn."""
    with drawn_from(seeded(0)):
        return MultiTaskModel(new_encoder(), tasks)


def checked_worlds(worlds: Any) -> Worlds:
    """``worlds`` if they are functions by name; raises `LabError`."""
    if not isinstance(worlds, Mapping) or not worlds:
        raise LabError(f"Worlds are functions by name, such as lab_worlds() gives; found {worlds!r}.")
    for name, make in worlds.items():
        if not callable(make):
            raise LabError(
                f"The world '{name}' must be a function that returns (model, loader, val_loader), so that its data are read "
                f"only when they are chosen; found {type(make).__name__}."
            )
    return dict(worlds)


def made_world(name: str, make: Callable[[], World | tuple]) -> World:
    """Call a world's function; it may return a `World`, or (model, loader) and what else a World has, in that order."""
    made = make()
    if isinstance(made, World):
        return made
    if not isinstance(made, tuple) or not 2 <= len(made) <= 5 or not isinstance(made[0], MultiTaskModel):
        raise LabError(
            f"The function of the world '{name}' must return (model, loader, val_loader); found {type(made).__name__}"
            f"{f' of {len(made)}' if isinstance(made, tuple) else ''}."
        )
    return World(*made)
