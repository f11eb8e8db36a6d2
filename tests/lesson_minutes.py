"""How many minutes a lesson takes, by one rule for all of them, so that a header says what a class will need.

python tests/lesson_minutes.py notebooks/03_relations.ipynb           the table of a lesson (without a name: of each)
python tests/lesson_minutes.py notebooks/03_relations.ipynb --write   the same into its headings, its title and the README

A section runs from a heading with minutes ("## Does sharing help? · 8 minutes") to the next one. The title with its summary
and aims counts to the first, "What you learned" to the last; "Further reading" and an appendix are for home. Minutes stand
behind `##` headings only. A section takes

    words of prose / 130  +  lines of code / 6  +  2 for each prediction  +  5 for each demo  +  3 for each exercise
    +  1 for each question of a quiz

A word is what stands between spaces, a Chinese character half a word; imports, empty lines and lone brackets are no lines of
code. A header tells the sum of its sections. Above 60 minutes the lesson is cut into the fewest sittings of at most 60, at the
headings that say so ("## λ by rule · 12 minutes · second sitting"); places that are there are kept while they fit.

Calibrated on learners who were timed with mouse and keyboard on an earlier version (their minutes, in brackets the rule's):
lesson 00 28 (34), the two sittings of lesson 04 52 (46) and 77 (61), the explorer of lesson 05 10 (9), driving in lesson 06 11
(11); and on what a teacher took them for: lessons 01 to 03 about 90 each (94 to 103), lesson 04 135 (136), 07 90 (94).
"""

import argparse
import ast
import json
import re
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORDS, LINES = 130, 6  # a minute
PREDICTION, DEMO, EXERCISE, QUESTION = 2, 5, 3, 1  # minutes each
LONGEST = 60  # of a sitting
ORDINALS = ("first", "second", "third", "fourth")
UNTIMED = ("In this notebook you will", "What you learned", "Further reading", "Appendix", "要点")
AT_HOME = ("Further reading", "Appendix")
_HEADING = re.compile(
    r"^## (?P<title>.+?)(?: · (?P<minutes>\d+) minutes?(?P<rest>[^\n·]*)(?P<sitting> · \w+ sitting)?)?$"
)
_CLASS_TIME = re.compile(r"\*\*Class time:\*\* .*?(?= · \*\*)")


@dataclass
class Section:
    """What stands below one heading with minutes."""

    title: str
    said: int  # minutes in the heading
    begins_sitting: bool = False
    words: float = 0
    lines: int = 0
    predictions: int = 0
    demos: int = 0
    exercises: int = 0
    questions: int = 0
    untimed: list[str] = field(default_factory=list)  # headings in it that should have minutes

    @property
    def minutes(self) -> int:
        """By the rule."""
        parts = (
            PREDICTION * self.predictions + DEMO * self.demos + EXERCISE * self.exercises + QUESTION * self.questions
        )
        return max(1, round(self.words / WORDS + self.lines / LINES + parts))


def words(text: str) -> float:
    """Words of prose; a tag, a link's target and a formula's signs are none.

    >>> words('Look [here](a.md): <img alt="x"> 任务权重, λ.')
    5.0
    """
    text = re.sub(r"<[^>]+>|\]\([^)]*\)", " ", text)
    chinese = len(re.findall(r"[\u4e00-\u9fff]", text))
    return len(re.findall(r"[^\s\u3000-\u9fff]*[^\W\u3000-\u9fff][^\s\u3000-\u9fff]*", text)) + chinese / 2


def lines_of_code(code: str) -> int:
    """Lines that are read.

    >>> lines_of_code("from a import (\\n    b,\\n)\\n\\nx = [\\n    b(1),\\n]  # why")
    2
    """
    imports = {
        number
        for node in ast.walk(ast.parse(code))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for number in range(node.lineno, node.end_lineno + 1)
    }
    lines = enumerate(code.splitlines(), start=1)
    return sum(bool(re.search(r"\w", line.partition("#")[0])) for number, line in lines if number not in imports)


def sections(cells: list[dict]) -> list[Section]:
    """The sections of a notebook, with what is in them."""
    found, opening, home = [], Section("", 0), False
    for cell in cells:
        text = "".join(cell["source"])
        here = found[-1] if found else opening
        if cell["cell_type"] == "markdown":
            for part in re.split(r"^(?=## )", text, flags=re.M):
                heading = _HEADING.match(part.split("\n", 1)[0])
                if heading:
                    home = heading["title"].startswith(AT_HOME)
                if heading and heading["minutes"]:
                    here = Section(heading["title"], int(heading["minutes"]), bool(heading["sitting"]))
                    found.append(here)
                elif heading and not heading["title"].startswith(UNTIMED):
                    here.untimed.append(heading["title"])
                if not home:
                    here.words += words(part)
        elif not home:
            here.lines += lines_of_code(text)
            here.predictions += len(re.findall(r"^predict_first\(", text, re.M))
            here.demos += len(re.findall(r"^\w+ = (?:\w+Demo|LambdaLab)\(", text, re.M))
            here.exercises += len(re.findall(r"^check_exercise\(", text, re.M))
            here.questions += len(re.findall(r"^quiz\(", text, re.M))
    for name in ("words", "lines", "predictions", "demos", "exercises", "questions", "untimed"):
        if found:
            setattr(found[0], name, getattr(opening, name) + getattr(found[0], name))
    return found


