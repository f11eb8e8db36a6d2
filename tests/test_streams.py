"""Data that come as a stream, from torch's own tools, or from a spreadsheet: taken, or refused in a sentence."""

import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset

from mtl_helpers.data import Batch, ColumnNumbers, DataError, MultiTaskDataset, clean_table, make_loader, read_table
from mtl_helpers.models import MultiTaskModel, OnFeatures
from mtl_helpers.tasks import Classification, MultiLabel, Regression, TaskError
from mtl_helpers.training import TrainingError, fit, predict

TASKS = (Regression("price"), Classification("quick", (False, True)))
FEATURES = torch.randn(64, 3, generator=torch.Generator().manual_seed(0))
LABELS = {"price": FEATURES[:, 0], "quick": (FEATURES[:, 1] > 0).long()}
WHOLE = MultiTaskDataset(FEATURES, LABELS, tasks=TASKS)


def losses(loader, val_loader=None) -> list[float]:
    torch.manual_seed(0)
    model = MultiTaskModel(OnFeatures(3, hidden=4), TASKS)
    optimizer = torch.optim.Adam(model.parameters())
    return fit(model, loader, optimizer, steps=6, val_loader=val_loader, eval_every=2).loss.tolist()


class Stream(IterableDataset):
    """Batches, or examples, made by ``one`` of the rows from ``start`` on."""

    def __init__(self, one, size=16):
        self.one, self.size = one, size

    def __iter__(self):
        for start in range(0, len(FEATURES), self.size):
            yield self.one(start if self.size == 1 else slice(start, start + self.size))


KINDS = {
    "tensors": lambda rows: (FEATURES[rows], {name: labels[rows] for name, labels in LABELS.items()}),
    "64 bits": lambda rows: (FEATURES[rows].double(), {name: labels[rows] for name, labels in LABELS.items()}),
    "numpy": lambda rows: (
        FEATURES[rows].numpy().astype(float),
        {name: labels[rows].numpy() for name, labels in LABELS.items()},
    ),
    "frames": lambda rows: (
        pd.DataFrame(FEATURES[rows].numpy()),
        {name: pd.Series(labels[rows].numpy()) for name, labels in LABELS.items()},
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_of_batches_trains_as_a_data_set_does(kind):
    stream = Stream(KINDS[kind])
    assert losses(stream, stream) == losses(make_loader(WHOLE, 16), make_loader(WHOLE, 16))


def test_a_stream_of_python_numbers_collated_by_torch():
    def one(row):
        return FEATURES[row].numpy().astype(float), {name: labels[row].item() for name, labels in LABELS.items()}

    assert losses(DataLoader(Stream(one, size=1), batch_size=16)) == losses(make_loader(WHOLE, 16))


def once():
    yield from Stream(KINDS["tensors"])


@pytest.mark.parametrize(
    ("loader", "error", "said"),
    [
        (
            once,
            DataError,
            "found <function once .*becomes one as the __iter__ of a class, or of torch's IterableDataset",
        ),
        (WHOLE, DataError, r"found a MultiTaskDataset: give make_loader\(it\)"),
        (Stream(lambda rows: {"x": FEATURES[rows]}), DataError, r"or \(inputs, targets\), .*the loader gave a dict"),
        (
            Stream(lambda rows: (FEATURES[:5], {"price": FEATURES[:4, 0], "quick": LABELS["quick"][:4]})),
            DataError,
            "Task 'price': 4 targets for 5 examples of a batch",
        ),
        (
            Stream(lambda rows: (FEATURES[rows] / 0, KINDS["tensors"](rows)[1])),
            DataError,
            "Row 0 of the inputs holds nan",
        ),
        (Stream(lambda rows: (["good film"], {})), DataError, "The inputs are no numbers; found"),
    ],
)
def test_what_is_no_loader_or_batch_bad_input(loader, error, said):
    with pytest.raises(error, match=said):
        losses(loader)


def test_a_val_loader_that_can_be_read_once_bad_input():
    with pytest.raises(
        TrainingError, match=r"the loader has no batch. If it was read before, it can be read only once"
    ):
        losses(make_loader(WHOLE, 16), once())


def test_every_part_of_a_batch_moves():
    batch = Batch(FEATURES.to("meta"), {"price": torch.zeros(2)}, {"price": torch.ones(2, dtype=torch.bool)})
    moved = batch.to("meta")
    assert {moved.targets["price"].device.type, moved.masks["price"].device.type} == {"meta"}
    assert moved.to("meta") is moved


def test_a_data_set_takes_a_slice():
    assert torch.equal(WHOLE[2:10:3].inputs, FEATURES[[2, 5, 8]]) and WHOLE[-2:].size == 2


def test_a_data_set_of_a_loader_gives_answers():
    model = MultiTaskModel(OnFeatures(3), TASKS)
    assert predict(model, Stream(KINDS["numpy"]))["price"][0].shape == (64,)


def test_rows_without_a_text_are_dropped_whoever_read_them(tmp_path):
    path = tmp_path / "tickets.csv"
    path.write_text("request,hours\nfire,1\n,\nsmoke,2\n", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"row 3, column 'request': '' is empty; .*read with text=None, and clean_table"
    ):
        read_table(path, text="request")
    for frame in (
        read_table(path, text=None),
        pd.DataFrame({"request": ["fire", None, "smoke"], "hours": [1, None, 2]}),
    ):
        clean, counts = clean_table(frame, text="request", tasks=[Regression("hours")])
        assert clean.request.tolist() == ["fire", "smoke"] and counts.dropped["white space"] == 1


DATES = pd.Series(pd.to_datetime(["2024-01-01", None, "2024-02-01"]))


@pytest.mark.parametrize("labels", [DATES, DATES - DATES[0], DATES.dt.tz_localize("Asia/Shanghai")])
def test_a_date_is_no_number_bad_input(labels):
    with pytest.raises(TaskError, match=r"at position 0 is not a finite number; .*Of dates take what counts"):
        Regression("due").encode(labels)
    with pytest.raises(DataError, match=r"Column 'due' holds dates or times, such as .*: take what counts of them"):
        ColumnNumbers.from_frame(pd.DataFrame({"due": labels}), ["due"])


@pytest.mark.parametrize(
    ("classes", "cells", "spelt"),
    [
        (("price", "taste"), ["Price；Taste", " PRICE、 taste", "price"], ["price；taste", "price、 taste", "price"]),
        (("customer service", "price"), ["Customer Service;Price"], ["customer service;price"]),
    ],
)
def test_spellings_of_several_classes_in_a_cell(classes, cells, spelt):
    task = MultiLabel("about", classes)
    clean, _ = clean_table(pd.DataFrame({"about": cells}), text=None, tasks=[task])
    assert clean.about.tolist() == spelt
