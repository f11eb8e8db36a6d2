"""A seeded generator of reviews, with a dial for how far the sentiment of a word depends on the topic."""

from __future__ import annotations

import math
import random
from itertools import accumulate

import pandas as pd

from mtl_helpers.arguments import number, whole_number
from mtl_helpers.corpus import words
from mtl_helpers.corpus.words import CorpusError
from mtl_helpers.tasks import SENTIMENT, TOPIC

ZIPF = 0.7  # the k-th word of a list is drawn in proportion to 1 / k^0.7
_CUMULATIVE = {n: list(accumulate((k + 1) ** -ZIPF for k in range(n))) for n in range(1, 41)}
_BY_SIGN = {
    (topic, sign): [adjective for adjective in words.SIGNS if words.sign_of(adjective, topic) == sign]
    for topic in TOPIC.classes
    for sign in (-1, 1)
}


def make_reviews(
    n: int,
    *,
    relatedness: float = 1.0,
    seed: int = 0,
    negation: float = 0.10,
    trap: float = 0.05,
    contrast: float = 0.15,
    distractor: float = 0.40,
    opening: float = 0.80,
    shared_aspect: float = 0.60,
    label_noise: float = 0.03,
) -> pd.DataFrame:
    """Write ``n`` different reviews with known truth, in the columns of `mtl_helpers.data.load_reviews`.

    Parameters
    ----------
    relatedness
        The dial ρ: the probability that an opinion is one of the 16 adjectives of `SIGNS`, whose sign depends on the topic.
        At 0 the topic says nothing about the sentiment of any word; at 1 no sentiment can be told without it. Topic and
        label are drawn independently whatever ρ is.
    seed
        The same seed writes the same reviews; more of them begin with the same ones.
    negation, trap, shared_aspect
        Probability, for each opinion, that it is negated; that it only looks so ("not only ..."); that what it is about
        could belong to any topic.
    contrast, distractor, opening
        Probability, for each review, that an opinion of the other sign comes first and the last decides; that another
        topic is named; that the first sentence names the object.
    label_noise
        Probability that sentiment and stars are turned round.

    Stars are 1 or 5 for strong words and 2 or 4 for mild ones. ``phenomena`` marks ``negation``, ``contrast``,
    ``other_topic`` and ``topic_word`` (an adjective of `SIGNS`).

    >>> for review in make_reviews(2, relatedness=1, seed=3).itertuples():
    ...     print(review.topic, review.sentiment, "-", review.text)
    book negative - I finished this book on Monday. The prose was quite hot and the design is quite hot. ...
    restaurant positive - I tried the trattoria last Easter. The food was quiet.
    """
    chances = {
        "relatedness": relatedness,
        "negation": negation,
        "trap": trap,
        "contrast": contrast,
        "distractor": distractor,
        "opening": opening,
        "shared_aspect": shared_aspect,
        "label_noise": label_noise,
    }
    _check(n, seed, chances)
    writer = _Writer(random.Random(seed), chances)
    rows: dict[str, tuple] = {}
    while len(rows) < n:
        text, *labels = writer.review()
        rows.setdefault(text.lower(), (text, *labels))
    frame = pd.DataFrame(rows.values(), columns=["text", "topic", "sentiment", "stars", "phenomena"])
    frame.insert(0, "id", [f"c{i + 1:05d}" for i in range(n)])
    return frame


def _check(n: int, seed: int, chances: dict[str, float]) -> None:
    whole_number("n, the number of reviews,", n, CorpusError)
    whole_number("seed", seed, CorpusError, at_least=-math.inf)
    for name, value in chances.items():
        number(f"{name}, a probability,", value, CorpusError, at_least=0, at_most=1)
    if chances["negation"] + chances["trap"] > 1:
        raise CorpusError("An opinion is negated, a trap or neither: negation + trap must not exceed 1.")


