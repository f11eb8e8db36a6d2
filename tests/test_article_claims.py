"""The article's claims: quoted from it, with evidence that the register has, and verdicts that follow by the written rule."""

import pandas as pd
import pytest

from mtl_helpers.claims import ClaimError, read_claims
from mtl_helpers.claims.article import (
    ARTICLE_CLAIMS,
    SENTENCES,
    WORDS,
    ArticleClaim,
    Evidence,
    article_claim,
    judge_claim,
    read_row,
)
from mtl_helpers.claims.article.decisions import DECISIONS
from mtl_helpers.claims.article.program import run_program

REGISTER = read_claims()
EACH = pytest.mark.parametrize("claim", ARTICLE_CLAIMS, ids=lambda claim: claim.id)


def place(claim: ArticleClaim) -> tuple[int, int]:
    """Where the article says it: the sentence and the sign."""
    return next((i, text.index(claim.chinese)) for i, text in enumerate(SENTENCES) if claim.chinese in text)


def test_there_are_enough_and_each_is_one():
    assert len(ARTICLE_CLAIMS) >= 18
    for name in ("id", "chinese", "english"):
        assert len({getattr(claim, name) for claim in ARTICLE_CLAIMS}) == len(ARTICLE_CLAIMS), name


@EACH
def test_the_quotation_stands_in_the_article(claim):
    assert place(claim) and 4 <= len(claim.chinese) <= 50 and claim.english.isascii() and claim.counts


def test_they_come_in_the_order_of_the_article():
    places = [place(claim) for claim in ARTICLE_CLAIMS]
    assert places == sorted(places)


def test_what_the_issue_asks_for_is_among_them():
    """Its three questions and answers: the last sentences of the article."""
    answered = {place(claim)[0] for claim in ARTICLE_CLAIMS}
    assert answered == set(range(len(SENTENCES))), "a sentence is quoted for nothing"


@EACH
def test_its_rows_are_in_the_register(claim):
    assert {one.row for one in claim.evidence} <= set(REGISTER.index)
    assert len({one.row for one in claim.evidence}) == len(claim.evidence)
    assert bool(claim.evidence) != bool(claim.because), "evidence, or why there can be none"


def again(claim: ArticleClaim, threshold: float) -> str:
    """The verdict, worked out anew from the columns of the register, as the rule says in words."""
    found = set()
    for one in claim.evidence:
        row = REGISTER.loc[one.row]
        low, high = row.low - row.floor, row.high - row.floor
        if one.side == "below":
            low, high = -high, -low
        least = threshold if row.unit in ("points", "%") else 0
        if row.kind == "computed":
            found.add("for" if low > 0 and low >= least else "against")
            continue
        significant = row.p_holm < 0.05 if row.kind != "equal" else low > 0 or high < 0
        if significant and low > least:
            found.add("for")
        elif (significant and high < 0) or (least and high < least) or row.verdict == "equivalent":
            found.add("against")
        else:
            found.add("unclear")
    if not found:
        return "cannot be tested here" if claim.because else "not shown"
    if "for" in found:
        return "holds" if found == {"for"} else "holds when"
    return "does not hold" if "against" in found else "not shown"


@EACH
@pytest.mark.parametrize("threshold", [0.0, 2.0, 6.0])
def test_the_verdict_follows_by_the_rule(claim, threshold):
    judgement = judge_claim(claim, REGISTER, threshold)
    assert judgement.word == again(claim, threshold) and judgement.word in WORDS
    assert judgement.said.startswith(judgement.word)


ROW = {"kind": "higher", "unit": "points", "estimate": 3.0, "low": 1.0, "high": 5.0, "floor": 0.0, "p_holm": 0.01}
ROW |= {"verdict": "shown"}


@pytest.mark.parametrize(
    ("changed", "side", "threshold", "reading"),
    [
        ({}, "above", 0, "supports"),
        ({"p_holm": 0.2, "verdict": "not shown"}, "above", 0, "unclear"),
        ({}, "above", 2, "unclear"),
        ({}, "above", 6, "contradicts"),
        ({}, "below", 0, "contradicts"),
        ({"unit": "seconds"}, "above", 6, "supports"),
        ({"kind": "equal", "low": -1.0, "high": 1.0, "verdict": "equivalent"}, "above", 0, "contradicts"),
        ({"kind": "equal", "low": -1.0, "verdict": "not shown"}, "above", 0, "unclear"),
        (
            {"kind": "computed", "low": 0.5, "high": 0.5, "floor": 1.0, "unit": "ratio", "p_holm": None},
            "below",
            0,
            "supports",
        ),
        (
            {"kind": "computed", "low": 0.0, "high": 0.0, "unit": "steps", "p_holm": None},
            "above",
            0,
            "contradicts",
        ),
        ({"estimate": 0.7, "low": 0.6, "high": 0.8, "floor": 1.0, "unit": "ratio"}, "below", 0, "supports"),
    ],
)
def test_a_row_is_read_as_the_rule_says(changed, side, threshold, reading):
    assert read_row(pd.Series(ROW | changed), side, threshold) == reading


@pytest.mark.bad_input
def test_a_row_that_is_not_there_is_named():
    claim = ArticleClaim(id="odd", chinese="", english="", counts="", evidence=(Evidence("06-nothing", "above", ""),))
    with pytest.raises(ClaimError, match="Claim 'odd' rests on 06-nothing"):
        judge_claim(claim, REGISTER)
    with pytest.raises(ClaimError, match=r"no claim 'odd'\. There are learning-ability"):
        article_claim("odd")


@pytest.mark.parametrize("claim", [claim.id for claim in ARTICLE_CLAIMS])
def test_a_claim_is_told_with_all_its_rows(claim, capsys):
    article_claim(claim)
    said = capsys.readouterr().out
    (one,) = [c for c in ARTICLE_CLAIMS if c.id == claim]
    assert one.chinese in said and "VERDICT: " in said and "what would count: " in said
    assert all(f" {row.row}: " in said for row in one.evidence if row.row in REGISTER.index)


def test_the_program_of_the_article_stops_before_its_first_step():
    taken, said = run_program()
    assert taken == 0 and "missing 1 required positional argument: 'task_weights'" in said


# The decision chart


def test_every_branch_is_linked_to_rows_that_are_there():
    assert len(DECISIONS) >= 5
    for branch in DECISIONS:
        assert branch.rows and set(branch.rows) <= set(REGISTER.index), branch.question
        there = REGISTER.verdict.reindex(branch.rows)
        open_rows = list(there.index[there == "not shown"])
        assert not open_rows or branch.thin, f"{branch.question}: {open_rows} show nothing, so say that it is thin"
