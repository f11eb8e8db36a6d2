"""What methods make of the gradients of several tasks, and whom a step along it would help or harm."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import torch
from torchjd.aggregation import UPGrad

from mtl_helpers.training import RULES, GradientWeighting, NNLSProjector, Weighting

METHODS: dict[str, Callable[[Sequence[Any]], Weighting]] = {
    "sum": RULES["equal"],
    "MGDA": RULES["MGDA"],
    "PCGrad": RULES["PCGrad"],
    # Regularised as little as 64 bits allow: with the 1e-4 that RULES has for training, a gradient 100 times shorter than
    # the other counts for nothing, and UPGrad would be seen to harm its task.
    "UPGrad": lambda tasks: GradientWeighting(tasks, UPGrad(projector=NNLSProjector(1e-12))),
    "IMTL-G": RULES["IMTL-G"],
    "Aligned-MTL": RULES["Aligned-MTL"],
}
_NO_EFFECT = 1e-3  # |cosine| of a step and a gradient under which the task is neither helped nor harmed


def method_steps(gradients: Mapping[str, Sequence[float]], rules: Mapping[str, Weighting]) -> pd.DataFrame:
    """The step d = Σᵢ λᵢgᵢ of each rule for ``gradients`` in the plane, by task: a row a rule.

    Columns ``x, y, length`` of d; of each task its λ (``topic_weight``) and d·gᵢ (``topic_change``): a small step along -d
    lowers its loss by that; and the ``effect`` in words.

    >>> from mtl_helpers.tasks import SENTIMENT, TOPIC
    >>> rule = {"sum": METHODS["sum"]([TOPIC, SENTIMENT])}
    >>> method_steps({"topic": (1, 0), "sentiment": (-0.5, 0.25)}, rule)[["x", "y", "sentiment_change", "effect"]]
              x     y  sentiment_change           effect
    method
    sum     0.5  0.25           -0.1875  harms sentiment
    """
    jacobian = torch.tensor([list(g) for g in gradients.values()], dtype=torch.float64)
    norms, rows = jacobian.norm(dim=1), []
    for name, rule in rules.items():
        if isinstance(rule, GradientWeighting):
            weights = rule.from_gradients(jacobian)
        else:
            weights = jacobian.new_tensor(list(rule.weights.values()))
        d = weights @ jacobian
        length = d.norm()
        d = d if length > 1e-9 * norms.max() else torch.zeros_like(d)  # what rounding leaves of 0
        change = jacobian @ d
        change = torch.where(change.abs() > 1e-9 * norms * norms.max(), change, 0.0)  # nor what it leaves here
        effect = _effect(gradients, (change / (norms * length.clamp(min=1e-300))).tolist())
        rows.append([name, *d.tolist(), d.norm().item(), *weights.tolist(), *change.tolist(), effect])
    by_task = [f"{task}_{what}" for what in ("weight", "change") for task in gradients]
    return pd.DataFrame(rows, columns=["method", "x", "y", "length", *by_task, "effect"]).set_index("method")


def _effect(tasks: Iterable[str], cosines: Sequence[float]) -> str:
    """What a step along -d does to the tasks, from the cosines of d with their gradients."""
    known = dict(zip(tasks, cosines, strict=True))
    for verb, sign in (("harms", -1), ("helps", 1)):
        names = [name for name, cosine in known.items() if sign * cosine > _NO_EFFECT]
        if names:
            return f"{verb} {('both' if len(known) == 2 else 'all') if len(names) == len(known) else ', '.join(names)}"
    return "changes next to nothing"
