"""The pieces of words that a pre-trained model reads."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mtl_helpers.data.vocabulary import PAD, TextNumbers

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class Subwords(TextNumbers):
    """The pieces of words that a pre-trained model reads, with the interface of `Vocabulary`; each text is cut up once.

    0 is padding here as everywhere in the course. A model whose own padding has another number ``padding`` finds 0 and that
    number exchanged; `PretrainedEncoder` changes them back. Texts are cut after ``max_length`` pieces, and a word that is no
    piece is spelt by several: nothing is unknown.
    """

    def __init__(self, tokenizer: Tokenizer, *, padding: int = PAD, max_length: int = 64) -> None:
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_length)
        self.tokenizer, self.padding = tokenizer, padding
        self._numbers: dict[str, list[int]] = {}

    @property
    def words(self) -> list[str]:
        """All pieces, each at its number."""
        return [self.tokenizer.id_to_token(i) for i in exchanged(torch.arange(len(self)), self.padding).tolist()]

    def __len__(self) -> int:
        return self.tokenizer.get_vocab_size()

    def __contains__(self, piece: str) -> bool:
        return self.tokenizer.token_to_id(piece) is not None

    def pieces(self, text: str) -> list[str]:
        """The pieces of a text as text."""
        return self.tokenizer.encode(text).tokens

    def numbers(self, text: str) -> list[int]:
        """The numbers of a text's pieces, kept for the next time."""
        if text not in self._numbers:
            own = torch.tensor(self.tokenizer.encode(text).ids, dtype=torch.long)
            self._numbers[text] = exchanged(own, self.padding).tolist()
        return self._numbers[text]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the tokenizer, and how it is used, as JSON; `load` reads it."""
        values = {"padding": self.padding, "tokenizer": json.loads(self.tokenizer.to_str())}
        Path(path).write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Subwords:
        """Read what `save` wrote."""
        from tokenizers import Tokenizer

        values = json.loads(Path(path).read_text(encoding="utf-8"))
        tokenizer = Tokenizer.from_str(json.dumps(values["tokenizer"]))
        return cls(tokenizer, padding=values["padding"], max_length=tokenizer.truncation["max_length"])


def exchanged(numbers: Tensor, padding: int) -> Tensor:
    """The numbers with 0 and ``padding`` exchanged."""
    if padding == PAD:
        return numbers
    return torch.where(numbers == PAD, padding, torch.where(numbers == padding, PAD, numbers))
