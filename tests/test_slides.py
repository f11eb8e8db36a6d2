"""The slides: nothing of a lesson is lost, what code gives comes after it, and in a browser no slide is too full."""

import re

import pandas as pd
import pytest
from axe import serious, violations
from browser import launch, need_chromium
from bs4 import BeautifulSoup
from links import broken_links, fetched
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from mtl_helpers.stored import NOTEBOOKS
from mtl_helpers.teaching import __main__ as command
from mtl_helpers.teaching.lesson_pages import read_lesson
from mtl_helpers.teaching.slide_rule import ASKS, SlideRule, blocks, tables_of

LESSONS = sorted(NOTEBOOKS.glob("*.ipynb"))
# Tags, pictures, where a link leads, formulas, a fence's language, minutes.
NO_WORDS = r"<[^>]+>|!\[[^]]*\]\([^)]*\)|\]\([^)]*\)|\$\$.*?\$\$|```\w+|· \d+[^\n]*"
SMALLEST = 0.65  # of 30 pixels, where a slide is 720 high
MEASURE = """() => [...document.querySelectorAll('.slides section section')].map(slide => {
    const { h, v } = Reveal.getIndices(slide), box = slide.querySelector('.fit'), last = Infinity;
    Reveal.slide(h, v);
    Reveal.slide(h, v, slide.querySelectorAll('.fragment').length - 1);
    const low = Math.max(...[...box.querySelectorAll('*')].map(e => e.getBoundingClientRect().bottom));
    const right = Math.max(...[...box.querySelectorAll('p, pre, table, img, math')].map(e => e.getBoundingClientRect().right));
    return { slide: `${h}.${v} ${box.innerText.slice(0, 60)}`, size: parseFloat(box.style.fontSize), low, right };
})"""


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "BUILD", tmp_path_factory.mktemp("build"))
        assert command.main(["slides"]) == 0
        return command.BUILD / "slides"


def ruled(*cells):
    for cell in cells:
        cell.metadata.update(shows="", demo="")
    notebook, _ = SlideRule().preprocess(new_notebook(cells=list(cells)), {})
    return [(cell.metadata.slideshow.slide_type, cell.source, len(cell.get("outputs", []))) for cell in notebook.cells]


def test_a_heading_begins_a_slide_and_plain_paragraphs_after_the_first_are_notes():
    text = "## What now? · 5 minutes\nFirst.\n\nSecond.\n\n**Predict first.** Third.\n\n- a\n- b\n\n### Below"
    kinds = [("slide", "## What now?", 0), ("-", "First.", 0), ("notes", "Second.", 0)]
    kinds += [("-", "**Predict first.** Third.", 0), ("-", "- a\n- b", 0), ("subslide", "### Below", 0)]
    assert ruled(new_markdown_cell(text)) == kinds


def test_what_code_gives_comes_after_it_and_a_question_is_not_code():
    printed = [new_output("stream", text="1\n")]
    ran = ruled(new_code_cell("print(1)", outputs=printed), new_code_cell('quiz("00-1")', outputs=printed))
    assert [(kind, outputs) for kind, _, outputs in ran] == [("subslide", 0), ("fragment", 1), ("-", 1)]
    long = [new_output("stream", text="line\n" * 40)]
    assert [kind for kind, *_ in ruled(new_code_cell("print(1)", outputs=long))] == ["subslide"] * 3
    assert ASKS.fullmatch('from mtl_helpers.claims import quiz\n\nquiz("04-1")') and not ASKS.fullmatch("quiz = 1")


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_nothing_of_a_lesson_is_lost(slides, path):
    html = BeautifulSoup((slides / f"{path.stem}.html").read_text(encoding="utf-8"), "html.parser")
    lesson = read_lesson(path)
    said = "".join(html.get_text().split())
    for cell in lesson.cells:
        if cell.cell_type == "markdown":
            for block in blocks(cell.source):
                words = re.sub(NO_WORDS, "", block, flags=re.DOTALL)
                for word in re.findall(r"[^\W_]{4,}", words):
                    assert word in said, (cell.id, word)
        elif not ASKS.fullmatch(cell.source):
            assert "".join(cell.source.split()) in said, cell.id
    outputs = [output for cell in lesson.cells for output in cell.get("outputs", [])]
    pictures = [o for o in outputs if "image/png" in o.get("data", {}) and "text/html" not in o["data"]]
    assert len(html.select("figure img")) == len(pictures)
    rows = sum(
        o.data["text/html"].partition("<tbody>")[2].count("<tr") for o in outputs if "text/html" in o.get("data", {})
    )
    assert len(html.select(".outputs tbody tr")) == rows


def test_a_table_that_is_cut_says_again_whose_rows_follow():
    index = pd.MultiIndex.from_product([["digits", "reviews"], ["a", "b", "c", "d"]], names=["world", "arm"])
    html = pd.DataFrame({"score": range(8)}, index=index).to_html()
    tables = [BeautifulSoup(table, "html.parser").tbody for table in tables_of(html, most=3)]
    spans = [[(label.get_text(), label.get("rowspan")) for label in table.select("th[rowspan]")] for table in tables]
    assert spans == [[("digits", "4")], [("digits", "1"), ("reviews", "4")], [("reviews", "2")]]
    assert [[cell.get_text() for cell in table.find_all("td")] for table in tables] == [
        list("012"),
        list("345"),
        list("67"),
    ]


def test_no_link_is_broken_and_nothing_is_fetched_from_elsewhere(slides):
    assert broken_links(slides) == []
    assert not [path.name for path in slides.glob("*.html") if fetched(path.read_text(encoding="utf-8"))]


@pytest.mark.browser
def test_no_slide_is_too_full(slides):
    need_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launch(playwright)
        page, wrong = (
            browser.new_context(viewport={"width": 1280, "height": 720}, reduced_motion="reduce").new_page(),
            [],
        )
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("requestfailed", lambda request: wrong.append(request.url))
        for path in LESSONS:
            page.goto((slides / f"{path.stem}.html").as_uri())
            page.wait_for_function("() => Reveal.isReady()")
            measured = page.evaluate(MEASURE)
            assert len(measured) > 30
            assert [m for m in measured if m["low"] > 720.5 or m["right"] > 1280.5 or m["size"] < SMALLEST] == [], (
                path.stem
            )
        assert wrong == []
        browser.close()


@pytest.mark.browser
def test_what_cannot_fit_is_told(slides):
    """The measure above, held against a slide that is too full."""
    need_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
        page.goto((slides / "00_start_here.html").as_uri())
        page.wait_for_function("() => Reveal.isReady()")
        page.evaluate("() => { document.querySelectorAll('.fit')[3].innerHTML += '<p>too much</p>'.repeat(60) }")
        assert sum(m["low"] > 720.5 for m in page.evaluate(MEASURE)) == 1
        browser.close()


@pytest.mark.browser
def test_axe_finds_no_serious_violation(slides):
    need_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
        page.goto((slides / "index.html").as_uri())
        found = serious(violations(page, "html"))
        page.goto((slides / "00_start_here.html").as_uri())
        page.wait_for_function("() => Reveal.isReady()")
        for _ in range(12):
            found += serious(violations(page, ".slides section.present"))
            page.evaluate("() => Reveal.next()")
        browser.close()
    assert found == []
