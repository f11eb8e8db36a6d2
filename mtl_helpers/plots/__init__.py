"""Matplotlib figures of the course, and its palette: a task has one colour, line style and marker everywhere."""

from mtl_helpers.plots.architecture import draw_architecture, encoder_parts
from mtl_helpers.plots.arm_scores import plot_arm_scores
from mtl_helpers.plots.changes import plot_changes, plot_runs
from mtl_helpers.plots.claims_forest import plot_claims
from mtl_helpers.plots.figure import Figure, figure_png, figure_svg
from mtl_helpers.plots.fronts import draw_confusion, draw_reliability, plot_front, plot_growing_front
from mtl_helpers.plots.histories import plot_cosines, plot_history, plot_pull, plot_weights, smooth
from mtl_helpers.plots.landscapes import plot_landscape
from mtl_helpers.plots.styles import task_markers, task_styles
from mtl_helpers.plots.tables import Folded, html_table
from mtl_helpers.plots.ways import WAYS, draw_ways, plot_gates, plot_learning

__all__ = [
    "WAYS",
    "Figure",
    "Folded",
    "draw_architecture",
    "draw_confusion",
    "draw_reliability",
    "draw_ways",
    "encoder_parts",
    "figure_png",
    "figure_svg",
    "html_table",
    "plot_arm_scores",
    "plot_changes",
    "plot_claims",
    "plot_cosines",
    "plot_front",
    "plot_gates",
    "plot_growing_front",
    "plot_history",
    "plot_landscape",
    "plot_learning",
    "plot_pull",
    "plot_runs",
    "plot_weights",
    "smooth",
    "task_markers",
    "task_styles",
]
