"""Driving: seconds to make 5,500 drives, and to train the shared model of lesson 06 on them; processor time of one thread."""

import time

import torch
from measure import line, title

from mtl_helpers.data import make_loader
from mtl_helpers.driving import DRIVING_TASKS, make_drives
from mtl_helpers.experiments import driving as course
from mtl_helpers.training import fit, validate


def test_drives_and_a_model():
    title("Driving: 4,000 + 500 + 1,000 drives, 300 of them with a route, and one model")
    start = time.thread_time()
    splits = make_drives(seed=0, route_labels=300)
    made = time.thread_time() - start
    line("5,500 drives rendered, spoken, encoded", f"{made:.1f} s", "<= 3 s", made <= 3)
    model = course.new_model(DRIVING_TASKS, seed=0)
    loader = course.new_loader(splits.train, DRIVING_TASKS, seed=0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=course.LR, fused=True)
    val_loader = make_loader(splits.val, 250)
    start = time.thread_time()
    fit(model, loader, optimizer, steps=course.STEPS, val_loader=val_loader, eval_every=100)
    trained = time.thread_time() - start
    line(f"{course.STEPS} steps of one model, five tasks", f"{trained:.1f} s", "<= 9 s", trained <= 9)
    for name, score in validate(model, make_loader(splits.test, 250))[1].items():
        line(f"test score of {name}", f"{score:.3f}")
