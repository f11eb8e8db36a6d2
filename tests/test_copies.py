"""The learner's copies of the lessons: made once, never written over, and as good a place to work in as notebooks/."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ipykernel.ipkernel import IPythonKernel

from mtl_helpers import copies
from mtl_helpers.own_data.uploading import FOLDER

ROOT = Path(__file__).resolve().parents[1]
DATA = "01_data.ipynb"


@pytest.fixture
def lessons(tmp_path) -> Path:
    """A small course: two lessons with outputs, a glossary, a picture."""
    folder = tmp_path / "notebooks"
    (folder / "images").mkdir(parents=True)
    for name in (DATA, "02_model.ipynb"):
        write(folder / name, "1 + 1")
    (folder / "glossary.md").write_text("as shipped", encoding="utf-8")
    (folder / "images" / "map.png").write_bytes(b"png")
    return folder


@pytest.fixture
def mine(lessons) -> Path:
    folder = lessons.parent / "learn"
    assert bring(lessons, folder) == []
    return folder


def bring(lessons: Path, mine: Path) -> list[str]:
    return copies.bring(str(lessons), str(mine), "3.12.1")


def write(path: Path, source: str, outputs: bool = True) -> None:
    shown = [{"output_type": "stream", "name": "stdout", "text": ["2\n"]}] if outputs else []
    cell = {"cell_type": "code", "id": "a", "metadata": {"tags": ["starter"]}, "source": [source], "outputs": shown}
    cell["execution_count"] = 1 if outputs else None
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}
    path.write_text(json.dumps(notebook), encoding="utf-8")


def source(path: Path) -> str:
    return "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])


def listing(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {copies.MADE}


def test_copies_have_no_outputs_and_all_else(mine, lessons):
    (cell,) = json.loads((mine / DATA).read_text(encoding="utf-8"))["cells"]
    assert cell["outputs"] == [] and cell["execution_count"] is None and cell["metadata"] == {"tags": ["starter"]}
    assert listing(mine) == listing(lessons) and (mine / "images" / "map.png").read_bytes() == b"png"


def test_what_somebody_keeps_beside_the_lessons_goes_nowhere(lessons, tmp_path):
    """Site and handout are copied by the same function."""
    (lessons / "my_data" / "model").mkdir(parents=True)
    (lessons / "my_data" / "customers.csv").write_text("name\n", encoding="utf-8")
    bring(lessons, tmp_path / "learn")
    assert listing(tmp_path / "learn") == listing(lessons) - {FOLDER}


def test_a_second_start_changes_nothing(mine, lessons):
    before = {path: path.stat().st_mtime_ns for path in mine.rglob("*")}
    assert bring(lessons, mine) == [] and before == {path: path.stat().st_mtime_ns for path in mine.rglob("*")}


def test_a_copy_that_was_only_run_follows_its_lesson(mine, lessons):
    write(mine / DATA, "1 + 1")  # run and saved, as Jupyter formats it
    write(lessons / DATA, "1 + 2")
    assert bring(lessons, mine) == [] and source(mine / DATA) == "1 + 2" and listing(mine) == listing(lessons)


def test_new_outputs_of_a_lesson_are_no_change(mine, lessons):
    write(mine / DATA, "my answer")
    write(lessons / DATA, "1 + 1", outputs=False)
    assert bring(lessons, mine) == [] and listing(mine) == listing(lessons)


def test_a_changed_copy_stays_and_the_new_lesson_comes_beside_it_once(mine, lessons):
    write(mine / DATA, "my answer")
    write(lessons / DATA, "1 + 2")
    (told,) = bring(lessons, mine)
    assert told == f"The course has a new {DATA}, and you changed yours: the new one is beside it, 01_data.new.ipynb."
    assert source(mine / DATA) == "my answer" and source(mine / "01_data.new.ipynb") == "1 + 2"
    (mine / "01_data.new.ipynb").unlink()
    assert bring(lessons, mine) == [] and listing(mine) == listing(lessons), "it was not wanted"


def test_a_new_lesson_that_was_changed_stays_too(mine, lessons):
    write(mine / DATA, "my answer")
    for number, name in ((2, "01_data.new.ipynb"), (3, "01_data.new.ipynb"), (4, "01_data.new2.ipynb")):
        write(lessons / DATA, f"1 + {number}")
        assert name in bring(lessons, mine)[0] and source(mine / name) == f"1 + {number}"
        if number == 3:
            write(mine / name, "my second answer")
    assert source(mine / "01_data.new.ipynb") == "my second answer" and source(mine / DATA) == "my answer"


def test_the_new_lesson_taken_as_one_s_own_follows_again(mine, lessons):
    write(mine / DATA, "my answer")
    write(lessons / DATA, "1 + 2")
    bring(lessons, mine)
    (mine / "01_data.new.ipynb").replace(mine / DATA)
    write(lessons / DATA, "1 + 3")
    assert bring(lessons, mine) == [] and source(mine / DATA) == "1 + 3"


def test_a_deleted_copy_is_begun_anew(mine, lessons):
    write(mine / DATA, "my answer")
    (mine / DATA).unlink()
    assert bring(lessons, mine) == [] and source(mine / DATA) == "1 + 1"


@pytest.mark.bad_input
@pytest.mark.parametrize("content", [b'{"cells": [', b"", b"[]", b'{"cells": 3}', b"\xff\xfe", b'{"cells": [{}]}'])
def test_a_broken_copy_stays_and_a_whole_one_comes_beside_it(mine, lessons, content):
    (mine / DATA).write_bytes(content)
    for _ in range(2):  # as long as it is broken
        (told,) = bring(lessons, mine)
        assert told == f"Your {DATA} cannot be read as a notebook: the new one is beside it, 01_data.new.ipynb."
    assert (mine / DATA).read_bytes() == content and source(mine / "01_data.new.ipynb") == "1 + 1"
    assert listing(mine) == listing(lessons) | {"01_data.new.ipynb"}


@pytest.mark.bad_input
def test_a_lesson_with_the_marks_of_a_conflict_is_named_and_the_others_come(mine, lessons):
    (lessons / DATA).write_text("<<<<<<< HEAD\n", encoding="utf-8")
    write(lessons / "02_model.ipynb", "1 + 2")
    assert bring(lessons, mine) == [f"{lessons / DATA} cannot be read: git checkout brings it back."]
    assert source(mine / DATA) == "1 + 1" and source(mine / "02_model.ipynb") == "1 + 2"


def test_a_lesson_renamed_leaves_the_copy_of_the_old_one(mine, lessons):
    write(mine / DATA, "my answer")
    (lessons / DATA).rename(lessons / "01_texts.ipynb")
    assert bring(lessons, mine) == [f"{DATA} is no longer part of the course; your copy stays."]
    assert source(mine / DATA) == "my answer" and source(mine / "01_texts.ipynb") == "1 + 1"
    assert bring(lessons, mine) == []


@pytest.mark.bad_input
@pytest.mark.parametrize("lost", [b"", b"{", b"[]", None])
def test_without_the_record_nothing_is_written_over(mine, lessons, lost):
    write(mine / DATA, "my answer")
    if lost is None:
        (mine / copies.MADE).unlink()
    else:
        (mine / copies.MADE).write_bytes(lost)
    assert "beside it, 01_data.new.ipynb" in bring(lessons, mine)[0] and source(mine / DATA) == "my answer"
    assert bring(lessons, mine) == []


def test_many_starts_at_once_leave_whole_files(lessons, tmp_path):
    code = f"from mtl_helpers.copies import bring; bring({str(lessons)!r}, {str(tmp_path / 'learn')!r}, '3.12.1')"
    starts = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) for _ in range(4)]
    assert [start.wait(60) for start in starts] == [0] * 4
    assert listing(tmp_path / "learn") == listing(lessons)
    assert bring(lessons, tmp_path / "learn") == [] and source(tmp_path / "learn" / DATA) == "1 + 1"


def test_a_write_that_fails_leaves_the_file_as_it_was(mine, monkeypatch):
    monkeypatch.setattr(os, "replace", lambda *paths: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        copies.write(str(mine / DATA), b"half")
    assert source(mine / DATA) == "1 + 1" and not list(mine.glob("*.part"))


# The course's own lessons


@pytest.fixture(scope="module")
def copied(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("home") / "learn"
    assert copies.bring(str(ROOT / "notebooks"), str(folder), sys.version.split()[0]) == []
    return folder


def test_links_and_pictures_of_the_copies_work(copied):
    texts = [path.read_text(encoding="utf-8") for path in [*copied.glob("*.ipynb"), copied / "glossary.md"]]
    targets = [a or b for text in texts for a, b in re.findall(r"\]\(([\w./-]+\.\w+)\)|src=\\\"([^\"\\]+)\\\"", text)]
    assert len(targets) > 50 and "images/one_model_two_tasks.svg" in targets
    assert not [target for target in targets if not (copied / target).is_file()]


def test_a_copy_says_of_its_kernel_what_the_kernel_says(copied):
    """Else the page corrects it, and a lesson is unsaved as soon as it is opened."""
    notebook = json.loads((copied / "00_start_here.ipynb").read_text(encoding="utf-8"))
    assert notebook["metadata"]["language_info"] == IPythonKernel.language_info


def test_git_does_not_see_the_copies():
    ignored = subprocess.run(["git", "check-ignore", "learn/01_data.ipynb"], cwd=ROOT, capture_output=True)
    assert ignored.returncode == 0


def lab(home: Path | None = None, root: Path = ROOT) -> subprocess.CompletedProcess:
    """`make lab` but for the server, of which the command is printed."""
    code = "import sys, mtl_helpers.__main__ as m\nm.check_port = int\nm.install = lambda: sys.executable\n"
    code += (
        f"m.ROOT = {str(root)!r}\nm.subprocess.call = lambda command, cwd: print(*command, sep='\\n')\nm.main(['lab'])"
    )
    variables = {**os.environ, **({"MTL_LEARN": str(home)} if home else {})}
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=variables, capture_output=True, encoding="utf-8")


def small_course(folder: Path) -> Path:
    for part in ("notebooks", "data/results"):
        shutil.copytree(ROOT / part, folder / part)
    return folder


def test_make_lab_says_where_the_copies_are_and_opens_the_first(tmp_path):
    result = lab(root=small_course(tmp_path))
    assert f"Your copies of the lessons are in {tmp_path / 'learn'}; to begin one anew, delete it" in result.stdout
    assert f"--ServerApp.root_dir={tmp_path}\n" in result.stdout
    (url,) = re.findall("default_url=/lab/tree/(.+)", result.stdout)
    assert (tmp_path / url).is_file()


@pytest.mark.bad_input
def test_where_the_course_cannot_be_written_a_folder_is_asked_for(tmp_path):
    (tmp_path / "learn").write_text("a file in the way", encoding="utf-8")
    result = lab(root=small_course(tmp_path))
    assert result.returncode == 1 and "Traceback" not in result.stderr
    assert f"cannot be kept in {tmp_path / 'learn'} (" in result.stderr and "make lab MTL_LEARN=~/mtl" in result.stderr


def test_a_folder_of_one_s_own_has_all_that_a_lesson_reads(tmp_path):
    result = lab(home=tmp_path / "mine")
    assert result.returncode == 0 and f"--ServerApp.root_dir={tmp_path / 'mine'}\n" in result.stdout
    learn = tmp_path / "mine" / "learn"
    text = "".join(path.read_text(encoding="utf-8") for path in learn.glob("*.ipynb"))
    read = set(re.findall(r"\.\./data/results/[\w.]+\.csv", text)) | {"../data/results/transfer.csv"}
    assert len(read) > 1 and all((learn / path).is_file() for path in read)
