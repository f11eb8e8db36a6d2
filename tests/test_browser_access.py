"""The lab and the demos for who uses no mouse, no eyes, no colours or no motion: in a real browser."""

import itertools
import re
import time

import nbformat
import pytest
from axe import serious, violations
from browser import ROOT, NotebookPage, copy_course, launch, need_chromium, start_lab

pytestmark = pytest.mark.browser
LAB, LIVE = ".mtl-lambda-lab", ".mtl-live"
CELLS = [
    """import torch
from mtl_helpers.data import Vocabulary, encode_reviews, load_reviews, make_loader, split_reviews
from mtl_helpers.live import LambdaLab
from mtl_helpers.models import CNNEncoder, MultiTaskModel
from mtl_helpers.tasks import SENTIMENT, TOPIC
train, val, test = split_reviews(load_reviews(), seed=0)
words = Vocabulary.from_texts(train.text)
train, val = (make_loader(encode_reviews(part, words, [TOPIC, SENTIMENT]), 32, shuffle=True) for part in (train, val))
lab = LambdaLab(MultiTaskModel(CNNEncoder(len(words)), [TOPIC, SENTIMENT]), train, val, lr=0.005)
lab.aim("both losses below 0.1", lambda lab: max(lab.losses.values()) < 0.1)
lab.run(20)
lab""",
    "from mtl_helpers.live.demos.price import PriceDemo\nprice = PriceDemo()\nprice",
    "from mtl_helpers.live.demos.gradient import GradientDemo\ngradient = GradientDemo()\ngradient",
    "from mtl_helpers.live.demos.landscape import LandscapeDemo\nlandscape = LandscapeDemo()\nlandscape",
    "from mtl_helpers.claims import show_progress\nshow_progress()",
]
SAID = """() => { const said = document.querySelector('.mtl-lambda-lab .mtl-said'); window.heard = [];
    new MutationObserver(() => window.heard.push([performance.now(), said.textContent])).observe(said,
    {childList: true, characterData: true, subtree: true}); }"""
FOCUS = """() => { const e = document.activeElement, s = getComputedStyle(e);
    return [e.getAttribute('aria-label') || e.textContent.trim() || e.title, s.outlineStyle, parseFloat(s.outlineWidth),
    !!e.closest('.mtl-lambda-lab')] }"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The lab and three demos in one notebook, run."""
    need_chromium()
    from playwright.sync_api import sync_playwright

    course = copy_course(tmp_path_factory.mktemp("course"))
    (course / "learn").mkdir()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    nbformat.write(notebook, course / "learn" / "access.ipynb")
    server = start_lab(course, tmp_path_factory.mktemp("server"))
    try:
        with sync_playwright() as playwright:
            browser = launch(playwright)
            opened = NotebookPage(browser, server, "access.ipynb")
            opened.run_all(180)
            yield opened
            assert opened.errors == []
            browser.close()
    finally:
        server.close()


def press_tab_to(page: NotebookPage, name: str, keys: str = "Tab") -> None:
    """Go on by the keyboard until what has the focus is called ``name``; wherever it is, it is seen."""
    for _ in range(60):
        page.page.keyboard.press(keys)
        found, style, width, inside = page.page.evaluate(FOCUS)
        if inside:
            assert style == "solid" and width >= 3, f"nothing shows that {found!r} has the focus"
        if found == name:
            return
    raise AssertionError(f"60 times {keys} and never at {name!r}")


def test_the_lab_is_driven_by_keyboard_alone(page):
    page.show_lab()
    page.page.locator(f"{LAB} input[aria-label='λ topic']").focus()  # as one comes from the cell above it
    page.page.keyboard.press("Shift+Tab")
    press_tab_to(page, "λ topic")
    for _ in range(3):
        page.page.keyboard.press("ArrowLeft")
    page.wait_for(lambda: page.readout()["topic"] == 0.3, "λ topic moved by three presses")
    press_tab_to(page, "λ sentiment")
    page.page.keyboard.press("End")
    page.wait_for(lambda: page.readout()["sentiment"] == 10, "λ sentiment at its end")
    press_tab_to(page, "Train")
    before = page.readout()["step"]
    page.page.keyboard.press("Enter")
    page.wait_for(lambda: page.readout()["step"] > before + 30, "30 steps")
    press_tab_to(page, "Pause")
    page.page.keyboard.press("Space")
    page.wait_for(lambda: page.execute("print(lab.training)").strip() == "False", "the pause")
    press_tab_to(page, "Keep run")
    page.page.keyboard.press("Enter")
    page.wait_for(lambda: page.execute("print(len(lab.views.ghosts))").strip() == "1", "a kept run")
    press_tab_to(page, "Reset", "Shift+Tab")
    page.page.keyboard.press("Enter")
    page.wait_for(lambda: page.readout()["step"] == 0, "the reset")


