"""Statements a notebook makes, checked: the number the text quotes, beside the one measured here."""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets as widgets
from IPython import get_ipython
from IPython.display import display


class ClaimError(AssertionError):
    """What was measured is not what the text says, or a question was put wrongly."""


def check(
    what: str, measured: float, quoted: float, tolerance: float, unit: str = "", *, floor: float | None = None
) -> None:
    """Print the number the text quotes, if the measured one lies within ``tolerance`` of it; else raise `ClaimError`.

    A trained number differs a little between processors. Printed so, a cell reads the same on every machine, and the prose
    can not drift from the code. A page with a kernel shows the measured number beside the quoted one.

    ``floor`` is what an uninformed answer gets: the largest class, the mean, chance. A check that would let it pass shows
    nothing, so a floor within ``tolerance`` of ``quoted`` raises, too.

    >>> check("accuracy", measured=0.8312, quoted=0.83, tolerance=0.02, floor=1 / 6)
    accuracy: 0.83   (checked, within 0.02; floor 0.17)
    >>> check("accuracy", measured=0.55, quoted=0.55, tolerance=0.06, floor=0.5)
    Traceback (most recent call last):
        ...
    mtl_helpers.claims.checks.ClaimError: accuracy: the floor 0.5 lies within 0.06 of 0.55: whoever knows nothing would pass...
    """
    if floor is not None and abs(quoted - floor) <= tolerance:
        raise ClaimError(
            f"{what}: the floor {floor:.2g}{unit} lies within {tolerance}{unit} of {quoted}{unit}: whoever knows nothing "
            "would pass. Take a smaller tolerance, or do not claim it."
        )
    if not abs(measured - quoted) <= tolerance:  # a nan fails too
        raise ClaimError(
            f"{what}: measured {measured:.4g}{unit}, but the text says {quoted}{unit} within {tolerance}{unit}."
        )
    known = "" if floor is None else f"; floor {floor:.2g}{unit}"
    here = f"{escape(what)}: <b>{measured:.3g}{unit}</b> here; the text says {quoted} ± {tolerance}{unit}{known}"
    say(f"{what}: {quoted}{unit}   (checked, within {tolerance}{unit}{known})", here)


def check_that(what: str, holds: bool) -> None:
    """Print a statement that holds; raise `ClaimError` if it does not.

    >>> check_that("two is more than one", 2 > 1)
    checked: two is more than one
    """
    if not holds:
        raise ClaimError(f"The text says: {what}. That did not hold here.")
    print(f"checked: {what}")


def say(text: str, here: str | None = None) -> None:
    """Print ``text``, which is the same everywhere; a notebook's page shows the HTML ``here``, if given, in its place.

    The page shows it as a widget, since neither nbval nor `mtl_helpers.stored` keeps a widget's view: what is compared and
    stored is ``text``.

    >>> say("measured", "<b>0.83</b> here")
    measured
    """
    if not on_a_page():
        print(text)
    else:
        live = {} if here is None else widgets.HTML(here)._repr_mimebundle_()
        display({**live, "text/plain": text}, raw=True)


def marked(text: str, right: bool) -> str:
    """Text as HTML with a green or red bar beside it: the page's own colour of text can be read on light and dark.

    >>> marked("1 < 2", right=True)
    '<div style="border-left:4px solid #2a9d6f;padding-left:.6em;line-height:1.4">1 &lt; 2</div>'
    """
    colour = "#2a9d6f" if right else "#d55e00"
    lines = escape(text).replace("\n", "<br>")
    return f'<div style="border-left:4px solid {colour};padding-left:.6em;line-height:1.4">{lines}</div>'


def on_a_page() -> bool:
    """Whether this runs in the kernel of a notebook."""
    return getattr(get_ipython(), "kernel", None) is not None


class Shown:
    """What a cell shows at its end: a widget's ``box``, and the ``text`` of `repr` that stands for it without a kernel."""

    box: widgets.Box

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return {**self.box._repr_mimebundle_(**kwargs), "text/plain": repr(self)}
