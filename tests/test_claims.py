"""Checked numbers, feedback on exercises, and the quiz."""

import math
from html import escape

import ipywidgets
import nbformat
import numpy as np
import pytest
import torch
from nbclient import NotebookClient

from mtl_helpers.claims import ClaimError, Prediction, Quiz, check, check_answer, check_function, check_that


@pytest.mark.parametrize("measured", [0.82, 0.83, torch.tensor(0.8399), np.float32(0.821)])
def test_check_prints_the_quoted_number_whatever_was_measured(capsys, measured):
    check("accuracy", measured, quoted=0.83, tolerance=0.0101, unit=" %")
    assert capsys.readouterr().out == "accuracy: 0.83 %   (checked, within 0.0101 %)\n"


@pytest.mark.parametrize("measured", [0.8, 0.86, math.nan, math.inf])
def test_check_fails_beyond_its_tolerance(capsys, measured):
    with pytest.raises(
        ClaimError, match=r"accuracy: measured (0\.8|0\.86|nan|inf), but the text says 0\.83 within 0\.02"
    ):
        check("accuracy", measured, quoted=0.83, tolerance=0.02)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("floor", "said"), [(1 / 6, "floor 0.17 %"), (0.5, "floor 0.5 %"), (torch.tensor(0.809), "floor 0.81 %")]
)
def test_check_prints_its_floor(capsys, floor, said):
    check("accuracy", 0.83, quoted=0.83, tolerance=0.02, unit=" %", floor=floor)
    assert capsys.readouterr().out == f"accuracy: 0.83 %   (checked, within 0.02 %; {said})\n"


@pytest.mark.parametrize(("quoted", "floor"), [(0.83, 0.83), (0.83, 0.812), (0.25, 0.265)])
def test_a_check_that_its_floor_would_pass_is_no_check(capsys, quoted, floor):
    with pytest.raises(
        ClaimError, match=r"accuracy: the floor 0\.\d+ lies within 0\.02 of .*whoever knows nothing would pass"
    ):
        check("accuracy", quoted, quoted=quoted, tolerance=0.02, floor=floor)
    assert capsys.readouterr().out == ""


@pytest.fixture(scope="module")
def on_a_page():
    """The outputs of some cells in a kernel, as a notebook keeps them."""
    cells = [
        "from mtl_helpers.claims import Learner, answer_prediction, check, predict_first\n"
        "check('<topic>, accuracy', 0.8312, 0.83, tolerance=0.02, floor=1 / 6)",
        "learner = Learner()\nasked = predict_first('00-a', learner=learner)\nasked",
        "answer_prediction('00-a', learner=learner)",
        "asked.choose('Topic rises.')\nanswer_prediction('00-a', learner=learner)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    widgets = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    return [cell.outputs for cell in notebook.cells], {key: model["state"] for key, model in widgets.items()}


VIEW = "application/vnd.jupyter.widget-view+json"


def test_a_page_shows_what_was_measured_and_keeps_the_text_that_is_the_same_everywhere(on_a_page):
    ((output,), *_), widgets = on_a_page
    assert output.data["text/plain"] == "<topic>, accuracy: 0.83   (checked, within 0.02; floor 0.17)"
    assert set(output.data) == {"text/plain", VIEW}, "what nbval compares and what is stored is the text alone"
    shown = widgets[output.data[VIEW]["model_id"]]["value"]
    assert shown == "&lt;topic&gt;, accuracy: <b>0.831</b> here; the text says 0.83 ± 0.02; floor 0.17"


def test_a_choice_changes_the_page_and_not_the_text(on_a_page):
    (_, _, (skipped,), (chosen,)), widgets = on_a_page
    assert skipped.output_type == chosen.output_type and set(skipped.data) == {"text/plain"}
    assert skipped.data["text/plain"] == chosen.data["text/plain"]
    assert skipped.data["text/plain"].startswith("The answer: (2) Sentiment falls and topic stays where it is.")
    shown = widgets[chosen.data[VIEW]["model_id"]]["value"]
    assert "Your choice: (3) Topic rises. A small λ ignores a task" in shown and "The answer: (2)" in shown


def test_check_that(capsys):
    check_that("two is more than one", torch.tensor(2) > 1)
    assert capsys.readouterr().out == "checked: two is more than one\n"
    with pytest.raises(ClaimError, match=r"The text says: one is more than two\. That did not hold here"):
        check_that("one is more than two", 1 > 2)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (2, 2.0),
        (2.00009, 2),
        (np.float32(2), 2.0),
        (torch.tensor(2.0, requires_grad=True), 2.0),
        ([1, 2], torch.tensor([1.0, 2.0])),
        (np.eye(2), torch.eye(2)),
    ],
)
def test_a_right_answer(capsys, answer, expected):
    assert check_answer(answer, expected) is True
    assert capsys.readouterr().out == "Correct.\n"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (..., "replace the ..."),
        (None, "replace the ..."),
        (2.1, "found 2.1."),
        (math.nan, "found nan."),
        ([2.0], "found [2.0], so 1 in number."),
        (torch.ones(2, 1), "found shape (2, 1), where one number is asked for."),
        ((2, 0), "found (2, 0), two numbers. Write 2.0 with a point."),
        ((1, 2, 3), "found (1, 2, 3), so 3 in number."),
        ("two", "found 'two' (str), where a number is asked for."),
        ({"a": 2}, "(dict), where a number"),
        ([1, [2]], "(list), where a number"),
        (10**400, "(int), where a number"),
    ],
    ids=repr,
)
def test_a_wrong_answer_is_told_apart_and_raises_nothing(capsys, answer, said):
    assert check_answer(answer, 2.0) is False
    out = capsys.readouterr().out
    assert out.startswith("Not yet: ") and said in out
    assert "expected" not in out, "the first wrong answer must not be told the right one"


