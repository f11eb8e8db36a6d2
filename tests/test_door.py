"""The door: what may be given to a MultiTaskDataset, and torch's own data tools behind it."""

import math
import re

import numpy as np
import pandas as pd
import pytest
import torch
from torch.optim import SGD
from torch.utils.data import ConcatDataset, DataLoader, Subset, TensorDataset, WeightedRandomSampler, random_split

from mtl_helpers.data import Batch, DataError, MultiTaskDataset, Vocabulary, collate, encode_reviews, make_loader
from mtl_helpers.data.loaders import checked_batches
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC, Tagging, TaskError
from mtl_helpers.training import TrainingError, train_steps

N = 40


@pytest.fixture(scope="module")
def dataset() -> MultiTaskDataset:
    """Texts of different length; row i has i as its first word and as its number of stars."""
    tokens = torch.zeros(N, 8, dtype=torch.long)
    lengths = torch.arange(N) % 8 + 1
    tokens[torch.arange(8) < lengths[:, None]] = 2
    tokens[:, 0] = torch.arange(N) + 2
    return MultiTaskDataset(tokens, {"stars": torch.arange(float(N))}, lengths=lengths, tasks=[STARS])


def rows_of(loader) -> list[int]:
    """Which rows a loader gave; each must have kept its own label, and no more padding than its batch needs."""
    rows = []
    for batch in checked_batches(loader, [STARS], "cpu"):
        assert isinstance(batch, Batch)
        assert torch.equal(batch.inputs[:, 0] - 2, batch.targets["stars"].long()) and batch.masks["stars"].all()
        assert (batch.inputs != 0).any(dim=0).all()
        rows += batch.targets["stars"].int().tolist()
    return rows


@pytest.mark.parametrize(
    "loader",
    [
        lambda d: make_loader(d, np.int64(16)),
        lambda d: DataLoader(d, batch_size=16),
        lambda d: DataLoader(Subset(d, range(N)), batch_size=7),
        lambda d: DataLoader(ConcatDataset([Subset(d, range(30)), Subset(d, range(30, N))]), 16, collate_fn=collate),
    ],
    ids=["make_loader", "DataLoader", "Subset", "ConcatDataset"],
)
def test_torchs_own_tools_give_the_same_rows(dataset, loader):
    assert rows_of(loader(dataset)) == list(range(N))


def test_drop_last_samplers_and_random_split(dataset):
    assert len(rows_of(DataLoader(dataset, batch_size=16, drop_last=True))) == 32
    weights = torch.zeros(N)
    weights[5] = 1
    assert rows_of(DataLoader(dataset, batch_size=4, sampler=WeightedRandomSampler(weights, 8))) == [5] * 8
    parts = random_split(dataset, [0.5, 0.5], generator=torch.Generator().manual_seed(0))
    assert sorted(row for part in parts for row in rows_of(DataLoader(part, batch_size=8))) == list(range(N))


@pytest.mark.bad_input
def test_a_loader_that_drops_its_only_batch_says_so(dataset, new_model):
    model = new_model()
    few = DataLoader(dataset, batch_size=5000, drop_last=True)
    with pytest.raises(TrainingError, match=r"no batch: it drops the last one, which is not full \(drop_last=True\)"):
        next(train_steps(model, few, SGD(model.parameters(), lr=0.1)))


def test_arrays_series_and_frames_become_what_the_loop_takes():
    frame = pd.DataFrame({"size": [1.0, 2.0, 3.0], "age": [4, 5, 6]})
    targets = {"topic": np.array([0.0, 1.0, 5.0], np.float32), "sentiment": [True, False, True]}
    made = MultiTaskDataset(frame, {**targets, "stars": pd.Series([1.5, None, 2])}, tasks=[TOPIC, SENTIMENT, STARS])
    batch = made[[0, 1, 2]]
    assert batch.inputs.dtype == torch.float32 and batch.inputs.shape == (3, 2)
    assert batch.targets["topic"].tolist() == [0, 1, 5] and batch.targets["sentiment"].tolist() == [1, 0, 1]
    assert batch.masks["stars"].tolist() == [True, False, True] and batch.targets["stars"].tolist() == [1.5, 0, 2]


BOTH = [0.0, 1.0, 0.0]


