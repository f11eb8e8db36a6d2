"""Data sets beside the review corpus, in the same structures, so that loader, loop and evaluation take them unchanged."""

from mtl_helpers.data.batches import DatasetSplits
from mtl_helpers.datasets.cifar import KIND, OBJECT, ROTATION, cifar10, with_rotations
from mtl_helpers.datasets.digits import LEFT, RIGHT, overlay, source_digits, two_digits
from mtl_helpers.datasets.download import data_folder
from mtl_helpers.datasets.spoken import DIGIT, SPEAKER, SpokenDigits, spoken_digits
from mtl_helpers.datasets.texts import DOMAIN, imdb, multi_domain_sentiment

__all__ = [
    "DIGIT",
    "DOMAIN",
    "KIND",
    "LEFT",
    "OBJECT",
    "RIGHT",
    "ROTATION",
    "SPEAKER",
    "DatasetSplits",
    "SpokenDigits",
    "cifar10",
    "data_folder",
    "imdb",
    "multi_domain_sentiment",
    "overlay",
    "source_digits",
    "spoken_digits",
    "two_digits",
    "with_rotations",
]
