"""Matplotlib figures of the course, and its palette: a task has one colour and one line style everywhere."""

from mtl_helpers.plots.changes import plot_changes, plot_cosines
from mtl_helpers.plots.figures import (
    draw_architecture,
    draw_confusion,
    encoder_parts,
    plot_front,
    plot_history,
    plot_weights,
    smooth,
    task_styles,
)
from mtl_helpers.plots.ways import WAYS, draw_ways

__all__ = [
    "WAYS",
    "draw_architecture",
    "draw_confusion",
    "draw_ways",
    "encoder_parts",
    "plot_changes",
    "plot_cosines",
    "plot_front",
    "plot_history",
    "plot_weights",
    "smooth",
    "task_styles",
]
