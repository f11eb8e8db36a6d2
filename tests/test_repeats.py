"""Step 5: repeated runs: intervals, Δ_MTL with its rows, and how many runs a claim needs."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mtl_helpers.data import DataError
from mtl_helpers.evaluation import confidence_interval, delta_mtl, delta_table, paired_changes, runs_needed
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC, Classification, Regression

# Bootstrap


def test_of_many_normal_runs_the_bootstrap_says_what_t_says():
    values = np.random.default_rng(0).normal(0.8, 0.05, size=400)
    t, bootstrap = confidence_interval(values), confidence_interval(values, method="bootstrap")
    assert bootstrap.mean == t.mean
    assert (bootstrap.low, bootstrap.high) == pytest.approx((t.low, t.high), abs=0.03 * (t.high - t.low))
    skewed = np.random.default_rng(0).exponential(size=30) ** 2
    t, bootstrap = confidence_interval(skewed), confidence_interval(skewed, method="bootstrap")
    assert bootstrap.high - bootstrap.mean > 1.15 * (bootstrap.mean - bootstrap.low), "it follows a skewed shape"
    assert t.high - t.mean == pytest.approx(t.mean - t.low)


def test_the_bootstrap_is_scipys_and_its_seed_decides():
    values = [0.81, 0.79, 0.86, 0.83, 0.80, 0.88]
    found = confidence_interval(values, 0.9, method="bootstrap")
    reference = stats.bootstrap((values,), np.mean, confidence_level=0.9, method="percentile").confidence_interval
    assert (found.low, found.high) == pytest.approx(tuple(reference), abs=0.002)
    assert found == confidence_interval(values, 0.9, method="bootstrap", seed=0)
    assert found != confidence_interval(values, 0.9, method="bootstrap", seed=1)
    assert confidence_interval(values, 0.5, method="bootstrap").low > found.low


@pytest.mark.parametrize(("n", "held"), [(5, 0.84), (10, 0.91)])
def test_of_few_runs_the_bootstrap_makes_too_little_as_its_docstring_says(n, held):
    runs = np.random.default_rng(1).normal(size=(600, n))
    intervals = [confidence_interval(row, method="bootstrap") for row in runs]
    assert np.mean([i.low <= 0 <= i.high for i in intervals]) == pytest.approx(held, abs=0.03)


def test_paired_changes_take_either_interval():
    frame = pd.DataFrame({"arm": ["single", "shared"] * 3, "seed": [0, 0, 1, 1, 2, 2], "score": [5, 6, 5, 7, 5, 9]})
    table = paired_changes(frame, method="bootstrap")
    assert tuple(table.loc["shared", ["change", "low", "high"]]) == confidence_interval([1, 2, 4], method="bootstrap")


# Δ_MTL


def test_delta_mtl_by_hand():
    single = {"topic": 0.8, "sentiment": 0.5, "stars": 2.0}
    assert delta_mtl(single, single, [TOPIC, SENTIMENT, STARS]) == 0
    assert delta_mtl({"topic": 0.6, "sentiment": 0.6}, single, [TOPIC, SENTIMENT]) == pytest.approx((-25 + 20) / 2)
    assert delta_mtl({"stars": 1.5}, single, [STARS]) == pytest.approx(25), "a smaller error is a gain"
    assert delta_mtl({"stars": 2.5}, single, [STARS]) == pytest.approx(-25)


@pytest.fixture
def runs() -> pd.DataFrame:
    scores = {
        ("single", "topic"): [0.80, 0.50, 0.70],
        ("shared", "topic"): [0.84, 0.60, 0.70],
        ("single", "stars"): [1.0, 0.8, 0.5],
        ("shared", "stars"): [1.1, 0.8, 0.6],
    }
    rows = [(arm, task, seed, score) for (arm, task), row in scores.items() for seed, score in enumerate(row)]
    return pd.DataFrame(rows, columns=["arm", "task", "seed", "score"])


@pytest.mark.parametrize("method", ["t", "bootstrap"])
def test_the_table_has_the_rows_that_its_average_is_made_of(runs, method):
    table = delta_table(runs.sample(frac=1, random_state=0), [TOPIC, STARS], method=method).loc["shared"]
    assert list(table.index) == ["topic", "stars", "Δ_MTL"] and set(table.seeds) == {3}
    changes = np.array([[5, 20, 0], [-10, 0, -20]])
    for name, row in {"topic": changes[0], "stars": changes[1], "Δ_MTL": changes.mean(axis=0)}.items():
        expected = confidence_interval(row, method=method)
        assert tuple(table.loc[name, ["change", "low", "high"]]) == pytest.approx(expected)
    assert table.score[["topic", "stars"]].tolist() == pytest.approx([2.14 / 3, 2.5 / 3])
    assert np.isnan(table.score["Δ_MTL"])


def test_the_table_agrees_with_the_single_number(runs):
    by_seed = [
        delta_mtl(*(rows[rows.arm == arm].set_index("task").score for arm in ("shared", "single")), [TOPIC, STARS])
        for _, rows in runs.groupby("seed")
    ]
    table = delta_table(runs, [TOPIC, STARS])
    assert table.change["shared", "Δ_MTL"] == pytest.approx(np.mean(by_seed))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda runs: runs.drop(columns="task"), r"no column \['task'\]"),
        (lambda runs: runs[runs.task == "topic"], "no run of task 'stars'; there are .'topic'"),
        (lambda runs: runs[:-1], "'shared' lacks a score for seed 2"),
        (lambda runs: runs[runs.arm == "single"], "no arm but 'single'"),
        (lambda runs: runs[(runs.task == "topic") | (runs.seed < 2)], "Each task needs the same seeds"),
        (lambda runs: runs[(runs.task == "topic") | (runs.arm == "single")], "Each task needs the same arms"),
        (lambda runs: runs.assign(score=runs.score - 0.5), "'topic': the single-task score is 0; .*absolute change"),
    ],
)
def test_a_table_that_would_mislead_is_refused(runs, change, said):
    with pytest.raises(DataError, match=said):
        delta_table(change(runs), [TOPIC, STARS])


def test_a_task_without_a_score_is_named():
    with pytest.raises(DataError, match=r"Task 'stars' has no single-task score; there are scores for .'topic'"):
        delta_mtl({"topic": 1, "stars": 1}, {"topic": 1}, [TOPIC, STARS])


# Runs needed


@pytest.mark.parametrize(("effect", "n"), [(0.2, 199), (0.5, 34), (0.8, 15), (1.0, 10)])
def test_runs_needed_is_what_the_tables_say(effect, n):
    """G*Power and statsmodels' TTestPower, two-sided, level .05, power .80."""
    assert runs_needed(sd=0.03, gain=0.03 * effect) == runs_needed(sd=0.03, gain=-0.03 * effect) == n


