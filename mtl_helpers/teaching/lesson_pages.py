"""A lesson as HTML that needs no network: formulas are MathML, figures are files, links lead to pages."""

from __future__ import annotations

import base64
import json
import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jinja2
import latex2mathml.converter
import nbformat
from nbconvert.exporters import HTMLExporter
from nbconvert.exporters.exporter import Exporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

HERE = Path(__file__).parent
TEMPLATES, PAGE = HERE / "templates", HERE / "page"
RECORDINGS = PAGE / "recordings"  # of the live demos, a moving picture each
_DEMO = re.compile(r"(LambdaLab|\w+Demo)\b")
_CHINESE = re.compile(
    r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]*[\u4e00-\u9fff][\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]*"
)
_TITLE = re.compile(r"\btitle=f?([\"'])(.+?)\1")
_MINUTES = re.compile(r" · [^·]*\d+ minutes?.*$")


def read_lesson(path: Path) -> nbformat.NotebookNode:
    """A stored notebook; each code cell knows what its pictures show, and of a live demo its name.

    The first of a kind knows its recording, too, and what is seen there.
    """
    notebook, heading = nbformat.read(path, as_version=4), ""
    recorded = json.loads((PAGE / "recordings.json").read_text(encoding="utf-8"))
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            found = re.findall(r"^#+ (.+)$", cell.source, re.MULTILINE)
            heading = without_minutes(found[-1]) if found else heading
        else:
            titles = _TITLE.findall(cell.source)
            cell.metadata["shows"] = titles[-1][1] if titles else heading
            cell.metadata["demo"] = next(filter(None, map(demo_in, cell.outputs)), "")
            cell.metadata["seen"] = recorded.pop(cell.metadata["demo"], "")
            cell.metadata["moving"] = recording(cell.metadata["demo"]) if cell.metadata["seen"] else ""
    return notebook


def demo_in(output: Mapping[str, Any]) -> str:
    """The class of the live demo whose last picture a stored output is; empty for any other output.

    >>> demo_in({"data": {"image/png": "AAAA", "text/plain": "LambdaLab at step 50, λ: topic 1"}})
    'LambdaLab'
    >>> demo_in({"data": {"image/png": "AAAA", "text/plain": "<Figure size 820x350 with 1 Axes>"}})
    ''
    """
    data = output.get("data", {})
    found = _DEMO.match("".join(data.get("text/plain", ""))) if "image/png" in data else None
    return found[1] if found else ""


def recording(demo: str) -> str:
    """Where a page finds the recording of a demo.

    >>> recording("MergeDemo"), recording("LambdaLab")
    ('recordings/merge_demo.webp', 'images/lambda_lab.gif')
    """
    if demo == "LambdaLab":  # the README shows it, too
        return "images/lambda_lab.gif"
    return re.sub(r"\B([A-Z])", r"_\1", demo).lower().join(("recordings/", ".webp"))


def without_minutes(heading: str) -> str:
    """A heading without its class time.

    >>> without_minutes("λ by rule · 12 minutes · second sitting")
    'λ by rule'
    """
    return _MINUTES.sub("", heading).strip()


def slug(heading: str, taken: list[str]) -> str:
    """The id of a heading, none of those ``taken``, to which it is added.

    >>> slug("What did the topic cost? · 5 minutes", []), slug("Quiz", ["quiz"])
    ('what-did-the-topic-cost', 'quiz-2')
    """
    name = re.sub(r"\W+", "-", without_minutes(re.sub(r"<[^>]+>", "", heading)).lower()).strip("-") or "part"
    names = (name if number == 1 else f"{name}-{number}" for number in range(1, len(taken) + 2))
    taken.append(next(free for free in names if free not in taken))
    return taken[-1]


class CourseRenderer(IPythonRenderer):
    """Markdown as the course's pages show it. ``ids`` are the headings' ids so far."""

    def __init__(self, ids: list[str]) -> None:
        super().__init__(escape=False)
        self.ids = ids

    def text(self, text: str) -> str:
        """Words; the Chinese ones are marked, so that they are read aloud as such."""
        return _CHINESE.sub(r'<span lang="zh">\g<0></span>', super().text(text))

    def block_math(self, body: str) -> str:
        """A formula on a line of its own."""
        return f'<div class="scroll" tabindex="0">{latex2mathml.converter.convert(body, display="block")}</div>'

    def inline_math(self, body: str) -> str:
        """A formula within a sentence."""
        return latex2mathml.converter.convert(body)

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        """A heading that can be linked to."""
        return f'<h{level} id="{slug(text, self.ids)}">{text}</h{level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """To another lesson, or the glossary, means to its page."""
        return super().link(text, re.sub(r"^([^:#?]+)\.(ipynb|md)(#.*)?$", r"\1.html\3", url), title)


class LessonExporter(HTMLExporter):
    """nbconvert's exporter with the course's template and renderer; figures come as files under ``figures/``."""

    def __init__(self, template: str = "lesson", **options: Any) -> None:
        places = {"extra_template_basedirs": [str(TEMPLATES)], "extra_template_paths": [str(TEMPLATES)]}
        super().__init__(template_name=template, **places, **options)
        self.register_filter("size_of", size_of)

    @property
    def default_config(self) -> Any:
        """Figures as files, named by lesson and cell."""
        config = super().default_config
        config.ExtractOutputPreprocessor.enabled = True
        config.ExtractOutputPreprocessor.output_filename_template = (
            "figures/{unique_key}_{cell_index}_{index}{extension}"
        )
        return config

    @jinja2.pass_context
    def markdown2html(self, context: jinja2.runtime.Context, source: str) -> str:
        """The filter that the templates call."""
        ids = context.get("resources").setdefault("ids", [])
        return MarkdownWithMath(renderer=CourseRenderer(ids)).render(source)


def convert(exporter: Exporter, notebook: nbformat.NotebookNode, name: str, folder: Path) -> str:
    """What the exporter makes of a lesson; its figures are written to ``folder``."""
    body, resources = exporter.from_notebook_node(
        notebook, {"unique_key": name, "metadata": {"name": name}, "output_files_dir": ""}
    )
    for file, content in resources["outputs"].items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content)
    return body


def markdown_page(path: Path) -> str:
    """A file of Markdown, such as the glossary, as HTML."""
    text = path.read_text(encoding="utf-8")
    return f'<div class="prose">{MarkdownWithMath(renderer=CourseRenderer([])).render(text)}</div>'


def size_of(png: str | bytes) -> tuple[int, int]:
    """Width and height of a PNG, as bytes or base64."""
    content = base64.b64decode(png) if isinstance(png, str) else png
    return struct.unpack(">II", content[16:24])


def lessons(folder: Path) -> Iterator[Path]:
    """The notebooks of a folder in the order in which they are taught."""
    yield from sorted(folder.glob("[0-9][0-9]_*.ipynb"))
