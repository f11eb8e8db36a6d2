"""The kit of live widgets: whose the page is, and that nothing of it is left behind."""

import threading

import ipywidgets as widgets
import pytest
from on_the_page import page_models, page_says
from traitlets import TraitError

from mtl_helpers.live.widgets.live_widget import LiveWidget
from mtl_helpers.live.widgets.page import refill
from mtl_helpers.live.widgets.slider import STOPS, LambdaSlider


class Small(LiveWidget):
    """A slider, a choice and a button, and what the worker was told by them."""

    def __init__(self) -> None:
        super().__init__()
        self.told = []
        self.slider, self.choice = LambdaSlider("topic"), widgets.Dropdown(options=["a", "b"])
        self.button, self.row = self._button("fail", lambda: 1 / 0), widgets.HBox()
        for widget in (self.slider, self.choice):
            self._watch(widget, lambda value: self.told.append((value, threading.current_thread().name)))
        self.box = widgets.VBox([self.error_box, self.slider, self.choice, self.button, self.row])
        self._opened()


@pytest.fixture
def small():
    small = Small()
    yield small
    small.close()


def test_only_the_worker_changes_a_widget_whoever_asks_for_it(small):
    small.slider.value = 2.0
    small.choice.value = "b"
    assert small.told == [(2.0, "Small"), ("b", "Small")], "code waits until it is done"
    page_says(small.slider, value=3)
    small.wait()
    assert small.told[2:] == [(3.0, "Small")] and small.slider.value == 3.0
    with pytest.raises(TraitError, match="value not found"):
        small.choice.value = "c"


def test_the_page_waits_for_nothing_and_its_latest_value_counts(small):
    held = threading.Event()
    small._worker.post(held.wait)
    for stop in STOPS:
        page_says(small.slider, value=stop)
    assert small.slider.value == 1.0
    held.set()
    small.wait()
    assert [value for value, _ in small.told] == [10.0] == [small.slider.value]


def test_what_a_button_raises_is_shown(small):
    small.button.click()
    assert "<b>ZeroDivisionError:</b> division by zero" in small.error_box.value


def test_closing_takes_every_model_off_the_page():
    before = page_models()
    small = Small()
    for _ in range(3):
        small._worker.ask(lambda: refill(small._worker, small.row, [small._button("new", lambda: None)]))
    assert len(page_models() - before) == 18, "of what was replaced nothing is left"
    small.close()
    assert page_models() == before
    with pytest.raises(ValueError, match="This demo was closed, or its cell was run again; make a new one"):
        small.slider.value = 2.0


def test_a_message_that_comes_just_as_its_widget_is_closed_is_nothing():
    """The kernel hands it on, and a cell in another thread has closed the widget meanwhile."""
    small = Small()
    small.close()
    small.slider._handle_msg({"content": {"data": {"method": "update", "state": {"value": 3}}}, "buffers": []})
    assert small.slider.comm is None and small.told == []


def test_a_slider_that_is_shown_a_weight_does_not_count_as_moved(small):
    show = small.slider.show
    for value in (0.123, 0.29, 0.456, 25.0):
        small._worker.ask(lambda value=value: show(value))
        assert small.slider.value == value and small.told == []


def test_a_slider_takes_no_number_that_is_no_weight(small):
    with pytest.raises(TraitError, match="-1"):
        small.slider.value = -1.0
    page_says(small.slider, value=-1.0)
    small.wait()
    assert small.slider.value == 1.0 and small.told == []
