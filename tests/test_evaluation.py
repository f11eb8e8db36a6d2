"""Step 5: metrics by task, and accuracy by what makes a text hard."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, f1_score, mean_absolute_error

from mtl_helpers.data import PHENOMENA, DataError, Vocabulary, encode_reviews, make_loader
from mtl_helpers.evaluation import (
    accuracy_by_phenomenon,
    calibration,
    confidence_interval,
    confusion,
    evaluate,
    expected_calibration_error,
    fit_temperature,
    paired_changes,
)
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC
from mtl_helpers.training import fit, predict


@pytest.mark.parametrize("batch_size", [9, 240])
def test_metrics_are_scikit_learns_on_the_labelled_texts(frame, dataset, new_model, new_loader, batch_size):
    model = new_model()
    found = evaluate(model, new_loader(batch_size, shuffle=False))
    assert list(found) == ["accuracy", "macro_F1", "MAE", "n"]
    with torch.no_grad():
        outputs = model(dataset[torch.arange(240)].inputs)
    for task in model.tasks[:2]:
        known = frame[task.name].notna()
        truth = frame[task.name][known]
        predicted = pd.Series(outputs[task.name].argmax(dim=1)).map(lambda i, task=task: task.classes[i])[known]
        row = found.loc[task.name]
        assert row.n == known.sum() and math.isnan(row.MAE)
        assert row.accuracy == pytest.approx(accuracy_score(truth, predicted))
        assert row.macro_F1 == pytest.approx(f1_score(truth, predicted, average="macro"))
    known = frame.stars.notna()
    error = mean_absolute_error(frame.stars[known], outputs["stars"].numpy()[known])
    assert pytest.approx(error, rel=1e-5) == found.loc["stars"].MAE
    assert found.loc["stars", ["accuracy", "macro_F1"]].isna().all()
    assert found.n.tolist() == [240, 192, 216]


def test_a_wrapped_model_is_evaluated_as_the_one_inside(new_model, new_loader):
    model, loader = new_model(), new_loader(shuffle=False)
    assert evaluate(torch.nn.DataParallel(model), loader).equals(evaluate(model, loader))


def test_a_test_set_of_one_task_scores_that_task_and_says_nothing_of_the_others(frame, new_model, new_loader):
    model = new_model()
    one = make_loader(encode_reviews(frame, Vocabulary.from_texts(frame.text), [TOPIC]), 60)
    table = evaluate(model, one)
    assert table.n.to_dict() == {"topic": int(frame.topic.notna().sum()), "sentiment": 0, "stars": 0}
    assert table.loc["topic"].equals(evaluate(model, new_loader(60, shuffle=False)).loc["topic"])
    assert table.loc[["sentiment", "stars"]].drop(columns="n").isna().all(axis=None)
    history = fit(model, new_loader(), torch.optim.SGD(model.parameters(), lr=0.01), steps=2, val_loader=one)
    assert history.groupby("task").val_loss.count().to_dict() == {"sentiment": 0, "stars": 0, "topic": 1}


@pytest.mark.bad_input
def test_loaders_by_name_are_answered_with_what_to_do(new_model, new_loader):
    with pytest.raises(DataError, match=r"the loader gave a str. Of loaders by name give one at a time, or join"):
        evaluate(new_model(), {"topic": new_loader(), "stars": new_loader()})


def test_dropout_is_off(new_model, new_loader):
    model = new_model()
    model.encoder.register_forward_hook(lambda encoder, _, features: features * (not encoder.training))
    model.train()
    while_training = evaluate(model, new_loader(shuffle=False))
    model.eval()
    pd.testing.assert_frame_equal(while_training, evaluate(model, new_loader(shuffle=False)))


def test_accuracy_by_phenomenon():
    frame = pd.DataFrame({"phenomena": ["irony", "irony;contrast", "", "contrast", ""]}, index=[7, 7, 1, 0, 3])
    for correct in ([True, False, True, True, False], torch.tensor([True, False, True, True, False])):
        found = accuracy_by_phenomenon(frame, correct)
        assert list(found.index) == [*PHENOMENA, "none", "all"]
        assert found.loc[["irony", "contrast", "none", "all"]].to_numpy().tolist() == [
            [0.5, 2],
            [0.5, 2],
            [0.5, 2],
            [0.6, 5],
        ]
        assert found.n["negation"] == 0 and math.isnan(found.accuracy["negation"])


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_a_confidence_interval_is_students(level):
    runs = np.random.default_rng(0).normal(0.8, 0.05, size=7)
    found = confidence_interval(runs, level)
    assert (found.low, found.high) == pytest.approx(stats.t.interval(level, 6, runs.mean(), stats.sem(runs)))
    assert found.mean == pytest.approx(runs.mean())


def test_a_confidence_interval_holds_the_truth_as_often_as_it_says():
    runs = np.random.default_rng(0).normal(size=(2000, 5))
    held = [interval.low <= 0 <= interval.high for interval in map(confidence_interval, runs)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)


# Paired changes


def runs(**scores) -> pd.DataFrame:
    return pd.DataFrame(
        [{"arm": arm, "seed": i, "score": s} for arm, values in scores.items() for i, s in enumerate(values)]
    )


def test_changes_are_paired_by_seed():
    table = paired_changes(runs(single=[0.5, 0.7, 0.9], shared=[0.6, 0.9, 0.9]))
    expected = confidence_interval([0.1, 0.2, 0.0])
    assert tuple(table.loc["shared", ["change", "low", "high"]]) == pytest.approx(expected)
    assert list(table.index) == ["single", "shared"] and set(table.seeds) == {3}
    # The same scores in another order of seeds: the same means, another interval.
    other = paired_changes(runs(single=[0.5, 0.7, 0.9], shared=[0.9, 0.9, 0.6]))
    assert other.change["shared"] == pytest.approx(expected.mean) and other.low["shared"] < expected.low


@pytest.mark.parametrize(
    ("frame", "against", "said"),
    [
        (runs(single=[0.5, 0.6], shared=[0.5]), "single", "'shared' lacks a score for seed 1"),
        (runs(single=[0.5, 0.6]), "alone", "no arm 'alone'.*'single'"),
        (pd.concat([runs(single=[0.5])] * 2), "single", "'single' has two runs of seed 0"),
        (runs(single=[0.5]).drop(columns="seed"), "single", r"no column \['seed'\]"),
    ],
)
def test_runs_that_cannot_be_paired_are_refused(frame, against, said):
    with pytest.raises(DataError, match=said):
        paired_changes(frame, against)


# Confusion and calibration


def test_a_confusion_matrix_counts_the_labelled_texts_by_true_and_predicted_class(new_model, new_loader):
    model = new_model()
    predictions = predict(model, new_loader(50, shuffle=False))
    table = confusion(TOPIC, *predictions["topic"])
    output, target, _ = predictions["topic"]
    for row, column in np.ndindex(6, 6):
        expected = ((target == row) & (output.argmax(dim=1) == column)).sum()
        assert table.loc[TOPIC.classes[row], TOPIC.classes[column]] == expected
    assert confusion(SENTIMENT, *predictions["sentiment"]).to_numpy().sum() == 192
    with pytest.raises(DataError, match="'stars' is a Regression, which does not choose"):
        confusion(STARS, *predictions["stars"])
    with pytest.raises(DataError, match="No example has a label for 'topic'"):
        confusion(TOPIC, torch.zeros(2, 6), torch.zeros(2), torch.zeros(2, dtype=torch.bool))


def drawn(n, sharpness, bins=10):
    """Outputs whose softmax is the truth when ``sharpness`` is 1, and claims too much above it."""
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(n, 3, generator=generator) * 1.5
    targets = torch.multinomial(outputs.softmax(dim=1), 1, generator=generator)[:, 0]
    return calibration(outputs * sharpness, targets, bins=bins), outputs * sharpness, targets


def test_the_bins_are_scikit_learns():
    table, outputs, targets = drawn(500, 2)
    confidence, predicted = outputs.softmax(dim=1).max(dim=1)
    accuracy, mean = calibration_curve((predicted == targets).numpy(), confidence.numpy(), n_bins=10)
    seen = table[table.n > 0]
    assert seen.accuracy.to_numpy() == pytest.approx(accuracy) and seen.confidence.to_numpy() == pytest.approx(mean)
    assert table.n.sum() == 500 and table.n[:3].sum() == 0, "of three classes the most likely has a third at least"
    assert seen.confidence.between(seen.low, seen.high).all()
    even = calibration(torch.zeros(1, 2), torch.tensor([0]))  # a confidence of .5 belongs to the bin that ends there
    assert even.n.tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0] and even.high[4] == 0.5


def test_the_calibration_error_tells_honest_from_boastful():
    honest, boastful, timid = (expected_calibration_error(drawn(20_000, s)[0]) for s in (1, 4, 0.2))
    assert honest < 0.015 and boastful > 0.1 and timid > 0.1
    table, outputs, targets = drawn(300, 4)
    by_hand = 0.0
    confidence, predicted = outputs.double().softmax(dim=1).max(dim=1)
    for i in range(10):
        held = (confidence > i / 10) & (confidence <= (i + 1) / 10)
        if held.any():
            gap = (predicted == targets)[held].double().mean() - confidence[held].mean()
            by_hand += held.double().mean() * gap.abs()
    assert expected_calibration_error(table) == pytest.approx(float(by_hand))


@pytest.mark.parametrize("scale", [0.25, 1.0, 4.0])
def test_the_temperature_undoes_the_scale_of_the_outputs(scale):
    """Outputs that tell the truth, times ``scale``: T is that scale, the error falls, and no answer changes."""
    generator = torch.Generator().manual_seed(0)
    honest = torch.randn(8000, 3, generator=generator)
    target = torch.multinomial(honest.softmax(dim=1), 1, generator=generator).squeeze(1)
    mask = torch.rand(8000, generator=generator) < 0.9
    temperature = fit_temperature(scale * honest, target, mask)
    assert temperature == pytest.approx(scale, rel=0.1)
    after = expected_calibration_error(calibration(scale * honest / temperature, target, mask))
    assert after < 0.02
    assert scale == 1 or after < expected_calibration_error(calibration(scale * honest, target, mask)) - 0.05


@pytest.mark.bad_input
def test_without_a_label_there_is_no_temperature():
    with pytest.raises(DataError, match="nothing to fit a temperature to"):
        fit_temperature(torch.zeros(2, 2), torch.zeros(2).long(), torch.zeros(2).bool())


def test_texts_without_a_label_are_left_out_of_calibration():
    table, outputs, targets = drawn(200, 2)
    assert calibration(outputs, targets, bins=np.int64(10)).equals(table)
    mask = torch.arange(200) < 120
    pd.testing.assert_frame_equal(calibration(outputs, targets, mask), calibration(outputs[:120], targets[:120]))
    for wrong, said in [
        (lambda: calibration(outputs[:, 0], targets), r"outputs \(n, classes\).*regression has no confidence"),
        (lambda: calibration(outputs[:3], targets), r"found \(3, 3\) and \(200,\)"),
        (lambda: calibration(outputs, targets, mask & ~mask), "No example has a label"),
        (lambda: calibration(outputs, targets, bins=0), "bins must be a whole number of at least 1; found 0"),
        (lambda: expected_calibration_error(table.drop(columns="n")), r"no column \['n'\]"),
    ]:
        with pytest.raises(DataError, match=said):
            wrong()
