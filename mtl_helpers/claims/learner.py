"""What a learner has tried, chosen and solved: the only thing that check, quiz and prediction remember."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from mtl_helpers.claims.checks import on_a_page
from mtl_helpers.claims.solved import Progress, remembered


@dataclass
class Learner:
    """The wrong answers to each exercise and the chosen option of each prediction, by name.

    The same answer again is no new try, so a cell that is run twice says the same twice. What was solved goes to
    ``progress``, if there is one, and outlives the kernel.

    >>> learner = Learner()
    >>> learner.tries("00-1", 1.7), learner.tries("00-1", 1.8), learner.tries("00-1", 1.7)
    (1, 2, 1)
    """

    wrong: dict[str, list[Any]] = field(default_factory=dict)
    chosen: dict[str, str] = field(default_factory=dict)
    progress: Progress | None = field(default=None, compare=False)

    def tries(self, name: str, answer: Any) -> int:
        """Which of the different wrong answers to an exercise this is, from 1."""
        mark = getattr(answer, "__code__", None) or repr(answer)  # a function that is defined again has equal code
        tried = self.wrong.setdefault(name, [])
        if mark not in tried:
            tried.append(mark)
        return tried.index(mark) + 1

    def solves(self, kind: str, name: str) -> str:
        """Remember an exercise or a question as solved, in a notebook; return what to tell if that could not be done."""
        graded = "NBGRADER_EXECUTION" in os.environ  # a teacher's computer runs what learners solved
        if self.progress is None or graded or not on_a_page():  # a script and a test solve nothing
            return ""
        return remembered(self.progress, kind, name)


HERE = Learner(progress=Progress())  # who sits before this kernel; every function below takes another one
