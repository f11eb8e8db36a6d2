"""What the demos of the lessons have in common: something is chosen, it is computed, and what came of it is shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import ipywidgets as widgets

from mtl_helpers.live.widgets.live_widget import LiveWidget
from mtl_helpers.live.widgets.picture import Picture


class DemoError(ValueError):
    """The demo was asked for something it does not have."""


class Demo(LiveWidget):
    """Computes what was chosen last, and gives it up at once when something else is chosen.

    A class that builds on this

    - makes its ``box``, with ``readout``, ``error_box`` and ``picture`` in it, and ``buttons``, of which ``go`` names the one
      that starts a computation and ``"stop"`` the other (if it has any); then calls `_begin`;
    - computes in `_work`, a generator; after each of its steps something else may be wanted;
    - shows all that is known in `_show_all`.
    """

    refusal: ClassVar[type[Exception]] = DemoError
    go: ClassVar[str] = ""

    def __init__(self, *, height: str, pictured: bool = True) -> None:
        super().__init__()
        self.readout = widgets.HTML(layout={"min_height": height})
        self.readout.add_class("mtl-readout")
        if pictured:
            self.picture = Picture()
        self.buttons: dict[str, widgets.Button] = {}
        self._silent = False  # whether a change of a widget is the demo's own doing
        self._shown = 0.0

    def _work(self, amount: Any) -> Iterator[None]:
        """Compute what is chosen; ``amount`` is how much of it: `_amount` after a click, another after a call."""
        yield

    def _show_all(self) -> None:
        raise NotImplementedError

    def _amount(self) -> Any:
        return None

    def _chosen(self) -> None:
        """After a choice and before it is shown."""

    def _begin(self) -> None:
        self.box.add_class("mtl-live")
        self._enable(computing=False)
        self._chosen()
        self._show()
        self._opened()

    # What can be asked of it from code --------------------------------------------------------------------------

    @property
    def computing(self) -> bool:
        """Whether a computation is at work in the background."""
        return self._worker.working

    def start(self) -> None:
        """Compute what is chosen in the background; what was being computed is given up."""
        self._worker.ask(lambda: self._worker.work(self._job(self._amount())))

    def png(self) -> bytes:
        """How it looks, for where no live page is."""
        return self.picture.png()

    # For the classes that build on this -------------------------------------------------------------------------

    def _compute_now(self, amount: Any) -> None:
        """Compute and wait for it; raise what goes wrong, after showing it."""
        self._worker.run(self._job(amount))

    def _job(self, amount: Any) -> Iterator[None]:
        self._forget()
        self._enable(computing=True)
        try:
            yield from self._work(amount)
        finally:
            self._enable(computing=False)
            self._show()

    def _choose(self, change: Callable[[], None]) -> None:
        """Let ``change`` set widgets, without a computation starting; what is under way is given up."""

        def choose() -> None:
            self._worker.cancel()
            self._silent = True
            try:
                change()
            finally:
                self._silent = False
            self._forget()
            self._chosen()
            self._show()

        self._worker.ask(choose)

    def _starts(self, *choosers: widgets.Widget) -> None:
        """A choice by one of these is shown, so that a Stop that follows leaves no other on the page, and is computed."""
        ask = self._worker.ask
        for chooser in choosers:  # begun before it is shown: at no moment nothing seems to be under way
            self._watch(chooser, lambda _: self._silent or ask(lambda: (self.start(), self._chosen(), self._show())))

    def _cancel(self) -> None:
        self._worker.cancel()

    def _forget(self) -> None:
        self._worker.forget()
        self._show_error(None)

    def _show(self) -> None:
        self._show_all()
        self._shown = time.monotonic()

    def _due(self, seconds: float = 0.2) -> bool:
        """Whether so many seconds have passed since the page was last told of something."""
        due = time.monotonic() - self._shown > seconds
        if due:
            self._shown = time.monotonic()
        return due

    def _enable(self, *, computing: bool) -> None:
        if self.go:
            self.buttons[self.go].disabled, self.buttons["stop"].disabled = computing, not computing
