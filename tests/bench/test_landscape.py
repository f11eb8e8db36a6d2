"""The landscape demo: what a redraw costs while its start is dragged, over a path by the course's loop."""

import time

import torch
from measure import line, report, take_turns, title

from mtl_helpers.live import LandscapeDemo
from mtl_helpers.relations import LandscapeModel
from mtl_helpers.training import train_steps

REDRAWS, STEPS = 60, 200


def test_redraw():
    title(
        f"CPU seconds of a redraw, all paths of {STEPS} steps anew, over one path by train_steps with λ = 1; in turns"
    )
    demo, place = LandscapeDemo(), iter(range(10**6))
    assert len(demo.paths["sum"]) == STEPS + 1 and len(demo.paths) == 4

    def redraw() -> None:
        """What a move of the mouse sets going in the kernel; process_time counts the worker's thread, too."""
        demo.view.value = [1.4 - 0.01 * (next(place) % 50), 2.2]

    def by_the_loop() -> None:
        model = LandscapeModel((1.4, 2.2))
        loop = train_steps(model, model.loader, torch.optim.SGD(model.parameters(), lr=0.05))
        for _ in range(STEPS):
            next(loop)

    times = take_turns(
        {"one path by the loop": by_the_loop, "redraw": redraw}, REDRAWS // 4, 1, clock=time.process_time
    )
    demo.close()
    seconds = sorted(times["redraw"])[len(times["redraw"]) // 2]
    line("redraws a second, one core", f"{1 / seconds:.0f}", ">= 20", bool(1 / seconds >= 20))
    report(times, "one path by the loop", targets={"redraw": 0.1})
