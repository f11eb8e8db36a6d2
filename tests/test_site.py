"""The site: every lesson with its figures, no link that leads nowhere, nothing from a network, a search that finds."""

import json
import re
from functools import cache

import pytest
from axe import serious, violations
from browser import launch, need_chromium
from bs4 import BeautifulSoup
from links import broken_links, fetched
from PIL import Image

from mtl_helpers.stored import NOTEBOOKS
from mtl_helpers.teaching import __main__ as command
from mtl_helpers.teaching.lesson_pages import PAGE, demo_in, read_lesson, recording

LESSONS = sorted(NOTEBOOKS.glob("*.ipynb"))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "BUILD", tmp_path_factory.mktemp("build"))
        assert command.main(["site"]) == 0
        return command.BUILD / "site"


def page(site, name):
    return (site / f"{name}.html").read_text(encoding="utf-8")


@cache
def soup(site, name):
    return BeautifulSoup(page(site, name), "html.parser")


def test_no_link_is_broken_and_nothing_is_fetched_from_elsewhere(site):
    assert broken_links(site) == []
    assert {
        path.name: found for path in site.glob("*.html") if (found := fetched(path.read_text(encoding="utf-8")))
    } == {}


def test_a_broken_link_would_be_found(tmp_path):
    links = '<a href="b.html"><a href="#no"><img src="c.png"><a href="http://x.org"><a href="a.html#yes">'
    (tmp_path / "a.html").write_text(links + '<p id="yes"><a href="https://x.org">', encoding="utf-8")
    assert broken_links(tmp_path) == ["a.html: b.html", "a.html: #no", "a.html: c.png", "a.html: http://x.org"]
    assert fetched('<img src="c.png"><script src="https://cdn.org/x.js">') == ["https://cdn.org/x.js"]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_page_has_all_that_its_lesson_shows(site, path):
    lesson, html = read_lesson(path), soup(site, path.stem)
    outputs = [output for cell in lesson.cells for output in cell.get("outputs", [])]
    images = html.select("figure img")
    shown = [o for o in outputs if "image/png" in o.get("data", {}) and "text/html" not in o["data"]]
    assert len(images) == len(shown) and all(len(image["alt"]) > 40 for image in images)
    assert len(html.select("figure.demo")) == sum(bool(demo_in(output)) for output in outputs) > 0
    headings = re.findall(r"^##+ ", "\n\n".join(c.source for c in lesson.cells if c.cell_type == "markdown"), re.M)
    assert len(html.select("main h2[id], main h3[id]")) == len(headings)
    assert len(html.select("nav[aria-label^=Lessons] ul ul a")) == len(html.select("main h2[id]"))
    for cell in lesson.cells:
        if cell.cell_type == "code":
            assert html.find(id=f"cell-{cell.id}").pre.get_text().strip() == cell.source.strip()


def test_a_live_demo_is_recorded_and_nothing_moves_until_that_is_asked(site):
    recorded = json.loads((PAGE / "recordings.json").read_text(encoding="utf-8"))
    for name, seen in recorded.items():
        with Image.open(site / recording(name)) as picture:
            assert picture.n_frames >= 5 and len(seen) > 60, name
        assert (site / recording(name)).stat().st_size <= (300_000 if name.endswith("Demo") else 900_000), name
    for path in LESSONS:
        shown = [demo_in(output) for cell in read_lesson(path).cells for output in cell.get("outputs", [])]
        folds = soup(site, path.stem).select("details.moving")
        assert [fold.img["src"] for fold in folds] == [recording(n) for n in dict.fromkeys(shown) if n in recorded]
        for fold in folds:
            assert not fold.has_attr("open") and fold.img["loading"] == "lazy" and fold.img["alt"]
    first = soup(site, "index").select_one("details.moving")
    assert first.source["media"] == "(prefers-reduced-motion: reduce)" and first.source["srcset"].endswith(".png")


def test_formulas_are_drawn_without_a_script(site):
    formulas = sum(len(re.findall(r"\$\$", path.read_text(encoding="utf-8"))) // 2 for path in LESSONS)
    pages = [soup(site, path.stem) for path in LESSONS]
    assert sum(len(html.find_all("math", display="block")) for html in pages) == formulas > 5
    assert not [html.title.text for html in pages for prose in html.select(".prose") if "$$" in prose.get_text()]


def test_one_walks_from_the_first_lesson_to_the_glossary_and_back(site):
    walked, here = [], "00_start_here.html"
    while here:
        html = soup(site, here.removesuffix(".html"))
        before = html.select_one("a[rel=prev]")
        assert (before and before["href"]) == (walked[-1] if walked else None)
        walked.append(here)
        here = (html.select_one("a[rel=next]") or {}).get("href")
    assert walked == [f"{path.stem}.html" for path in LESSONS] + ["glossary.html"]


def test_each_lesson_says_how_to_run_it_and_gives_a_copy_without_outputs(site):
    for path in LESSONS:
        assert f"learn/{path.name}" in soup(site, path.stem).select_one(".run").get_text()
        copy = json.loads((site / "notebooks" / path.name).read_text(encoding="utf-8"))
        assert not any(cell.get("outputs") for cell in copy["cells"]) and len(copy["cells"]) > 20


@pytest.mark.browser
def test_in_a_browser_it_searches_turns_dark_and_says_no_error(site):
    need_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launch(playwright)
        page, wrong = browser.new_page(), []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("requestfailed", lambda request: wrong.append(request.url))
        page.goto((site / "index.html").as_uri())
        for asked, heading in (("GradNorm", "GradNorm"), ("任务权重", "λ"), ("pareto front", "front")):
            page.locator("input[type=search]").fill(asked)
            page.locator("input[type=search]").press("Enter")
            page.locator("#found li a", has_text=heading).first.wait_for(timeout=5000)
            assert re.match(r"\d+ sections? with", page.locator("#count").inner_text())
        page.locator("input[type=search]").fill("zyxwvut")
        page.locator("input[type=search]").press("Enter")
        page.get_by_text("0 sections with").wait_for(timeout=5000)

        paper = "() => getComputedStyle(document.body).backgroundColor"
        light = page.evaluate(paper)
        page.locator("#theme").click()
        dark = page.evaluate(paper)
        page.goto((site / "04_training.html").as_uri())
        assert light == "rgb(255, 255, 255)" and page.evaluate(paper) == dark != light
        at = "() => [document.documentElement.scrollWidth, innerWidth]"
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 800})
            wide, window = page.evaluate(at)
            assert wide <= window
        assert wrong == []
        browser.close()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation(site, scheme):
    need_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launch(playwright)
        page, found = browser.new_page(color_scheme=scheme), []
        for name in ("index", "search", "09_your_data"):
            page.goto((site / f"{name}.html").as_uri())
            found += serious(violations(page, "html"))
        browser.close()
    assert found == []
