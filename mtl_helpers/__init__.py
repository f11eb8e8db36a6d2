"""Helpers behind the multi-task learning notebooks: one module per step of the course.

This file imports nothing, so that ``python -m mtl_helpers lab`` works before anything is installed.
"""

__version__ = "0.1.0"
