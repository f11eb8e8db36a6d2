"""What every notebook of the course keeps to (nbval runs their cells; this reads them)."""

import ast
import json
import re
from pathlib import Path

import pytest

from mtl_helpers.claims.lessons import EXERCISES, PREDICTIONS, QUIZZES

ROOT = Path(__file__).resolve().parents[1]
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# Cells whose output may differ, each with its reason: "notebook/cell id": "reason".


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def notebook(request) -> dict:
    return {**json.loads(request.param.read_text(encoding="utf-8")), "path": request.param}


FOLDED = "jp-MarkdownHeadingCollapsed"


def source(cell: dict) -> str:
    return "".join(cell["source"])


def code_cells(notebook: dict) -> list[dict]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def markdown(notebook: dict) -> str:
    return "\n\n".join(source(cell) for cell in notebook["cells"] if cell["cell_type"] == "markdown")


def printed(notebook: dict) -> str:
    """All text that the code cells put out."""
    texts = []
    for cell in code_cells(notebook):
        for output in cell["outputs"]:
            texts.append("".join(output.get("text", "")))
            texts += ["".join(v) for k, v in output.get("data", {}).items() if k.startswith("text/")]
    return "\n".join(texts)


def tagged(notebook: dict, tag: str) -> list[dict]:
    return [cell for cell in notebook["cells"] if tag in cell["metadata"].get("tags", [])]


def test_there_are_notebooks():
    assert PATHS, "no notebook was found: the tests below would check nothing"


def test_every_cell_was_run_once_from_top_to_bottom(notebook):
    """nbval compares only cells with a number, so a cell without one would pass unseen."""
    counts = [cell["execution_count"] for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))


def test_stored_outputs_are_clean(notebook):
    stored = json.dumps([cell["outputs"] for cell in code_cells(notebook)])
    assert '"output_type": "error"' not in stored
    assert '"name": "stderr"' not in stored, "a warning is stored"
    assert "Warning:" not in stored
    assert not re.search(r" at 0x[0-9a-f]{6,}", stored), "a memory address is stored"
    assert not re.search(r"/(home|root|tmp|work|Users|opt)/", stored), "a path of some machine is stored"
    assert "widget-view" not in stored, "a live widget is stored; a page without a kernel would show an error"


