"""Ways of fine-tuning one pre-trained encoder for two tasks: one run of one of them, and what it costs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from mtl_helpers.data import bag_of_words, baseline_score, encode_reviews, load_reviews, make_loader, split_reviews
from mtl_helpers.experiments.large_models.label_counts import tested
from mtl_helpers.models import (
    FrozenFeatures,
    MultiTaskModel,
    OnFeatures,
    PretrainedEncoder,
    SoftPrompt,
    load_pretrained,
)
from mtl_helpers.tasks import SENTIMENT, TOPIC
from mtl_helpers.training import fit, validate

BAG = "bag of words"
TESTED, BATCH, HEAD_STEPS = 200, 16, 400
STEPS = {240: 60, "all": 105}  # by the number of labels; 105 batches are one pass over all 1,680
HEAD_LR = 0.005


@dataclass(frozen=True)
class Way:
    """What of the encoder learns, at which rate of AdamW, and whether the tasks share it."""

    prepare: Callable[[PretrainedEncoder], nn.Module]
    lr: float
    per_task: bool = False


def lora(rank: int) -> Callable[[PretrainedEncoder], nn.Module]:
    """The encoder with a LoRA of that rank."""
    return lambda encoder: encoder.add_lora(rank)


# Rank 16 shared has as many numbers as two of rank 8. 0.03 for a prompt is what peft's guide to prompt tuning takes.
WAYS = {
    "last two layers": Way(lambda encoder: encoder.train_last(2), 3e-4),
    "LoRA, shared": Way(lora(8), 3e-3),
    "LoRA of rank 16, shared": Way(lora(16), 3e-3),
    "LoRA, one per task": Way(lora(8), 3e-3, per_task=True),
    "soft prompt, shared": Way(lambda encoder: SoftPrompt(encoder, 10), 3e-2),
    "all layers": Way(lambda encoder: encoder, 1e-4),
    "all layers, one per task": Way(lambda encoder: encoder, 1e-4, per_task=True),
}
HEADS = "heads only"


def resident_mb() -> float:
    """The largest resident memory of this process so far."""
    status = Path("/proc/self/status")
    if status.is_file():  # what `resource` says on Linux may be of the process that started this one
        line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1e3
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def tuning_data(seed: int, n: int | str = 240, tested: int = TESTED) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Frames to train and to test on, in which every row has both labels."""
    splits = split_reviews(load_reviews().dropna(subset=["sentiment"]), seed=seed)
    train = splits.train if n == "all" else splits.train.sample(n, random_state=seed)
    return train, splits.test.sample(tested, random_state=seed)


def prepared(arm: str) -> tuple[nn.Module, Any, float | None]:
    """The encoder, as the arm trains it, what encodes texts for it, and the learning rate of what is trained in it."""
    encoder, subwords = load_pretrained()
    if arm == HEADS:
        return OnFeatures(encoder.features), FrozenFeatures(encoder.train_last(0), subwords), None
    return WAYS[arm].prepare(encoder), subwords, WAYS[arm].lr


def tuning_run(arm: str, n: int | str, seed: int, steps: int | None = None) -> dict[str, float]:
    """Test accuracies, trainable numbers, processor seconds and memory of one arm, in a process of its own."""
    train, test = tuning_data(seed, n)
    if arm == BAG:
        return {task.name: baseline_score(bag_of_words(train, task), test, task) for task in (TOPIC, SENTIMENT)}
    apart = arm in WAYS and WAYS[arm].per_task
    result, trainable = {}, 0
    for tasks in [[TOPIC], [SENTIMENT]] if apart else [[TOPIC, SENTIMENT]]:
        torch.manual_seed(seed)  # of the first weights, and then of dropout
        encoder, vocabulary, lr = prepared(arm)
        start, base = time.process_time(), resident_mb()
        model = MultiTaskModel(encoder, tasks)
        loader = make_loader(encode_reviews(train, vocabulary, tasks), BATCH, shuffle=True, seed=seed)
        bottom = [p for p in encoder.parameters() if p.requires_grad]
        # Not fused, AdamW takes a third of a step of all layers, and as much memory again as the gradients.
        optimizer = torch.optim.AdamW([{"params": model.heads.parameters(), "lr": HEAD_LR}], fused=True)
        if bottom:
            optimizer.add_param_group({"params": bottom, "lr": lr})
        fit(model, loader, optimizer, steps=(steps or STEPS[n]) if bottom else HEAD_STEPS)
        result["seconds"] = result.get("seconds", 0) + time.process_time() - start
        result["memory_mb"] = max(result.get("memory_mb", 0), resident_mb() - base)
        trainable += sum(p.numel() for p in model.parameters() if p.requires_grad)
        result |= validate(model, tested(test, vocabulary, tasks))[1]
    return result | {"trainable": trainable}
