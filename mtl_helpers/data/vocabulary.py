"""From texts to numbers: a vocabulary gives each token its number, and a text becomes a row of them."""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mtl_helpers.arguments import whole_number
from mtl_helpers.data.tokens import as_texts, tokenize
from mtl_helpers.errors import DataError

PAD, UNK = 0, 1
_RESERVED = ("<pad>", "<unk>")
Tokenizer = Callable[[str], list[str]]


class RaggedTokens:
    """Rows of numbers of different length, end to end: a long text costs its own length, and no other text's.

    >>> ragged = RaggedTokens(torch.tensor([5, 6, 7, 8], dtype=torch.int32), torch.tensor([3, 1]))
    >>> len(ragged), ragged.rows(torch.tensor([1, 0]))
    (2, tensor([[8, 0, 0],
            [5, 6, 7]]))
    """

    def __init__(self, flat: Tensor, lengths: Tensor) -> None:
        self.flat, self.lengths = flat, lengths
        # numpy from here on: for the few rows of a batch its calls cost a third of torch's
        self._flat, self._lengths = flat.numpy(), lengths.numpy()
        self._starts = self._lengths.cumsum() - self._lengths
        self._places = np.arange(self._lengths.max(initial=0))

    def __len__(self) -> int:
        return len(self.lengths)

    def rows(self, index: Tensor) -> Tensor:
        """The rows at ``index`` ``(n,)``, as ``(n, longest of them)`` padded with 0."""
        index = index.numpy()
        lengths = self._lengths[index]
        places = self._places[: lengths.max(initial=0)]
        tokens = self._flat.take(self._starts[index][:, None] + places, mode="clip").astype(np.int64)
        tokens *= places < lengths[:, None]
        return torch.from_numpy(tokens)

    @staticmethod
    def join(parts: Sequence[RaggedTokens]) -> RaggedTokens:
        """The rows of all parts below one another."""
        return RaggedTokens(torch.cat([part.flat for part in parts]), torch.cat([part.lengths for part in parts]))


class TextNumbers:
    """What turns a text into a row of numbers: a subclass says how with `numbers`, and has `encode` from here."""

    def numbers(self, text: str) -> list[int]:
        """The numbers of one text, in its order."""
        raise NotImplementedError

    def ragged(self, texts: Iterable[str]) -> RaggedTokens:
        """The numbers of the texts, each at its own length; a text that holds no word is refused."""
        texts = check_texts(texts)
        flat, lengths = array("i"), np.empty(len(texts), dtype=np.int64)
        for i, text in enumerate(texts):
            row = self.numbers(text)
            flat.fromlist(row)
            lengths[i] = len(row)
        if not lengths.all():
            i = int((lengths == 0).argmax())
            raise DataError(f"Text {i} holds no word at all; drop it, or look at what cleaning did to it.")
        return RaggedTokens(torch.frombuffer(flat, dtype=torch.int32), torch.from_numpy(lengths))

    def encode(self, texts: Iterable[str]) -> tuple[Tensor, Tensor]:
        """Return ``(tokens, lengths)``: word numbers ``(n, time)`` padded with 0, and the lengths ``(n,)``."""
        ragged = self.ragged(texts)
        return ragged.rows(torch.arange(len(ragged))), ragged.lengths


