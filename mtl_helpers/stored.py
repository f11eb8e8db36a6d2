"""The one form in which a notebook of the course is stored, so that a diff shows what changed and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
_WIDGET = "application/vnd.jupyter.widget-view+json"
_TIMINGS = ("execution", "ExecuteTime")  # as JupyterLab and the classic notebook record them


def normalise(notebook: dict[str, Any]) -> None:
    """Take out, in place, all that differs from run to run or from machine to machine, and nothing else.

    That is: timings, the kernel's version, and the state and ids of live widgets. A widget stays as its picture and text:
    without its kernel a page could only show an error in its place. What other programs keep in a notebook's metadata
    (nbgrader, jupytext, slides, another kernel's name) stays.

    >>> cell = {"cell_type": "code", "metadata": {"execution": 1, "editable": False}, "outputs": []}
    >>> notebook = {"metadata": {"language_info": {"name": "python", "version": "3.12"}}, "cells": [cell]}
    >>> normalise(notebook)
    >>> notebook["metadata"]["language_info"], cell["metadata"]
    ({'name': 'python'}, {'editable': False})
    """
    metadata = notebook["metadata"]
    metadata.pop("widgets", None)
    if metadata.setdefault("kernelspec", _KERNEL).get("name") == _KERNEL["name"]:  # its title is the machine's
        metadata["kernelspec"] = dict(_KERNEL)
    metadata["language_info"] = {"name": metadata.get("language_info", {}).get("name", "python")}
    for cell in notebook["cells"]:
        cell["metadata"] = {key: value for key, value in cell["metadata"].items() if key not in _TIMINGS}
        if cell["cell_type"] != "code":
            continue
        kept: list[dict[str, Any]] = []
        for output in cell["outputs"]:
            if output["output_type"] in ("display_data", "execute_result"):
                output["data"] = {key: value for key, value in output["data"].items() if key != _WIDGET}
            joins = kept and output["output_type"] == "stream" and output["name"] == kept[-1].get("name")
            if joins:  # where a stream is cut is chance
                kept[-1]["text"] = "".join(kept[-1]["text"]) + "".join(output["text"])
            else:
                kept.append(output)
        cell["outputs"] = kept


def before_saving(model: dict[str, Any], path: str, contents_manager: Any, **kwargs: Any) -> None:
    """Jupyter calls this before it saves ``path`` (``FileContentsManager.pre_save_hook``); the page keeps its widgets.

    It touches the learner's copies in ``learn``, which show pictures when they are opened again, and the course's own
    notebooks, those in `NOTEBOOKS`, which are changed there; and no other.
    """
    root = Path(contents_manager.root_dir).resolve()
    folder = (root / path.strip("/")).resolve().parent
    if folder in (NOTEBOOKS, root / "learn") and model["type"] == "notebook" and model["content"]["nbformat"] == 4:
        normalise(model["content"])
