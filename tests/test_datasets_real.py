"""The published archives, or smaller ones in their layout: with MTL_DATA=<folder that holds them>, else skipped.

An archive is held to the exact numbers of the version that it is, known by its checksum; an unknown one is refused.
"""

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mtl_helpers.data.tokens import text_key
from mtl_helpers.datasets import DOMAIN, SPEAKER, cifar10, imdb, multi_domain_sentiment, spoken_digits
from mtl_helpers.datasets.cifar import CIFAR10
from mtl_helpers.datasets.download import Archive
from mtl_helpers.datasets.spoken import SPOKEN_DIGITS
from mtl_helpers.datasets.texts import IMDB, MULTI_DOMAIN

FOLDER = os.environ.get("MTL_DATA")
SMALLER = {  # re-packed with fewer rows, or without what no loader reads: SHA-256, and what differs from the published counts
    IMDB.file: ("e8daaa5253bf7e3f4f03c50ffc6184a89017531b185798f9007f2eac3d2540a4", {"train": 10_000, "test": 10_000}),
    CIFAR10.file: (
        "34ba769ade7d834f3b069cd8afe605ae989717cf1e3e9ca8cbbd914362a5a121",
        {"train": 10_000, "test": 3_000},
    ),
    MULTI_DOMAIN.file: ("7c5470edfbe8eefca11239255108d6554dc2b9b2bf4a998f52755c4ca6b63057", {}),
    SPOKEN_DIGITS.file: ("b37a73d22f867c59935be53ea32ba06d3a31e0c01710a56898d00b2ed82f3ba7", {}),
}


def read(archive: Archive, loader: Callable):
    """What the loader makes of the archive, with how long it took; the counts it was held to."""
    if FOLDER is None:
        pytest.skip("set MTL_DATA to a folder with the published archives to read them")
    path = Path(FOLDER) / archive.file
    if not path.is_file():
        pytest.skip(f"there is no {archive.file} in MTL_DATA={FOLDER}")
    digest, counts = SMALLER[archive.file]
    smaller = hashlib.sha256(path.read_bytes()).hexdigest() == digest
    given = {"checksum": f"sha256:{digest}", **({"counts": counts} if counts else {})} if smaller else {}
    start = time.perf_counter()
    found = loader(FOLDER, **given)
    seconds = time.perf_counter() - start
    print(f"\n{archive.file}, {'smaller' if smaller else 'as published'}: read in {seconds:.1f} s")
    return found, counts if smaller and counts else None


def test_imdb():
    frame, counts = read(IMDB, imdb)
    counts = counts or {"train": 25_000, "test": 25_000}
    assert frame.part.value_counts().to_dict() == counts
    for part, n in counts.items():
        rows = frame[frame.part == part]
        assert rows.sentiment.value_counts().to_dict() == {"negative": n // 2, "positive": n // 2}
        assert set(rows.stars[rows.sentiment == "negative"]) == {1, 2, 3, 4}
        assert set(rows.stars[rows.sentiment == "positive"]) == {7, 8, 9, 10}
    assert frame.id.is_unique and not frame.text.str.contains("<br", regex=False).any()
    assert frame.text.str.split().str.len().median() > 100
    parts = [set(text_key(frame.text[frame.part == part])) for part in counts]
    assert parts[0] & parts[1]  # the published parts share a few texts: so says the docstring


def test_multi_domain_sentiment():
    frame, _ = read(MULTI_DOMAIN, multi_domain_sentiment)
    counts = frame.groupby(["topic", "sentiment"]).size()
    assert len(frame) == 8000 and counts.to_dict() == {
        (topic, sentiment): 1000 for topic in DOMAIN.classes for sentiment in ("negative", "positive")
    }
    assert set(frame.stars) == {1, 2, 4, 5} and (frame.sentiment == "positive").equals(frame.stars > 3)
    assert (~text_key(frame.text).duplicated()).sum() == 7852


def test_cifar10():
    splits, counts = read(CIFAR10, cifar10)
    counts = counts or {"train": 50_000, "test": 10_000}
    assert len(splits.train) + len(splits.val) == counts["train"] and len(splits.test) == counts["test"]
    for part in splits:
        share = part.targets["object"].bincount(minlength=10) / len(part)
        assert part.inputs.shape[1:] == (3, 32, 32) and (abs(share - 0.1) < 0.015).all()
        assert abs(part.targets["kind"].float().mean() - 0.6) < 0.03
        assert part.inputs.min() == 0 and part.inputs.max() == 1


def test_spoken_digits():
    (data, takes, rate), _ = read(SPOKEN_DIGITS, spoken_digits)
    assert len(data) == 3000 and rate == 8000 and takes.bincount().tolist() == [60] * 50
    assert data.targets["digit"].bincount().tolist() == [300] * 10
    assert data.targets["speaker"].bincount().tolist() == [500] * len(SPEAKER.classes)
    seconds = data.lengths / rate
    assert seconds.min() > 0.1 and 0.3 < seconds.median() < 0.6 and seconds.max() < 3
