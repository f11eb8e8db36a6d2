"""Run notebooks from top to bottom and store their outputs in the one form that is committed.

    make notebooks                                   all of them
    make notebooks ARGS=notebooks/04_training.ipynb  one

A live widget is stored as its picture: a page without a kernel could only show an error in its place. Everything that changes
from run to run for no reason (timings, versions of this machine, widget ids) is left out, so that a diff shows what changed.
"""

import json
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
WIDGET = "application/vnd.jupyter.widget-view+json"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def normalise(notebook: nbformat.NotebookNode) -> None:
    """Leave nothing in the notebook that differs between two runs of the same code."""
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        kept = []
        for output in cell.get("outputs", []):
            if output.get("output_type") in ("display_data", "execute_result"):
                output.data.pop(WIDGET, None)
                output.metadata = {}
            if kept and output.get("output_type") == "stream" and output.get("name") == kept[-1].get("name"):
                kept[-1].text += output.text  # where a stream is cut is chance
            else:
                kept.append(output)
        if cell.cell_type == "code":
            cell.outputs = kept


def store(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    started = time.time()
    # As nbval and a learner run it: in the notebook's own folder.
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    ).execute()
    normalise(notebook)
    text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    path.write_text(text, encoding="utf-8")
    print(f"{path.name}: {time.time() - started:.0f} s", flush=True)


if __name__ == "__main__":
    chosen = [Path(name).resolve() for name in sys.argv[1:]] or sorted((ROOT / "notebooks").glob("*.ipynb"))
    for notebook_path in chosen:
        store(notebook_path)