class Vocabulary(TextNumbers):
    """The words a model knows, each with its number; 0 is padding and 1 stands for every unknown word.

    Build it from the *training* texts only: a word the model was never trained on must look unknown in the test too.
    ``tokenizer`` cuts a text into words, `tokenize` unless another is given; a text is cut off after ``max_words`` of them.

    >>> vocabulary = Vocabulary.from_texts(["good film", "good book"], min_count=2)
    >>> vocabulary.words
    ['<pad>', '<unk>', 'good']
    >>> vocabulary.encode(["a good film", "good"])
    (tensor([[1, 2, 1],
            [2, 0, 0]]), tensor([3, 1]))
    """

    def __init__(self, words: Sequence[str], *, tokenizer: Tokenizer = tokenize, max_words: int | None = None) -> None:
        if isinstance(words, str):
            raise DataError(f"A vocabulary is a list of words; found the single text {words[:40]!r}. Write [word].")
        words = list(words)
        if odd := [word for word in words if not isinstance(word, str)]:
            raise DataError(f"A vocabulary holds words; found {odd[0]!r} ({type(odd[0]).__name__}).")
        if reserved := next((word for word in words if word in _RESERVED), None):
            raise DataError(
                f"{reserved!r} stands in every vocabulary already; with it in the list each word's number would be "
                "shifted. Keep a vocabulary with save(path) and Vocabulary.load(path), or give words[2:]."
            )
        self.words = [*_RESERVED, *words]
        self.tokenizer = tokenizer
        self.max_words = None if max_words is None else whole_number("max_words", max_words)
        self._index = _Index(zip(words, range(2, len(self.words)), strict=True))
        if len(self._index) < len(words):
            word, n = Counter(words).most_common(1)[0]
            raise DataError(f"The word {word!r} is listed {n} times; a word has one number. Take set(words), sorted.")

    @classmethod
    def from_texts(
        cls,
        texts: Iterable[str],
        *,
        min_count: int = 2,
        max_size: int | None = None,
        tokenizer: Tokenizer = tokenize,
        max_words: int | None = None,
    ) -> Vocabulary:
        """Keep the words seen at least ``min_count`` times, the most frequent first, at most ``max_size`` of them."""
        max_size = None if max_size is None else whole_number("max_size", max_size)
        max_words = None if max_words is None else whole_number("max_words", max_words)
        counts: Counter[str] = Counter()
        for text in check_texts(texts):
            counts.update(tokenizer(text)[:max_words])
        known = (word for word, n in counts.items() if n >= min_count and word not in _RESERVED)
        ordered = sorted(known, key=lambda word: (-counts[word], word))
        if not ordered:
            raise DataError(
                f"No word occurs at least min_count={min_count} times; give more texts or a lower min_count."
            )
        return cls(ordered[:max_size], tokenizer=tokenizer, max_words=max_words)

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: str) -> bool:
        return word in self._index

    def numbers(self, text: str) -> list[int]:
        """The numbers of a text's words, in their order."""
        return list(map(self._index.__getitem__, self.tokenizer(text)[: self.max_words]))

    def save(self, path: str | Path) -> None:
        """Write the vocabulary as JSON; `load` reads it. Of a tokenizer of one's own only the name is kept."""
        own = None if self.tokenizer is tokenize else _name(self.tokenizer)
        values = {"words": self.words[2:], "max_words": self.max_words, "tokenizer": own}
        Path(path).write_text(json.dumps(values, ensure_ascii=False, indent=0), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path, *, tokenizer: Tokenizer | None = None) -> Vocabulary:
        """Read what `save` wrote: every word has the number it had. ``tokenizer`` must be the one it was made with."""
        path = Path(path)
        if not path.is_file():
            raise DataError(f"There is no file {path}; a vocabulary is written by save(path).")
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            words, max_words, own = values["words"], values["max_words"], values["tokenizer"]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path.name} holds no vocabulary ({error!r}); write one with save(path).") from error
        if own is not None and tokenizer is None:
            raise DataError(f"{path.name} was made with a tokenizer of its own, {own}; give load(path, tokenizer=...).")
        return cls(words, tokenizer=tokenizer or tokenize, max_words=max_words)


class _Index(dict):
    """A dict in which every word that is not there has the number `UNK`."""

    def __missing__(self, word: str) -> int:
        return UNK


def _name(tokenizer: Tokenizer) -> str:
    return f"{getattr(tokenizer, '__module__', '?')}.{getattr(tokenizer, '__qualname__', type(tokenizer).__name__)}"


def check_texts(texts: Iterable[str]) -> list[str]:
    """The texts as a list; raises `DataError` for one single text, for none at all, and for what is no text."""
    texts = as_texts(texts)
    if not texts:
        raise DataError("There is no text to encode: the split is empty.")
    return texts
