"""Reviews that people wrote, in the structure of the shipped corpus: IMDB, and Amazon reviews of four domains."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from mtl_helpers.data.cleaning import strip_markup, strip_space
from mtl_helpers.data.tokens import tokenize
from mtl_helpers.datasets.archive import check_counts, decode, read_members
from mtl_helpers.datasets.download import Archive, fetch
from mtl_helpers.errors import DataError
from mtl_helpers.tasks import Classification

DOMAIN = Classification("topic", classes=("books", "dvd", "electronics", "kitchen"))

IMDB = Archive(
    "aclImdb_v1.tar.gz",
    "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
    "md5:7c2ac02c03563afcf9b574c7e56c153a",
    unpacked=1_500_000_000,
)
MULTI_DOMAIN = Archive(
    "domain_sentiment_data.tar.gz",
    "https://www.cs.jhu.edu/~mdredze/datasets/sentiment/domain_sentiment_data.tar.gz",
    None,  # its publisher names none
    unpacked=500_000_000,
)
IMDB_COUNTS: Mapping[str, int] = MappingProxyType({"train": 25_000, "test": 25_000})
MULTI_DOMAIN_COUNTS: Mapping[str, int] = MappingProxyType(dict.fromkeys(DOMAIN.classes, 2000))

_IMDB_FILE = re.compile(r"aclImdb/(train|test)/(pos|neg)/(.+)")
_IMDB_NAME = re.compile(r"(\d+)_(\d+)\.txt")
_IMDB_STARS = {"neg": range(1, 5), "pos": range(7, 11)}
_DOMAIN_FILE = re.compile(r"sorted_data_acl/([^/]+)/(negative|positive)\.review")
_DOMAIN_STARS = {"negative": (1, 2), "positive": (4, 5)}


def imdb(
    root: str | Path | None = None,
    *,
    checksum: str | None = IMDB.checksum,
    counts: Mapping[str, int] | None = IMDB_COUNTS,
) -> pd.DataFrame:
    """The Large Movie Review data set (Maas et al., ACL 2011): sentiment, and stars from 1 to 10, without 5 and 6.

    Columns as in the shipped corpus, ``id, text, topic, sentiment, stars, phenomena``, and ``part``: ``train`` or ``test``, as
    published; no film is in both, but a few texts are. Every topic is film, and every label is known. HTML is taken out of
    the texts. The rows come in the order of part and class, all negative ones first: what is trained on must be shuffled, as
    ``make_loader(..., shuffle=True)`` does. The archive (84 MB) is looked for in the folder ``root``, see `fetch`.

    ``checksum`` and ``counts`` are those of the published archive; give others for another version of it, or None for no
    comparison. Raises `DataError`, naming the member, for an archive that is not what it should be, see `read_members`.
    """
    path = fetch(IMDB, root, checksum=checksum)
    rows = []
    for match, raw in read_members(path, _IMDB_FILE, limit=IMDB.unpacked):
        part, side, name = match.groups()
        named = _IMDB_NAME.fullmatch(name)
        if named is None or int(named[2]) not in _IMDB_STARS[side]:
            stars = _IMDB_STARS[side]
            raise DataError(
                f"{path.name}, member {match[0]!r}: a review in {side}/ is named <number>_<stars>.txt with {stars[0]} to "
                f"{stars[-1]} stars. Is it the published file?"
            )
        sentiment = "positive" if side == "pos" else "negative"
        key = (part, side, int(named[1]))
        rows.append((key, decode(path, match[0], raw), "film", sentiment, float(named[2]), part))
    frame = _frame(path, rows, ["key", "text", "topic", "sentiment", "stars", "part"])
    check_counts(path, frame.part.value_counts().to_dict(), counts)
    return frame


def multi_domain_sentiment(
    root: str | Path | None = None,
    *,
    checksum: str | None = MULTI_DOMAIN.checksum,
    counts: Mapping[str, int] | None = MULTI_DOMAIN_COUNTS,
) -> pd.DataFrame:
    """Amazon reviews of four domains (Blitzer, Dredze & Pereira, ACL 2007): topic (`DOMAIN`), sentiment, 1, 2, 4 or 5 stars.

    Columns as in the shipped corpus, ``id, text, topic, sentiment, stars, phenomena``; every label is known. Sentiment is
    nothing but "more than 3 stars", in each domain as often as not. Some reviews stand there twice: `split_reviews` keeps
    them together. The files look like XML and are not: they are cut at their tags. A review is read as UTF-8, or as Latin-1
    where it is not UTF-8. The archive (30 MB) is looked for in the folder ``root``, see `fetch`; no checksum of it is
    published. ``counts`` (reviews by domain) and errors are as for `imdb`.
    """
    path = fetch(MULTI_DOMAIN, root, checksum=checksum)
    rows = []
    for match, raw in read_members(path, _DOMAIN_FILE, limit=MULTI_DOMAIN.unpacked):
        topic, sentiment = match[1].partition("_")[0], match[2]
        if topic not in DOMAIN.classes:
            raise DataError(f"{path.name}, member {match[0]!r}: unknown domain; known are {', '.join(DOMAIN.classes)}.")
        for number, review in enumerate(_reviews(path, match[0], raw), start=1):
            where = f"{path.name}, member {match[0]!r}, review {number}"
            stars = _tag(where, review, "rating")
            if stars not in {f"{n}.0" for n in _DOMAIN_STARS[sentiment]}:
                raise DataError(f"{where}: {stars!r:.40} is no rating of a {sentiment} review.")
            key = (topic, sentiment, number)
            rows.append((key, _tag(where, review, "review_text"), topic, sentiment, float(stars)))
    frame = _frame(path, rows, ["key", "text", "topic", "sentiment", "stars"])
    check_counts(path, frame.topic.value_counts().to_dict(), counts)
    return frame


def _reviews(path: Path, name: str, raw: bytes) -> Iterator[str]:
    """What stands before each </review>, decoded for itself. (One file of the published four has a <data> around it all.)"""
    *reviews, rest = raw.split(b"</review>")
    if rest.strip() not in (b"", b"</data>"):
        raise DataError(f"{path.name}, member {name!r}: its last review has no end. Delete it and download it again.")
    for number, review in enumerate(reviews, start=1):
        if not review.lstrip().removeprefix(b"<data>").lstrip().startswith(b"<review>"):
            raise DataError(f"{path.name}, member {name!r}, review {number}: does not begin with <review>.")
        try:
            yield review.decode("utf-8")
        except UnicodeDecodeError:
            yield review.decode("latin-1")


def _tag(where: str, review: str, tag: str) -> str:
    """What stands between <tag> and </tag>."""
    start = review.find(f"<{tag}>")
    end = review.find(f"</{tag}>", start)
    if start < 0 or end < 0:
        raise DataError(f"{where}: has no <{tag}> with its end.")
    return review[start + len(tag) + 2 : end].strip()


def _frame(path: Path, rows: list[tuple], columns: list[str]) -> pd.DataFrame:
    """The rows in the order of their keys, whatever the archive's; clean texts, and the columns of the corpus first."""
    frame = pd.DataFrame(sorted(rows), columns=columns)
    frame.insert(0, "id", ["-".join(map(str, key)) for key in frame.key])
    frame = strip_markup(frame.drop(columns="key"))
    empty = ~frame.text.map(tokenize).map(bool)
    if empty.any():
        raise DataError(f"{path.name}: the review {frame.id[empty].iloc[0]} holds no word ({int(empty.sum())} do not).")
    frame.insert(5, "phenomena", "")
    return strip_space(frame)
