"""The claims of lesson 07, large models. Two of its parts re-split the one corpus, so their interval is the corrected one."""

from __future__ import annotations

import pandas as pd

from mtl_helpers.claims import Claim, computed, from_runs
from mtl_helpers.claims.register import Kind
from mtl_helpers.experiments import read_result
from mtl_helpers.experiments.large_models import SHARED_ROWS
from mtl_helpers.models.sizes import ARCHITECTURES, MIXTRAL

SOURCE = "large_models.csv"
SPLIT, NEW = "split, labels, first weights, order", "reviews, first weights, order"
FAMILIES = {  # what one question of the lesson compares, and how many comparisons that is
    "few": ("07: frozen MiniLM against three others, two tasks, three sizes", 18),
    "stars": ("07: stars as a second task, two encoders, two tasks, three sizes", 12),
    "tuning": ("07: four ways of fine-tuning against heads only, two tasks", 8),
    "lora": ("07: one LoRA per task against a shared one, two tasks", 2),
    "mixing": ("07: two mixtures against the proportional one, two tasks", 4),
}


def claims() -> list[Claim]:
    """A row for each bold conclusion."""
    runs = read_result("large_models")
    return [*few_labels(runs), *fine_tuning(runs), *mixing(runs), *sizes(runs), *on_paper()]


def few_labels(runs: pd.DataFrame) -> list[Claim]:
    """Pre-training and a second task, at 20 labels."""
    ahead = "with 20 labels the frozen encoder is ahead of all others on topic, 50 points above a bag of words"
    behind = "on sentiment an LSTM with stars is ahead of the frozen encoder"
    stars = "three seeds do not tell what stars add to a sentiment model"
    others = ("bag of words", "LSTM", "LSTM + stars")
    rows = [
        compared(
            runs, "few", "topic", "MiniLM", other, id=f"07-few-topic-{i}", sentence=ahead, kind="higher", labels="20"
        )
        for i, other in enumerate(others, start=1)
    ]
    mood = compared(
        runs, "few", "sentiment", "MiniLM", others[2], id="07-few-sentiment", sentence=behind, kind="lower", labels="20"
    )
    second = [
        compared(
            runs,
            "stars",
            "sentiment",
            f"{arm} + stars",
            arm,
            id=f"07-stars-{name}",
            sentence=stars,
            kind="open",
            labels="20",
        )
        for arm, name in (("LSTM", "LSTM"), ("MiniLM, layer", "MiniLM"))
    ]
    return [*rows, mood, *second]


def fine_tuning(runs: pd.DataFrame) -> list[Claim]:
    """Sentiment by ways of fine-tuning."""
    gain = "one LoRA per task lifts sentiment by 16 points over heads only"
    unclear = "for all layers, the last two and a shared LoRA three seeds do not tell"
    names = {
        "LoRA, one per task": "one-LoRA",
        "all layers": "all",
        "last two layers": "last",
        "LoRA, shared": "shared-LoRA",
    }
    rows = []
    for arm, name in names.items():
        said: tuple[str, Kind] = (gain, "higher") if name == "one-LoRA" else (unclear, "open")
        rows.append(
            compared(
                runs, "tuning", "sentiment", arm, "heads only", id=f"07-tuned-{name}", sentence=said[0], kind=said[1]
            )
        )
    return rows


def mixing(runs: pd.DataFrame) -> list[Claim]:
    """Tasks named in the text, drawn in proportion or equally."""
    sentence = "drawn equally, sentiment is 29 points above drawn in proportion, after 700 steps"
    return [
        compared(runs, "mixing", "sentiment", "equal", "proportional", id="07-mixing", sentence=sentence, kind="higher")
    ]


def sizes(runs: pd.DataFrame) -> list[Claim]:
    """What is counted."""
    gpt3 = ARCHITECTURES["GPT-3"]
    trained = runs[(runs.part == "tuning") & (runs.task == "topic")].groupby("arm").trainable.first()
    share = 100 * trained["LoRA, shared"] / trained["all layers"]
    small, large = "LoRA of rank 8 trains 0.3 % of the numbers", "ten LoRAs add less than 1 GB, ten copies weigh 3,492"
    counted, paper = {"sentence": small, "source": SOURCE}, {"sentence": large, "source": "models.sizes"}
    return [
        computed(share, id="07-size-LoRA", unit="% of the numbers", **counted),
        computed(10 * 2 * gpt3.adapter(8) / 1e9, id="07-GPT-3-LoRA", unit="GB", **paper),
        computed(10 * 2 * gpt3.parameters / 1e9, id="07-GPT-3-copies", unit="GB", **paper),
    ]


def on_paper() -> list[Claim]:
    """What an adapter adds beside the weights, and a mixture of experts."""
    small = ARCHITECTURES["all-MiniLM-L6"]
    beside = 100 * 2 * small.adapter(8) / small.flops_per_token
    active = 100 * MIXTRAL.active / MIXTRAL.total
    mixed, experts = "a mixed batch adds 0.7 % to the work of the base", "a token meets 28 % of Mixtral's numbers"
    return [
        computed(beside, id="07-mixed-batch", unit="% of its FLOPs", sentence=mixed, source="models.sizes"),
        computed(active, id="07-experts", unit="% of the numbers", sentence=experts, source="models.sizes"),
    ]


def compared(
    runs: pd.DataFrame,
    family: str,
    task: str,
    arm: str,
    against: str,
    *,
    id: str,
    sentence: str,
    kind: Kind,
    labels: str | None = None,
) -> Claim:
    """One arm against another in a task's accuracy, in points."""
    part = {"few": "labels", "stars": "labels", "lora": "tuning"}.get(family, family)
    rows = runs[(runs.part == part) & (runs.task == task)]
    name, comparisons = FAMILIES[family]
    return from_runs(
        rows if labels is None else rows[rows.labels == labels],
        arm,
        against,
        id=id,
        sentence=sentence,
        kind=kind,
        resampled=NEW if part == "mixing" else SPLIT,
        source=SOURCE,
        shared_rows=SHARED_ROWS[part],
        family=name,
        comparisons=comparisons,
    )
