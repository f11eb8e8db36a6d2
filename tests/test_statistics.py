"""What repeated runs show: intervals where runs share rows, p values of families, equivalence, power."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mtl_helpers.data import DataError
from mtl_helpers.evaluation import (
    confidence_interval,
    delta_table,
    equivalence_p,
    holm,
    p_value,
    paired_changes,
    runs_needed,
    smallest_effect,
)
from mtl_helpers.tasks import TOPIC

# Runs that share rows


def resplit(seed: int, *, rows: int = 100, test: int = 20, runs: int = 10, gain: float = 0.0) -> np.ndarray:
    """Differences of two models' scores over runs that split one corpus again and again."""
    draw = np.random.default_rng(seed)
    corpus = draw.normal(gain, 1, size=rows)  # of each row: what the one model gains on it
    return np.array([draw.permutation(corpus)[:test].mean() for _ in range(runs)])


def test_where_runs_share_rows_the_corrected_interval_holds_what_it_promises_and_the_plain_one_does_not():
    held = {shared: 0 for shared in (0.0, 20 / 80)}
    for seed in range(1500):
        differences = resplit(seed)
        for shared in held:
            interval = confidence_interval(differences, shared_rows=shared)
            held[shared] += interval.low <= 0 <= interval.high
    assert held[20 / 80] / 1500 == pytest.approx(0.95, abs=0.015)
    assert held[0.0] / 1500 < 0.8


def test_where_each_run_has_data_of_its_own_the_plain_interval_holds():
    draw = np.random.default_rng(0).normal(size=(1500, 10))
    held = [interval.low <= 0 <= interval.high for interval in map(confidence_interval, draw)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)


def test_more_splits_of_one_corpus_stop_narrowing_the_interval():
    values = np.tile([0.8, 0.9], 500)
    plain, corrected = confidence_interval(values), confidence_interval(values, shared_rows=0.25)
    assert plain.high - plain.mean < 0.004 and corrected.high - corrected.mean > 0.04
    by_hand = stats.t.ppf(0.975, 999) * values.std(ddof=1) * np.sqrt(1 / 1000 + 0.25)
    assert corrected.high - corrected.mean == pytest.approx(by_hand)


def test_tables_take_the_correction():
    runs = pd.DataFrame({"arm": ["single", "shared"] * 3, "seed": [0, 0, 1, 1, 2, 2], "score": [5, 6, 5, 7, 5, 9]})
    table = paired_changes(runs, shared_rows=0.5)
    assert tuple(table.loc["shared", ["change", "low", "high"]]) == confidence_interval([1, 2, 4], shared_rows=0.5)
    by_task = delta_table(runs.assign(task="topic"), [TOPIC], shared_rows=0.5).loc[("shared", "topic")]
    assert tuple(by_task[["change", "low", "high"]]) == pytest.approx(
        confidence_interval([20, 40, 80], shared_rows=0.5)
    )


# p values


@pytest.mark.parametrize("shared", [0, 0.25])
def test_p_is_below_a_level_exactly_if_the_interval_of_that_level_leaves_out_nothing(shared):
    for seed in range(200):
        values = resplit(seed, gain=0.1)
        for level in (0.8, 0.95):
            interval = confidence_interval(values, level, shared_rows=shared)
            assert (p_value(values, shared_rows=shared) < 1 - level) == (not interval.low <= 0 <= interval.high)
            ninety = confidence_interval(values, 0.90, shared_rows=shared)
            inside = ninety.low > -0.3 and ninety.high < 0.3
            assert (equivalence_p(values, 0.3, shared_rows=shared) < 0.05) == inside


def test_p_is_scipys_where_no_rows_are_shared():
    values = [0.3, 0.5, -0.1, 0.6, 0.2]
    assert p_value(values) == pytest.approx(stats.ttest_1samp(values, 0).pvalue)
    one_sided = [
        stats.ttest_1samp(values, -0.8, alternative="greater").pvalue,
        stats.ttest_1samp(values, 0.8, alternative="less").pvalue,
    ]
    assert equivalence_p(values, 0.8) == pytest.approx(max(one_sided))


