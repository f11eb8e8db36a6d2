"""The article's claims as text: one with its evidence, all with their verdicts."""

from __future__ import annotations

import math
import textwrap

import pandas as pd

from mtl_helpers.claims.article.rule import ArticleClaim, judge_claim
from mtl_helpers.claims.article.stated import ARTICLE_CLAIMS
from mtl_helpers.claims.checks import ClaimError
from mtl_helpers.claims.register import read_claims

MARKS = {"supports": "+", "contradicts": "-", "unclear": "?"}
WIDTH = 118


def found(id: str) -> ArticleClaim:
    """The claim of that id; raises `ClaimError` and names those that there are."""
    for claim in ARTICLE_CLAIMS:
        if claim.id == id:
            return claim
    raise ClaimError(f"The article has no claim {id!r}. There are {', '.join(claim.id for claim in ARTICLE_CLAIMS)}.")


def article_claim(id: str, *, threshold: float = 0.0) -> None:
    """Print a claim of the article: quotation, translation, what would count, each row of evidence, the verdict.

    A row begins with how it was read: + supports, - contradicts, ? is unclear. ``claim(row)`` prints it in full.

    >>> article_claim("future")
    “未来，多任务学习将继续发展，并在更多领域得到应用”
    It will develop further, and be applied in more fields.
      what would count: the next years
      VERDICT: cannot be tested here, because it speaks of the future
    """
    register, claim = read_claims(), found(id)
    judgement = judge_claim(claim, register, threshold)
    print(f"“{claim.chinese}”\n{claim.english[0].upper()}{claim.english[1:]}.")
    _wrapped(f"what would count: {claim.counts}")
    for name, reading in judgement.readings.items():
        print(f"  {MARKS[reading]} {name}: {in_short(register.loc[name])}")
    _wrapped(f"VERDICT: {judgement.said}")


def in_short(row: pd.Series) -> str:
    """A row of the register on one line.

    >>> in_short(read_claims().loc["06-action-300"])
    '+8.9 points against single, +6.1 to +11.6, 10 seeds: shown'
    """
    if row.kind == "computed":
        against = f", {row.baseline} {row.floor:g}" if row.baseline else ""
        return f"{row.estimate:.3g} {row.unit}{against}: computed"
    plus = "+" if row.floor == 0 else ""
    decimals = 1 if row.unit in ("points", "%") else max(2, 1 - math.floor(math.log10(max(row.high - row.low, 1e-9))))
    estimate, low, high = (f"{value:{plus}.{decimals}f}" for value in (row.estimate, row.low, row.high))
    return f"{estimate} {row.unit} against {row.baseline}, {low} to {high}, {row.seeds} seeds: {row.verdict}"


def verdicts(threshold: float = 0.0, register: pd.DataFrame | None = None) -> pd.Series:
    """By claim of the article its verdict in one word, see `rule.WORDS`; the register is read if it is not given.

    >>> verdicts()["future"]
    'cannot be tested here'
    """
    register = read_claims() if register is None else register
    return pd.Series({claim.id: judge_claim(claim, register, threshold).word for claim in ARTICLE_CLAIMS})


def _wrapped(text: str) -> None:
    print(textwrap.fill(text, WIDTH, initial_indent="  ", subsequent_indent="    "))
