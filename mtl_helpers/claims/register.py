"""The register of claims: each conclusion of a lesson beside what was measured, and a verdict by a written rule."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from mtl_helpers.claims.checks import ClaimError
from mtl_helpers.evaluation import holm

CLAIMS = Path(__file__).resolve().parents[2] / "data" / "results" / "claims.csv"
LEVEL = 0.05  # a false find in a family of comparisons, at most so often
Kind = Literal["higher", "lower", "equal", "open", "computed"]
Method = Literal["t", "corrected t", "none"]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One comparison behind a sentence of a lesson. `from_runs`, `from_differences` and `computed` make one.

    ``id`` begins with the lesson's number ("03-conditioned"). ``sentence`` stands in the lesson word for word, without its
    marks for bold or italics; several rows may share one. ``estimate`` with its 95 % interval ``low`` to ``high`` is in
    ``unit``, not adjusted for other comparisons. ``floor`` is what the estimate is held against: 0 for a difference, and for a
    score what an uninformed answer gets. ``method`` says how the interval was made ("t"; "corrected t" where runs share rows;
    "none" where there is no chance), and ``resampled`` what differs from run to run: data, split, first weights.
    ``baseline`` is what the estimate is a difference to, ``control`` the arm that has all but the one thing in question (""
    where there is none: the sentence may then not say *why*). ``comparisons`` were made in its ``family``, whether or not each
    is a row here. ``smallest_effect`` is the smallest true difference that so many runs find with 80 % power, at the level of
    the family's strictest comparison, 0.05 / comparisons. ``margin``, of an "equal" only, is the largest difference that does
    not matter, chosen before. ``source`` names the result table.

    **The rule of the verdict.** ``p`` is two-sided (t test against ``floor``); for "equal" it is that of two one-sided tests
    (TOST), below 0.05 exactly if the 90 % interval lies within ``floor`` ± ``margin``. Holm's correction over the family gives
    ``p_holm``. Then

    - ``higher``: "shown" if p_holm < 0.05 and estimate > floor; "opposite shown" if p_holm < 0.05 and it is below.
    - ``lower``: the same with above and below exchanged.
    - ``equal``: "equivalent" if p_holm < 0.05; "opposite shown" if the 95 % interval lies wholly outside the margin.
    - ``open``, where the lesson says that its runs do not tell: "opposite shown" if p_holm < 0.05, for then they do.
    - ``computed``: always "computed": counted or derived, without chance.
    - Else "not shown". That is no equality: ``smallest_effect`` says what may have been missed.

    A lesson's sentence agrees with its verdict: shown for ``higher`` and ``lower``, equivalent for ``equal``, not shown for
    ``open``, computed for ``computed``.

    **What needs a row.** In a lesson bold text of four words or more is a conclusion, and in "What you learned" any bold text
    is; each stands within the sentence of a row or holds one. What is neither measured nor computed is set in italics.
    """

    id: str
    sentence: str
    kind: Kind
    unit: str
    estimate: float
    low: float
    high: float
    method: Method
    resampled: str
    baseline: str
    control: str
    floor: float
    margin: float
    seeds: int
    family: str
    comparisons: int
    smallest_effect: float
    p: float
    source: str


AGREES = {"higher": "shown", "lower": "shown", "equal": "equivalent", "open": "not shown", "computed": "computed"}


def judged(claims: Iterable[Claim]) -> pd.DataFrame:
    """All claims as a table, with ``p_holm`` over each family and the ``verdict`` by the rule of `Claim`.

    Index ``id``, in the order given; ``lesson`` is its number, then come the other fields of `Claim`. Refused: an id twice,
    and a family whose rows do not agree on the number of its comparisons.

    >>> from mtl_helpers.claims import computed
    >>> row = computed(0.637, id="06-ear", sentence="By ear 0.637.", unit="accuracy", source="driving.bayes_ceilings")
    >>> judged([row]).verdict.to_dict()
    {'06-ear': 'computed'}
    """
    names = [field.name for field in fields(Claim)]
    table = pd.DataFrame([asdict(row) for row in claims], columns=names)
    table.insert(1, "lesson", table.id.str[:2])
    if twice := sorted(set(table.id[table.id.duplicated()])):
        raise ClaimError(f"Two claims are called {', '.join(twice)}: an id stands for one comparison.")
    table = table.set_index("id")
    table["p_holm"] = math.nan
    for family, rows in table[table.kind != "computed"].groupby("family"):
        made = set(rows.comparisons)
        if len(made) > 1 or max(made) < len(rows):
            raise ClaimError(
                f"Family '{family}' has {len(rows)} rows, whose comparisons are {sorted(made)}: "
                "all must give one number, of all comparisons that were made."
            )
        table.loc[rows.index, "p_holm"] = holm(rows.p, max(made))
    return table.assign(verdict=[_verdict(row) for row in table.itertuples()])


