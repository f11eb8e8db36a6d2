"""The one form in which a notebook of the course is stored, so that a diff shows what changed and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
_WIDGET = "application/vnd.jupyter.widget-view+json"
_TIMINGS = ("execution", "ExecuteTime")  # as JupyterLab and the classic notebook record them


def without_widgets(notebook: dict[str, Any]) -> None:
    """Leave of each live widget, in place, its picture and text: without its kernel a page could only show an error.

    >>> output = {"output_type": "display_data", "data": {"image/png": "AAAA", _WIDGET: {"model_id": "f00"}}}
    >>> without_widgets({"metadata": {}, "cells": [{"cell_type": "code", "outputs": [output]}]})
    >>> output["data"]
    {'image/png': 'AAAA'}
    """
    notebook["metadata"].pop("widgets", None)
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(_WIDGET, None)


def normalise(notebook: dict[str, Any]) -> None:
    """Take out, in place, all that differs from run to run or from machine to machine, and nothing else.

    That is: timings, the kernel's version, and the state and ids of live widgets. What other programs keep in a notebook's
    metadata (nbgrader, jupytext, slides, another kernel's name) stays.

    >>> cell = {"cell_type": "code", "metadata": {"execution": 1, "editable": False}, "outputs": []}
    >>> notebook = {"metadata": {"language_info": {"name": "python", "version": "3.12"}}, "cells": [cell]}
    >>> normalise(notebook)
    >>> notebook["metadata"]["language_info"], cell["metadata"]
    ({'name': 'python'}, {'editable': False})
    """
    without_widgets(notebook)
    metadata = notebook["metadata"]
    if metadata.setdefault("kernelspec", _KERNEL).get("name") == _KERNEL["name"]:  # its title is the machine's
        metadata["kernelspec"] = dict(_KERNEL)
    metadata["language_info"] = {"name": metadata.get("language_info", {}).get("name", "python")}
    for cell in notebook["cells"]:
        cell["metadata"] = {key: value for key, value in cell["metadata"].items() if key not in _TIMINGS}
        if cell["cell_type"] != "code":
            continue
        kept: list[dict[str, Any]] = []
        for output in cell["outputs"]:
            joins = kept and output["output_type"] == "stream" and output["name"] == kept[-1].get("name")
            if joins:  # where a stream is cut is chance
                kept[-1]["text"] = "".join(kept[-1]["text"]) + "".join(output["text"])
            else:
                kept.append(output)
        cell["outputs"] = kept


def before_saving(model: dict[str, Any], path: str, contents_manager: Any, **kwargs: Any) -> None:
    """Jupyter calls this before it saves ``path`` (``FileContentsManager.pre_save_hook``); the page keeps its widgets.

    The learner's copies, in ``learn``, are saved without widgets and so show pictures when they are opened again; the
    course's own notebooks, in `NOTEBOOKS`, in the one form. It touches no other.
    """
    root = Path(contents_manager.root_dir).resolve()
    folder = (root / path.strip("/")).resolve().parent
    forms = {root / "learn": without_widgets, NOTEBOOKS: normalise}
    if folder in forms and model["type"] == "notebook" and model["content"]["nbformat"] == 4:
        forms[folder](model["content"])
