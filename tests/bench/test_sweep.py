"""A sweep of λ over seeds: two processes over one, eleven λ over one run, and the front."""

import time

import torch
from measure import line, title

from mtl_helpers.data import make_loader
from mtl_helpers.datasets import LEFT, RIGHT, two_digits
from mtl_helpers.evaluation import pareto_front, sweep
from mtl_helpers.models import ImageEncoder, MultiTaskModel
from mtl_helpers.training import fit, validate

CONFIGS = [{"weight": round(0.05 + 0.09 * i, 2), "seed": seed} for i in range(11) for seed in range(5)]


def train(config: dict) -> dict:
    digits = two_digits(seed=config["seed"])
    torch.manual_seed(config["seed"])
    model = MultiTaskModel(ImageEncoder(), [LEFT, RIGHT])
    loader = make_loader(digits.train, 32, shuffle=True, seed=config["seed"])
    weights = {"left": config["weight"], "right": 1 - config["weight"]}
    fit(model, loader, torch.optim.AdamW(model.parameters(), lr=0.006), steps=400, weights=weights)
    return validate(model, make_loader(digits.val, 250))[1]


def test_eleven_weights_and_five_seeds():
    title(f"Sweep of {len(CONFIGS)} models on two digits")
    seconds, tables = {}, {}
    for processes in (1, 2):
        start = time.perf_counter()
        tables[processes] = sweep(CONFIGS, train, processes=processes, progress=False)
        seconds[processes] = time.perf_counter() - start
    assert tables[1].drop(columns="seconds").equals(tables[2].drop(columns="seconds"))
    line("1 process", f"{seconds[1]:.1f} s")
    line("2 processes", f"{seconds[2]:.1f} s", "<= 60 s", seconds[2] <= 60)
    ratio = seconds[1] / seconds[2]
    line("1 process over 2", f"{ratio:.2f}", ">= 1.7", ratio >= 1.7)
    eleven = [config for config in CONFIGS if config["seed"] == 0]
    start = time.perf_counter()
    sweep(eleven, train, processes=2, progress=False)
    over = (time.perf_counter() - start) / tables[1].seconds.median()
    line("11 λ on 2 processes over one run", f"{over:.1f}", note="5.5 if nothing were lost")
    means = tables[2].groupby("weight")[["left", "right"]].mean()
    for weight, (left, right) in means[pareto_front(means)].iterrows():
        line(f"on the front: λ left = {weight}", f"{left:.3f} / {right:.3f}")
