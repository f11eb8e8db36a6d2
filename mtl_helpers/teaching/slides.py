"""``make slides``: the lessons as slides by reveal.js, which lies beside this file; `slide_rule` says what stands where."""

from __future__ import annotations

import shutil
from pathlib import Path

import jinja2
from nbconvert.exporters import SlidesExporter
from pygments.formatters import HtmlFormatter

from mtl_helpers.stored import NOTEBOOKS
from mtl_helpers.teaching.lesson_pages import (
    PAGE,
    TEMPLATES,
    LessonExporter,
    convert,
    lessons,
    markdown_page,
    read_lesson,
)
from mtl_helpers.teaching.site import LIGHT


class CourseSlides(LessonExporter, SlidesExporter):
    """nbconvert's slides with the course's template and renderer."""


def build_slides(target: Path, source: Path = NOTEBOOKS) -> list[Path]:
    """Write slides for each lesson in ``source`` into the folder ``target``, which is made anew; return their pages."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    exporter, made, titles = CourseSlides(template="slides"), [], []
    for path in lessons(source):
        lesson = read_lesson(path)
        titles.append(lesson.cells[0].source.split("\n")[0].removeprefix("# "))
        lesson.metadata["title"] = titles[-1]
        made.append(target / f"{path.stem}.html")
        made[-1].write_text(convert(exporter, lesson, path.stem, target), encoding="utf-8")
    templates = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES / "slides"), autoescape=True)
    plain, terms = templates.get_template("plain.html"), markdown_page(source / "glossary.md")
    for name, content in (("Slides", {"pages": list(zip(made, titles, strict=True))}), ("Glossary", {"body": terms})):
        file = target / {"Slides": "index.html", "Glossary": "glossary.html"}[name]
        file.write_text(plain.render(title=name, **content), encoding="utf-8")
    (target / "code.css").write_text(HtmlFormatter(style=LIGHT).get_style_defs(".highlight"), encoding="utf-8")
    for name in ("slides.css", "slides.js"):
        shutil.copy(PAGE / name, target / name)
    shutil.copytree(PAGE / "reveal", target / "reveal")
    shutil.copytree(source / "images", target / "images")
    return made
