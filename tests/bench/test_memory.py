"""The largest resident memory of a notebook's kernel, run from top to bottom."""

import nbformat
import pytest
from browser import ROOT
from measure import line, title
from nbclient import NotebookClient

ASK = (
    "import resource, sys\n"
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e9 if sys.platform == 'darwin' else 1e6))"
)


def test_peak_memory_of_the_lesson_on_large_models():
    pytest.importorskip("resource", reason="Windows does not tell the largest memory so far in this way")
    title("Peak memory")
    path = ROOT / "notebooks" / "07_large_models.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(ASK))
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
    gb = float(notebook.cells[-1].outputs[0]["text"])
    line(path.name, f"{gb:.2f} GB", "< 3 GB", gb < 3)
    assert gb < 3
