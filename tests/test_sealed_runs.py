"""The sealed experiment: its arms on validation reviews, and what its table has. The sealed reviews are not opened here."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mtl_helpers.claims import from_differences
from mtl_helpers.data import load_reviews, split_reviews
from mtl_helpers.errors import DataError
from mtl_helpers.evaluation.statistics.crossed import crossed_error
from mtl_helpers.experiments import read_result, sealed
from mtl_helpers.experiments.claims import lesson_08

TABLE = read_result("sealed")


@pytest.fixture
def in_its_place(monkeypatch):
    """Thirty validation reviews in place of the sealed ones."""
    part = split_reviews(load_reviews(), seed=0).val.dropna(subset=["sentiment"]).iloc[:30]
    monkeypatch.setattr(sealed, "opened", lambda: part)
    return part


@pytest.mark.parametrize("part", ["words", "weights"])
def test_a_run_has_a_sign_for_every_review(part, in_its_place):
    for row in sealed.run({"part": part, "seed": 0})["rows"]:
        assert set(row["right"]) <= {".", "x"} and len(row["right"]) == len(in_its_place)
        assert row["score"] == pytest.approx(row["right"].count(".") / len(in_its_place))
        assert row["score"] > (1 / 6 if row["task"] == "topic" else 0.4)


def test_the_table_has_every_arm_with_every_seed_once():
    keys = ["lesson", "arm", "task", "seed"]
    assert not TABLE.duplicated(keys).any()
    assert set(TABLE.groupby(["lesson", "arm", "task"]).seed.nunique()) == {sealed.EXPERIMENT.seeds}
    assert (TABLE.right.str.len() == 480).all()
    assert TABLE.score.to_numpy() == pytest.approx(TABLE.right.str.count(r"\.").to_numpy() / 480, abs=1e-4)


@pytest.fixture(scope="module")
def rows():
    return {row.id: row for row in lesson_08.sealed()}


def test_every_comparison_was_named_before_and_is_a_row(rows):
    assert len(rows) == next(iter(rows.values())).comparisons == 25
    for name, (arm, against, tasks) in lesson_08.COMPARED.items():
        for task in tasks:
            runs = TABLE[TABLE.task == task].set_index(["lesson", "arm"]).score
            gain = 100 * (runs.loc[(int(arm[0]), arm[1])].mean() - runs.loc[(int(against[0]), against[1])].mean())
            assert rows[f"08-{name}-{task}"].estimate == pytest.approx(gain, abs=0.02)


@pytest.mark.parametrize("name", lesson_08.COMPARED)
def test_interval_and_p_of_a_row_are_those_of_its_two_errors(name, rows):
    """Without a bootstrap: the variances over seeds and over reviews, added, with the degrees of freedom of Satterthwaite.

    Where runs and reviews interact, both variances hold that part once, and the bootstrap three times: up to √1.5 wider.
    """
    arm, against, tasks = lesson_08.COMPARED[name]
    for task in tasks:
        gain = 100 * (lesson_08.right(arm, task) - lesson_08.right(against, task))
        parts = [(gain.mean(axis=1 - axis).var(ddof=1) / n, n - 1) for axis, n in enumerate(gain.shape)]
        error = sum(part for part, _ in parts) ** 0.5
        freedom = error**4 / sum(part**2 / of for part, of in parts)
        row = rows[f"08-{name}-{task}"]
        half = (row.high - row.low) / 2
        assert 0.95 < half / (stats.t.ppf(0.975, freedom) * error) < 1.05 * 1.5**0.5
        assert row.p == pytest.approx(
            2 * stats.t.sf(abs(row.estimate) * stats.t.ppf(0.975, freedom) / half, freedom), rel=1e-6
        )


# The error over runs and rows


def test_the_error_is_that_of_many_new_runs_and_rows():
    """Runs and rows with effects of their own: the error of the mean is known, and the bootstrap finds it on average."""
    random, runs, rows = np.random.default_rng(0), 12, 40
    of_run, of_row = 0.3, 0.5
    means, errors = [], []
    for _ in range(60):
        values = of_run * random.normal(size=(runs, 1)) + of_row * random.normal(size=(1, rows))
        means.append(values.mean())
        errors.append(crossed_error(values).error)
    true = (of_run**2 / runs + of_row**2 / rows) ** 0.5
    assert np.mean(errors) == pytest.approx(true, rel=0.1)
    assert np.std(means) == pytest.approx(true, rel=0.25)


def test_rows_that_vary_widen_the_interval_of_runs_that_agree():
    """Five runs that answer alike: over seeds alone the interval would be nothing."""
    right = np.tile(np.arange(20) % 2, (5, 1))
    options = {"sentence": "", "kind": "open", "unit": "points", "resampled": "", "baseline": "", "source": ""}
    row = from_differences(100 * (right - 0.5), id="08-x", **options)
    assert row.estimate == 0 and row.high - row.low > 40 and row.p == 1


@pytest.mark.bad_input
@pytest.mark.parametrize("values", [np.ones((1, 9)), np.ones(9), np.array([[1.0, np.nan], [1.0, 0.0]])])
def test_what_has_no_error_is_refused(values):
    with pytest.raises(DataError, match=r"at least two|not finite"):
        crossed_error(values)


def test_nothing_is_read_as_a_number_that_is_none():
    assert pd.api.types.is_string_dtype(TABLE.right) or TABLE.right.map(type).eq(str).all()
