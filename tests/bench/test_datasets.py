"""Seconds to read a real archive, from the packed file to tensors or a data frame: with MTL_DATA, else skipped."""

import os
import time

import pytest
from measure import line, title

from mtl_helpers.datasets import cifar10, imdb, multi_domain_sentiment, spoken_digits

FOLDER = os.environ.get("MTL_DATA")
LIMITS = {imdb: 10, cifar10: 2, multi_domain_sentiment: 5, spoken_digits: 5}


@pytest.mark.skipif(FOLDER is None, reason="set MTL_DATA to a folder with the published archives to read them")
@pytest.mark.parametrize("loader", LIMITS, ids=lambda loader: loader.__name__)
def test_reading(loader):
    title(f"Reading with {loader.__name__}(), of what the folder holds; the quickest of three")
    rounds = []
    for _ in range(3):
        start, cpu = time.perf_counter(), time.process_time()
        loader(FOLDER, checksum=None, counts=None)
        rounds.append((time.process_time() - cpu, time.perf_counter() - start))
    cpu, wall = min(rounds)
    line("CPU seconds", f"{cpu:.1f} (wall {wall:.1f})", f"at most {LIMITS[loader]}", cpu <= LIMITS[loader])
    assert cpu <= LIMITS[loader]
