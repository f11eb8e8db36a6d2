"""Tasks: labels to targets and masks, the masked loss, predictions and scores."""

import json
import math
import re

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from mtl_helpers.tasks import (
    SENTIMENT,
    STARS,
    TOPIC,
    Classification,
    MultiLabel,
    Regression,
    Tagging,
    Task,
    TaskError,
    check_tasks,
)

ABOUT = MultiLabel("about", classes=("price", "taste", "service"))
PATH = Regression("path", size=3)
PRICE = Regression("price", centre=10_000, scale=300)
TAGS = Tagging("tags", classes=("noun", "verb"))
KINDS = pytest.mark.parametrize("task", [TOPIC, STARS, ABOUT, PATH, PRICE, TAGS], ids=lambda task: task.name)


def random_batch(task: Task, n: int = 12) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Output that wants a gradient, target, and a mask with some labels missing."""
    random = torch.Generator().manual_seed(0)
    mask = torch.rand(n, generator=random) < 0.6
    assert 0 < mask.sum() < n
    shape = (n, 5, task.n_outputs) if task.per_word else (n, task.n_outputs)
    output = torch.randn(shape, generator=random)
    output = task.from_head(output).requires_grad_()
    labels = {
        "topic": [TOPIC.classes[i % 6] for i in range(n)],
        "about": [list(ABOUT.classes[: i % 4]) for i in range(n)],
        "path": [[i, 1.0, -i] for i in range(n)],
        "tags": [["noun", "verb", "noun"][: 1 + i % 3] for i in range(n)],
    }
    return output, task.encode(labels.get(task.name, range(n)))[0], mask


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
def test_whatever_lies_under_the_mask_has_no_say(task):
    output, target, mask = random_batch(task)
    expected = torch.autograd.grad(task.loss(output, target, mask), output)[0]
    poisoned, odd = output.detach().clone(), target.clone()
    poisoned[~mask] = 1e20
    odd[~mask] = math.nan if odd.is_floating_point() else 10**6
    poisoned.requires_grad_()
    loss = task.loss(poisoned, odd, mask)
    assert torch.equal(loss, task.loss(output, target, mask))
    assert torch.equal(torch.autograd.grad(loss, poisoned)[0], expected)


@KINDS
def test_a_loss_over_no_label_is_no_number(task):
    output, target, mask = random_batch(task)
    assert task.loss(output, target, torch.zeros_like(mask)).isnan()
    assert math.isnan(task.skill(task.predict(output), target, torch.zeros_like(mask)))


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


@KINDS
def test_a_task_survives_json(task):
    assert Task.from_dict(json.loads(json.dumps(task.to_dict()))) == task


@KINDS
def test_decode_answers_in_the_terms_of_the_labels(task):
    output, target, _ = random_batch(task)
    answers = task.decode(output)
    assert len(answers) == len(target) and answers.columns[0] == task.name
    encoded, mask = task.encode(answers[task.name])
    predicted = task.predict(output)
    if task is ABOUT:  # nothing applies is written as an empty text, which reads as missing
        encoded, predicted = encoded[mask], predicted[mask]
    torch.testing.assert_close(encoded, predicted)


@KINDS
def test_a_perfect_answer_has_skill_one(task):
    _, target, _ = random_batch(task)
    assert task.skill(target, target) == 1


def test_skill_does_not_depend_on_the_unit():
    dollars = torch.tensor([9_000.0, 10_000, 12_000, 15_000])
    predicted = torch.tensor([9_500.0, 10_000, 11_000, 14_000])
    task = Regression("price")
    assert task.skill(predicted, dollars) == pytest.approx(task.skill(predicted / 1000, dollars / 1000))
    assert task.skill(dollars.median().expand(4), dollars) == 0


def test_a_standardised_regression_trains_in_deviations_and_answers_in_its_unit():
    labels = [9_000.0, 10_000, 12_000, None, 15_000]
    task = Regression("price").standardised(labels)
    target, mask = task.encode(labels)
    known = target[mask].double()
    assert task.centre == pytest.approx(known.mean().item()) and task.scale == pytest.approx(
        known.std(correction=0).item()
    )
    zero = torch.zeros(5)
    assert task.loss(zero, target, mask).item() == pytest.approx(1.0, rel=1e-6)  # the variance, in deviations
    assert task.score(task.predict(zero), target, mask) == pytest.approx(
        (known - known.mean()).abs().mean().item(), rel=1e-6
    )
    assert Regression("price").standardised(known) == task  # a tensor of labels does as well
    raw = Regression("price")
    assert raw.loss(zero, target, mask).item() == pytest.approx(known.square().mean().item())


def test_balanced_classes_count_the_same_in_all():
    task = Classification("rare", ("no", "yes"))
    labels = ["no"] * 9 + ["yes"]
    target, _ = task.encode(labels)
    weighted, output = task.balanced(labels), torch.randn(10, 2, generator=torch.Generator().manual_seed(0))
    each = F.cross_entropy(output, target, reduction="none")
    expected = (each[target == 0].mean() + each[target == 1].mean()) / 2
    torch.testing.assert_close(weighted.loss(output, target), expected)
    halves = [weighted.losses(output[rows], target[rows]).sum() for rows in (slice(0, 5), slice(5, 10))]
    torch.testing.assert_close(sum(halves) / 10, expected)  # the losses of parts add up


def test_numpy_and_pandas_give_labels_in_many_types():
    for values in ([0.0, 5.0, 2.0], np.array([0, 5, 2], np.int32), pd.Series([0, 5, 2]), np.array([[0], [5], [2]])):
        target, mask = TOPIC.check(values)
        assert target.tolist() == [0, 5, 2] and target.dtype == torch.long and mask.all()
    assert SENTIMENT.check(np.array([True, False]))[0].tolist() == [1, 0]
    target, mask = STARS.check(pd.Series([1.5, None]), np.array([1.0, 0.0]))
    assert target.tolist() == [1.5, 0] and target.dtype == torch.float32 and mask.tolist() == [True, False]
    target, mask = STARS.check(np.array([[1.5], [np.nan]]))
    assert target.shape == (2,) and mask.tolist() == [True, False]


@pytest.mark.bad_input
@pytest.mark.parametrize(
    "task, target, mask, text",
    [
        (
            TOPIC,
            [1, 6, 2],
            None,
            "Task 'topic': row 1 holds class 6; classes are numbered 0 to 5. Are they counted from 1?",
        ),
        (TOPIC, [0, -1], None, "row 1 holds class -1; classes are numbered 0 to 5. Make them with task.encode"),
        (TOPIC, [0, 1.5], None, "row 1 holds class 1.5"),
        (TOPIC, ["film"], None, "the targets are no numbers"),
        (TOPIC, [[0, 1]], None, "found shape (1, 2). A column for each class?"),
        (STARS, [1.0, math.nan], [True, True], "row 1 is marked as labelled, and its target is nan"),
        (STARS, [1.0, 2.0], [0.0, 0.5], "a mask is True or False; row 1 is 0.5"),
        (STARS, [1.0, 2.0], [True], "the mask has shape (1,), expected (2,)"),
        (STARS, [[1.0, 2.0]], None, "targets have shape (n,); found (1, 2)"),
        (PATH, [1.0, 2.0], None, "targets have shape (n, 3); found (2,)"),
        (ABOUT, [[0, 1, 2]], None, "a class applies (1) or not (0); row 0 is"),
        (ABOUT, [[0, 1]], None, "a column a class; found (1, 2)"),
        (TAGS, [0, 1], None, "a class number a word"),
        (TAGS, [[0, 2]], None, "row 0 holds class 2"),
    ],
)
def test_targets_that_cannot_be_are_named_by_task_and_row(task, target, mask, text):
    with pytest.raises(TaskError, match=re.escape(text)):
        task.check(target, mask)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: Task("mood"), "A Task is one of its kinds"),
        (lambda: Classification("mood", "happy"), "classes are a list of labels; found the one text 'happy'"),
        (lambda: Classification("mood", ("a", "b"), class_weights={"c": 2.0}), "a weight is given for 'c'"),
        (lambda: Classification("mood", ("a", "b"), class_weights="balanced"), "take task.balanced(train['mood'])"),
        (
            lambda: Classification("mood", ("a", "b"), class_weights=(1.0,)),
            "class_weights are 2 finite numbers above 0",
        ),
        (lambda: Classification("mood", ("a", "b")).balanced([None]), "there is no label to balance"),
        (lambda: Regression("price", scale=0), "scale must be finite above 0; found 0"),
        (lambda: Regression("path", size=2, centre=(1.0, 2.0, 3.0)), "centre has 3 numbers and a label 2"),
        (lambda: Regression("price").standardised([5, 5, 5]), "all labels are the same; there is nothing to learn"),
        (lambda: Regression("price").standardised([5]), "1 labels are too few"),
        (lambda: PATH.standardised([[1, 2, 3], [2, 2, 4]]), "all labels are the same (number 1 of 3)"),
        (lambda: ABOUT.encode([None, "price;rice"]), "unknown label 'rice' at position 1"),
        (lambda: STARS.encode([1, 1e39]), "label 1e+39 at position 1 is not a finite number"),
        (lambda: TOPIC.encode(["film", ["film"]]), "unknown label ['film'] at position 1"),
        (lambda: TAGS.encode(["noun adverb"]), "unknown label 'adverb' at position 0"),
        (lambda: TAGS.linear_model(), "there is no linear model of word counts for a Tagging"),
        (lambda: TAGS.condition(torch.zeros(1, 2, 2)), "one answer a text, not on one a word"),
        (lambda: Task.from_dict({"kind": "Ranking", "name": "a"}), "There is no kind of task 'Ranking'"),
    ],
)
def test_a_task_that_cannot_be_says_so(make, text):
    with pytest.raises(TaskError, match=re.escape(text)):
        make()
