"""Helpers behind the multi-task learning notebooks: one module per step of the course.

This file imports nothing of them, so that ``python -m mtl_helpers lab`` works before anything is installed.
"""

import sys

__version__ = "0.1.0"

# Windows redirects print in a code page that may lack λ: it shows as \u03bb then, as on stderr, and ends no program.
if getattr(sys.stdout, "errors", None) == "strict" and hasattr(sys.stdout, "reconfigure"):
    sys.stdout.reconfigure(errors="backslashreplace")