def sittings(parts: list[Section], minutes: list[int]) -> list[list[int]]:
    """The numbers of the sections of each sitting: the fewest, as they are marked if that fits, else as even as may be."""
    everything = list(range(len(parts)))
    marked = [0, *(i for i in everything[1:] if parts[i].begins_sitting), len(parts)]

    def cut(ends: list[int]) -> list[list[int]]:
        return [everything[a:b] for a, b in pairwise(ends)]

    def longest(rooms: list[list[int]]) -> int:
        return max(sum(minutes[i] for i in room) for room in rooms)

    for n in range(1, len(parts) + 1):
        best = min((cut([0, *inner, len(parts)]) for inner in combinations(everything[1:], n - 1)), key=longest)
        if longest(best) <= LONGEST:
            return cut(marked) if len(marked) == n + 1 and longest(cut(marked)) <= LONGEST else best
    raise SystemExit("A section alone takes more than a sitting: cut it in two.")


def header(parts: list[Section], minutes: list[int]) -> str:
    """What the title cell says of the time."""
    rooms = sittings(parts, minutes)
    if len(rooms) == 1:
        return f"**Class time:** about {sum(minutes)} minutes"
    sums = " + ".join(str(sum(minutes[i] for i in room)) for room in rooms)
    begins = [f"the {ORDINALS[n]} begins at *{parts[room[0]].title}*" for n, room in enumerate(rooms) if n]
    count = ("two", "three", "four")[len(rooms) - 2]
    return f"**Class time:** about {sum(minutes)} minutes in {count} sittings, {sums}; {', '.join(begins)}"


def written(path: Path) -> None:
    """Write the minutes into headings and title, and into the README's table."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    parts = sections(notebook["cells"])
    minutes = [part.minutes for part in parts]
    rooms = sittings(parts, minutes)
    ordinal = {room[0]: ORDINALS[n] for n, room in enumerate(rooms) if n}
    timed = iter(range(len(parts)))

    def heading(line: str) -> str:
        match = _HEADING.match(line)
        if not (match and match["minutes"]):
            return line
        i = next(timed)
        unit = "minute" if minutes[i] == 1 else "minutes"
        sitting = f" · {ordinal[i]} sitting" if i in ordinal else ""
        return f"## {match['title']} · {minutes[i]} {unit}{match['rest'].rstrip()}{sitting}"

    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "markdown":
            lines = [heading(line) for line in "".join(cell["source"]).split("\n")]
            text = "\n".join(lines)
            if number == 0:
                text = _CLASS_TIME.sub(lambda _: header(parts, minutes), text)
            cell["source"] = text.splitlines(keepends=True)
    path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    readme = ROOT / "README.md"
    sums = " + ".join(str(sum(minutes[i] for i in room)) for room in rooms)
    row = re.compile(rf"^(\| \[.*\(notebooks/{path.name}\) \|.*\|) [^|]* \|$", re.M)
    readme.write_text(row.sub(rf"\1 {sums} |", readme.read_text(encoding="utf-8")), encoding="utf-8")


def show(path: Path) -> None:
    """Print the table of a lesson."""
    parts = sections(json.loads(path.read_text(encoding="utf-8"))["cells"])
    minutes = [part.minutes for part in parts]
    print(f"{path.name}: {header(parts, minutes).replace('*', '')}")
    print("  said  rule  words  lines  predict  demo  exercise  quiz")
    for part in parts:
        done = f"{part.predictions:7}  {part.demos:4}  {part.exercises:8}  {part.questions:4}"
        print(f"  {part.said:4}  {part.minutes:4}  {part.words:5.0f}  {part.lines:5}  {done}  {part.title}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Minutes of lessons, by the rule.")
    parser.add_argument("lessons", nargs="*", type=Path, default=sorted((ROOT / "notebooks").glob("*.ipynb")))
    parser.add_argument("--write", action="store_true", help="into headings, title and README")
    options = parser.parse_args()
    for lesson in options.lessons:
        if options.write:
            written(lesson)
        show(lesson)
