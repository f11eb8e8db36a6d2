"""``make site``: all lessons as pages that need neither a network nor a server, with contents, search and figures."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import jinja2
from bs4 import BeautifulSoup, Tag
from pygments.formatters import HtmlFormatter

from mtl_helpers import copies
from mtl_helpers.stored import NOTEBOOKS
from mtl_helpers.teaching.lesson_pages import (
    PAGE,
    RECORDINGS,
    TEMPLATES,
    LessonExporter,
    convert,
    lessons,
    markdown_page,
    read_lesson,
    without_minutes,
)

LIGHT, DARK = "xcode", "github-dark"  # the two of Pygments' styles whose every colour has a contrast of 4.5 here


@dataclass(frozen=True)
class Page:
    """A page of the site: its file without ending, its title, its HTML, and its sections as (id, heading, level)."""

    name: str
    title: str
    body: str
    sections: list[tuple[str, str, int]]
    purpose: str = ""
    class_time: str = ""

    @property
    def is_lesson(self) -> bool:
        """Whether it can be run."""
        return self.name[:2].isdigit()


def build_site(target: Path, source: Path = NOTEBOOKS) -> list[Page]:
    """Write the site of the lessons in ``source`` into the folder ``target``, which is made anew; return its pages."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    exporter = LessonExporter()
    pages = [lesson_page(path, exporter, target) for path in lessons(source)]
    pages.append(_page("glossary", markdown_page(source / "glossary.md")))
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES / "site"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    for place, page in enumerate(pages):
        around = {"before": pages[place - 1] if place else None, "after": (*pages, None)[place + 1]}
        html = templates.get_template("lesson.html").render(page=page, pages=pages, **around)
        _write(target / f"{page.name}.html", html)
    for name, title in (("index", "Multi-task learning in five steps"), ("search", "Search")):
        page = _page(name, f"<h1>{title}</h1>")
        html = templates.get_template(f"{name}.html").render(page=page, pages=pages)
        _write(target / f"{name}.html", html)
    index = [entry for page in pages for entry in search_entries(page)]
    _write(target / "search-index.js", f"const INDEX = {json.dumps(index, ensure_ascii=False)};\n")
    _write(target / "code.css", code_styles())
    for name in ("site.css", "theme.js", "search.js"):
        shutil.copy(PAGE / name, target / name)
    shutil.copytree(source / "images", target / "images")
    shutil.copytree(RECORDINGS, target / RECORDINGS.name)
    copies.bring(str(source), str(target / "notebooks"))
    return pages


def lesson_page(path: Path, exporter: LessonExporter, folder: Path) -> Page:
    """The page of one lesson; its figures go into ``folder``."""
    return _page(path.stem, convert(exporter, read_lesson(path), path.stem, folder))


def search_entries(page: Page) -> list[dict[str, str]]:
    """What the search looks through: a section each, with the page, the section's id, its heading and its words."""
    soup, entries = BeautifulSoup(page.body, "html.parser"), []
    entry = {"page": page.name, "lesson": page.title, "id": "", "heading": page.title, "text": ""}
    for part in soup.descendants:
        if isinstance(part, Tag) and part.name in ("h2", "h3") and part.get("id"):
            entries.append(entry)
            heading = without_minutes(part.get_text())
            entry = {**entry, "id": part["id"], "heading": heading, "text": ""}
        elif (
            isinstance(part, Tag) and part.name in ("p", "li", "td", "pre") and not part.find(("p", "li", "td", "pre"))
        ):
            entry["text"] += " " + " ".join(part.get_text().split())
    return [*entries, entry]


def code_styles() -> str:
    """Colours of code for the light page and the dark one."""
    light, dark = (HtmlFormatter(style=style).get_style_defs(".highlight") for style in (LIGHT, DARK))
    by_system = f"@media (prefers-color-scheme: dark) {{ :root:not([data-theme=light]) {{ {dark} }} }}"
    return f"{light}\n{by_system}\n:root[data-theme=dark] {{ {dark} }}\n"


def _page(name: str, body: str) -> Page:
    soup = BeautifulSoup(body, "html.parser")
    title = soup.h1.get_text()
    sections = [(h["id"], without_minutes(h.get_text()), int(h.name[1])) for h in soup.find_all("h2") if h.get("id")]
    first = soup.h1.find_next_sibling("p")
    time = next((p.get_text() for p in soup.find_all("p") if "Class time:" in p.get_text()), "")
    time = time.split("Class time:")[-1].split(" · ")[0].strip()
    return Page(name, title, body, sections, first.get_text() if first else "", time)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
