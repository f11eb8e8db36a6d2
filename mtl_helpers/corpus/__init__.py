"""The controlled reviews: a generator of review-like texts in which the truth, and how tasks are related, is known."""

from mtl_helpers.corpus.generator import make_reviews
from mtl_helpers.corpus.words import SIGNS, CorpusError, sign_of

__all__ = ["SIGNS", "CorpusError", "make_reviews", "sign_of"]
