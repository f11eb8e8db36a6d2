"""Batches drawn from data sets of different size: each gets its share, and no example is seen twice before all are once."""

import copy
import math
from collections import Counter

import numpy as np
import pytest
import torch
from torch.optim import AdamW

from mtl_helpers.data import (
    DataError,
    MultiTaskDataset,
    Vocabulary,
    encode_reviews,
    make_loader,
    mixed_loader,
    sampling_proportions,
)
from mtl_helpers.data.mixing import joined
from mtl_helpers.models import CNNEncoder, MultiTaskModel
from mtl_helpers.tasks import SENTIMENT, TOPIC, Tagging
from mtl_helpers.training import fit, weights_by_count

SIZES = {"large": 90, "small": 10}


def numbered(sizes, tasks=None):
    """A data set each, for a task of its name; the input is the row's number, counted through all of them."""
    made, start = {}, 0
    for name, n in sizes.items():
        task = (tasks or {}).get(name, name)
        inputs = torch.arange(start, start + n).reshape(-1, 1)
        made[name] = MultiTaskDataset(inputs, {task: torch.ones(n)}, {task: torch.ones(n, dtype=torch.bool)})
        start += n
    return made


def rows(loader):
    return [batch.inputs.flatten().tolist() for batch in loader]


# The shares


@pytest.mark.parametrize("temperature", [1, 2, 5, math.inf])
def test_each_data_set_gets_its_share_of_the_batches(temperature):
    n, p = 3000, sampling_proportions(SIZES, temperature)["small"]
    loader = mixed_loader(numbered(SIZES), 4, temperature=temperature, steps_per_epoch=n, seed=1)
    found = sum(batch[0] >= SIZES["large"] for batch in rows(loader)) / n
    assert abs(found - p) < 4 * math.sqrt(p * (1 - p) / n)


def test_temperature_goes_from_the_largest_alone_through_proportional_to_uniform():
    assert sampling_proportions(SIZES, 1) == pytest.approx({"large": 0.9, "small": 0.1})
    assert sampling_proportions(SIZES, math.inf) == {"large": 0.5, "small": 0.5}
    assert sampling_proportions(SIZES, 2) == pytest.approx({"large": 0.75, "small": 0.25})  # roots 3 : 1
    assert sampling_proportions({"large": 10**9, "small": 10}, 1e-3) == {"large": 1.0, "small": 0.0}


def test_each_shares_what_weights_by_count_gives_as_lambda():
    data = joined(numbered(SIZES))
    for temperature in (1, 2, 5):
        weights = weights_by_count(data, alpha=1 / temperature)
        shares = sampling_proportions(SIZES, temperature)
        assert weights == pytest.approx({name: 2 * share for name, share in shares.items()})


# What a batch holds


def test_a_batch_is_of_one_data_set_and_the_other_tasks_are_masked():
    loader = mixed_loader(numbered(SIZES), 4, temperature=math.inf)
    assert len(loader) == 25 == len(list(loader))
    for batch in loader:
        own, other = ("small", "large") if batch.inputs[0] >= 90 else ("large", "small")
        assert batch.size == 4 and ((batch.inputs >= 90) == (own == "small")).all()
        assert batch.masks[own].all() and not batch.masks[other].any()
        assert batch.targets[own].sum() == 4 and batch.targets.keys() == batch.masks.keys() == SIZES.keys()


def test_data_sets_of_one_task_keep_their_labels():
    loader = mixed_loader(numbered(SIZES, tasks={"large": "topic", "small": "topic"}), 8)
    assert all(batch.masks.keys() == {"topic"} and batch.masks["topic"].all() for batch in loader)


def test_a_row_keeps_its_words_and_labels_among_longer_ones(frame):
    vocabulary = Vocabulary.from_texts(frame.text)
    short = frame[frame.text.str.split().str.len() < 10].head(12)
    parts = {"short": encode_reviews(short, vocabulary, [TOPIC]), "all": encode_reviews(frame, vocabulary, [SENTIMENT])}
    assert parts["short"].lengths.max() < parts["all"].lengths.max()
    whole = joined(parts)
    for i in range(12):
        assert torch.equal(whole[i].inputs, parts["short"][i].inputs)
        assert whole[i].targets["topic"] == parts["short"][i].targets["topic"]
    for i in range(len(frame)):
        assert torch.equal(whole[12 + i].inputs, parts["all"][i].inputs)
        assert whole[12 + i].masks == {"topic": torch.tensor([False]), **parts["all"][i].masks}
        assert whole[12 + i].targets["sentiment"] == parts["all"][i].targets["sentiment"]


def test_inputs_in_parts_stay_in_parts():
    def part(n, task):
        inputs = {"picture": torch.rand(n, 2, 2), "order": torch.zeros(n)}
        return MultiTaskDataset(inputs, {task: torch.zeros(n)}, {task: torch.ones(n, dtype=torch.bool)})

    batch = next(iter(mixed_loader({"a": part(5, "a"), "b": part(3, "b")}, 4)))
    assert {name: tuple(x.shape) for name, x in batch.inputs.items()} == {"picture": (4, 2, 2), "order": (4,)}


# The order


@pytest.mark.parametrize("batch_size", [3, 4, 25], ids=["divides no size", "divides neither", "larger than one"])
def test_every_example_is_seen_before_any_is_seen_again(batch_size):
    loader = mixed_loader(numbered(SIZES), batch_size, temperature=math.inf, steps_per_epoch=7)
    seen = {"large": [], "small": []}
    for _ in range(40):  # across epochs
        for batch in rows(loader):
            seen["small" if batch[0] >= 90 else "large"] += batch
    for name, numbers in seen.items():
        n = SIZES[name]
        deals = [tuple(numbers[i : i + n]) for i in range(0, len(numbers) - n + 1, n)]
        assert len(deals) > 1 and all(len(set(deal)) == n for deal in deals)
        assert len(set(deals)) == len(deals)  # each deal in another order


