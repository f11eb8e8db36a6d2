"""A sound of less than a second, for which a player with a clock is too much: a button plays it."""

from __future__ import annotations

import anywidget
import traitlets

from mtl_helpers.live.widgets.chart import CSS, script


class Listen(anywidget.AnyWidget):
    """A button that plays ``value``, the bytes of a wav file."""

    _esm = script("listen.js")
    _css = CSS
    value = traitlets.Bytes().tag(sync=True)
