"""What every demo with a background thread promises, held against each of them."""

import threading

import pytest
from on_the_page import wait_for

from mtl_helpers.live import DemoError
from mtl_helpers.live.widgets import live_widget


def check_that_its_cell_run_again_stops_it(new_demo, endless, monkeypatch):
    """``endless`` is the list of steps taken, by work that never ends by itself; returns the newer demo."""
    monkeypatch.setattr(live_widget, "current_cell", lambda: ("a cell", 1))
    old = new_demo()
    old.start()
    wait_for(lambda: endless)
    monkeypatch.setattr(live_widget, "current_cell", lambda: ("a cell", 2))
    new = new_demo()
    assert not old.computing and type(old).__name__ not in [thread.name for thread in threading.enumerate()]
    with pytest.raises(DemoError, match="closed, or its cell was run again"):
        old.start()
    return new


def check_that_what_fails_is_seen(demo, monkeypatch, where, name):
    """What goes wrong in ``where.name`` is shown and raised, from a cell and from the thread, and forgotten afterwards."""

    def fail(*_, **__):
        raise ValueError("no <data>")

    with monkeypatch.context() as patch:
        patch.setattr(where, name, fail)
        with pytest.raises(ValueError, match="no <data>"):
            demo.run()
        demo.start()
        demo.wait(60)
        assert "ValueError:</b> no &lt;data&gt;" in demo.error_box.value
        with pytest.raises(ValueError, match="no <data>"):
            demo.stop()
    demo.run()
    assert demo.error_box.value == "" and not demo.buttons[demo.go].disabled
