"""What the lessons ask, by name: every solution passes its check, every slip is told apart, no answer is given away."""

import re

import pytest
import torch

from mtl_helpers.claims import (
    ClaimError,
    Learner,
    answer_prediction,
    check_exercise,
    predict_first,
    quiz,
    show_hint,
    show_solution,
)
from mtl_helpers.claims.lessons import EXERCISES, PREDICTIONS, QUIZZES
from mtl_helpers.training import Weighting


@pytest.fixture
def learner():
    return Learner()


@pytest.fixture(params=EXERCISES)
def name(request):
    return request.param


def run(code: str) -> object:
    """The last thing that some code defines."""
    space: dict = {}
    exec(code, space)
    return list(space.values())[-1]


def test_a_solution_passes_its_check(name, capsys, learner):
    show_solution(name)
    answer = run(f"{EXERCISES[name].given}\n{capsys.readouterr().out}")
    check_exercise(name, answer, learner=learner)
    assert capsys.readouterr().out == "Correct.\n" and learner == Learner()


@pytest.mark.parametrize("again", [1, 2])
def test_an_untouched_starter_says_not_yet_and_counts_as_no_try(name, again, capsys, learner):
    starters = [..., None] if not EXERCISES[name].cases else [..., lambda *arguments: ..., lambda *arguments: None]
    for starter in starters * again:
        check_exercise(name, starter, learner=learner)
        assert capsys.readouterr().out == "Not yet: replace the ... by your answer.\n"
    assert learner == Learner()


def test_every_slip_is_wrong_and_is_named(name, capsys, learner):
    exercise = EXERCISES[name]
    assert exercise.slips
    for hint, slip in exercise.slips.items():
        check_exercise(name, slip() if callable(slip) and not exercise.cases else slip, learner=learner)
        said = capsys.readouterr().out
        assert said.startswith("Not yet: ") and hint in said


def test_a_first_wrong_answer_brings_a_hint_and_a_second_a_stronger_one(name, capsys, learner):
    exercise = EXERCISES[name]
    first, second = exercise.hints
    assert first and second and first != second

    def said(value):
        function = run(f"def answer(*arguments):\n    return {value}")
        check_exercise(name, function if exercise.cases else value, learner=learner)
        return capsys.readouterr().out

    once = said(-77.25)
    assert first in once and second not in once and "show_solution" not in once
    twice = said(-78.25)
    assert second in twice and f'show_solution("{name}")' in twice
    assert exercise.solution not in once + twice
    if not exercise.cases and not isinstance(exercise.reference, tuple):
        right = exercise.reference() if callable(exercise.reference) else exercise.reference
        if isinstance(right, (int, float)):  # a set of letters may be named one by one
            assert f"{right:.4g}" not in re.findall(r"[\d.]*\d", (once + twice).replace(name, "")), (
                "it gives the answer away"
            )


def test_the_same_wrong_answer_again_says_the_same(capsys, learner):
    cell = "def mix(unit, features):\n    return features * {}"
    said = []
    for factor in (2, 2, 3, 3, 2):
        check_exercise("03-1", run(cell.format(factor)), learner=learner)
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] == said[4] != said[2] == said[3]
    assert EXERCISES["03-1"].hints[0] in said[0] and EXERCISES["03-1"].hints[1] in said[2]


def test_a_comma_for_a_point_is_understood(capsys, learner):
    check_exercise("00-2", (1, 6), learner=learner)
    assert "Write 1.6 with a point." in capsys.readouterr().out


def test_the_tries_of_one_exercise_are_not_those_of_another(capsys, learner):
    check_exercise("00-1", 5, learner=learner)
    check_exercise("00-2", 5, learner=learner)
    assert EXERCISES["00-2"].hints[0] in capsys.readouterr().out


def test_a_hint_can_be_had_before_one_begins(name, capsys):
    show_hint(name)
    assert capsys.readouterr().out == EXERCISES[name].hints[0] + "\n"


ODD = {
    "object": object(),
    "list": [object()],
    "text": "1.6",
    "dict": {"a": 1},
    "function": lambda: 1,
    "complex": 1 + 2j,
}