@pytest.mark.parametrize(
    "values",
    [
        np.array(BOTH, np.uint16),
        np.array(BOTH, np.uint64),
        np.array(BOTH, np.float16),
        np.array(BOTH, np.longdouble),
        np.array(BOTH, ">i4"),
        np.array(BOTH, ">f8"),
        np.array(BOTH)[::-1],
        pd.Series(BOTH, dtype="Int64"),
        pd.Series([False, True, False], dtype="boolean"),
        pd.Series(BOTH).astype("category"),
        torch.tensor([0, 1, 0], dtype=torch.uint16),
        torch.tensor(BOTH, requires_grad=True),
    ],
    ids=lambda values: f"{type(values).__module__} {values.dtype}",
)
def test_any_type_of_number_is_taken_as_label_as_mask_and_as_input(values):
    column = values.reshape(3, 1) if isinstance(values, (np.ndarray, torch.Tensor)) else pd.DataFrame({"a": values})
    if isinstance(column, pd.DataFrame) and not pd.api.types.is_numeric_dtype(values):
        column = column.astype(float)
    made = MultiTaskDataset(column, {"sentiment": values}, {"sentiment": values}, tasks=[SENTIMENT])
    assert made.targets["sentiment"].tolist() == [0, 1, 0] and made.targets["sentiment"].dtype == torch.long
    assert made.masks["sentiment"].tolist() == [False, True, False] and made.masks["sentiment"].dtype == torch.bool
    assert made.inputs.flatten().tolist() == [0, 1, 0]
    assert not made.inputs.is_floating_point() or made.inputs.dtype == torch.float32


@pytest.mark.parametrize("gap", [None, pd.NA, math.nan])
@pytest.mark.parametrize("dtype", ["Int64", "boolean", "Float64", object])
def test_a_gap_in_a_column_of_pandas_is_a_missing_label(dtype, gap):
    made = MultiTaskDataset(torch.zeros(3, 1), {"sentiment": pd.Series([1, gap, 0], dtype=dtype)}, tasks=[SENTIMENT])
    assert made.masks["sentiment"].tolist() == [True, False, True] and made.targets["sentiment"].tolist() == [1, 0, 0]


def test_what_was_not_checked_before_is_checked_when_a_task_meets_it():
    late = MultiTaskDataset(np.zeros((3, 2)), {"topic": np.array([1.0, 2.0, 6.0])})
    with pytest.raises(TaskError, match="Task 'topic': row 2 holds class 6"):
        next(checked_batches(make_loader(late), [TOPIC], "cpu"))
    good = MultiTaskDataset(np.zeros((3, 2)), {"topic": np.array([1.0, 2.0, 5.0])})
    assert next(checked_batches(make_loader(good), [TOPIC], "cpu")).targets["topic"].dtype == torch.long


def test_batches_from_elsewhere_are_checked_one_by_one():
    mine = [(torch.zeros(2, 3), {"topic": torch.tensor([1.0, 2.0])})]
    (batch,) = checked_batches(mine, [TOPIC], "cpu")
    assert batch.targets["topic"].dtype == torch.long and batch.masks["topic"].all()
    numpys = (np.zeros((2, 3)), {"topic": np.array([1, 2])}, {"topic": np.array([1.0, 0.0])})
    for mine in (numpys, Batch(*numpys), Batch(torch.zeros(2, 3, dtype=torch.float64), *numpys[1:])):
        (batch,) = checked_batches([mine], [TOPIC], "cpu")
        assert batch.inputs.dtype == torch.float32 and batch.targets["topic"].dtype == torch.long
        assert batch.masks["topic"].tolist() == [True, False] and batch.masks["topic"].dtype == torch.bool
    (batch,) = checked_batches([(torch.zeros(1, 3), {"stars": torch.tensor([math.nan])})], [STARS], "cpu")
    assert not batch.masks["stars"].any()


def test_examples_without_labels_are_a_data_set_too():
    assert MultiTaskDataset(torch.zeros(3, 2))[[0, 2]].size == 2
    assert len(make_loader(MultiTaskDataset({"left": torch.zeros(3, 2)}), 2)) == 2


def test_a_batch_moves_as_a_whole():
    batch = Batch({"a": torch.zeros(2)}, {"stars": torch.zeros(2)}, {"stars": torch.ones(2, dtype=torch.bool)})
    moved = batch.to("meta")
    assert moved.inputs["a"].is_meta and moved.targets["stars"].is_meta and moved.masks["stars"].is_meta
    assert batch.to("cpu") is batch and batch._replace(masks={}).masks == {}


