"""Lesson 01: copies in the raw file, padding, the score of no model."""

from __future__ import annotations

import pandas as pd
import torch
from torch import Tensor

from mtl_helpers.claims.answers import Exercise
from mtl_helpers.claims.prediction import Prediction
from mtl_helpers.data import data_file


def _copies(key: bool = True, keep: str | bool = "first") -> int:
    texts = pd.read_csv(data_file("reviews_raw.csv"), dtype=str, keep_default_na=False).text
    if key:
        texts = texts.str.lower().str.replace(r"[^a-z0-9]+", " ", regex=True).str.strip()
    return int(texts.duplicated(keep=keep).sum())


def _padded(rows: list[list[int]], left: bool = False) -> Tensor:
    zeros = [[0] * (max(map(len, rows)) - len(row)) for row in rows]
    return torch.tensor([z + r if left else r + z for r, z in zip(rows, zeros, strict=True)])


EXERCISES = {
    "01-1": Exercise(
        reference=_copies,
        slips={
            "Case, commas and blanks still tell your texts apart: compare their keys.": lambda: _copies(key=False),
            "Count only the repeats, not the first of each.": lambda: _copies(keep=False),
        },
        hints=(
            "First give every text its key, then ask which keys came before.",
            "`.duplicated()` is True for every repeat of an earlier value, and `.sum()` counts the True ones.",
        ),
        given="import pandas as pd\nfrom mtl_helpers.data import data_file\n"
        'raw = pd.read_csv(data_file("reviews_raw.csv"), dtype=str, keep_default_na=False)\n'
        'key = lambda texts: texts.str.lower().str.replace(r"[^a-z0-9]+", " ", regex=True).str.strip()',
        solution="copies = key(raw.text).duplicated().sum()",
    ),
    "01-2": Exercise(
        reference=_padded,
        cases=[([[5, 6, 7], [8]],), ([[2], [3, 4], [9, 9, 9, 9]],)],
        slips={"The zeros come after the words.": lambda rows: _padded(rows, left=True)},
        hints=(
            "Find the longest row, and give each row the zeros it lacks.",
            "`longest = max(len(row) for row in rows)`; each row becomes `row + [0] * (longest - len(row))`.",
        ),
        given="import torch",
        solution=(
            "def pad(rows):\n"
            "    longest = max(len(row) for row in rows)\n"
            "    return torch.tensor([row + [0] * (longest - len(row)) for row in rows])"
        ),
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
            "neither loses a whole point": "Both intervals lie above zero.",
            "both lose a few points": "About 2 and 4. That sentiment loses more, the wide intervals do not show.",
            "both lose ten points": "So much dirt, and the network still finds most of it out.",
        },
        right="both lose a few points",
    ),
    "01-f": Prediction(
        {
            "too high": "Rows with a twin are nearly all right, and lift the mean.",
            "too low": "A twin is the easiest row of all: the model has seen it with its answer.",
            "the same": "One row in six is nearly always right, and that shows in the mean.",
        },
        right="too high",
    ),
    "01-g": Prediction(
        {
            "The reported score would be far too high.": "In ten pairs no difference could be measured.",
            "The test would have fewer unknown words than new texts have.": "Half as many, and their vectors are noise.",
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
