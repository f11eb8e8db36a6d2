"""Step 1, from file to data sets, on 10,000 to 1,000,000 reviews, beside Hugging Face's datasets and tokenizers."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

from measure import line, missing, title
from scale import write_reviews

HERE = Path(__file__).resolve().parent
SIZES = (10_000, 100_000, 1_000_000)


def run(way: str, path: Path) -> tuple[dict[str, float], float]:
    """Seconds by step, and the peak memory in GB, of a process that does nothing else."""
    environment = {**os.environ, "OMP_NUM_THREADS": "2", "TOKENIZERS_PARALLELISM": "true", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, HERE / "scale.py", way, path], capture_output=True, text=True, check=True, env=environment
    )
    found = json.loads(done.stdout.splitlines()[-1])
    return found["seconds"], found["GB"]


def test_a_million_reviews(tmp_path):
    title("Reading, cleaning, splitting, encoding reviews")
    total, peers = {}, not missing(["datasets", "tokenizers"])
    for n in SIZES:
        path = tmp_path / f"{n}.csv"
        write_reviews(path, n)
        seconds, gb = run("ours", path)
        total[n] = sum(seconds.values())
        steps = ", ".join(f"{step} {value:.1f}" for step, value in seconds.items())
        line(f"{n:,} reviews", f"{total[n]:.1f} s, {gb:.2f} GB", note=steps)
        if peers:
            seconds, peer_gb = run("peer", path)
            steps = ", ".join(f"{step} {value:.1f}" for step, value in seconds.items())
            line("  datasets + tokenizers (its main process)", f"{sum(seconds.values()):.1f} s, {peer_gb:.2f} GB", note=steps)
        path.unlink()
    line("1,000,000 reviews", f"{total[SIZES[-1]]:.1f} s", "<= 60 s", total[SIZES[-1]] <= 60)
    line("peak memory", f"{gb:.2f} GB", "<= 2 GB", gb <= 2)
    for small, large in itertools.pairwise(SIZES):
        ratio = (total[large] / large) / (total[small] / small)
        line(f"time a review, {large:,} over {small:,}", f"{ratio:.2f}", "<= 1.5", ratio <= 1.5)
    assert gb <= 2
