"""Driving: seconds to make 5,500 moments and to train the shared model of lesson 06; steps a second in the closed loop.

Processor time of one thread.
"""

import time

import torch
from measure import line, title

from mtl_helpers.data import make_loader
from mtl_helpers.driving import DRIVING_TASKS, Simulator, drive, episode_rows, make_drives, steers, straight_on
from mtl_helpers.experiments import driving as course
from mtl_helpers.training import fit, validate


def test_drives_a_model_and_the_closed_loop():
    title("Driving: 4,000 + 500 + 1,000 moments, 300 of them with a route, one model, and 50 drives")
    start = time.thread_time()
    splits = make_drives(seed=0, route_labels=300)
    made = time.thread_time() - start
    line("5,500 moments rendered, spoken, encoded", f"{made:.1f} s", "<= 3 s", made <= 3)
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
    for name, policy, least in (("without a model", straight_on, 1000), ("with the model", steers(model), 500)):
        simulator = Simulator(episode_rows(50, seed=1))
        start = time.thread_time()
        drive(simulator, policy)
        rate = simulator.steps * len(simulator) / (time.thread_time() - start)
        line(f"closed-loop steps a second, {name}", f"{rate:.0f}", f">= {least}", rate >= least)
