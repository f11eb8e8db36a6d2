"""Step 5: metrics by task, and accuracy by what makes a text hard."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score, mean_absolute_error

from mtl_helpers.data import PHENOMENA
from mtl_helpers.evaluation import accuracy_by_phenomenon, confidence_interval, evaluate


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
