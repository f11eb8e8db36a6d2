"""λ by search: what is tried, in which order, on which rows; and that a search can be repeated and resumed."""

import warnings

import numpy as np
import pandas as pd
import pytest

from mtl_helpers.data import DataError, load_reviews, split_reviews
from mtl_helpers.data.tokens import text_key
from mtl_helpers.datasets import LEFT, RIGHT
from mtl_helpers.evaluation import cross_validate, grid_search, optuna_search, pareto_front, text_folds, weight_grid
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC

PAIR = [LEFT, RIGHT]


def trade_off(weights):
    """Two tasks that pull apart: the front is every λ."""
    return {"left": weights["left"], "right": 1 - weights["left"] ** 2}


def total(scores):
    return scores["left"] + scores["right"]  # largest at λ left = 1/2


# Grid


@pytest.mark.parametrize(("tasks", "parts", "n"), [(PAIR, 10, 9), ([LEFT, RIGHT, STARS], 10, 36), ([LEFT], 5, 1)])
def test_the_grid_is_every_positive_combination_once(tasks, parts, n):
    grid = pd.DataFrame(weight_grid(tasks, parts))
    assert list(grid) == [task.name for task in tasks] and len(grid) == len(grid.drop_duplicates()) == n
    np.testing.assert_allclose(grid.sum(axis=1), 1)
    assert (grid > 0).all(axis=None)
    np.testing.assert_allclose(grid * parts, (grid * parts).round())


def test_a_grid_search_runs_every_combination_once_and_in_order():
    asked, told = [], []

    def train(weights, lr, seed):
        asked.append((weights["left"], lr, seed))
        weights["left"] = 99  # what train does to its λ must not reach the table or the next run
        return {"left": np.float32(seed), "right": lr}

    runs = grid_search(train, weight_grid(PAIR, 3), {"lr": [0.1, 0.2], "seed": range(2)}, on_run=told.append)
    assert asked == [(part / 3, lr, seed) for part in (1, 2) for lr in (0.1, 0.2) for seed in (0, 1)]
    assert list(runs) == ["λ left", "λ right", "lr", "seed", "left", "right", "seconds", "error"]
    assert runs[["λ left", "lr", "seed"]].to_numpy().tolist() == [list(row) for row in asked]
    assert (runs.left == runs.seed).all() and (runs.right == runs.lr).all() and (runs.seconds >= 0).all()
    assert told == runs.to_dict("records")


# Cross-validation


@pytest.fixture(scope="module")
def reviews() -> pd.DataFrame:
    splits = split_reviews(load_reviews(), seed=0)
    frame = pd.concat([splits.train[:150], splits.val[:50]])
    copies = frame[:60].assign(text=frame.text[:60].str.upper() + "!!")
    return pd.concat([frame, copies])


def test_no_text_stands_on_both_sides_of_a_fold(reviews):
    seen = []
    for train, val in text_folds(reviews, 4, seed=1):
        assert not set(text_key(train.text)) & set(text_key(val.text))
        assert len(train) + len(val) == len(reviews) and 0.15 < len(val) / len(reviews) < 0.35
        seen += list(zip(val.id, val.text, strict=True))
    assert sorted(seen) == sorted(zip(reviews.id, reviews.text, strict=True)), "every row is validated on once"


def test_the_seed_decides_the_folds_and_every_weight_sees_the_same(reviews):
    folds = {seed: [tuple(val.id) for _, val in text_folds(reviews, 3, seed=seed)] for seed in (0, 1)}
    assert folds[0] == [tuple(val.id) for _, val in text_folds(reviews, 3, seed=0)] != folds[1]
    asked = []

    def train(weights, train_frame, val_frame):
        asked.append((weights["topic"], tuple(val_frame.id)))
        return {"topic": len(train_frame), "sentiment": len(val_frame)}

    runs = cross_validate(train, reviews, weight_grid([TOPIC, SENTIMENT], 3), folds=3, seed=1)
    assert asked == [(part / 3, val) for part in (1, 2) for val in folds[1]]
    assert runs.fold.tolist() == [0, 1, 2] * 2 and (runs.topic + runs.sentiment == len(reviews)).all()


# Optuna


def test_the_same_seed_proposes_the_same():
    def search(seed):
        return optuna_search(trade_off, PAIR, runs=14, objective=total, seed=seed).drop(columns="seconds")

    first, again, other = search(0), search(0), search(1)
    pd.testing.assert_frame_equal(first, again)
    assert not np.allclose(first["λ left"], other["λ left"])
    assert first["λ left"].nunique() == 14


