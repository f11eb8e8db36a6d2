"""The figure that every picture of the course is drawn on: without pyplot, and with its text readable in any script."""

from __future__ import annotations

import io
import re
import unicodedata
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib.figure
from matplotlib.font_manager import FontProperties, findfont, findSystemFonts, fontManager, get_font
from matplotlib.text import Text


class Figure(matplotlib.figure.Figure):
    """A Matplotlib figure that a notebook shows when a cell ends with it.

    It belongs to nobody but its maker: pyplot, whose list of open figures is one for the whole process, does not know it,
    so that threads may draw and nothing is shown twice. Where the usual font lacks letters, such as those of a Chinese task
    name, an installed one that has them is used; if there is none, a warning says which to install.
    """

    def draw(self, renderer: Any) -> None:
        """Find fonts for the texts, then draw."""
        for text in self.findobj(Text):
            said = text.get_text()
            if "$" in said:  # of a class such as "$$" it is a dollar; formulas have a backslash
                text.set_parse_math("\\" in said)
            if not said.isascii():
                text.set_fontfamily(readable_in(said, tuple(text.get_fontfamily())))
        super().draw(renderer)

    def _repr_png_(self) -> bytes:
        return figure_png(self)


def figure_png(figure: matplotlib.figure.Figure) -> bytes:
    """The figure as PNG; the same figure gives the same bytes.

    >>> figure_png(Figure())[:4]
    b'\\x89PNG'
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=figure.dpi, metadata={"Software": None})
    return buffer.getvalue()


def figure_svg(figure: matplotlib.figure.Figure) -> str:
    """The figure as an SVG element for a page that sets its colours; the same figure gives the same text.

    Black is the page's text colour, white the variable ``--mtl-paper``; any other colour can be set by a variable of its
    name, such as ``--mtl-0072b2``. `styles.ON_COLOUR` and `styles.OFF_COLOUR` stay what they are.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", facecolor="none", dpi=figure.dpi, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    for number, name in enumerate(dict.fromkeys(re.findall(r'id="(?:image|[a-z])([0-9a-f]{10})"', svg))):
        svg = svg.replace(name, f"{number:010d}")  # Matplotlib draws its names by lot
    return re.sub(r"#[0-9a-f]{6}\b", _themed, svg)


def _themed(colour: re.Match[str]) -> str:
    found = colour[0]
    return {"#000000": "currentColor", "#ffffff": "var(--mtl-paper, #fff)"}.get(
        found, f"var(--mtl-{found[1:]}, {found})"
    )


def readable_in(text: str, families: tuple[str, ...]) -> list[str]:
    """Font families that have the letters of ``text``: those given, and installed ones for what these lack."""
    found = list(families)
    for letter in text:
        if letter.isascii() or letter.isspace() or any(_has(family, letter) for family in found):
            continue
        family = _installed_with(letter)
        if family is None:
            _warn_of(unicodedata.name(letter, "UNKNOWN").split()[0])
        else:
            found.append(family)
    return found


@cache
def _has(family: str, letter: str) -> bool:
    return get_font(findfont(FontProperties(family=[family]))).get_char_index(ord(letter)) != 0


@cache
def _installed_with(letter: str) -> str | None:
    """The first installed font family that has a letter; Matplotlib is told of it, as it may be newer than its own list."""
    for path in sorted(findSystemFonts(), key=lambda path: Path(path).name):
        if "LastResort" in path:  # has a box for every letter there is
            continue
        try:
            font = get_font(path)
            if font.get_char_index(ord(letter)):
                fontManager.addfont(path)
                return font.family_name
        except (OSError, RuntimeError, NotImplementedError):  # a font that Matplotlib can not draw with
            continue
    return None


@cache
def _warn_of(script: str) -> None:
    """Once for each script, however many figures lack it."""
    east_asian = script in {"CJK", "HIRAGANA", "KATAKANA", "HANGUL"}
    font, package = ("Noto Sans CJK", "fonts-noto-cjk") if east_asian else ("a Noto font that has them", "fonts-noto")
    # Matplotlib says it again for each letter and each time it draws.
    warnings.filterwarnings("ignore", r"Glyph \d+ \(.*\) missing from font", UserWarning)
    warnings.warn(
        f"No installed font has letters whose Unicode name begins with {script}, so figures show boxes for them. Install "
        f"{font}: 'sudo apt install {package}' on Debian or Ubuntu, elsewhere from https://fonts.google.com/noto. Then "
        f"restart the kernel.",
        stacklevel=2,
    )
