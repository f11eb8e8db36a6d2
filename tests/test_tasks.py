"""Tasks: labels to targets and masks, the masked loss, predictions and scores."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC, Task, check_tasks

KINDS = pytest.mark.parametrize("task", [TOPIC, STARS], ids=lambda task: task.kind)


def random_batch(task: Task, n: int = 12) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Output that wants a gradient, target, and a mask with some labels missing."""
    random = torch.Generator().manual_seed(0)
    mask = torch.rand(n, generator=random) < 0.6
    assert 0 < mask.sum() < n
    if task.kind == "classification":
        output = torch.randn(n, task.n_outputs, generator=random, requires_grad=True)
        return output, torch.randint(task.n_outputs, (n,), generator=random), mask
    return torch.randn(n, generator=random, requires_grad=True), torch.randn(n, generator=random), mask


def test_kind_decides_outputs_and_metric():
    assert (TOPIC.n_outputs, TOPIC.metric, TOPIC.higher_is_better) == (6, "accuracy", True)
    assert (STARS.n_outputs, STARS.metric, STARS.higher_is_better) == (1, "MAE", False)


def test_a_class_has_its_place_in_classes_as_target():
    target, mask = TOPIC.encode(reversed(TOPIC.classes))
    assert target.tolist() == [5, 4, 3, 2, 1, 0] and mask.all()


@pytest.mark.parametrize("missing", [None, math.nan, "", pd.NA, np.nan, pd.NaT], ids=repr)
def test_a_missing_label_is_masked(missing):
    for task, known, expected in [(SENTIMENT, "positive", 1), (STARS, 4.5, 4.5)]:
        target, mask = task.encode([known, missing])
        assert target.tolist() == [expected, 0] and mask.tolist() == [True, False]


def test_numbers_may_come_as_text_or_from_numpy():
    target, _ = STARS.encode(["4", np.float32(2.5), np.int64(3), True])
    assert target.tolist() == [4, 2.5, 3, 1] and target.dtype == torch.float32


@KINDS
def test_masked_loss_is_the_loss_of_the_labelled_examples(task):
    output, target, mask = random_batch(task)
    torch.testing.assert_close(task.loss(output, target, mask), task.loss(output[mask], target[mask]))


@KINDS
def test_an_unlabelled_example_has_no_gradient_and_no_say(task):
    output, target, mask = random_batch(task)
    (gradient,) = torch.autograd.grad(task.loss(output, target, mask), output)
    assert (gradient[~mask] == 0).all() and (gradient[mask] != 0).any()
    changed = output.detach().clone()
    changed[~mask] += 100
    assert torch.equal(task.loss(changed, target, mask), task.loss(output, target, mask))


@KINDS
def test_a_batch_without_any_label_gives_exactly_zero(task):
    output, target, mask = random_batch(task)
    loss = task.loss(output, target, torch.zeros_like(mask))
    (gradient,) = torch.autograd.grad(loss, output)
    assert loss.item() == 0 and (gradient == 0).all()


def test_loss_without_a_mask_is_torchs_own():
    output, target, _ = random_batch(TOPIC)
    torch.testing.assert_close(TOPIC.loss(output, target), F.cross_entropy(output, target))
    output, target, _ = random_batch(STARS)
    torch.testing.assert_close(STARS.loss(output, target), F.mse_loss(output, target))


def test_scores_count_labelled_examples_only():
    mask = torch.tensor([True, True, True, True, False])
    assert SENTIMENT.score(torch.tensor([1, 1, 0, 0, 0]), torch.tensor([1, 0, 0, 0, 1]), mask) == 0.75
    assert STARS.score(torch.tensor([1.0, 2, 3, 4, 0]), torch.tensor([2.0, 2, 3, 1, 99]), mask) == 1
    assert math.isnan(STARS.score(torch.ones(2), torch.ones(2), torch.tensor([False, False])))


def test_predictions_are_the_likeliest_class_or_the_number_itself():
    assert SENTIMENT.predict(torch.tensor([[0.1, 2.0], [3.0, -1.0]])).tolist() == [1, 0]
    assert STARS.predict(torch.tensor([2.5, 4.0])).tolist() == [2.5, 4]


def test_check_tasks_keeps_the_order():
    assert check_tasks([STARS, TOPIC]) == (STARS, TOPIC)
