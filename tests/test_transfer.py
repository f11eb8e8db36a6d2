"""Arms: any task is scored by its own score, on any table, with any tokens and encoder."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

from mtl_helpers.data import MultiTaskDataset, Splits, Vocabulary, encode_reviews
from mtl_helpers.datasets import LEFT, RIGHT, two_digits
from mtl_helpers.evaluation import Arm, controlled_splits, run_arm, run_arms
from mtl_helpers.models import CNNEncoder, ImageEncoder, LSTMEncoder
from mtl_helpers.tasks import SENTIMENT, STARS, Classification, MultiLabel, Regression
from mtl_helpers.training import validate


@pytest.fixture
def splits(frame) -> Splits:
    return Splits(frame[:160], frame[160:200], frame[200:])


def test_a_number_is_scored_by_its_error_and_not_by_equality(splits):
    """Equality of two floats gave 0 for every model."""
    run = run_arm(Arm("stars", [STARS]), splits, seed=0, steps=100)
    known = splits.test[splits.test.stars.notna()]
    error = (run.predicted - torch.tensor(known.stars.to_numpy(), dtype=torch.float32)).abs().mean().item()
    assert run.score == pytest.approx(error) and 0 < run.score < 1.3


def test_an_arm_is_validated_on_the_task_in_question_alone_and_the_data_stay_as_they_were():
    """Data sets that several arms share keep all their labels."""
    digits = two_digits(200, 50, 50)
    arm = Arm("both", [LEFT, RIGHT], lr=0.01)
    run = run_arm(arm, digits, seed=0, steps=60, encode=lambda splits, tasks: (ImageEncoder, splits))
    assert all(mask.all() for part in digits for mask in part.masks.values())
    output = validate(run.model, [digits.test[list(range(50))]])[1]
    assert run.score == pytest.approx(output["left"])


def test_columns_tokens_and_encoder_of_one_s_own():
    """Support tickets in other columns, with characters for tokens: four lines."""
    team, marks = Classification("team", classes=("billing", "network")), MultiLabel("marks", classes=("angry", "new"))
    rng = np.random.default_rng(0)
    words = {"billing": "invoice", "network": "router"}
    teams = rng.choice(team.classes, 90)
    tickets = pd.DataFrame({"body": [f"the {words[t]} {i}" for i, t in enumerate(teams)], "team": teams})
    tickets["marks"] = [["new"] if i % 2 else [] for i in range(90)]

    def encode(splits, tasks):
        vocabulary = Vocabulary.from_texts(splits.train.body, min_count=1)
        parts = [encode_reviews(part, vocabulary, tasks, text="body") for part in splits]
        return partial(LSTMEncoder, len(vocabulary)), parts

    arms = [Arm("single", [team], lr=0.02), Arm("shared", [team, marks], lr=0.02)]
    splits = Splits(tickets[:50], tickets[50:70], tickets[70:])
    rows = pd.DataFrame(run_arms(arms, splits, seed=0, steps=40, encode=encode))
    assert rows.arm.tolist() == ["single", "shared"] and (rows.score > 0.9).all()


def test_a_table_without_text():
    from torch import nn

    class Rows(nn.Sequential):
        features = 8

        def __init__(self):
            super().__init__(nn.Linear(3, 8), nn.ReLU())

    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3)).astype("float32")
    price = Regression("price").standardised(100 * x[:, 0] + 500)
    data = MultiTaskDataset(x, {"price": 100 * x[:, 0] + 500})
    parts = [MultiTaskDataset(*data[list(rows)]) for rows in (range(200), range(200, 250), range(250, 300))]
    run = run_arm(Arm("alone", [price], lr=0.03), parts, seed=0, steps=150, encode=lambda parts, tasks: (Rows, parts))
    assert run.score < 25, "a mean error of 100 units times a quarter"


def test_the_usual_encoder_is_the_words_of_the_training_texts_and_a_cnn(splits):
    run = run_arm(Arm("alone", [SENTIMENT], filters=5), splits, seed=0, steps=1)
    assert isinstance(run.model.encoder, CNNEncoder) and run.model.encoder.features % 5 == 0


def test_every_task_is_scored_at_the_weights_that_were_chosen(splits):
    run = run_arm(Arm("both", [SENTIMENT, STARS], filters=4), splits, seed=0, steps=60)
    data = encode_reviews(splits.test, Vocabulary.from_texts(splits.train.text), [SENTIMENT, STARS])
    scores = validate(run.model, [data[:]])[1]
    assert run.scores == pytest.approx(scores, abs=1e-6) and run.score == run.scores["sentiment"]
    (row,) = run_arms([Arm("both", [SENTIMENT, STARS], filters=4)], splits, seed=0, steps=60)
    assert row["helper"] == run.scores["stars"] and row["score"] == run.score
    (alone,) = run_arms([Arm("alone", [SENTIMENT], filters=4)], splits, seed=0, steps=1)
    assert alone["helper"] is None


def test_a_learning_curve_is_what_shorter_trainings_had_ended_with():
    """At the weights of the best validation so far; and a look at it leaves the training as it was."""
    arm, splits = Arm("alone", [SENTIMENT], filters=4), controlled_splits(150, seed=0, relatedness=0)
    long = run_arm(arm, splits, seed=0, steps=200, curve_at=(50, 100))
    short = {steps: run_arm(arm, splits, seed=0, steps=steps).score for steps in (50, 100, 200)}
    assert long.curve == {50: short[50], 100: short[100]} and long.score == short[200]
    assert len(set(short.values())) > 1, "nothing was learnt in between"
    (row,) = run_arms([arm], splits, seed=0, steps=100, curve_at=(50,))
    assert row["at_50"] == short[50]
