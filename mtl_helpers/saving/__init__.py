"""A trained model in a folder: saved, loaded in another process, and asked about new examples."""

from mtl_helpers.saving.folder import load, save
from mtl_helpers.saving.trained import Trained

__all__ = ["Trained", "load", "save"]
