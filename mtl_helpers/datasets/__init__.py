"""Data sets beside the review corpus, in the same structures, so that loader, loop and evaluation take them unchanged."""

from mtl_helpers.datasets.digits import LEFT, RIGHT, DigitSplits, overlay, source_digits, two_digits

__all__ = ["LEFT", "RIGHT", "DigitSplits", "overlay", "source_digits", "two_digits"]