def read_claims(path: str | Path = CLAIMS) -> pd.DataFrame:
    """The register, as `python -m mtl_helpers experiment claims` wrote it: a row a claim, by id (see `judged`)."""
    gaps = {name: [""] for name in ("estimate", "low", "high", "margin", "smallest_effect", "p", "p_holm")}
    table = pd.read_csv(path, comment="#", dtype={"id": str, "lesson": str}, keep_default_na=False, na_values=gaps)
    return table.set_index("id")


def claim(id: str) -> None:
    """Print one row of the register: the sentence, and below it what it rests on and the verdict."""
    table = read_claims()
    if id not in table.index:
        there = [name for name in table.index if name[:2] == str(id)[:2]] or list(table.index)
        raise ClaimError(f"There is no claim {id!r}. There are {', '.join(there)}.")
    print(in_words(table.loc[id]))


def in_words(row: pd.Series) -> str:
    """The text of `claim` for a row of `judged`.

    >>> from mtl_helpers.claims import from_differences
    >>> rows = [from_differences(values, id=f"00-{name}", sentence=f"It gains {name}.", kind="higher", unit="points",
    ...     resampled="data", baseline="single", source="runs.csv", family="both", comparisons=2)
    ...     for name, values in {"much": [4.1, 3.2, 5.0, 4.4], "little": [1.1, -0.8, 0.2, 0.4]}.items()]
    >>> for _, row in judged(rows).iterrows():
    ...     print(in_words(row))
    It gains much.
        shown: +4.2 points [+3.0, +5.4] against single
        4 seeds (data), 95 % interval by t, p 0.0016, after Holm over 2 comparisons 0.0031
    It gains little.
        not shown: +0.2 points [-1.0, +1.5] against single; 80 % power to see 2.1 or more
        4 seeds (data), 95 % interval by t, p 0.61, after Holm over 2 comparisons 0.61
    """
    if row.kind == "computed":
        against = f" ({row.baseline}: {row.floor:.4g})" if row.baseline else ""
        return f"{row.sentence}\n    computed: {row.estimate:.4g} {row.unit}{against}"
    plus = "+" if row.floor == 0 else ""
    estimate, low, high = (
        f"{value:{plus}.{_decimals(row.high - row.low)}f}" for value in (row.estimate, row.low, row.high)
    )
    said = f"{row.verdict}: {estimate} {row.unit} [{low}, {high}] "
    said += f"against {row.baseline}" if row.floor == 0 else f"with a floor of {row.floor:.3g} ({row.baseline})"
    said += f", control: {row.control}" if row.control else ""
    if row.kind == "equal":
        said += f"; within ±{row.margin:g}"
    elif row.verdict == "not shown":
        said += f"; 80 % power to see {row.smallest_effect:.2g} or more"
    rests = f"{row.seeds} seeds ({row.resampled}), 95 % interval by {row.method}, p {row.p:.2g}"
    rests += f", after Holm over {row.comparisons} comparisons {row.p_holm:.2g}" if row.comparisons > 1 else ""
    return f"{row.sentence}\n    {said}\n    {rests}"


def _decimals(width: float) -> int:
    """So many that an interval of that width is told apart."""
    return 0 if width >= 100 else 1 if width >= 1 else 2 if width >= 0.1 else 3


def _verdict(row: Any) -> str:
    if row.kind == "computed":
        return "computed"
    found = row.p_holm < LEVEL
    if row.kind == "equal":
        outside = row.low > row.floor + row.margin or row.high < row.floor - row.margin
        return "equivalent" if found else "opposite shown" if outside else "not shown"
    if not found:
        return "not shown"
    right = {"higher": row.estimate > row.floor, "lower": row.estimate < row.floor, "open": False}[row.kind]
    return "shown" if right else "opposite shown"
