"""Tasks whose answer is a class for every word of a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from sklearn.metrics import accuracy_score, f1_score
from torch import Tensor

from mtl_helpers.tasks.classes import OfClasses
from mtl_helpers.tasks.rows import NO_LABEL, to_width
from mtl_helpers.tasks.task import TaskError


@dataclass(frozen=True)
class Tagging(OfClasses):
    """A class for every word: cross-entropy, its mean over the words of a text, scored by accuracy over all words.

    A label is a list of tags, one a word, or a text with a space between them. Targets are ``(n, longest)``, filled up with
    -100. The words must be those that the vocabulary counts: cut the texts with ``tokenizer=str.split``, say. The encoder
    must give features by word, as the course's text encoders do.

    >>> task = Tagging("part_of_speech", classes=("noun", "verb"))
    >>> task.encode(["noun verb noun", ["verb"]])[0]
    tensor([[   0,    1,    0],
            [   1, -100, -100]])
    """

    metric: ClassVar[str] = "accuracy"
    per_word: ClassVar[bool] = True

    def encode_known(self, labels: pd.Series, positions: np.ndarray) -> Tensor:
        """Class numbers ``(n, longest)``."""
        tags = [label.split() if isinstance(label, str) else list(label) for label in labels]
        sizes = [len(each) for each in tags]
        flat = pd.Series([one for each in tags for one in each], dtype=object)
        numbers = torch.from_numpy(self.numbers_of(flat, np.repeat(positions, sizes)).astype(np.int64))
        target = torch.full((len(tags), max(sizes, default=0)), NO_LABEL)
        target[torch.arange(target.shape[1]) < torch.tensor(sizes)[:, None]] = numbers
        return target

    def check_known(self, target: Tensor, mask: Tensor) -> Tensor:
        """Class numbers ``(n, longest)``, -100 behind the last word."""
        if target.dim() != 2:
            raise TaskError(
                f"Task '{self.name}': targets are a class number a word, shape (n, longest), -100 behind the last; "
                f"found shape {tuple(target.shape)}."
            )
        return self.check_numbers(target, mask[:, None] & (target != NO_LABEL))

    def check_words(self, target: Tensor, mask: Tensor, lengths: Tensor) -> None:
        """As many tags as words."""
        tags = (target != NO_LABEL).sum(dim=1)
        if (bad := mask & (tags != lengths)).any():
            row = int(bad.int().argmax())
            raise TaskError(
                f"Task '{self.name}': row {row} has {int(tags[row])} tags and its text {int(lengths[row])} words. "
                "Cut the texts as they were when they were tagged: Vocabulary.from_texts(..., tokenizer=str.split)."
            )

    def check_output(self, output: Tensor, target: Tensor) -> None:
        """An output for every class of every word."""
        if output.dim() != 3 or len(output) != len(target) or output.shape[2] != self.n_outputs:
            raise TaskError(
                f"Task '{self.name}': the head gave shape {tuple(output.shape)}, expected ({len(target)}, words, "
                f"{self.n_outputs}). Does the encoder give features by word?"
            )

    def losses(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean over a text's words of the cross-entropy of outputs ``(n, time, classes)``."""
        target = to_width(target, output.shape[1])
        each = F.cross_entropy(output.transpose(1, 2), target, ignore_index=NO_LABEL, reduction="none")
        return each.sum(dim=1) / (target != NO_LABEL).sum(dim=1).clamp(min=1)

    def predict(self, output: Tensor) -> Tensor:
        """The likeliest class of each word, ``(batch, time)``."""
        return output.argmax(dim=2)

    def scores(self, predicted: Tensor, target: Tensor) -> dict[str, float]:
        """``accuracy`` and ``macro_F1`` over all words."""
        target = to_width(target, predicted.shape[1])
        words = target != NO_LABEL
        truth, answers = target[words].cpu().numpy(), predicted[words].cpu().numpy()
        return {
            "accuracy": float(accuracy_score(truth, answers)),
            "macro_F1": float(f1_score(truth, answers, average="macro", zero_division=0)),
        }

    def condition(self, output: Tensor) -> Tensor:
        """A head for the whole text cannot be told of its words one by one."""
        raise TaskError(f"Task '{self.name}': a head can be conditioned on one answer a text, not on one a word.")

    def decode(self, output: Tensor) -> pd.DataFrame:
        """The tags of each text as a list, those of the padding included."""
        return pd.DataFrame({self.name: [[self.classes[i] for i in row] for row in self.predict(output).tolist()]})
