"""The register of claims, a file a lesson: which rows of the result tables stand behind which sentence.

``python -m mtl_helpers experiment claims`` writes data/results/claims.csv, in a second: it reads the other tables and trains
nothing. What a row says, and the rule of its verdict: `claims.Claim`.
"""

from __future__ import annotations

import pandas as pd

from mtl_helpers.claims import judged
from mtl_helpers.claims.register import CLAIMS
from mtl_helpers.evaluation import write_result
from mtl_helpers.experiments.claims import (
    lesson_00,
    lesson_01,
    lesson_02,
    lesson_03,
    lesson_04,
    lesson_05,
    lesson_06,
    lesson_07,
)

LESSONS = (lesson_00, lesson_01, lesson_02, lesson_03, lesson_04, lesson_05, lesson_06, lesson_07)


def all_claims() -> pd.DataFrame:
    """The register as the result tables give it now (see `claims.judged`)."""
    return judged(claim for lesson in LESSONS for claim in lesson.claims())


def write_claims() -> None:
    """Print the verdicts and write the file."""
    table = all_claims()
    with pd.option_context("display.width", 240, "display.max_rows", 500):
        print(table[["kind", "estimate", "low", "high", "unit", "p_holm", "verdict"]].round(4).to_string())
    write_result(CLAIMS, table.reset_index(), command="python -m mtl_helpers experiment claims")