@pytest.mark.parametrize(("effect", "power"), [(0.7, 0.8), (1.5, 0.8), (1.0, 0.5)])
def test_with_that_many_runs_the_gain_is_found_that_often(effect, power):
    n = runs_needed(1, effect, power=power)
    draw = np.random.default_rng(0).normal(effect, 1, size=(4000, n))
    found = stats.ttest_1samp(draw, 0, axis=1).pvalue < 0.05
    one_less = stats.ttest_1samp(draw[:, :-1], 0, axis=1).pvalue < 0.05
    assert found.mean() > power - 0.02 and one_less.mean() < power + 0.02


@pytest.mark.parametrize("effect", [0.01, 0.05, 3, 50, 1e9])
def test_runs_needed_holds_at_the_extremes(effect):
    n = runs_needed(1, effect)
    assert n >= 2 and (n - 4) <= (2.8015852 / effect) ** 2 <= n


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((1, 0), "No number of runs shows a gain of 0"),
        ((-1, 1), "sd at least 0; found sd=-1"),
        ((float("nan"), 1), "found sd=nan"),
        ((1, 1e-4), "takes more than 100,000 runs"),
    ],
)
def test_questions_without_an_answer_are_refused(arguments, said):
    with pytest.raises(DataError, match=said):
        runs_needed(*arguments)
    with pytest.raises(DataError, match="shares between 0 and 1; found power=80"):
        runs_needed(1, 1, power=80)
    with pytest.raises(DataError, match=r"between 0 and 1, such as .*; found 95"):
        confidence_interval([1, 2], 95)
    with pytest.raises(DataError, match="'t' or 'bootstrap'; found 'jackknife'"):
        confidence_interval([1, 2], method="jackknife")


def test_the_sign_follows_the_task_and_not_its_name():
    error, hits = Regression("a"), Classification("a", classes=("x", "y"))
    assert delta_mtl({"a": 2}, {"a": 1}, [hits]) == -delta_mtl({"a": 2}, {"a": 1}, [error]) == 100
