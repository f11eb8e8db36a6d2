"""Instructions: tasks named by a sentence, in several wordings, on controlled reviews whose true answers are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd
import torch

from mtl_helpers.corpus.words import CorpusError
from mtl_helpers.data.vocabulary import Vocabulary
from mtl_helpers.randomness import seeded

# By task its wordings, of which the last is never learnt: its words, but for "have", are known from others.
WORDINGS: Mapping[str, tuple[str, ...]] = {
    "topic": (
        "topic :",
        "what is this review about ?",
        "name the topic of the review .",
        "say what the text is about .",
        "which thing did the writer review ?",
        "what is the topic of this text ?",
    ),
    "sentiment": (
        "sentiment :",
        "is this review positive or negative ?",
        "say if the text is positive or negative .",
        "what is the sentiment of the review ?",
        "name the opinion of the writer .",
        "name the sentiment of this text .",
    ),
    "stars": (
        "stars :",
        "how many stars does this review give ?",
        "name the number of stars .",
        "say how many stars the writer gave .",
        "what is the number of stars of the review ?",
        "how many stars does the text have ?",
    ),
    "contrast": (
        "contrast :",
        "does this review name two sides ?",
        "say if the text has two sides .",
        "is there a contrast in the review ?",
        "did the writer see two sides ?",
        "does this text have a contrast ?",
    ),
    "another": (
        "another :",
        "does this review name another thing ?",
        "say if the text has another topic .",
        "is there another thing in the review ?",
        "did the writer name another topic ?",
        "does the text have another thing ?",
    ),
}
STARS = {1.0: "one", 2.0: "two", 4.0: "four", 5.0: "five"}
_YES = {True: "yes", False: "no"}
_ANSWERS: Mapping[str, Callable[[pd.DataFrame], pd.Series]] = {
    "topic": lambda frame: frame.topic,
    "sentiment": lambda frame: frame.sentiment,
    "stars": lambda frame: frame.stars.map(STARS),
    "contrast": lambda frame: frame.phenomena.str.contains("contrast").map(_YES),
    "another": lambda frame: frame.phenomena.str.contains("other_topic").map(_YES),
}


def instruct(frame: pd.DataFrame, task: str, wordings: tuple[str, ...], *, seed: int = 0) -> pd.DataFrame:
    """Prompts with their answers: columns ``text``, "<wording> <review> answer :", ``answer``, one word, and ``task``.

    Each row draws one of the ``wordings``. ``frame`` has the columns of `make_reviews`.

    >>> from mtl_helpers.corpus import make_reviews
    >>> instruct(make_reviews(1, relatedness=0, seed=0), "contrast", WORDINGS["contrast"][1:2]).iloc[0].to_dict()
    {'text': 'does this review name two sides ? My review ... answer :', 'answer': 'yes', 'task': 'contrast'}
    """
    if task not in _ANSWERS:
        raise CorpusError(f"There is no task {task!r}; there are {', '.join(_ANSWERS)}.")
    drawn = torch.randint(len(wordings), (len(frame),), generator=seeded(seed)).tolist()
    said = pd.Series([wordings[i] for i in drawn], index=frame.index, dtype=object)
    return pd.DataFrame({"text": said + " " + frame.text + " answer :", "answer": _ANSWERS[task](frame), "task": task})


def unseen_task(frame: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """A task that nobody learnt, of known words and known answers: "is this text about a phone ?", yes for every second.

    >>> from mtl_helpers.corpus import make_reviews
    >>> asked = unseen_task(make_reviews(400, relatedness=0, seed=0))
    >>> asked.text.iloc[0], asked.answer.value_counts().to_dict()
    ('is this text about a restaurant ? My review of the bistro from Easter. ... answer :', {'yes': 200, 'no': 200})
    """
    topics = sorted(set(frame.topic))
    others = torch.randint(1, max(len(topics), 2), (len(frame),), generator=seeded(seed)).tolist()
    right = [i % 2 == 0 for i in range(len(frame))]
    asked = [
        topic if true else topics[(topics.index(topic) + other) % len(topics)]
        for topic, true, other in zip(frame.topic, right, others, strict=True)
    ]
    said = pd.Series([f"is this text about a {topic} ?" for topic in asked], index=frame.index, dtype=object)
    answer = pd.Series(right, index=frame.index).map(_YES)
    return pd.DataFrame({"text": said + " " + frame.text + " answer :", "answer": answer, "task": "unseen"})


def instruction_vocabulary(frame: pd.DataFrame) -> Vocabulary:
    """The words of the reviews, of all wordings, and of all answers."""
    words = [word for wordings in WORDINGS.values() for said in wordings for word in said.split() if word.isalpha()]
    answers = [answer for task in _ANSWERS for answer in sorted(set(_ANSWERS[task](frame)))]
    known = Vocabulary.from_texts(frame.text)
    return Vocabulary([*known.words[2:], *(w for w in dict.fromkeys([*words, *answers, "answer"]) if w not in known)])
