"""From texts to numbers: tokens, and a vocabulary that gives each of them its number."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from mtl_helpers.errors import DataError

PAD, UNK = 0, 1
_TOKEN = re.compile(r"[a-z0-9]+(?:'[a-z]+)?|[!?]")


def tokenize(text: str) -> list[str]:
    """Cut a text into lower-case words; ``!`` and ``?`` are words too.

    >>> tokenize("Didn't love it. Would I return?")
    ["didn't", 'love', 'it', 'would', 'i', 'return', '?']
    """
    return _TOKEN.findall(text.lower())


class Vocabulary:
    """The words a model knows, each with its number; 0 is padding and 1 stands for every unknown word.

    Build it from the *training* texts only: a word the model was never trained on must look unknown in the test too.

    >>> vocabulary = Vocabulary.from_texts(["good film", "good book"], min_count=2)
    >>> vocabulary.words
    ['<pad>', '<unk>', 'good']
    >>> vocabulary.encode(["a good film", "good"])
    (tensor([[1, 2, 1],
            [2, 0, 0]]), tensor([3, 1]))
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = ["<pad>", "<unk>", *words]
        self._index = {word: i for i, word in enumerate(self.words)}

    @classmethod
    def from_texts(cls, texts: Iterable[str], *, min_count: int = 2, max_size: int | None = None) -> Vocabulary:
        """Keep the words seen at least ``min_count`` times, the most frequent first, at most ``max_size`` of them."""
        counts = Counter(word for text in texts for word in tokenize(text))
        ordered = sorted((word for word, n in counts.items() if n >= min_count), key=lambda word: (-counts[word], word))
        if not ordered:
            raise DataError(
                f"No word occurs at least min_count={min_count} times; give more texts or a lower min_count."
            )
        return cls(ordered[:max_size])

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: str) -> bool:
        return word in self._index

    def numbers(self, text: str) -> list[int]:
        """The numbers of a text's words, in their order."""
        return [self._index.get(word, UNK) for word in tokenize(text)]

    def encode(self, texts: Iterable[str]) -> tuple[Tensor, Tensor]:
        """Return ``(tokens, lengths)``: word numbers ``(n, time)`` padded with 0, and the lengths ``(n,)``."""
        if isinstance(texts, str):
            raise DataError(f"Expected a list of texts; found the single text {texts[:40]!r}. Write [text].")
        rows = []
        for i, text in enumerate(texts):
            if not isinstance(text, str):
                raise DataError(f"Text {i} is no text but {text!r}; drop the row, or read the file with read_reviews.")
            rows.append(self.numbers(text))
        for i, row in enumerate(rows):
            if not row:
                raise DataError(f"Text {i} holds no word at all; drop it, or look at what cleaning did to it.")
        if not rows:
            raise DataError("There is no text to encode: the split is empty.")
        lengths = torch.tensor([len(row) for row in rows])
        tokens = torch.full((len(rows), int(lengths.max())), PAD)
        for i, row in enumerate(rows):
            tokens[i, : len(row)] = torch.tensor(row)
        return tokens, lengths