def test_the_order_depends_on_the_seed_alone_and_epochs_differ():
    a, b, c = (mixed_loader(numbered(SIZES), 4, seed=seed) for seed in (0, 0, 1))
    first, again, other = rows(a), rows(b), rows(c)
    torch.rand(5)
    assert first == again != other
    assert rows(a) == rows(b) != first


def test_the_generators_state_brings_the_order_back_even_from_the_middle_of_an_epoch():
    loader = mixed_loader(numbered(SIZES), 4, steps_per_epoch=6)
    start = loader.generator.get_state()
    before = rows(loader) + rows(loader)
    next(iter(loader))
    loader.generator.set_state(start)
    assert rows(loader) + rows(loader) == before
    loader.generator.set_state(start)
    assert rows(copy.deepcopy(loader)) == before[:6]


# Training


def test_training_lowers_both_losses(frame):
    vocabulary = Vocabulary.from_texts(frame.text)
    known = frame[frame.sentiment.notna()]
    parts = {
        "topic": encode_reviews(frame, vocabulary, [TOPIC]),
        "sentiment": encode_reviews(known.head(30), vocabulary, [SENTIMENT]),
    }
    torch.manual_seed(0)
    model = MultiTaskModel(CNNEncoder(len(vocabulary), embedding_dim=8), [TOPIC, SENTIMENT])
    loader = mixed_loader(parts, 16, temperature=5)
    history = fit(model, loader, AdamW(model.parameters(), lr=0.01), steps=120)
    for task in ("topic", "sentiment"):
        losses = history[(history.task == task) & (history.loss > 0)].loss  # 0 where the batch had no label
        assert 15 < len(losses) < 105
        assert losses.tail(10).mean() < 0.3 * losses.head(5).mean(), task


def test_how_often_a_task_is_drawn_is_what_the_history_shows():
    loader = mixed_loader(numbered(SIZES), 4, steps_per_epoch=200)
    counts = Counter(name for batch in loader for name, mask in batch.masks.items() if mask.any())
    assert sum(counts.values()) == 200 and counts["large"] > 5 * counts["small"] > 0


# What is refused


def test_numpys_numbers_are_taken_everywhere_and_a_seed_that_is_none_is_named():
    plain = mixed_loader(numbered(SIZES), 4, steps_per_epoch=3, seed=7)
    of_numpy = mixed_loader(numbered(SIZES), np.int64(4), steps_per_epoch=np.int64(3), seed=np.int64(7))
    data = numbered(SIZES)["large"]
    pairs = [(plain, of_numpy)]
    pairs += [[make_loader(data, 8, shuffle=True, seed=seed) for seed in (7, np.int64(7))]]
    for one, other in pairs:
        assert [batch.inputs.tolist() for batch in one] == [batch.inputs.tolist() for batch in other]
    with pytest.raises(DataError, match="seed must be a whole number of at least 0; found 'one'"):
        make_loader(data, 8, seed="one")


@pytest.mark.parametrize("temperature", [0, -1, math.nan, True, "uniform"])
def test_a_temperature_that_is_none_is_refused(temperature):
    with pytest.raises(DataError, match="temperature must be a number above 0: 1 for proportional"):
        mixed_loader(numbered(SIZES), 4, temperature=temperature)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1; found 0"),
        ({"batch_size": 2.0}, "batch_size must be a whole number of at least 1; found 2.0"),
        ({"steps_per_epoch": 0}, "steps_per_epoch, if it is not None, must be a whole number of at least 1; found 0"),
        ({"datasets": {}}, "no data set to draw from"),
        ({"datasets": numbered({"large": 5, "small": 0})}, "'small' is empty"),
        ({"datasets": {"large": [1, 2]}}, "must map names to MultiTaskDatasets.*'large': 'list'"),
        ({"datasets": list(numbered(SIZES).values())}, "must map names to MultiTaskDatasets"),
    ],
)
def test_what_can_not_be_drawn_from_is_refused(change, said):
    with pytest.raises(DataError, match=said):
        mixed_loader(**{"datasets": numbered(SIZES), "batch_size": 4, **change})


def test_data_sets_that_one_model_can_not_read_are_refused(frame):
    reviews = encode_reviews(frame, Vocabulary.from_texts(frame.text), [TOPIC])
    plain = numbered({"stars": 5})
    with pytest.raises(DataError, match=r"\['stars'\] have no lengths"):
        joined({"topic": reviews, **plain})
    named = MultiTaskDataset({"x": torch.zeros(4, 1)}, {"b": torch.zeros(4)}, {"b": torch.ones(4, dtype=torch.bool)})
    with pytest.raises(DataError, match="have different inputs"):
        joined({**plain, "named": named})
    wide = MultiTaskDataset(torch.zeros(4, 7), {"b": torch.zeros(4)}, {"b": torch.ones(4, dtype=torch.bool)})
    with pytest.raises(DataError, match=r"'stars': \(1,\), 'wide': \(7,\)"):
        joined({**plain, "wide": wide})


def test_data_sets_with_labels_for_words_are_joined_to_the_longest():
    task, parts = Tagging("tags", ("noun", "verb")), {}
    for name, tags in {"short": ["noun"], "long": ["noun verb noun"]}.items():
        target, mask = task.encode(tags)
        parts[name] = MultiTaskDataset(torch.zeros(1, 2), {"tags": target}, {"tags": mask})
    assert joined(parts).targets["tags"].tolist() == [[0, -100, -100], [0, 1, 0]]
