"""What every live widget puts on the page in the same way: a button, an error, itself; and how it is taken off again."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets


def new_button(
    text: str, act: Callable[[], Any], *, icon: str = "", tip: str = "", width: str = "8.6em"
) -> widgets.Button:
    """A button that calls ``act()``."""
    button = widgets.Button(description=text, icon=icon, tooltip=tip, layout={"width": width})
    button.on_click(lambda _: act())
    return button


def error_html(error: Exception | None) -> str:
    """An error as a box that is seen; nothing for None.

    >>> error_html(ValueError("2 < 3"))
    '<div style="..."><b>ValueError:</b> 2 &lt; 3</div>'
    """
    if error is None:
        return ""
    style = "color:#7a1f00;background:#fff0e8;border-left:4px solid #D55E00;padding:6px 10px"
    return f'<div style="{style}"><b>{type(error).__name__}:</b> {html.escape(str(error))}</div>'


def mime_bundle(box: widgets.Box, png: bytes, text: str, **kwargs: Any) -> dict[str, Any]:
    """How a widget shows itself: live where there is a kernel, as a picture where there is none, as text in a comparison."""
    picture = base64.b64encode(png).decode("ascii")
    return {**box._repr_mimebundle_(**kwargs), "image/png": picture, "text/plain": text}


def close_widgets(widget: widgets.Widget) -> None:
    """Take a widget off the page, with all that is in it."""
    for child in getattr(widget, "children", ()):
        close_widgets(child)
    widget.close()
