"""Time per step of `train_steps` over a loop written out by hand, with Lightning and skorch beside it."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from loops import LOOPS, step_by_hand
from measure import WARM_UP, Batches, line, missing, report, stepper, take_turns, title
from problem import TASKS, new_loaders, new_model, new_optimizer

from mtl_helpers.models import MultiTaskModel, OnFeatures

NOTES = {
    "lightning": "Trainer(barebones=True)",
    "skorch": "NeuralNet without callbacks",
    "by hand again": "how exact this is",
}


@pytest.mark.parametrize(("kind", "repeats", "steps", "target"), [("LSTM", 6, 60, 1.03), ("tiny CNN", 6, 400, 1.05)])
def test_time_per_step(kind, repeats, steps, target):
    title(f"Time per step over a loop written by hand: {kind}, {repeats} x {steps} steps each, in turns")
    batches = Batches(new_loaders()[0], epochs=2)
    absent = missing(["lightning", "skorch"])
    loops = {name: loop for name, loop in LOOPS.items() if name not in absent}
    parts = []
    for _ in range(repeats):  # where in memory a model lies makes a step up to 4 % faster or slower: so several models
        histories = {name: [] for name in loops}
        contenders = {
            name: stepper(partial(loop, kind, history=histories[name]), batches, steps + WARM_UP)
            for name, loop in loops.items()
        }
        parts.append(take_turns(contenders, steps, WARM_UP))
        for name, history in histories.items():
            assert history == histories["by hand"], f"{name} did not train as the loop by hand did"
            assert len(history) == steps + WARM_UP
    times = {name: np.concatenate([part[name] for part in parts]) for name in loops}
    line("by hand", f"{1000 * np.median(times['by hand']):.2f} ms a step")
    report(times, "by hand", targets={"train_steps": target}, notes=NOTES)


def through_conv1d(self, vectors, mask):
    """What `CNNEncoder.encode` computes, in the usual way: by ``nn.Conv1d`` itself."""
    vectors, pooled = vectors.transpose(1, 2), []
    for convolution in self.convolutions:
        windows = convolution(F.pad(vectors, (0, convolution.kernel_size[0] - 1)))
        pooled.append(windows.masked_fill(~mask[:, None], -torch.inf).amax(dim=2))
    return F.relu(torch.cat(pooled, dim=1))


def test_cnn_over_conv1d():
    title("Time per epoch of the CNN encoder over the same with nn.Conv1d, 12 each, in turns")
    batches = list(new_loaders()[0])
    models = {"nn.Conv1d": new_model("CNN"), "CNNEncoder": new_model("CNN")}
    models["nn.Conv1d"].encoder.encode = partial(through_conv1d, models["nn.Conv1d"].encoder)

    def epoch(model, optimizer):
        for batch in batches:
            step_by_hand(model, optimizer, batch)

    epochs = {name: partial(epoch, model, new_optimizer("CNN", model)) for name, model in models.items()}
    report(take_turns(epochs, 12, 1), "nn.Conv1d", targets={"CNNEncoder": 0.9})


def test_frozen_features_over_cnn():
    title("Time per epoch on the frozen features of a pre-trained encoder over that of the CNN, 12 each, in turns")
    batches = list(new_loaders()[0])
    # What the features say does not matter to the time; how many there are does: MiniLM's 384.
    featured = [type(batch)(torch.randn(batch.size, 384), batch.targets, batch.masks) for batch in batches]
    models = {"CNN": new_model("CNN"), "layer of 32 and heads": MultiTaskModel(OnFeatures(384, hidden=32), TASKS)}

    def epoch(model, optimizer, batches):
        for batch in batches:
            step_by_hand(model, optimizer, batch)

    epochs = {
        name: partial(epoch, model, new_optimizer("CNN", model), batches if name == "CNN" else featured)
        for name, model in models.items()
    }
    report(take_turns(epochs, 12, 1), "CNN", targets={"layer of 32 and heads": 1.0})