class _Writer:
    """Writes one review after the other from one stream of random numbers."""

    def __init__(self, draw: random.Random, chances: dict[str, float]) -> None:
        self.draw, self.chances = draw, chances

    def happens(self, name: str) -> bool:
        return self.draw.random() < self.chances[name]

    def zipf(self, items: tuple[str, ...]) -> str:
        return self.draw.choices(items, cum_weights=_CUMULATIVE[len(items)])[0]

    def review(self) -> tuple[str, str, str, float, str]:
        draw = self.draw
        self.topic, self.strong, self.marks = draw.choice(TOPIC.classes), draw.random() < 0.5, set()
        sign = draw.choice((-1, 1))
        sentences = [self.opinions(sign)]
        if self.happens("opening"):
            opening = draw.choice(words.OPENINGS[self.topic])
            sentences.insert(0, opening.format(self.zipf(words.OBJECTS[self.topic]), draw.choice(words.DAYS)))
        if self.happens("distractor"):
            other = draw.choice([topic for topic in TOPIC.classes if topic != self.topic])
            sentence = draw.choice(words.DISTRACTORS)
            sentence = sentence.format(self.zipf(words.OBJECTS[other]), who=draw.choice(words.PEOPLE))
            sentences.insert(draw.randint(0, len(sentences)), sentence)
            self.marks.add("other_topic")
        elif draw.random() < 0.5:
            sentences.append(draw.choice(words.ASIDES).format(who=draw.choice(words.PEOPLE)))
        if self.happens("label_noise"):
            sign = -sign
        stars = 3.0 + sign * (2 if self.strong else 1)
        text = " ".join(sentence[0].upper() + sentence[1:] for sentence in sentences)
        return text, self.topic, SENTIMENT.classes[sign > 0], stars, ";".join(sorted(self.marks))

    def opinions(self, sign: int) -> str:
        """One or two opinions of one sign; in a contrast one of the other sign, and the verdict."""
        if not self.happens("contrast"):
            clauses = [self.clause(sign) for _ in range(self.draw.choice((1, 2)))]
            return f"{self.draw.choice((' and ', ', ')).join(clauses)}."
        self.marks.add("contrast")
        form = self.draw.randrange(3)
        if form == 0:
            return f"despite the {self.adjective(-sign)} {self.aspect()}, {self.clause(sign)}."
        if form == 1:
            return f"{self.clause(-sign)}, but overall {self.phrase(sign)}."
        return f"{self.clause(-sign)}, but {self.clause(sign)}."

    def clause(self, sign: int) -> str:
        return f"the {self.aspect()} {self.zipf(words.VERBS)} {self.phrase(sign)}"

    def aspect(self) -> str:
        return self.zipf(words.SHARED_ASPECTS if self.happens("shared_aspect") else words.ASPECTS[self.topic])

    def phrase(self, sign: int) -> str:
        """An adjective, perhaps negated (then of the other sign) or seemingly so, perhaps with a degree."""
        chance, negation = self.draw.random(), self.chances["negation"]
        if chance < negation:
            self.marks.add("negation")
            return f"{self.zipf(words.NEGATIONS)} {self.adjective(-sign)}"
        if chance < negation + self.chances["trap"]:
            return f"{self.zipf(words.TRAPS)} {self.adjective(sign)}"
        if self.draw.random() < 0.5:
            degrees = words.STRONG_DEGREES if self.strong else words.MILD_DEGREES
            return f"{self.zipf(degrees)} {self.adjective(sign)}"
        return self.adjective(sign)

    def adjective(self, sign: int) -> str:
        if self.happens("relatedness"):
            self.marks.add("topic_word")
            return self.draw.choice(_BY_SIGN[self.topic, sign])
        opinions = words.POSITIVE if sign > 0 else words.NEGATIVE
        as_strong = self.strong == (self.draw.random() < 0.85)
        return self.zipf(opinions["strong" if as_strong else "mild"])
