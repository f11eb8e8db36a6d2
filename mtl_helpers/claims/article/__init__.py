"""The article's claims, quoted and translated, each with its evidence and a verdict by a written rule."""

from mtl_helpers.claims.article.rule import WORDS, ArticleClaim, Evidence, Judgement, judge_claim, read_row
from mtl_helpers.claims.article.sentences import SENTENCES
from mtl_helpers.claims.article.shown import article_claim, verdicts
from mtl_helpers.claims.article.stated import ARTICLE_CLAIMS

__all__ = [
    "ARTICLE_CLAIMS",
    "SENTENCES",
    "WORDS",
    "ArticleClaim",
    "Evidence",
    "Judgement",
    "article_claim",
    "judge_claim",
    "read_row",
    "verdicts",
]
