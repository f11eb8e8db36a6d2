"""How lesson 07 reads the runs of ``results/large_models.csv``: means and paired changes, with the intervals of their part."""

from __future__ import annotations

import pandas as pd

from mtl_helpers.evaluation import confidence_interval, paired_scores
from mtl_helpers.experiments.large_models import SHARED_ROWS


def with_interval(scores: pd.Series, part: str = "labels") -> str:
    """The mean of scores, one a seed, and half of its 95 % interval, corrected for the rows that the seeds share.

    >>> with_interval(pd.Series([0.5, 0.6, 0.7]), "mixing")
    '0.60 ± 0.25'
    """
    mean, low, _ = confidence_interval(scores, shared_rows=SHARED_ROWS[part])
    return f"{mean:.2f} ± {mean - low:.2f}"


def changes(runs: pd.DataFrame, baseline: str, shared_rows: float = SHARED_ROWS["tuning"]) -> pd.DataFrame:
    """A row an arm: how it changes the score of ``baseline`` in one task, paired over the seeds that both have.

    Columns ``change`` with its 95 % interval ``low`` to ``high``, and ``each``, the changes by seed. `plot_changes` draws it.

    >>> runs = pd.DataFrame({"arm": ["a", "b"] * 2, "seed": [0, 0, 1, 1], "score": [0.8, 0.9, 0.7, 0.8]})
    >>> changes(runs, "a").change.round(2).to_dict()
    {'b': 0.1}
    """
    rows = {}
    for arm in runs.arm.unique()[runs.arm.unique() != baseline]:
        both = runs[runs.arm.isin([arm, baseline])]
        scores = paired_scores(both[both.groupby("seed").arm.transform("nunique") == 2], baseline)
        each = scores[arm] - scores[baseline]
        mean, low, high = confidence_interval(each, shared_rows=shared_rows)
        rows[arm] = {"change": mean, "low": low, "high": high, "each": each.tolist()}
    return pd.DataFrame.from_dict(rows, orient="index")


def change(runs: pd.DataFrame, arm: str, baseline: str) -> str:
    """That of one arm in words, with the rows shared in the runs' part.

    >>> runs = pd.DataFrame({"arm": ["a", "b"] * 2, "seed": [0, 0, 1, 1], "score": [0.8, 0.9, 0.7, 0.8], "part": "labels"})
    >>> change(runs, "b", "a")
    '+0.100 ± 0.000 (2 seeds)'
    """
    row = changes(runs[runs.arm.isin([arm, baseline])], baseline, SHARED_ROWS[runs.part.iloc[0]]).loc[arm]
    return f"{row.change:+.3f} ± {row.change - row.low:.3f} ({len(row.each)} seeds)"
