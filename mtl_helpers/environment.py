"""Is everything here? A check of the learner's machine that says what is wrong and how to mend it. Standard library first."""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from collections.abc import Callable
from pathlib import Path


def check_environment() -> bool:
    """Check Python, packages, page extensions and data; print a line each, and for what is wrong how to mend it.

    >>> check_environment()
    ok       Python is new enough
    ok       the course's packages are installed in the versions it needs
    ok       the page can show sliders and live figures
    ok       the review corpus is here and reads without an error
    True
    """
    parts: dict[str, Callable[[], str | None]] = {
        "Python is new enough": _python,
        "the course's packages are installed in the versions it needs": _packages,
        "the page can show sliders and live figures": _extensions,
        "the review corpus is here and reads without an error": _corpus,
    }
    problems = {what: part() for what, part in parts.items()}
    for what, problem in problems.items():
        print(f"PROBLEM  {problem}" if problem else f"ok       {what}")
    return not any(problems.values())


def _python() -> str | None:
    found = ".".join(map(str, sys.version_info[:3]))
    if tuple(sys.version_info) >= (3, 11):
        return None
    return f"this kernel runs Python {found}; the course needs 3.11 or newer. Start it with 'make lab'."


def _packages() -> str | None:
    try:
        from packaging.requirements import Requirement

        required = map(Requirement, importlib.metadata.requires("mtl-helpers") or [])
    except (ImportError, importlib.metadata.PackageNotFoundError):
        return f"the course is not installed for this kernel ({sys.executable}). Start the course with 'make lab'."
    wrong = []
    for requirement in required:
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": "large"}):
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(version.split("+")[0], prereleases=True):
            wrong.append(f"{requirement.name} is {version}, needed is {requirement.specifier}")
    if wrong:
        mend = 'Run pip install -e ".[large]" -c constraints.txt in the course\'s folder and restart the kernel.'
        return f"{'; '.join(wrong)}. {mend}"
    return None


def _extensions() -> str | None:
    from jupyter_core.paths import jupyter_path

    places = [
        Path(place) for place in jupyter_path("labextensions")
    ]  # where JupyterLab itself looks: user, environment, system
    needed = {"@jupyter-widgets/jupyterlab-manager": "ipywidgets", "anywidget": "anywidget"}
    absent = [package for name, package in needed.items() if not any((place / name).is_dir() for place in places)]
    if absent:
        mend = f"Run 'pip install --force-reinstall {' '.join(absent)}' and reload the page."
        return f"the page's part of {' and '.join(absent)} is missing. {mend}"
    return None


def _corpus() -> str | None:
    try:
        importlib.import_module("mtl_helpers.data").load_reviews()
    except Exception as error:
        return f"{error}"
    return None
