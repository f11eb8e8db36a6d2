"""What is solved, lesson by lesson, and what comes next."""

from __future__ import annotations

from html import escape

from mtl_helpers.claims.checks import marked
from mtl_helpers.claims.lessons import EXERCISES, QUIZZES, TITLES
from mtl_helpers.claims.solved import Item, Progress

ASKED = {"exercise": EXERCISES, "quiz": QUIZZES}
WORDS = {"exercise": "exercises", "quiz": "questions"}


def asked_in(lesson: str) -> list[Item]:
    """All that a lesson asks, in its order.

    >>> asked_in("00")[:4]
    [('exercise', '00-1'), ('exercise', '00-2'), ('exercise', '00-3'), ('quiz', '00-1')]
    """
    return [(kind, name) for kind, items in ASKED.items() for name in sorted(items) if name.startswith(lesson)]


def what_next(solved: set[Item]) -> str:
    """The sentence that says what comes next: the last lesson begun, in their order, else the one after it.

    >>> what_next({("exercise", "00-1")})
    'Next: exercise 00-2, in lesson 00 · Start here.'
    >>> what_next(set(asked_in("00")))
    'Next: lesson 01 · Data.'
    """
    begun = [lesson for lesson in TITLES if solved & set(asked_in(lesson))]
    onwards = [lesson for lesson in TITLES if not begun or lesson >= begun[-1]]
    for lesson in [*onwards, *TITLES]:  # what was left out comes last
        left = [item for item in asked_in(lesson) if item not in solved]
        title = f"lesson {lesson} · {TITLES[lesson]}."
        if left and lesson in begun:
            return f"Next: {left[0][0]} {left[0][1]}, in {title}"
        if left:
            return f"Next: {title}"
    return "All solved. What is left is a table of your own: lesson 09."


def as_text() -> str:
    """What there is to solve: the same for everybody, so it is this that a notebook stores.

    >>> print(as_text())
    10 lessons ask ... questions. Run this cell to see which of them you have solved.
    """
    counts = " and ".join(f"{len(items)} {WORDS[kind]}" for kind, items in ASKED.items())
    return f"{len(TITLES)} lessons ask {counts}. Run this cell to see which of them you have solved."


def as_html(progress: Progress) -> str:
    """What is solved, a row a lesson, and what comes next; if the file is damaged or cannot be read, that."""
    try:
        solved, damaged = progress.read()
    except OSError as error:
        return marked(
            f"{error}: what you solved cannot be read. Delete that file or folder to begin anew.", right=False
        )
    cell, rows = '<td style="padding:0 .8em;text-align:left">', ""
    for lesson, title in TITLES.items():
        counts = [_counted(kind, lesson, solved) for kind in ASKED]
        heading = f'<th scope="row" style="text-align:left;font-weight:normal">{lesson} · {escape(title)}</th>'
        rows += f"<tr>{heading}{''.join(f'{cell}{count}</td>' for count in counts)}</tr>"
    heads = "".join(f'<th scope="col" style="padding:0 .8em;text-align:left">{head}</th>' for head in WORDS.values())
    table = f'<table style="line-height:1.5"><tr><th scope="col" style="text-align:left">lesson</th>{heads}</tr>{rows}</table>'
    lines = ", ".join(map(str, damaged))
    broken = f"Of your progress line {lines} cannot be read and does not count; the others do." if damaged else ""
    kept = f"Kept in {escape(str(progress.file))}; delete it to forget all."
    return f"{table}<b>{what_next(solved)}</b><br>{marked(broken, right=False) if broken else ''}{kept}"


def _counted(kind: str, lesson: str, solved: set[Item]) -> str:
    """``✓ 3 of 3``"""
    items = [item for item in asked_in(lesson) if item[0] == kind]
    done = len(solved & set(items))
    return f"{'✓' if done == len(items) else '·'} {done} of {len(items)}" if items else ""
