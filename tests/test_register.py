"""The register of claims: its rows stand in the lessons, follow from the tables, and are judged by the written rule."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

from mtl_helpers.claims import read_claims
from mtl_helpers.claims.register import AGREES
from mtl_helpers.evaluation import holm
from mtl_helpers.experiments.claims import LESSONS, all_claims

ROOT = Path(__file__).resolve().parents[1]
REGISTER = read_claims()
NOTEBOOKS = {path.stem[:2]: path for path in sorted((ROOT / "notebooks").glob("0*.ipynb"))}
WITH_ROWS = sorted(set(REGISTER.lesson))
NO_DIFFERENCE = (
    r"\b(no (\w+ )?(difference|change|gain|loss|harm|effect|price)|nothing|never|the same as|equally|as good as)\b"
)


def plain(text: str) -> str:
    """Markdown without marks of bold, italics and code, white space as single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"\*+|`", "", text))


def prose(lesson: str) -> list[str]:
    cells = json.loads(NOTEBOOKS[lesson].read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]


def summary(lesson: str) -> str:
    (cell,) = [text for text in prose(lesson) if text.startswith("## What you learned")]
    return cell


# What is written, and what the tables give


def test_the_file_is_what_the_experiment_gives_now():
    pd.testing.assert_frame_equal(
        all_claims(),
        REGISTER,
        check_dtype=False,
        rtol=1e-2,
        atol=1e-4,
        obj="run: python -m mtl_helpers experiment claims",
    )


def test_each_file_makes_rows_of_its_own_lesson():
    for lesson in LESSONS:
        assert {row.id[:2] for row in lesson.claims()} <= {lesson.__name__[-2:]}


@pytest.mark.parametrize("name", REGISTER.index)
def test_the_sentence_stands_in_its_lesson(name):
    row = REGISTER.loc[name]
    assert any(row.sentence in plain(text) for text in prose(row.lesson)), row.sentence


# A bold conclusion is what stands in **bold** in "What you learned". The summary has no other bold text, and a number in it
# stands in a row's sentence.


@pytest.mark.parametrize("lesson", WITH_ROWS)
def test_every_bold_conclusion_of_the_summary_has_its_row(lesson):
    sentences = set(REGISTER.sentence[REGISTER.lesson == lesson])
    bold = [plain(found) for found in re.findall(r"\*\*(.+?)\*\*", summary(lesson), re.S)]
    assert bold, "a lesson with rows says in bold what it found"
    for conclusion in bold:
        assert any(conclusion in sentence or sentence in conclusion for sentence in sentences), conclusion


@pytest.mark.parametrize("lesson", WITH_ROWS)
def test_every_number_of_the_summary_stands_in_a_row(lesson):
    text = plain(summary(lesson)).removeprefix("## What you learned")
    for sentence in REGISTER.sentence[REGISTER.lesson == lesson]:
        text = text.replace(sentence, "")
    text = re.sub(r"(^| )\d\. ", " ", text)  # of the list
    assert not re.findall(r"\d[\d.,]*", text), text


# The rule


def rule(row: pd.Series, p_holm: float) -> str:
    """The verdict, worked out anew from estimate, interval, seeds and kind."""
    if row.kind == "computed":
        return "computed"
    if row.kind == "equal":
        outside = row.low > row.floor + row.margin or row.high < row.floor - row.margin
        return "equivalent" if p_holm < 0.05 else "opposite shown" if outside else "not shown"
    if p_holm >= 0.05:
        return "not shown"
    shown = {"higher": row.low > row.floor, "lower": row.high < row.floor, "open": False}
    return "shown" if shown[row.kind] else "opposite shown"


def p_again(row: pd.Series) -> float:
    error = (row.high - row.low) / 2 / stats.t.ppf(0.975, row.seeds - 1)
    if row.kind == "equal":
        return stats.t.sf((row.margin - abs(row.estimate - row.floor)) / error, row.seeds - 1)
    return 2 * stats.t.sf(abs(row.estimate - row.floor) / error, row.seeds - 1)


MEASURED = REGISTER[REGISTER.kind != "computed"]


@pytest.mark.parametrize("family", sorted(set(MEASURED.family)))
def test_the_verdicts_follow_from_the_intervals(family):
    rows = MEASURED[MEASURED.family == family]
    again = [p_again(row) for _, row in rows.iterrows()]
    assert rows.p.to_numpy() == pytest.approx(again, rel=0.05, abs=1e-4)
    assert len(set(rows.comparisons)) == 1 and rows.comparisons.iloc[0] >= len(rows)
    adjusted = holm(again, int(rows.comparisons.iloc[0]))
    assert [rule(row, p) for (_, row), p in zip(rows.iterrows(), adjusted, strict=True)] == rows.verdict.tolist()


@pytest.mark.parametrize("name", REGISTER.index)
def test_a_lesson_says_what_its_verdict_says(name):
    row = REGISTER.loc[name]
    assert row.verdict == AGREES[row.kind], f"rewrite the sentence: {row.sentence!r}"


@pytest.mark.parametrize("name", MEASURED.index)
def test_every_row_says_what_it_rests_on(name):
    row = MEASURED.loc[name]
    assert row.low <= row.estimate <= row.high and row.seeds >= 2 and row.smallest_effect > 0
    assert row.unit and row.resampled and row.baseline and row.method in ("t", "corrected t")
    assert (ROOT / "data" / "results" / row.source).is_file()


@pytest.mark.parametrize("name", REGISTER.index)
def test_no_difference_is_said_with_the_power_to_have_seen_one_or_as_an_equivalence(name):
    row = REGISTER.loc[name]
    if row.kind == "equal":
        assert row.margin > 0 and row.verdict == "equivalent"
    elif row.kind == "open" and re.search(NO_DIFFERENCE, row.sentence):
        numbers = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", row.sentence)]
        assert any(number >= row.smallest_effect for number in numbers), (
            f"name the smallest effect that was sure to be seen, {row.smallest_effect:.2g} {row.unit}"
        )
