"""How lesson 07 reads the runs of ``results/large_models.csv``: means and paired changes, with the intervals of their part."""

from __future__ import annotations

import pandas as pd

from mtl_helpers.evaluation import confidence_interval, paired_changes, paired_scores
from mtl_helpers.experiments.large_models import SHARED_ROWS


def with_interval(scores: pd.Series, part: str = "labels") -> str:
    """The mean of scores, one a seed, and half of its 95 % interval, corrected for the rows that the seeds share.

    >>> with_interval(pd.Series([0.5, 0.6, 0.7]), "mixing")
    '0.60 ± 0.25'
    """
    mean, low, _ = confidence_interval(scores, shared_rows=SHARED_ROWS[part])
    return f"{mean:.2f} ± {mean - low:.2f}"


def changes(runs: pd.DataFrame, baseline: str, shared_rows: float = SHARED_ROWS["tuning"]) -> pd.DataFrame:
    """`paired_changes` of one task without the baseline's own row, and a column ``each``: the changes by seed.

    `plot_changes` draws it.

    >>> runs = pd.DataFrame({"arm": ["a", "b"] * 2, "seed": [0, 0, 1, 1], "score": [0.8, 0.9, 0.7, 0.8]})
    >>> changes(runs, "a").change.round(2).to_dict()
    {'b': 0.1}
    """
    scores = paired_scores(runs, baseline)
    table = paired_changes(runs, baseline, shared_rows=shared_rows).drop(index=baseline)
    return table.assign(each=[(scores[arm] - scores[baseline]).tolist() for arm in table.index])


def change(runs: pd.DataFrame, arm: str, baseline: str) -> str:
    """That of one arm in words, with the rows shared in the runs' part.

    >>> runs = pd.DataFrame({"arm": ["a", "b"] * 2, "seed": [0, 0, 1, 1], "score": [0.8, 0.9, 0.7, 0.8], "part": "labels"})
    >>> change(runs, "b", "a")
    '+0.100 ± 0.000 (2 seeds)'
    """
    row = changes(runs[runs.arm.isin([arm, baseline])], baseline, SHARED_ROWS[runs.part.iloc[0]]).loc[arm]
    return f"{row.change:+.3f} ± {row.change - row.low:.3f} ({row.seeds:.0f} seeds)"
