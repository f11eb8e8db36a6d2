"""How a task looks: one colour, one line style and one marker, the same in every figure of the course."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

from matplotlib.colors import to_rgb

# Okabe and Ito's palette without yellow, sky blue and orange, of which a line on white has less than the contrast of 3 : 1
# that WCAG 2.2 AA asks for; a violet, a brown and a wine red in their place. All eight are told apart by colour-blind
# readers, and line style or marker tells them apart without colour.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#7A3FE0", "#6B4A12", "#882255", "#000000")
# The same on a dark page, lighter; black turns white.
_ON_DARK = ("#3E9BE0", "#FF8A3D", "#2BC79A", "#E59CC4", "#D0BCFF", "#FFD27A", "#D8609A", "#FFFFFF")
# Ink for what is drawn on a coloured ground, where it must not turn with the page as black and white do.
OFF_COLOUR, ON_COLOUR = "#111111", "#fefefe"  # on a light ground, and on a dark one
_DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (3, 1, 1, 1)),
    (0, (1, 1)),
    (0, (7, 1, 1, 1, 1, 1)),
    (0, (2, 2)),
    (0, (9, 2)),
    (0, (4, 1, 4, 1, 1, 1)),
)
_MARKERS = "os^DvPX*"
_KNOWN = {"topic": 0, "sentiment": 1, "stars": 2}


def numbered_style(number: int) -> dict[str, Any]:
    """Colour and line style of that number; from the ninth on a colour comes again with another line style."""
    turn = number // len(COLOURS)
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": _DASHES[(number + turn) % len(_DASHES)]}


def numbered_marker(number: int) -> str:
    """Marker of that number; from the ninth on it comes again with another colour."""
    return _MARKERS[(number + number // len(COLOURS)) % len(_MARKERS)]


def task_styles(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Colour and line style by task; the course's own tasks look the same in every figure.

    >>> task_styles(["sentiment"])["sentiment"]["color"]
    '#D55E00'
    """
    return {name: numbered_style(number) for name, number in _numbers(names).items()}


def task_markers(names: Iterable[str]) -> dict[str, str]:
    """Marker by task, numbered as `task_styles`.

    >>> task_markers(["topic", "sentiment", "mood"])
    {'topic': 'o', 'sentiment': 's', 'mood': '^'}
    """
    return {name: numbered_marker(number) for name, number in _numbers(names).items()}


def ink_on(ground: Any) -> str:
    """Ink for words on a coloured ground, a colour as Matplotlib takes it: of the two the one with more contrast.

    Luminance as in WCAG 2.2; at 0.179 both have 4.6 : 1, where 4.5 : 1 is asked for.

    >>> ink_on("#E8EEF4"), ink_on("#08519C")
    ('#010101', '#fefefe')
    """
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(ground))
    bright = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return ON_COLOUR if bright < 0.179 else "#010101"  # `OFF_COLOUR` would have 4.2 : 1 on a middle blue


def on_dark(colour: str) -> str:
    """The same colour for a dark page; one that is not of the palette stays.

    >>> on_dark("#000000")
    '#FFFFFF'
    """
    return dict(zip(COLOURS, _ON_DARK, strict=True)).get(colour, colour)


def dash(style: Mapping[str, Any]) -> dict[str, Any]:
    """The line style alone, for what has its colour already."""
    return {"linestyle": style["linestyle"]}


def page_dash(style: Mapping[str, Any]) -> list[float]:
    """A Matplotlib line style as lengths in pixels, for a line of two pixels.

    >>> page_dash({"linestyle": (0, (5, 1.5))})
    [10, 3.0]
    """
    return [] if style["linestyle"] == "-" else [2 * length for length in style["linestyle"][1]]


def _numbers(names: Iterable[str]) -> dict[str, int]:
    names = list(names)
    taken = {_KNOWN[name] for name in names if name in _KNOWN}
    free = (number for number in count() if number not in taken)
    return {name: _KNOWN[name] if name in _KNOWN else next(free) for name in names}
