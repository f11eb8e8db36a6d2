"""One split of a table, ready for the λ lab, for `training.fit`, or for a loop of one's own."""

from __future__ import annotations

from typing import NamedTuple

from torch.utils.data import DataLoader

from mtl_helpers.data import ColumnNumbers, Splits, Vocabulary, make_loader
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.own_data.looking import OwnTable
from mtl_helpers.own_data.reading_rows import RowReader
from mtl_helpers.randomness import drawn_from, seeded


class OneSplit(NamedTuple):
    """An untrained shared model, loaders of the three parts, and what turned their rows into numbers.

    ``vocabulary`` is what `saving.save` keeps beside the model; None for a model of texts and columns, which can not be saved.
    """

    model: MultiTaskModel
    train: DataLoader
    val: DataLoader
    test: DataLoader
    parts: Splits
    vocabulary: Vocabulary | ColumnNumbers | None


def one_split(table: OwnTable, *, seed: int = 0) -> OneSplit:
    """The split and the first weights of that ``seed``; vocabulary, means and scales are those of its training rows.

    >>> from mtl_helpers.own_data import example, look
    >>> table = look(example("products"), labels=["price", "category"], features=["weight_kg", "power_w"])
    >>> ready = one_split(table)
    >>> [len(part) for part in ready.parts], ready.model.tasks[1].classes[0]
    ([234, 54, 72], 'fan')
    """
    parts = table.parts(seed)
    tasks = table.scaled(parts.train)
    reader = RowReader.of(table, parts.train)
    with drawn_from(seeded(seed)):
        model = MultiTaskModel(reader.new_encoder(), tasks)
    train, val, test = (reader.dataset(part, tasks) for part in parts)
    loaders = make_loader(train, 32, shuffle=True, seed=seed), make_loader(val, 250), make_loader(test, 250)
    return OneSplit(model, *loaders, parts, reader.vocabulary)