def test_metadata_say_nothing_of_the_machine(notebook):
    assert notebook["metadata"] == {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook["cells"]:
        assert set(cell["metadata"]) <= {"tags", "jupyter", FOLDED}


def test_an_appendix_opens_folded(notebook):
    """In JupyterLab: its cells run with all others, and are seen once its heading is opened.

    Something stands after it: Run All ends on the last cell, and would unfold what that lies in.
    """
    assert not source([cell for cell in notebook["cells"] if source(cell).startswith("## ")][-1]).startswith(
        "## Appendix"
    )
    for cell in notebook["cells"]:
        heading = cell["cell_type"] == "markdown" and source(cell).startswith("## Appendix")
        assert cell["metadata"].get(FOLDED, False) == heading, cell["id"]


def test_code_cells_are_short(notebook):
    for cell in code_cells(notebook):
        assert len(source(cell).splitlines()) <= 25, f"cell {cell['id']} is too long to be read in class"


def test_every_cell_is_compared(notebook):
    for cell in code_cells(notebook):
        said = source(cell) + " ".join(cell["metadata"].get("tags", []))
        assert not re.search("nbval[-_](ignore|skip)", said, re.I), f"cell {cell['id']} is not compared"


def items(text: str, heading: str) -> int:
    found = re.search(rf"^## {heading}\n+((?:\d+\. .*\n?)+)", text, re.M)
    assert found, f"there is no numbered list under '{heading}'"
    return len(found[1].strip().splitlines())


def test_anatomy(notebook):
    text = markdown(notebook)
    first = source(notebook["cells"][0])
    assert first.startswith("# ") and "Class time:" in first and "You need:" in first
    assert items(text, "In this notebook you will") == items(text, "What you learned") in (3, 4, 5)
    for part in (
        r"\*\*Predict first\.\*\*",
        r"\*\*Target\.\*\*",
        "^## Quiz",
        "^## Further reading",
        r"^\*\*(Next notebook|Back)",
    ):
        assert re.search(part, text, re.M), f"missing: {part}"


SUMMARY = "## 要点"


def test_a_summary_in_chinese_follows_the_title(notebook):
    second = source(notebook["cells"][1])
    assert re.fullmatch(rf"{SUMMARY}\n(\n- .+){{5,8}}", second), second
    assert len(re.findall(r"[\u4e00-\u9fff]", second)) > 0.4 * len(second)


def names(items: dict, notebook: dict) -> list[str]:
    return [name for name in items if name.startswith(notebook["path"].stem[:2])]


def called(notebook: dict, function: str) -> list[tuple[int, str, str]]:
    """The cells that call a function of `claims` by name, each with its place and the name."""
    found = []
    for place, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            calls = re.findall(rf'^{function}\("(\d\d-\w)".*\)$', source(cell), re.M)
            found += [(place, name, source(cell)) for name in calls]
    return found


def output_text(cell: dict) -> str:
    return "".join(
        "".join(o.get("text", "")) + "".join(o.get("data", {}).get("text/plain", "")) for o in cell["outputs"]
    )


def test_nothing_is_folded_away_and_no_answer_is_in_sight(notebook):
    """A folded cell that is not run is a NameError later on, and an opened one tells what it checks."""
    for cell in notebook["cells"]:
        assert "jupyter" not in cell["metadata"] and set(cell["metadata"].get("tags", [])) <= {"starter"}
    for cell in code_cells(notebook):
        assert not re.search(r"\b(Quiz|Exercise|Prediction|check_answer|check_function)\(|\bslips\b", source(cell))
    for solution in [EXERCISES[name].solution for name in names(EXERCISES, notebook)]:
        assert all(solution not in source(cell) for cell in notebook["cells"])


def test_quizzes_come_by_name_and_one_a_cell(notebook):
    quizzes = called(notebook, "quiz")
    assert [name for _, name, _ in quizzes] == names(QUIZZES, notebook) and len(quizzes) == 3
    for place, name, code in quizzes:
        assert code.removeprefix("from mtl_helpers.claims import quiz\n\n") == f'quiz("{name}")'
        assert output_text(notebook["cells"][place]).startswith(f"{name[-1]}. ")


def test_exercises_come_by_name_and_their_starters_say_what_is_to_be_done(notebook):
    """That each solution passes its check, and each slip does not: test_exercises.py."""
    exercises = called(notebook, "check_exercise")
    assert [name for _, name, _ in exercises] == names(EXERCISES, notebook) and 2 <= len(exercises) <= 4
    assert [notebook["cells"][place] for place, *_ in exercises] == tagged(notebook, "starter")
    for place, name, code in exercises:
        assert re.search(r"= \.\.\.$|return \.\.\.$", code, re.M), f"{name}: nothing is left to be filled in"
        assert output_text(notebook["cells"][place]) == "Not yet: replace the ... by your answer.\n"


def test_a_prediction_is_asked_before_its_result_and_answered_after_it(notebook):
    asked, answered = (
        called(notebook, "predict_first"),
        {n: place for place, n, _ in called(notebook, "answer_prediction")},
    )
    assert [name for _, name, _ in asked] == names(PREDICTIONS, notebook) and asked
    assert set(answered) == {name for _, name, _ in asked}
    for place, name, _ in asked:
        before = notebook["cells"][place - 1]
        assert re.search(r"\*\*Predict first\.\*\*.*\Z", source(before)), f"{name}: the question stands right above"
        between = [cell for cell in notebook["cells"][place + 1 : answered[name]] if cell["cell_type"] == "code"]
        assert between, f"{name} is answered before anything is run"
        assert output_text(notebook["cells"][answered[name]]).startswith("The answer: (")
    assert markdown(notebook).count("**Predict first.**") == len(asked), "a prediction without options"


def test_links_and_pictures_work(notebook):
    text = markdown(notebook)
    for target in re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", text):
        target = target[0] or target[1]
        if not target.startswith("http"):
            assert (notebook["path"].parent / target).is_file(), f"{target} does not exist"
    assert "![](" not in text and not re.search(r"<img(?![^>]*\balt=\"[^\"]{10,})", text), "a picture has no alt text"


def test_every_number_in_the_prose_comes_from_a_checked_cell(notebook):
    """A decimal number in the text must stand in an output or in the code that was run; published ones stand with a link."""
    shown = printed(notebook) + "\n".join(source(cell) for cell in code_cells(notebook))
    shown += "\n".join(EXERCISES[name].solution for name in names(EXERCISES, notebook))
    for cell in notebook["cells"]:
        if cell["cell_type"] != "markdown":
            continue
        for paragraph in source(cell).split("\n\n"):
            if "](http" in paragraph or paragraph.startswith(("<img", "$$")):
                continue
            for number in re.findall(r"(?<![\w.])\d+\.\d+(?![\w.]*\d)", paragraph):
                assert number in shown, f"{cell['id']}: the text says {number}, no cell shows it"


def test_trained_numbers_are_printed_through_a_check(notebook):
    """Trained numbers differ between processors: a cell that trains prints decimals through `check` only."""
    for cell in code_cells(notebook):
        if not re.search(r"\b(fit|run|lab\.run|evaluate)\(", source(cell)):
            continue
        said = [output for output in cell["outputs"] if output["output_type"] != "execute_result"]
        for line in output_text({"outputs": said}).splitlines():
            if re.search(r"\d\.\d{2,}", line):
                assert "checked" in line, f"{cell['id']} prints a trained number raw: {line}"


def test_no_picture_of_the_lab_is_empty(notebook):
    for cell in code_cells(notebook):
        for output in cell["outputs"]:
            data = output.get("data", {})
            assert "image/png" not in data or "at step 0," not in "".join(data["text/plain"]), cell["id"]


# Cells that train with settings of their own, which no table has; every other one takes them from `experiments`.
OWN_SETTINGS = {
    "03_relations/soft": "the penalty by hand, at any strength",
    "03_relations/affinity": "a step of the formula",
    "05_evaluation/prepare-model": "the model whose mistakes are looked at",
    "05_evaluation/demo-drive": "the lab's run, placed on the front",
    "05_evaluation/search-small": "searches that take seconds: 100 steps",
    "07_large_models/c-train-splits-train-dropna-su": "what λ does above a frozen encoder",
    "07_large_models/c-from-mtl-helpers-live-import": "the lab",
    "07_large_models/c-from-tqdm-auto-import-tqdm": "15 steps with LoRA",
}
SETTINGS = {"lr", "steps", "strength", "temperature", "channels", "embedding_dim", "hidden"}


def settings_by_hand(cell: dict) -> list[str]:
    """Numbers of a training that a cell writes down itself, as arguments, defaults or in a dict."""
    found = []
    for node in ast.walk(ast.parse(source(cell))):
        pairs: list[tuple] = []
        if isinstance(node, ast.Call):
            pairs = [(keyword.arg, keyword.value) for keyword in node.keywords]
        elif isinstance(node, ast.arguments):
            names = [a.arg for a in [*node.args[len(node.args) - len(node.defaults) :], *node.kwonlyargs]]
            pairs = list(zip(names, [*node.defaults, *node.kw_defaults], strict=True))
        elif isinstance(node, ast.Dict):
            pairs = [(getattr(key, "value", None), value) for key, value in zip(node.keys, node.values, strict=True)]
        found += [
            f"{name}={value.value}"
            for name, value in pairs
            if name in SETTINGS and isinstance(value, ast.Constant) and isinstance(value.value, (int, float))
        ]
    return found


@pytest.mark.parametrize("lesson", ["03_relations", "05_evaluation", "07_large_models"])
def test_what_a_lesson_runs_again_has_the_settings_of_its_table(lesson):
    cells = code_cells(json.loads((ROOT / "notebooks" / f"{lesson}.ipynb").read_text(encoding="utf-8")))
    by_hand = {f"{lesson}/{cell['id']}": settings_by_hand(cell) for cell in cells}
    assert {name for name, found in by_hand.items() if found} == {n for n in OWN_SETTINGS if n.startswith(lesson)}
    code = "\n".join(map(source, cells))
    assert "def few_labels" not in code, "it is one of the table's own functions"
    assert "from mtl_helpers.experiments." in code


@pytest.mark.parametrize("place", ["README.md", "notebooks/00_start_here.ipynb"])
def test_the_map_of_the_course_has_every_lesson_that_is_there(place):
    text = (ROOT / place).read_text(encoding="utf-8")
    for path in PATHS:
        number = path.stem[:2]
        assert re.search(rf"\| \[?{number} ", text), f"{place}: lesson {number} is not in the table"
        if not place.endswith(path.name):
            assert re.search(rf"\| \[{number} [^\]]+\]\((notebooks/)?{path.name}\) \|", text), (
                f"{place}: no link to {path.name}"
            )


# English words that an earlier lesson uses in their everyday sense, or quotes, or only names. This list only shrinks.
NAMED_EARLIER = {
    ("branch", "02"): "a verb there: where a model branches",
    ("branch", "05"): "the same verb",
    ("confidence", "05"): "calibration sorts answers by it",
    ("cross-validation", "04"): "the article is quoted",
    ("floor", "00"): "explained there in plain words",
    ("frozen", "03"): "the encoder of a pipeline",
    ("frozen", "04"): "one section's heading",
    ("Holm's correction", "03"): "lesson 05 is named",
    ("pre-trained encoder", "00"): "the list of the lessons",
    ("pre-trained encoder", "05"): "lesson 07 is named",
    ("scalarization", "04"): "the title of a paper",
    ("text to text", "04"): "the title of a paper",
    ("split", "00"): "a black box that lesson 01 opens",
}


def glossary_rows() -> list[list[str]]:
    text = (ROOT / "notebooks" / "glossary.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")][2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def told(path: Path) -> str:
    """A lesson's prose without its summary in Chinese, and without tags and whole sentences quoted from the article."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = markdown({"cells": [cell for cell in cells if not source(cell).startswith(SUMMARY)]})
    return re.sub(r"</?[a-zA-Z][^<>]*>|“[^”\n]*”|「[^」\n]*」", " ", text)


def test_every_chinese_term_is_in_the_glossary_with_the_lesson_that_has_it_first():
    cells = glossary_rows()
    glossary = {term: re.search(r"\]\((.+)\.ipynb\)", lesson)[1] for _, term, _, lesson in cells}
    first: dict[str, str] = {}
    for path in PATHS:
        for term in re.findall(r"[\u4e00-\u9fff]+", told(path)):
            first.setdefault(term, path.stem)
    assert first == glossary, "add the term to notebooks/glossary.md, or its lesson there is not the first one"
    assert [english.lower() for english, *_ in cells] == sorted(english.lower() for english, *_ in cells)


def test_no_lesson_uses_a_term_before_the_one_that_defines_it():
    """A term's lesson has its Chinese, see above; here its English is in no earlier one."""
    lessons, early = {path.stem[:2]: told(path) for path in PATHS}, set()
    for english, _, _, lesson in glossary_rows():
        words = re.escape(re.sub(r" *\(.*\)", "", english)).replace(r"\ ", r"[\s-]+")
        for number, text in lessons.items():
            if number < lesson[1:3] and re.search(rf"\b{words}(s|es|d)?\b", text, re.I):
                early.add((english, number))
    assert early == set(NAMED_EARLIER), "define the term where it is first used, and say so in notebooks/glossary.md"
