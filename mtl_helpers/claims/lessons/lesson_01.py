"""Lesson 01: a split without leakage, the control that is missing, the score of no model."""

from __future__ import annotations

from collections.abc import Sequence

from mtl_helpers.claims.answers import Exercise
from mtl_helpers.claims.prediction import Prediction


def _in_test(keys: Sequence[str], n: int, *, by_row: bool = False, texts: bool = False) -> list[bool]:
    """The test rows, whole texts at a time; or the mistakes of an exercise: row by row, or ``n`` texts."""
    if by_row:
        return [place < n for place in range(len(keys))]
    chosen: list[str] = []
    for text in dict.fromkeys(keys):
        if (len(chosen) if texts else sum(key in chosen for key in keys)) >= n:
            break
        chosen.append(text)
    return [key in chosen for key in keys]


EXERCISES = {
    "01-1": Exercise(
        reference=_in_test,
        cases=[(["a", "b", "a", "c", "b", "d", "e"], 3), (["a", "a", "a", "b", "c", "c"], 2), (["a", "b", "c"], 2)],
        slips={
            "A copy of a test text stays in training: it leaks.": lambda keys, n: _in_test(keys, n, by_row=True),
            "Count rows, not texts: a text brings all its copies.": lambda keys, n: _in_test(keys, n, texts=True),
        },
        hints=(
            "First choose the texts, then mark every row whose key was chosen.",
            "`dict.fromkeys(keys)` has each key once, in the order of first appearance. Add keys to a set `chosen` until "
            "`sum(key in chosen for key in keys)` is at least `n`.",
        ),
        solution=(
            "def in_test(keys, n):\n"
            "    chosen = set()\n"
            "    for text in dict.fromkeys(keys):\n"
            "        if sum(key in chosen for key in keys) >= n:\n"
            "            break\n"
            "        chosen.add(text)\n"
            "    return [key in chosen for key in keys]"
        ),
    ),
    "01-2": Exercise(
        reference=2,
        slips={
            "More rows make the 6 points more certain; the network stays half trained.": 1,
            "Another seed moves it by a point or two; the network stays half trained.": 3,
            "That tells how well it has learnt by heart, and nothing about new texts.": 4,
        },
        hints=(
            "Did both sides get the same care?",
            "The bag of words was fitted to its end. Two epochs of a small network are the beginning of a training.",
        ),
        solution="missing_control = 2",
    ),
    "01-3": Exercise(
        reference=0.5,
        slips={"Divide by the labelled rows only: a missing label is no mistake.": 1200 / 2640},
        hints=(
            "Which rows can be right or wrong at all?",
            "A row without a label can be neither right nor wrong. The mask takes it out of the count.",
        ),
        solution="always_right = 1200 / (1200 + 1200)",
    ),
}

QUIZZES = {
    "01-1": (
        "1. A review has a topic and no sentiment label. What do you do with it?",
        {
            "drop the row": "Then its topic label is lost, and with few labels that hurts.",
            "fill in the most frequent sentiment": "That is an invented label, and the model would learn it.",
            "keep it, with the sentiment mask False": "It trains the topic task and is silent about sentiment.",
        },
        "keep it, with the sentiment mask False",
    ),
    "01-2": (
        "2. Copies of a text lie on both sides of a random split. What is wrong with the reported score?",
        {
            "It is too high.": "The model knows the copies by heart, and new texts come without a twin.",
            "It is too low.": "Copies are the easiest rows of the test: the model has seen them with their answers.",
            "Nothing, if the split was random.": "Random is just how the twins were parted. Split by text.",
        },
        "It is too high.",
    ),
    "01-3": (
        "3. Why does the vocabulary come from the training texts only?",
        {
            "A smaller vocabulary trains faster.": "A little, but then one would rather raise min_count.",
            "The test must look as new texts will: with words nobody has trained.": "A new review "
            "brings unknown words.",
            "Otherwise the test labels leak.": "No label is involved. The test texts leak, which is bad enough.",
        },
        "The test must look as new texts will: with words nobody has trained.",
    ),
}