def test_word_labels_must_be_as_many_as_the_words():
    task, vocabulary = Tagging("tags", ("noun", "verb")), Vocabulary(["dogs", "bark"])
    frame = pd.DataFrame({"text": ["dogs bark", "bark"], "tags": ["noun verb", "verb noun"]})
    with pytest.raises(TaskError, match="Task 'tags': row 1 has 2 tags and its text 1 words"):
        encode_reviews(frame, vocabulary, [task])


@pytest.mark.bad_input
@pytest.mark.parametrize(
    "make, text",
    [
        (
            lambda: MultiTaskDataset(pd.DataFrame({"a": ["x"]})),
            "Column 'a' of the inputs holds 'x', which is no number",
        ),
        (lambda: MultiTaskDataset(pd.DataFrame({"a": [1.0, None]})), "Column 'a' of the inputs is empty in row 1"),
        (lambda: MultiTaskDataset(torch.tensor([[1.0], [math.nan]])), "Row 1 of the inputs holds nan"),
        (lambda: MultiTaskDataset({"left": [[1.0], [math.inf]]}), "Row 1 of the input 'left' holds nan or an infinite"),
        (lambda: MultiTaskDataset(["good film"]), "The inputs are no numbers; found ['good film']"),
        (lambda: MultiTaskDataset({}), "The inputs are an empty dict"),
        (lambda: MultiTaskDataset(torch.tensor(1.0)), "the single number 1.0"),
        (
            lambda: MultiTaskDataset(torch.zeros(2, 1), {"topic": ["film", "car"]}),
            "The targets of 'topic' are no numbers",
        ),
        (lambda: MultiTaskDataset(torch.zeros(2, 1), {"stars": [1.0]}), "the same number of rows; found {'inputs': 2"),
        (lambda: MultiTaskDataset(torch.zeros(2, 1), {"stars": [1.0, 2.0]}, {}), "each task needs both"),
        (
            lambda: make_loader(TensorDataset(torch.zeros(2))),
            "make_loader takes a MultiTaskDataset; found TensorDataset",
        ),
        (lambda: next(checked_batches([torch.zeros(2)], [STARS], "cpu")), "the loader gave a Tensor"),
        (
            lambda: next(checked_batches(DataLoader(TensorDataset(torch.zeros(2), torch.zeros(2))), [STARS], "cpu")),
            "the loader gave a list of Tensor, Tensor",
        ),
        (lambda: collate([torch.zeros(2)]), "collate joins the examples of MultiTaskDatasets; found Tensor"),
    ],
)
def test_what_cannot_be_data_is_refused_in_words(make, text):
    with pytest.raises(DataError, match=re.escape(text)):
        make()


@pytest.mark.bad_input
@pytest.mark.parametrize(
    "targets, masks, text",
    [
        ([1.0, math.inf], None, "row 1 is marked as labelled, and its target is inf"),
        ([1.0, 1e39], None, "row 1 is marked as labelled, and its target is inf"),
        ([1.0, 2.0], [1.0, 0.5], "a mask is True or False; row 1 is 0.5"),
        ([1.0, 2.0], [math.nan, 1.0], "a mask is True or False; row 0 is nan"),
        ([1.0, 2.0], [True, None], "a mask is True or False; row 1 is nan"),
        ([1.0, 2.0], pd.Series([True, None], dtype="boolean"), "a mask is True or False; row 1 is nan"),
        ([1.0, 2.0], [1, 2], "a mask is True or False; row 1 is 2"),
        ([1.0, 2.0], ["yes", "no"], "a mask is True or False (found texts)"),
        ([1.0, 2.0], [[1, 0], [0, 1]], "the mask has shape (2, 2), expected (2,)"),
    ],
)
def test_labels_and_masks_that_cannot_be_are_named_by_task_and_row(targets, masks, text):
    with pytest.raises(TaskError, match=re.escape(f"Task 'stars': {text}")):
        MultiTaskDataset(
            torch.zeros(2, 1), {"stars": targets}, None if masks is None else {"stars": masks}, tasks=[STARS]
        )


@pytest.mark.bad_input
def test_a_batch_whose_masks_lack_a_task_is_refused_in_words():
    batch = Batch(torch.zeros(1, 3), {"stars": torch.zeros(1)}, {})
    with pytest.raises(DataError, match=r"Task 'stars' has no labels in the batch; .* and masks for \[\]"):
        next(checked_batches([batch], [STARS], "cpu"))
    with pytest.raises(DataError, match="The targets of 'topic' are no numbers; found"):
        MultiTaskDataset(torch.zeros(1, 3), {"topic": np.array([1 + 2j])})
