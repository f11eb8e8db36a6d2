"""Run notebooks from top to bottom and store their outputs as they are committed.

make notebooks                                   all of them
make notebooks ARGS=notebooks/04_training.ipynb  one
"""

import json
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from mtl_helpers.stored import normalise

ROOT = Path(__file__).resolve().parents[1]


def store(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    started = time.time()
    # In the notebook's own folder, as nbval and a learner run it.
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    ).execute()
    notebook = json.loads(nbformat.writes(notebook))
    normalise(notebook)
    nbformat.write(nbformat.from_dict(notebook), path)
    print(f"{path.name}: {time.time() - started:.0f} s", flush=True)


if __name__ == "__main__":
    chosen = [Path(name).resolve() for name in sys.argv[1:]] or sorted((ROOT / "notebooks").glob("*.ipynb"))
    for notebook_path in chosen:
        store(notebook_path)
