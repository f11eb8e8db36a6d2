"""Saving a notebook in JupyterLab: the course's own stay as they are stored, and others' metadata are never touched."""

import copy
import json
import shutil
from pathlib import Path

import pytest
from jupyter_server.services.contents.filemanager import FileContentsManager

from mtl_helpers.stored import NOTEBOOKS, before_saving, normalise

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
FOREIGN = {
    "nbgrader": {"grade": True, "grade_id": "mean", "points": 2, "locked": False},
    "slideshow": {"slide_type": "fragment"},
    "editable": False,
    "deletable": False,
    "tags": ["starter"],
}


def marked() -> dict:
    """A notebook as nbgrader, jupytext and a slide show leave it, run a moment ago."""
    picture = {"data": {"image/png": "AAAA"}, "metadata": {"image/png": {"width": 300}}, "output_type": "display_data"}
    cell = {"cell_type": "code", "id": "a", "execution_count": 1, "source": ["1"], "outputs": [picture]}
    cell["metadata"] = {**FOREIGN, "execution": {"iopub.execute_input": "2026-01-01T00:00:00Z"}}
    metadata = {
        "kernelspec": {"display_name": "Assignment 3", "language": "python", "name": "class-of-26"},
        "language_info": {"name": "python", "version": "3.12.1"},
        "jupytext": {"formats": "ipynb,py:percent"},
        "celltoolbar": "Create Assignment",
        "widgets": {"application/vnd.jupyter.widget-state+json": {"state": {"f00": {}}}},
    }
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": [cell]}


def saved(root: Path, path: str, notebook: dict) -> dict:
    """What lies on the disk once Jupyter's own contents manager has saved a notebook through the hook."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    manager = FileContentsManager(root_dir=str(root))
    manager.register_pre_save_hook(before_saving)
    manager.save({"type": "notebook", "format": "json", "content": copy.deepcopy(notebook)}, path)
    return json.loads((root / path).read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", ["homework/mine.ipynb", "notebooks/mine.ipynb", "mine.ipynb"])
def test_a_notebook_that_is_not_the_course_s_is_saved_as_it_is(tmp_path, path):
    assert saved(tmp_path, path, marked()) == marked()


def test_a_learner_s_copy_keeps_of_a_widget_its_picture_and_all_else_as_it_is(tmp_path):
    """Opened again without its kernel, a widget would be an error in the place of that picture."""
    run = marked()
    run["cells"][0]["outputs"][0]["data"]["application/vnd.jupyter.widget-view+json"] = {"model_id": "f00"}
    wanted = marked()
    del wanted["metadata"]["widgets"]
    assert saved(tmp_path, "learn/01_data.ipynb", run) == wanted


def test_in_the_course_s_folder_only_what_a_run_leaves_is_taken_out(tmp_path, monkeypatch):
    monkeypatch.setattr("mtl_helpers.stored.NOTEBOOKS", (tmp_path / "notebooks").resolve())
    found = saved(tmp_path, "notebooks/03_relations.ipynb", marked())
    (cell,), (wanted,) = found["cells"], marked()["cells"]
    assert cell == {**wanted, "metadata": FOREIGN}
    assert found["metadata"] == {
        "kernelspec": marked()["metadata"]["kernelspec"],
        "language_info": {"name": "python"},
        "jupytext": {"formats": "ipynb,py:percent"},
        "celltoolbar": "Create Assignment",
    }
    assert saved(tmp_path, "mine.ipynb", marked()) == marked(), "beside the folder"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_stored_notebooks_are_in_the_one_form(path):
    stored = json.loads(path.read_text(encoding="utf-8"))
    again = copy.deepcopy(stored)
    normalise(again)
    assert again == stored


def test_saving_a_lesson_gives_the_committed_file_byte_for_byte(tmp_path, monkeypatch):
    monkeypatch.setattr("mtl_helpers.stored.NOTEBOOKS", (tmp_path / "notebooks").resolve())
    (tmp_path / "notebooks").mkdir()
    shutil.copy(PATHS[0], tmp_path / "notebooks")
    run = json.loads(PATHS[0].read_text(encoding="utf-8"))
    run["metadata"]["language_info"]["version"] = "3.99"
    run["metadata"]["kernelspec"]["display_name"] = "some machine's Python"
    for cell in run["cells"]:
        cell["metadata"]["execution"] = {"shell.execute_reply": "2026-01-01T00:00:00Z"}
    saved(tmp_path, f"notebooks/{PATHS[0].name}", run)
    assert (tmp_path / "notebooks" / PATHS[0].name).read_bytes() == PATHS[0].read_bytes()