def test_one_objective_finds_the_best_weights_and_two_spread_over_the_front():
    one = optuna_search(trade_off, PAIR, runs=25, objective=total)
    assert abs(one["λ left"][one.objective.idxmax()] - 0.5) < 0.05
    assert one.objective.to_numpy() == pytest.approx(one.left + one.right)
    two = optuna_search(trade_off, PAIR, runs=25)
    assert pareto_front(two[["left", "right"]]).all() and "objective" not in two
    assert two["λ left"].min() < 0.2 and two["λ left"].max() > 0.8
    assert abs(one["λ left"][10:] - 0.5).median() < abs(two["λ left"][10:] - 0.5).median(), "one keeps to its optimum"


def test_an_error_is_searched_downwards():
    """MAE: lower is better. Searched upwards, the runs would gather at the other end."""

    def train(weights):
        return {"stars": weights["stars"], "left": 1.0}

    runs = optuna_search(train, [STARS, LEFT], runs=30)
    assert runs.stars[10:].median() < 0.2


def test_three_weights_are_uniform_among_those_that_sum_to_1():
    runs = optuna_search(lambda weights: dict(weights), [LEFT, RIGHT, STARS], runs=10, lr=None, objective=lambda s: 0.0)
    weights = runs[["λ left", "λ right", "λ stars"]]
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert (weights > 0).all(axis=None)
    means = pd.concat(
        optuna_search(lambda w: dict(w), [LEFT, RIGHT, STARS], runs=10, objective=lambda s: 0.0, seed=seed)[[*weights]]
        for seed in range(12)
    ).mean()
    assert means.to_numpy() == pytest.approx(1 / 3, abs=0.1)


def test_the_learning_rate_is_searched_on_a_log_scale():
    def train(weights, lr):
        return {"left": -abs(np.log10(lr) + 2), "right": 0.0}

    runs = optuna_search(train, PAIR, runs=25, lr=(1e-5, 1e-1), objective=total)
    assert runs.lr.between(1e-5, 1e-1).all() and (runs.lr[:10] < 1e-3).any()
    assert 0.003 < runs.lr[runs.objective.idxmax()] < 0.03


def test_a_search_that_was_cut_short_goes_on_where_it_stopped(tmp_path):
    path, calls = tmp_path / "search.sqlite", []

    def train(weights):
        if len(calls) == 10 and None not in calls:
            calls.append(None)
            raise KeyboardInterrupt
        calls.append(weights["left"])
        return trade_off(weights)

    with pytest.raises(KeyboardInterrupt):
        optuna_search(train, PAIR, runs=12, objective=total, storage=path)
    resumed = optuna_search(train, PAIR, runs=12, objective=total, storage=path)
    assert len(calls) == 13, "no finished run is repeated"
    whole = optuna_search(trade_off, PAIR, runs=12, objective=total)
    pd.testing.assert_frame_equal(resumed.drop(columns="seconds"), whole.drop(columns="seconds"))
    with pytest.raises(DataError, match=r"holds a search of other tasks.*12 runs.*Give another file"):
        optuna_search(trade_off, PAIR, runs=20, storage=path)


def test_optuna_says_nothing_and_its_own_setting_is_put_back(capfd):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optuna_search(trade_off, PAIR, runs=12)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "") and optuna.logging.get_verbosity() == optuna.logging.ERROR
    optuna.logging.set_verbosity(optuna.logging.INFO)


# Settings that fail


def diverges_above(limit, how):
    def train(weights):
        if weights["left"] > limit:
            return how()
        return trade_off(weights)

    return train


def raises():
    raise RuntimeError("the loss is nan")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (raises, "RuntimeError: the loss is nan"),
        (lambda: {"left": 0.5, "right": float("nan")}, "The score of 'right' .* must be a finite number; found nan"),
    ],
)
def test_a_grid_goes_on_after_a_setting_that_fails(how, said, capsys):
    grid = [{"left": 0.9, "right": 0.1}, *weight_grid(PAIR, 4)]
    runs = grid_search(diverges_above(0.6, how), grid)
    failed = runs.error != ""
    assert list(runs) == ["λ left", "λ right", "left", "right", "seconds", "error"]
    assert failed.tolist() == [True, False, False, True] and runs.error[failed].str.contains(said).all()
    assert runs[["left", "right"]].isna().all(axis=1).tolist() == failed.tolist()
    assert "failed: λ left 0.9, λ right 0.1: " in "".join(capsys.readouterr())


