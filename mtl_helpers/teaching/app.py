"""``make app``: every live demo as a page without code, served by Voilà to this computer alone."""

from __future__ import annotations

import inspect
import shutil
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from mtl_helpers.teaching.demo_pages import PAGES

IDLE = 600  # seconds after which the kernel of a page that nobody has open is ended


def build_app(target: Path) -> list[Path]:
    """Write a notebook for each demo into the folder ``target``, which is made anew: what Voilà serves."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name, make in PAGES.items():
        code = f"from mtl_helpers.teaching.demo_pages import {make.__name__}\n\n{make.__name__}()"
        cells = [new_markdown_cell(inspect.getdoc(make), id="text"), new_code_cell(code, id="demo")]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(new_notebook(cells=cells, metadata=kernel), target / f"{name}.ipynb")
    return sorted(target.glob("*.ipynb"))


def app_command(folder: Path, port: int, *, browser: bool = True, idle: int = IDLE) -> list[str]:
    """What starts Voilà on the pages in ``folder``, at 127.0.0.1.

    The kernel of a page that was closed is ended ``idle`` to ``idle`` + 60 s later.
    """
    command = [
        sys.executable,
        "-m",
        "voila",
        str(folder),
        "--port",
        str(port),
        "--Voila.ip=127.0.0.1",
        "--Voila.port_retries=0",
    ]
    command += [
        f"--MappingKernelManager.cull_idle_timeout={idle}",
        f"--MappingKernelManager.cull_interval={min(60, idle)}",
    ]
    return command + ([] if browser else ["--no-browser"])
