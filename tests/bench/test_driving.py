"""Driving: seconds to make 5,500 drives, and to train one model of five tasks on them; processor time of one thread."""

import time

import torch
from measure import line, title

from mtl_helpers.data import make_loader
from mtl_helpers.driving import DRIVING_TASKS, make_drives
from mtl_helpers.models import FusionEncoder, ImageEncoder, MultiTaskModel
from mtl_helpers.training import fit, validate

STEPS = 500


def test_drives_and_a_model():
    title("Driving: 4,000 + 500 + 1,000 drives, and one model")
    start = time.thread_time()
    splits = make_drives(seed=0)
    made = time.thread_time() - start
    line("5,500 drives rendered, spoken, encoded", f"{made:.1f} s", "<= 3 s", made <= 3)
    torch.manual_seed(0)
    branches = {"camera": ImageEncoder(size=32, colours=3), "microphone": ImageEncoder(size=24)}
    model = MultiTaskModel(FusionEncoder(branches, hidden=64), DRIVING_TASKS)
    loader = make_loader(splits.train, 32, shuffle=True, seed=0)
    optimizer, val_loader = torch.optim.AdamW(model.parameters(), lr=0.004), make_loader(splits.val, 250)
    start = time.thread_time()
    fit(model, loader, optimizer, steps=STEPS, val_loader=val_loader, eval_every=100)
    trained = time.thread_time() - start
    line(f"{STEPS} steps of one model, five tasks", f"{trained:.1f} s", "<= 8 s", trained <= 8)
    for name, score in validate(model, make_loader(splits.test, 250))[1].items():
        line(f"test score of {name}", f"{score:.3f}")
