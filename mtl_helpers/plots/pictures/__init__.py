"""Pictures that lessons show once: data and splits, a model's shapes, a run that turns, scores by labels, drives."""

from mtl_helpers.plots.pictures.of_data import draw_copies, plot_padding, plot_shares
from mtl_helpers.plots.pictures.of_drives import plot_moments, plot_tracks, plot_words
from mtl_helpers.plots.pictures.of_models import draw_shapes, plot_influence
from mtl_helpers.plots.pictures.of_runs import plot_amounts, plot_seed_pairs, plot_turn

__all__ = [
    "draw_copies",
    "draw_shapes",
    "plot_amounts",
    "plot_influence",
    "plot_moments",
    "plot_padding",
    "plot_seed_pairs",
    "plot_shares",
    "plot_tracks",
    "plot_turn",
    "plot_words",
]
