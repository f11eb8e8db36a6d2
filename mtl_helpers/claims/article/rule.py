"""From rows of the register to a verdict on what the article says, by one written rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import pandas as pd

from mtl_helpers.claims.checks import ClaimError
from mtl_helpers.claims.register import LEVEL

Side = Literal["above", "below"]
Reading = Literal["supports", "contradicts", "unclear"]
Word = Literal["holds", "holds when", "does not hold", "not shown", "cannot be tested here"]
WORDS: tuple[Word, ...] = ("holds", "holds when", "does not hold", "not shown", "cannot be tested here")
IN_POINTS = ("points", "%")  # what a threshold is for; what is measured in another unit keeps 0


@dataclass(frozen=True)
class Evidence:
    """A row of the register as a test of a claim: if the article is right, the estimate lies on ``side`` of the floor.

    ``when`` says where it was measured, in words that complete "holds when".
    """

    row: str
    side: Side
    when: str


@dataclass(frozen=True, kw_only=True)
class ArticleClaim:
    """Something that the article says, and what the course has to say to it.

    ``chinese`` is quoted from one of `sentences.SENTENCES`, ``english`` its translation, and ``counts`` what would count as
    evidence, written down before a verdict. ``because`` is why it cannot be tested here, for a claim that has no evidence.

    **The rule.** A row of the register, with a threshold for what counts as an effect, in points or per cent (0 if none is
    chosen),

    - *supports* the claim if its 95 % interval lies beyond floor + threshold on the article's side and, after Holm's
      correction, p < 0.05;
    - *contradicts* it if the interval lies beyond the floor on the other side, with p < 0.05; if the interval ends before an
      effect as large as a threshold above 0; or if the register says "equivalent": within a margin named before;
    - is *unclear* otherwise. What is computed without chance supports or contradicts.

    Then the claim

    - *holds* if all its rows support it;
    - *holds when ...* if some do, and then says when;
    - *does not hold* if none does and at least one contradicts;
    - is *not shown* if all are unclear;
    - *cannot be tested here* if there is no evidence that the course could have.
    """

    id: str
    chinese: str
    english: str
    counts: str
    evidence: tuple[Evidence, ...] = ()
    because: str = ""


class Judgement(NamedTuple):
    """The verdict on a claim: its ``word``, the same in full, and how each row was read."""

    word: Word
    said: str
    readings: dict[str, Reading]


def read_row(row: pd.Series, side: Side, threshold: float = 0.0) -> Reading:
    """How a row of the register is read by the rule of `ArticleClaim`.

    >>> row = pd.Series({"kind": "higher", "estimate": 4.0, "low": 1.5, "high": 6.5, "floor": 0.0, "unit": "points",
    ...     "p_holm": 0.01, "verdict": "shown"})
    >>> read_row(row, "above"), read_row(row, "above", threshold=2), read_row(row, "above", threshold=7)
    ('supports', 'unclear', 'contradicts')
    >>> read_row(row, "below")
    'contradicts'
    """
    least = threshold if row.unit in IN_POINTS else 0.0
    low, high = row.low - row.floor, row.high - row.floor
    if side == "below":
        low, high = -high, -low
    if row.kind == "computed":
        return "supports" if low > 0 and low >= least else "contradicts"
    # The p of an "equal" is that of the equivalence; whether there is a difference, its interval says.
    found = low > 0 or high < 0 if row.kind == "equal" else row.p_holm < LEVEL
    if found and low > least:
        return "supports"
    if (found and high < 0) or (least > 0 and high < least) or row.verdict == "equivalent":
        return "contradicts"
    return "unclear"


def judge_claim(claim: ArticleClaim, register: pd.DataFrame, threshold: float = 0.0) -> Judgement:
    """The verdict on a claim by the rule of `ArticleClaim`; ``register`` is `claims.read_claims()`.

    >>> from mtl_helpers.claims import read_claims
    >>> ear = ArticleClaim(id="ear", chinese="", english="", counts="",
    ...     evidence=(Evidence("06-action-300", "above", "routes are few"), Evidence("06-action-4000", "above", "many")))
    >>> judge_claim(ear, read_claims()).said
    'holds when routes are few'
    """
    if absent := [one.row for one in claim.evidence if one.row not in register.index]:
        raise ClaimError(f"Claim '{claim.id}' rests on {', '.join(absent)}, which the register does not have.")
    readings = {one.row: read_row(register.loc[one.row], one.side, threshold) for one in claim.evidence}
    kinds = set(readings.values())
    if not readings:
        return Judgement("cannot be tested here", f"cannot be tested here, because {claim.because}", readings)
    if kinds == {"supports"}:
        return Judgement("holds", "holds", readings)
    if "supports" in kinds:
        when = dict.fromkeys(one.when for one in claim.evidence if readings[one.row] == "supports")
        return Judgement("holds when", f"holds when {'; when '.join(when)}", readings)
    word: Word = "does not hold" if "contradicts" in kinds else "not shown"
    return Judgement(word, word, readings)
