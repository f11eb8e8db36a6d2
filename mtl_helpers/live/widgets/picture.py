"""A Matplotlib figure on the page, in the page's own ink."""

from __future__ import annotations

import anywidget
import traitlets
from matplotlib.figure import Figure

from mtl_helpers.live.widgets.chart import CSS, script
from mtl_helpers.plots.figure import figure_png, figure_svg
from mtl_helpers.plots.figure_numbers import figure_numbers
from mtl_helpers.plots.styles import COLOURS, on_dark


class Picture(anywidget.AnyWidget):
    """A figure as SVG: as wide as the page lets it be, black is the page's ink, white its paper, and a dark page has the
    palette's lighter colours. What is drawn on a ground of its own takes its ink from `plots.styles`.

    >>> picture = Picture()
    >>> picture.show(Figure())
    >>> picture.value[:4], picture.png()[:4], picture.close()
    ('<svg', b'\\x89PNG', None)
    """

    _esm = script("theme.js", "picture.js")
    _css = CSS
    value = traitlets.Unicode().tag(sync=True)
    colours = traitlets.List([[colour.lower(), on_dark(colour)] for colour in COLOURS]).tag(sync=True)

    def __init__(self) -> None:
        super().__init__()
        self.on_msg(lambda *_: self.send({"numbers": figure_numbers(self._figure)}))  # all that a page asks for

    def show(self, figure: Figure) -> None:
        """Draw a figure, which must not change afterwards."""
        self._figure = figure
        self.value = figure_svg(figure)

    def png(self) -> bytes:
        """The figure shown last, for where no live page is."""
        return figure_png(self._figure)