def test_only_the_slip_that_was_made_is_named(capsys):
    slips = {"You took the sum.": torch.tensor([2.0, 4.0]), "You took the maximum.": 4.0, "Off by one.": [2, 3]}
    check_answer([2.0, 4.0], torch.tensor([1.0, 2.0]), slips=slips)
    assert capsys.readouterr().out == "Not yet: found [2.0, 4.0]. You took the sum.\n"


def test_a_right_function(capsys):
    assert check_function(lambda a, b: b + a, lambda a, b: a + b, [(1, 2), (torch.ones(2), 3)]) is True
    assert capsys.readouterr().out == "Correct.\n"


def divide(a, b):
    return a / b


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda a, b: ..., "Not yet: replace the ... by your answer."),
        (lambda a, b: a, "Not yet: for (4, 2): found 4."),
        (lambda a, b: 2, "Not yet: for (9, 3): found 2."),
        (lambda a, b: b / a, "Not yet: for (4, 2): found 0.5. Upside down."),
        (lambda a: a, "Not yet: for (4, 2): your code raised TypeError:"),
        (2.0, "Not yet: for (4, 2): your code raised TypeError:"),
    ],
    ids=["not begun", "wrong", "right by luck at first", "slip", "raises", "no function"],
)
def test_a_wrong_function_shows_its_first_difference(capsys, function, said):
    assert check_function(function, divide, [(4, 2), (9, 3)], slips={"Upside down.": lambda a, b: b / a}) is False
    assert capsys.readouterr().out.startswith(said)


def test_a_function_that_changes_its_argument_is_judged_by_its_answer(capsys):
    def doubled(x):
        return x * 2

    case = (torch.ones(2),)
    assert check_function(lambda x: x.mul_(2), doubled, [case], slips={"You emptied it.": lambda x: x.zero_()})
    assert not check_function(lambda x: x.zero_(), doubled, [case], slips={"You emptied it.": lambda x: x.zero_()})
    assert "found [0.0, 0.0]. You emptied it." in capsys.readouterr().out
    assert torch.equal(case[0], torch.ones(2))


def test_arguments_computed_from_parameters_are_copied_too(capsys):
    losses = {"topic": torch.ones(2, requires_grad=True) * 3}
    assert not check_function(lambda d: d["topic"].detach().zero_(), lambda d: d["topic"] * 1, [(losses,)])
    assert check_function(lambda x: x.mul_(2), lambda x: x * 2, [(losses["topic"],)])
    assert check_function(lambda d: d["a"][0]["topic"].mul_(2), lambda d: d["a"][0]["topic"] * 2, [({"a": [losses]},)])
    assert losses["topic"].tolist() == [3.0, 3.0]


@pytest.fixture
def quiz():
    return Quiz("What is λ = 0?", {"off": "The head learns nothing.", "on": "That is λ > 0."}, right="off")


def test_every_answer_of_a_quiz_is_explained(quiz):
    assert quiz.choose("off") == "Right. The head learns nothing."
    assert quiz.choose("on") == "Not quite. That is λ > 0."


def test_a_click_on_the_page_shows_the_same(quiz):
    _, buttons, feedback = quiz.box.children
    assert isinstance(buttons, ipywidgets.RadioButtons) and buttons.value is None and feedback.value == ""
    buttons.value = "on"
    assert escape(quiz.feedback("on")) in feedback.value
    buttons.value = "off"
    assert quiz.feedback("off") in feedback.value and "Not quite" not in feedback.value


def test_a_quiz_reads_as_text_without_giving_the_answer_away(quiz):
    text = quiz._repr_mimebundle_()["text/plain"]
    assert text == "What is λ = 0?\n  - off\n  - on\n(Run this cell to answer.)"


@pytest.mark.parametrize("options", [{"up": "No."}, {"up": "No.", "down": ""}])
def test_a_prediction_needs_its_right_option_and_a_comment_to_each(options):
    with pytest.raises(ClaimError, match="one option must be right, and each needs its comment"):
        Prediction(options, right="down")
