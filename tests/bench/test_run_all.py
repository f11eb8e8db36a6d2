"""Run All in JupyterLab, from a fresh kernel: seconds by notebook."""

import time

import pytest
from browser import ROOT
from measure import line, title

NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("name", NOTEBOOKS or [pytest.param("", marks=pytest.mark.skip(reason="no notebook yet"))])
def test_run_all(name, server, chromium):
    from browser import NotebookPage

    if name == NOTEBOOKS[0]:
        title("Run All in the browser")
    page = NotebookPage(chromium, server, name)
    try:
        seconds = page.run_all(180)
    finally:
        page.close()
    time.sleep(1)
    line(name, f"{seconds:.1f} s", "<= 60 s", seconds <= 60)