@pytest.mark.parametrize("answer", [*ODD.values(), float("inf")], ids=[*ODD, "inf"])
def test_no_answer_whatever_stops_the_notebook(name, answer, capsys, learner):
    check_exercise(name, answer, learner=learner)
    check_exercise(name, lambda *arguments: answer, learner=learner)
    assert capsys.readouterr().out.count("Not yet: ") == 2


@pytest.mark.parametrize("name", QUIZZES)
def test_a_quiz_explains_every_option(name):
    asked = quiz(name)
    for option in asked.options:
        said = asked.choose(option)
        assert said.startswith("Right. " if option == asked.right else "Not quite. ")
    assert len(asked.options) >= 3 and asked.question.startswith(f"{name[-1]}. ")


@pytest.mark.parametrize("name", PREDICTIONS)
def test_a_prediction_keeps_the_choice_and_says_nothing_of_it(name, learner):
    asked, prediction = predict_first(name, learner=learner), PREDICTIONS[name]
    before = repr(asked)
    assert all(comment not in before for comment in prediction.options.values())
    assert learner.chosen == {}
    for option in prediction.options:
        asked.choose(option)
        assert learner.chosen == {name: option} and repr(asked) == before
    again = predict_first(name, learner=learner)
    buttons, note = again.box.children
    assert buttons.value == option and "answer comes with the result" in note.value


@pytest.mark.parametrize("name", PREDICTIONS)
def test_a_prediction_is_answered_in_the_same_words_whatever_was_chosen(name, capsys, learner):
    prediction = PREDICTIONS[name]
    answer_prediction(name, learner=learner)
    said = capsys.readouterr().out
    assert prediction.right in said and prediction.options[prediction.right] in said
    for option, comment in prediction.options.items():
        predict_first(name, learner=learner).choose(option)
        answer_prediction(name, True, learner=learner)
        assert capsys.readouterr().out == said
        assert comment in prediction.answer(option) and prediction.right in prediction.answer(option)
        assert prediction.answer(option).startswith("As you" if option == prediction.right else "Your choice: ")


def test_an_answer_that_was_not_measured_stops_the_notebook(capsys):
    with pytest.raises(ClaimError, match=r"Prediction 00-a: the text says 'Sentiment falls.*That did not hold here"):
        answer_prediction("00-a", 1 > 2)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: check_exercise("00-9", 1), "There is no exercise '00-9'. There are 00-1, 00-2, 00-3."),
        (lambda: quiz("00-a"), "There is no quiz '00-a'. There are 00-1, 00-2, 00-3."),
        (lambda: predict_first("00-1"), "There is no prediction '00-1'. There are 00-a, 00-b, 00-c."),
        (lambda: show_solution(1), "There is no exercise 1. There are 00-1, 00-2, 00-3, 01-1"),
        (lambda: predict_first("00-a").choose("up"), "There is no option 'up'; choose one of ['Both fall"),
    ],
)
def test_bad_input_names(ask, said):
    with pytest.raises(ClaimError, match=re.escape(said)):
        ask()


def test_a_rule_of_ones_own_is_judged_by_what_it_does_and_told_what_it_raised(capsys, learner):
    """Lesson 04: written in another way, it is right; a class that is no rule, or that raises, is told so in words."""

    class Another(Weighting):
        def weigh(self, losses, model):
            if not hasattr(self, "seen"):
                self.seen = {}
            for name, loss in losses.items():
                self.seen.setdefault(name, float(loss))
            left = torch.stack([loss / self.seen[name] for name, loss in losses.items()])
            return dict(zip(losses, len(losses) * left / left.sum(), strict=True))

        def reset(self):
            super().reset()
            self.seen = {}

    class Raises(Another):
        def weigh(self, losses, model):
            return losses["sentiment"] / 0 if "sentiment" in losses else losses["mood"]

    for answer, said in (
        (Another, "Correct."),
        (Raises, "there was a"),
        (dict, "your code raised TypeError"),
        (lambda tasks: 3, "found int, where a Weighting"),
    ):
        check_exercise("04-1", answer, learner=learner)
        found = capsys.readouterr().out
        assert said in found and " at 0x" not in found