def test_what_changes_is_said_and_not_more_than_once_a_second(page):
    page.show_lab()
    page.wait_for(lambda: page.page.locator(f"{LAB} .mtl-said").count() == 1, "the line that is said")
    line = page.page.locator(f"{LAB} .mtl-said")
    assert line.get_attribute("aria-live") == "polite" and line.get_attribute("role") == "status"
    page.page.evaluate(SAID)
    page.press("Train")
    time.sleep(12)
    page.press("Pause")
    heard = page.page.evaluate("() => window.heard")
    gaps = [after[0] - before[0] for before, after in itertools.pairwise(heard)]
    print(f"said {len(heard)} times in 12 s: {heard[-1][1]}")
    assert 2 <= len(heard) <= 13 and min(gaps) >= 1000
    assert "step " in heard[-1][1] and re.search(r"topic, λ [\d.]+, training loss \d", heard[-1][1])


def test_of_two_that_change_only_the_one_touched_last_is_said_and_errors_of_each(page):
    script = (ROOT / "mtl_helpers/live/widgets/page_side/theme.js").read_text(encoding="utf-8")
    parts = '<button>Train</button><p class="mtl-error"><span></span></p><p class="mtl-readout">step 0</p>'
    box = f'<div class="mtl-live">{parts}</div>'
    write = "([part, text]) => document.querySelectorAll(part).forEach(e => { e.textContent = text })"
    # Another page of the same browser: a thread has one Playwright, and the fixture's is still at work.
    two = page.page.context.browser.new_page()
    two.set_content(f"{box * 2}<script>{script}\ndocument.querySelectorAll('button').forEach(announce)</script>")
    said = two.locator(".mtl-said")
    for number in (1, 0):
        two.locator("button").nth(number).click()
        two.evaluate(write, [".mtl-readout", f"step {10 + number}"])
        words = ["", ""]
        words[number] = f"step {10 + number}"
        two.wait_for_function(
            "words => words.every((w, n) => document.querySelectorAll('.mtl-said')[n].textContent === w)",
            arg=words,
            timeout=30_000,  # on a busy machine its timers come late
        )
        two.wait_for_timeout(1500)
        assert said.all_inner_texts() == words
    two.evaluate(write, [".mtl-error span", "no batch"])
    all_said = "[...document.querySelectorAll('.mtl-said')].map(e => e.textContent).join(' | ')"
    two.wait_for_function(f"() => {all_said} === 'no batch; step 10 | no batch'", timeout=20_000)
    two.context.close()


@pytest.mark.parametrize(
    ("cell", "widget", "heads"),
    [
        ("lab", f"{LAB} .mtl-chart", ["step", "topic", "sentiment"]),
        ("price", ".mtl-price-demo .mtl-picture", ["", "tasks", "GB to keep"]),
        ("gradient", ".mtl-gradient-demo .mtl-arrows", ["arrow", "x", "y", "length"]),
        ("landscape", ".mtl-landscape", ["method", "θ₁", "θ₂"]),
    ],
)
def test_each_figure_has_its_numbers_on_request(page, cell, widget, heads):
    page.show(widget, cell)
    fold = page.page.locator(f"{widget} .mtl-numbers").first
    assert fold.locator("table").count() == 0, "nothing is written before it is asked for"
    fold.locator("summary").focus()
    page.page.keyboard.press("Enter")
    page.wait_for(lambda: fold.locator("table").count() > 0, "a table")
    assert fold.locator("table").first.locator("th").all_inner_texts()[: len(heads)] == heads
    rows = fold.locator("table").first.locator("tbody tr")
    assert rows.count() >= 2
    assert any(character.isdigit() for character in rows.last.inner_text())
    fold.locator("summary").click()


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_axe_finds_no_serious_violation(page, theme):
    page.theme(theme)
    found = []
    for cell, widget in (
        ("lab", LAB),
        ("price", ".mtl-price-demo"),
        ("gradient", ".mtl-gradient-demo"),
        ("landscape", ".mtl-landscape-demo"),
    ):
        page.show(widget, cell)
        time.sleep(1.5)  # names are given when all hangs in the page
        found += serious(violations(page.page, widget))
    page.theme("Light")
    assert found == []


def test_nothing_glides_for_who_asked_for_no_motion(page):
    page.page.emulate_media(reduced_motion="reduce")
    page.show_lab()
    moving = """() => [...document.querySelectorAll('.mtl-live *')].filter(e => { const s = getComputedStyle(e);
        return s.transitionDuration.split(', ').some(t => parseFloat(t) > 0 && s.transitionProperty !== 'none')
        || s.animationName !== 'none' }).length"""
    assert page.page.evaluate(moving) == 0
    page.page.emulate_media(reduced_motion="no-preference")
