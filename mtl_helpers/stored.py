"""The one form in which a notebook of the course is stored, so that a diff shows what changed and nothing else."""

from __future__ import annotations

from typing import Any

_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
_WIDGET = "application/vnd.jupyter.widget-view+json"


def normalise(notebook: dict[str, Any]) -> None:
    """Take out, in place, all that differs from run to run or from machine to machine.

    That is: timings, the kernel's version, and the ids of live widgets. A widget stays as its picture and text: without its
    kernel a page could only show an error in its place.

    >>> cell = {"cell_type": "code", "metadata": {"execution": 1}, "outputs": []}
    >>> notebook = {"metadata": {"language_info": {"version": "3.12"}}, "cells": [cell]}
    >>> normalise(notebook)
    >>> notebook["metadata"]["language_info"], cell["metadata"]
    ({'name': 'python'}, {})
    """
    notebook["metadata"] = {"kernelspec": dict(_KERNEL), "language_info": {"name": "python"}}
    for cell in notebook["cells"]:
        cell["metadata"] = {key: value for key, value in cell["metadata"].items() if key in ("tags", "jupyter")}
        if cell["cell_type"] != "code":
            continue
        kept: list[dict[str, Any]] = []
        for output in cell["outputs"]:
            if output["output_type"] in ("display_data", "execute_result"):
                output["data"] = {key: value for key, value in output["data"].items() if key != _WIDGET}
                output["metadata"] = {}
            joins = kept and output["output_type"] == "stream" and output["name"] == kept[-1].get("name")
            if joins:  # where a stream is cut is chance
                kept[-1]["text"] = "".join(kept[-1]["text"]) + "".join(output["text"])
            else:
                kept.append(output)
        cell["outputs"] = kept


def before_saving(model: dict[str, Any], **kwargs: Any) -> None:
    """Jupyter calls this before it saves a notebook (``FileContentsManager.pre_save_hook``); the page keeps its widgets."""
    if model["type"] == "notebook" and model["content"]["nbformat"] == 4:
        normalise(model["content"])
