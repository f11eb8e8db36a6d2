"""Instructions: what is asked is answered by the review, what is new is new, and the table follows from its weights."""

import pandas as pd
import pytest

from mtl_helpers.corpus import CorpusError, make_reviews
from mtl_helpers.corpus.instructions import WORDINGS, instruct, instruction_vocabulary, unseen_task
from mtl_helpers.experiments import read_result
from mtl_helpers.experiments.adapters import instructions as experiment
from mtl_helpers.experiments.adapters import stored
from mtl_helpers.models.large.text_to_text import say
from mtl_helpers.saving import load

REVIEWS = make_reviews(300, relatedness=0, negation=0.05, contrast=0.3, seed=7)
TABLE = read_result("instructions")


@pytest.mark.parametrize("task", WORDINGS)
def test_each_wording_of_a_task_is_another_one_and_asks_for_one_answer(task):
    assert len(set(WORDINGS[task])) == 6
    asked = [instruct(REVIEWS, task, (said,)) for said in WORDINGS[task]]
    assert all(part.answer.equals(asked[0].answer) for part in asked)
    assert all(part.text.str.startswith(said).all() for part, said in zip(asked, WORDINGS[task], strict=True))


def test_answers_are_the_truth_of_the_review():
    answers = {task: instruct(REVIEWS, task, said).answer for task, said in WORDINGS.items()}
    assert answers["topic"].equals(REVIEWS.topic.rename("answer")) and (answers["topic"] == REVIEWS.topic).all()
    assert ((answers["stars"].isin(["four", "five"])) == (answers["sentiment"] == "positive")).all()
    two_sides = REVIEWS.text.str.contains("but|espite")
    assert ((answers["contrast"] == "yes") <= two_sides).all() and (answers["contrast"] == "yes").mean() > 0.2


def test_wordings_are_drawn_from_all_and_the_same_seed_draws_the_same():
    said = WORDINGS["topic"][:5]
    first, again = (instruct(REVIEWS, "topic", said, seed=1).text for _ in range(2))
    assert first.equals(again) and not first.equals(instruct(REVIEWS, "topic", said, seed=2).text)
    assert all(first.str.startswith(one).any() for one in said)


def test_the_new_wordings_and_the_new_task_hold_but_one_word_that_was_not_learnt():
    """So that a wrong answer is hardly a matter of an unknown word."""
    learnt = {word for said in WORDINGS.values() for one in said[:5] for word in one.split()}
    reviews = {word for text in REVIEWS.text for word in text.lower().replace(".", " ").replace(",", " ").split()}
    new = {word for said in WORDINGS.values() for word in said[5].split()}
    asked = {word for text in unseen_task(REVIEWS).text for word in text.split("?")[0].split()}
    assert new - learnt == {"have"} and not asked - learnt - reviews
    assert not {said[5] for said in WORDINGS.values()} & {one for said in WORDINGS.values() for one in said[:5]}


def test_the_new_task_is_asked_rightly_and_every_second_answer_is_yes():
    asked = unseen_task(REVIEWS)
    named = asked.text.str.extract(r"about a (\w+) \?")[0]
    assert ((named == REVIEWS.topic) == (asked.answer == "yes")).all()
    assert asked.answer.value_counts().to_dict() == {"yes": 150, "no": 150}


def test_the_vocabulary_knows_every_word_of_every_wording_and_answer():
    words = instruction_vocabulary(REVIEWS)
    for task, said in WORDINGS.items():
        assert all(word in words for one in said for word in one.split() if word.isalpha())
        assert all(answer in words for answer in instruct(REVIEWS, task, said).answer)


@pytest.mark.bad_input
def test_a_task_that_is_not_there_is_named():
    with pytest.raises(CorpusError, match="no task 'price'; there are topic, sentiment, stars, contrast, another"):
        instruct(REVIEWS, "price", WORDINGS["topic"])


# The table and its weights ------------------------------------------------------------------------------------------


def test_the_stored_decoder_gives_the_row_of_the_table():
    trained = load(stored("instructions"))
    asked = experiment.questions("five wordings", 0).sample(400, random_state=0)
    right = asked.answer == say(trained.model, trained.vocabulary, list(asked.text))
    rows = TABLE[(TABLE.seed == 0) & (TABLE.arm == "five wordings")].set_index(["asked", "task"])
    for key, part in right.groupby([asked.asked, asked.task]):
        spread = 3 * (max(rows.score[key] * (1 - rows.score[key]), 0.02) / len(part)) ** 0.5
        assert part.mean() == pytest.approx(rows.score[key], abs=spread), key


def test_the_order_of_questions_does_not_matter_and_padding_is_no_word():
    trained = load(stored("instructions"))
    asked = list(experiment.questions("five wordings", 0).text.sample(30, random_state=1))
    once = say(trained.model, trained.vocabulary, asked)
    assert say(trained.model, trained.vocabulary, asked[::-1]) == once[::-1]
    assert [say(trained.model, trained.vocabulary, [one])[0] for one in asked[:5]] == once[:5]


def test_the_table_has_every_question_once():
    assert not TABLE.duplicated(["seed", "arm", "asked", "task"]).any() and TABLE.score.between(0, 1).all()
    counts = TABLE.groupby(["seed", "arm"]).size()
    assert (counts == 11).all() and set(TABLE.arm) <= set(experiment.ARMS)


def test_a_table_is_made_of_runs():
    row = {"asked": "new task", "task": "unseen", "score": 0.5, "floor": 0.5}
    made = experiment.tables(pd.DataFrame([{"seed": 0, "arm": "one wording", "rows": [row]}]))["instructions"]
    assert list(made) == list(TABLE) and len(made) == 1