def test_differences_that_do_not_vary():
    assert (p_value([0, 0, 0]), p_value([0.5, 0.5])) == (1, 0)
    assert (equivalence_p([0, 0, 0], 0.1), equivalence_p([0.5, 0.5], 0.1)) == (0, 1)


@pytest.mark.parametrize(
    ("p", "adjusted"),
    [
        ([0.01, 0.02, 0.03, 0.005, 0.2], [0.04, 0.06, 0.06, 0.025, 0.2]),
        ([0.04, 0.04], [0.08, 0.08]),
        ([0.6, 0.5, 0.4], [1, 1, 1]),
        ([0.03], [0.03]),
    ],
)
def test_holm_by_hand(p, adjusted):
    assert holm(p).tolist() == pytest.approx(adjusted)


def test_holm_finds_something_in_one_family_of_twenty_where_nothing_is():
    families = stats.norm.sf(abs(np.random.default_rng(0).normal(size=(3000, 6)))) * 2
    assert (families < 0.05).any(axis=1).mean() > 0.2, "six tests each for itself"
    assert np.mean([(holm(p) < 0.05).any() for p in families]) == pytest.approx(0.05, abs=0.012)


def test_comparisons_that_are_not_listed_make_holm_stricter_never_milder():
    for seed in range(200):
        p = np.random.default_rng(seed).uniform(size=8) ** 3
        some = np.random.default_rng(seed).choice(8, 3, replace=False)
        assert (holm(p[some], comparisons=8) >= holm(p)[some] - 1e-12).all()


# Power


@pytest.mark.parametrize("gain", [0.003, 0.01, 0.016, 0.05, 0.3])
def test_the_smallest_effect_is_the_gain_that_so_many_runs_are_needed_for(gain):
    n = runs_needed(sd=0.02, gain=gain)
    assert smallest_effect(sd=0.02, runs=n) <= gain
    assert n == 2 or smallest_effect(sd=0.02, runs=n - 1) > gain


@pytest.mark.parametrize("runs", [2, 3, 10, 50])
@pytest.mark.parametrize("level", [0.95, 1 - 0.05 / 15])
def test_an_effect_of_that_size_is_found_in_four_of_five_designs(runs, level):
    effect = smallest_effect(1, runs, level=level)
    draw = np.random.default_rng(runs).normal(effect, 1, size=(4000, runs))
    assert (stats.ttest_1samp(draw, 0, axis=1).pvalue < 1 - level).mean() == pytest.approx(0.8, abs=0.025)


def test_where_rows_are_shared_the_smallest_effect_is_that_of_the_corrected_interval():
    sd, effect = 0.2, smallest_effect(0.2, 10, shared_rows=0.25)  # of a mean over 20 of 100 rows: 1 / √20 · √0.8
    found = [p_value(resplit(seed, gain=effect), shared_rows=0.25) < 0.05 for seed in range(1500)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.03), sd
    assert smallest_effect(0.2, 1000, shared_rows=0.25) > 0.9 * effect / 1.4, "a hundred times the runs hardly help"


# What has no answer


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (lambda: confidence_interval([1, 2], shared_rows=-1), "n_test / n_train, 0 or more; found -1"),
        (lambda: confidence_interval([1, 2], method="bootstrap", shared_rows=0.2), "no correction of the bootstrap"),
        (lambda: p_value([1]), "at least two runs; found 1"),
        (lambda: p_value([1, float("nan")]), "no finite value"),
        (lambda: equivalence_p([1, 2], 0), "above 0; found 0"),
        (lambda: holm([0.5, 1.5]), "between 0 and 1; found"),
        (lambda: holm([0.5, 0.5], comparisons=1), "2 p values.*found comparisons=1"),
        (lambda: smallest_effect(-1, 5), "at least 0; found -1"),
        (lambda: smallest_effect(1, 1), "at least two runs to be seen; found 1"),
        (lambda: smallest_effect(1, 5, power=80), "found power=80"),
        (lambda: smallest_effect(1, 5, power=0.05), "chance alone"),
    ],
)
def test_questions_without_an_answer_are_refused(question, said):
    with pytest.raises(DataError, match=said):
        question()