PREDICTIONS = {
    "01-a": Prediction(
        {
            "two or three": "So many one sees at a glance; the list above has more.",
            "four or five": "The list above has seven signs, and odd spellings come on top.",
            "seven or more": "The list above has seven signs, and some flaws show in no list.",
        },
        right="seven or more",
    ),
    "01-b": Prediction(
        {
            "two to four": "A missing label alone is spelt in four ways.",
            "five to ten": "Capitals, blanks, short forms and signs multiply.",
            "more than ten": "Sixteen, and topic and stars have 26 each.",
        },
        right="more than ten",
    ),
    "01-c": Prediction(
        {
            "Yes, writers are free.": "The text can be bitter-sweet. The two labels say opposite things of it.",
            "No, one of the two labels must be wrong.": "Nobody can tell which one, so the row goes.",
        },
        right="No, one of the two labels must be wrong.",
    ),
    "01-d": Prediction(
        {
            "label spellings drop most and change most": "A spelling is repaired, so its row stays.",
            "copies drop most, label spellings change most": "More than half of the rows had a label to repair.",
            "white space drops most, tags change most": "Only rows without any text are dropped there.",
        },
        right="copies drop most, label spellings change most",
    ),
    "01-e": Prediction(
        {
            "broken characters and tags": "Most words come through unharmed, and tags are alike in all classes.",
            "labels in odd spellings": "Its mean falls most: three sentiment labels in eight are lost, and one topic in "
            "seven.",
            "copies of a text": "They are learnt from twice, and tell nothing new; nothing more.",
        },
        right="labels in odd spellings",
    ),
    "01-f": Prediction(
        {
            "too high": "Rows with a twin are nearly all right, and lift the mean.",
            "too low": "A twin is the easiest row of all: the model has seen it with its answer.",
            "the same": "One row in seven is nearly always right, and that shows in the mean.",
        },
        right="too high",
    ),
    "01-l": Prediction(
        {
            "nothing: no sentiment label of a test text is in training": "Stars over 3 are positive, without an exception.",
            "it rises by a point or two": "The stars of a text nearly are its sentiment, and the features remember them.",
            "it rises by more than ten points": "Whoever has the stars of a text has its sentiment.",
        },
        right="it rises by more than ten points",
    ),
    "01-g": Prediction(
        {
            "The reported score would be far too high.": "No label is involved, and a vector that no gradient reaches can "
            "tell nothing.",
            "The test would have fewer unknown words than new texts have.": "Half as many.",
            "Nothing.": "The test has fewer unknown words than any new text, so it is not what comes later.",
        },
        right="The test would have fewer unknown words than new texts have.",
    ),
    "01-h": Prediction(
        {
            "about 5 %": "So little takes batches of texts of nearly one length: buckets.",
            "about 25 %": "The longest of 32 texts is longer than one thinks.",
            "about 50 %": "One long text makes the other 31 as long.",
        },
        right="about 50 %",
    ),
    "01-i": Prediction(
        {
            "50 %": "That is its accuracy where both classes are equally frequent.",
            "75 %": "Nine of ten reviews are positive, so it is right nine times in ten.",
            "90 %": "It has read nothing, and is right nine times in ten.",
        },
        right="90 %",
    ),
    "01-j": Prediction(
        {
            "topic": "Topics are told by single words; there pairs change nothing.",
            "sentiment": "What is negated is an opinion, hardly ever a subject.",
            "both alike": "Only sentiment gains.",
        },
        right="sentiment",
    ),
    "01-k": Prediction(
        {
            "XML, in UTF-8": "A bare & is not allowed in XML, and UTF-8 stops at the è.",
            "XML, in Latin-1": "The encoding is right; a bare & is not allowed in XML.",
            "no XML, in Latin-1": "It only has tags, and one byte for an è.",
        },
        right="no XML, in Latin-1",
    ),
}