@pytest.mark.parametrize("objective", [None, total])
def test_optuna_goes_on_after_settings_that_fail_and_tries_others(objective, tmp_path):
    def search(runs, train):
        return optuna_search(train, PAIR, runs=runs, objective=objective, storage=tmp_path / "new" / "search.sqlite")

    tried = []

    def train(weights):
        tried.append(weights["left"])
        return diverges_above(0.4, raises)(weights)

    runs = search(12, train)
    failed = runs.error != ""
    assert 0 < failed.sum() < 12 and (failed == (runs["λ left"] > 0.4)).all() and runs.left.isna().equals(failed)
    assert len(set(tried)) == len(tried) == 12, "no setting is proposed again"
    pd.testing.assert_frame_equal(search(12, raises), runs)  # all are kept, those that failed too
    assert len(search(14, train)) == 14 and len(set(tried)) == len(tried) == 14


def test_an_objective_that_fails_fails_its_run_alone():
    def objective(scores):
        return scores["left"] / (scores["left"] > 0.4)

    runs = optuna_search(trade_off, PAIR, runs=8, objective=objective)
    assert 0 < runs.error.str.startswith("the objective: ZeroDivisionError").sum() < 8


@pytest.mark.bad_input
def test_a_storage_that_is_none_is_named(tmp_path):
    (tmp_path / "notes.txt").write_text("my notes, long enough to be something\n" * 50, encoding="utf-8")
    for path in (tmp_path / "notes.txt", tmp_path / "notes.txt" / "search.sqlite"):
        with pytest.raises(
            DataError, match=r"The search cannot be kept in .*notes.txt.*Give a file that may be written"
        ):
            optuna_search(trade_off, PAIR, runs=1, storage=path)


# Bad input

WEIGHTS = [{"left": 0.5, "right": 0.5}]
TEXTS = pd.DataFrame({"text": ["a film", "A FILM!", "a book"]})


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (
            lambda: weight_grid(PAIR, 1),
            r"parts \(one for each task, 10 is usual\) must be a whole number of at least 2; found 1",
        ),
        (lambda: grid_search(trade_off, WEIGHTS[0]), r"Expected a list of λ.*Write \[weights\]"),
        (lambda: grid_search(trade_off, []), "no λ to try"),
        (
            lambda: grid_search(trade_off, [*WEIGHTS, {"left": 1}]),
            r"same tasks; found \['left', 'right'\] and \['left'\]",
        ),
        (lambda: grid_search(lambda w, lr: w, WEIGHTS, {"lr": []}), "without a value"),
        (lambda: grid_search(lambda w: None, WEIGHTS), r"returned None \(λ left 0.5, λ right 0.5\)"),
        (
            lambda: grid_search(lambda w, lr: {"left": float("nan")}, WEIGHTS, {"lr": [0.1]}),
            r"All 1 settings failed. The first: The score of 'left' \(λ left 0.5, λ right 0.5, lr 0.1\) must be .*nan",
        ),
        (lambda: grid_search(lambda w: {"seconds": 1}, WEIGHTS), "column 'seconds' for itself"),
        (lambda: list(text_folds(TEXTS, 3)), "2 different texts can not be cut into 3 folds"),
        (lambda: list(text_folds(TEXTS, 1)), "folds must be a whole number of at least 2; found 1"),
        (
            lambda: list(text_folds(TEXTS.rename(columns={"text": "review"}))),
            "Column 'text' is missing; found 'review'",
        ),
        (lambda: optuna_search(trade_off, PAIR, runs=0), "runs must be a whole number of at least 1; found 0"),
        (lambda: optuna_search(trade_off, PAIR, lr=(0.1, 0.01)), r"0 < low < high; found \(0.1, 0.01\)"),
        (lambda: optuna_search(lambda w: {"left": 1}, PAIR), r"no score for the task 'right' but for \['left'\]"),
        (
            lambda: optuna_search(trade_off, PAIR, objective=lambda s: None),
            "All 20 settings failed. The first: The objective must be a finite number; found None",
        ),
        (lambda: optuna_search(trade_off, PAIR, seed=-1), "seed must be a whole number of at least 0; found -1"),
    ],
)
def test_bad_input_is_answered_in_words(act, said):
    with pytest.raises(DataError, match=said):
        act()
