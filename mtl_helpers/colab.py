"""Google Colab: ``%run ../mtl_helpers/colab.py`` after a clone installs the course and lets its widgets onto the page.

Anywhere else it changes nothing and says so, so that a notebook that has the line runs everywhere. Standard library alone.
"""

import importlib.util
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def prepare() -> bool:
    """Install what Colab lacks, in the ranges of pyproject.toml (its own torch stays); return whether this is Colab."""
    if importlib.util.find_spec("google") is None or importlib.util.find_spec("google.colab") is None:
        print("This is not Colab: nothing was changed.")
        return False
    print("Installing the course (a minute or two) ...", flush=True)
    if subprocess.call([sys.executable, "-m", "pip", "install", "--quiet", "-e", ROOT + "[large]"]):
        raise SystemExit(
            "pip could not install the course (its message is above). Runtime > Restart, and run this cell again."
        )
    sys.path.insert(0, ROOT)  # what pip installed so is found from the next start on; this kernel has started
    from google.colab import output

    output.enable_custom_widget_manager()
    print("Ready: sliders and live figures work on this page.")
    return True


if __name__ == "__main__":
    prepare()
