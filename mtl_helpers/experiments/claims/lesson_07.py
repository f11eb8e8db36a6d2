"""The claims of lesson 07, large models. Two of its parts re-split the one corpus, so their interval is the corrected one."""

from __future__ import annotations

import math

import pandas as pd

from mtl_helpers.claims import Claim, computed, from_differences, from_runs
from mtl_helpers.claims.register import Kind
from mtl_helpers.experiments import read_result
from mtl_helpers.experiments.claims import lesson_07_adapters, lesson_07_named
from mtl_helpers.experiments.large_models import LAYERS, SHARED_ROWS, TUNED
from mtl_helpers.models.sizes import ARCHITECTURES, MIXTRAL

SOURCE = "large_models.csv"
MARGIN = 5.0  # points: less does not matter here
SPLIT, NEW = "split, labels, first weights, order", "reviews, first weights, order"
FAMILIES = {  # what one question of the lesson compares, and how many comparisons that is
    "few": ("07: frozen and fine-tuned MiniLM against words, LSTM and each other, four sizes, two tasks", 5 * 4 * 2),
    "converged": ("07: two converged heads against 300 steps, two tasks, four sizes", 8 * 2),
    "stars": ("07: stars for sentiment, read off at two sizes, a second task of two models at two", 6),
    "heads": ("07: seven ways of fine-tuning against heads only, two tasks, two sizes", 7 * 2 * 2),
    "words": ("07: eight ways of fine-tuning against a bag of words, two tasks, two sizes", 8 * 2 * 2),
    "shared": ("07: a LoRA, or all layers, per task against shared ones, two tasks, two sizes", 3 * 2 * 2),
    "mixing": ("07: three mixtures against the proportional one, two tasks", 3 * 2),
    "draws": ("07: the equal mixture against as many prompts of sentiment in two other ways", 2),
}
PARTS = {"heads": "tuning", "words": "tuning", "shared": "tuning", "mixing": "mixing", "draws": "mixing"}


def claims() -> list[Claim]:
    """A row for each bold conclusion."""
    runs = read_result("large_models")
    return [
        *few_labels(runs),
        *stars(runs),
        *fine_tuning(runs),
        *mixing(runs),
        *lesson_07_adapters.claims(),
        *lesson_07_named.claims(),
        *sizes(runs),
        *on_paper(),
    ]


def few_labels(runs: pd.DataFrame) -> list[Claim]:
    """What pre-training and fine-tuning bring at each number of labels; and that no head was trained too little."""
    ahead = (
        "with 20 labels the frozen encoder is ahead of all that was not pre-trained on topic, "
        "46 points above a bag of words"
    )
    behind = "on sentiment it stays 16 points below a bag of words, with all labels"
    tuned = "fine-tuned, it gains 15.5 points on sentiment with all labels"
    early = "what it gains with 240 labels, and how near all labels bring it to a bag of words, ten seeds do not tell"
    topic = "what fine-tuning adds on topic ten seeds do not tell"
    trained = "fitted until it converges, its head stays within 5 points of that"
    mood = "sentiment"
    return [
        compared(runs, "few", "topic", "20", "MiniLM", "bag of words", "few-topic-1", ahead),
        compared(runs, "few", "topic", "20", "MiniLM", "LSTM", "few-topic-2", ahead),
        compared(runs, "few", mood, "all", "MiniLM", "bag of words", "few-sentiment", behind, "lower"),
        compared(runs, "few", mood, "all", TUNED, "MiniLM", "few-tuned-all", tuned),
        compared(runs, "few", mood, "240", TUNED, "MiniLM", "few-tuned-240", early, "open"),
        compared(runs, "few", mood, "all", TUNED, "bag of words", "few-tuned-words", early, "open"),
        compared(runs, "few", "topic", "all", TUNED, "MiniLM", "few-tuned-topic", topic, "open"),
        compared(runs, "converged", mood, "all", "MiniLM, converged", "MiniLM", "converged", trained, "equal"),
    ]


def stars(runs: pd.DataFrame) -> list[Claim]:
    """Stars hold sentiment: read off them, and as a second task."""
    read = "off the stars a bag of words reads sentiment within 5 points of one that learnt from all labels of it"
    ahead = "without one label of sentiment it is 28 points above the frozen encoder with 20"
    nothing = "a network that begins with nothing gains 13 points by them with 100 labels"
    second = "above the frozen encoder stars as a second task change sentiment by less than 5 points"
    mood = (
        runs[(runs.part == "labels") & (runs.task == "sentiment")]
        .set_index(["arm", "labels", "seed"])
        .score.sort_index()
    )
    off = mood["bag of words, off the stars", "0"]
    name, comparisons = FAMILIES["stars"]
    row = {
        "unit": "points",
        "resampled": SPLIT,
        "source": SOURCE,
        "shared_rows": SHARED_ROWS["labels"],
        "family": name,
        "comparisons": comparisons,
    }
    return [
        from_differences(
            (100 * (off - mood["bag of words", "all"])).to_numpy(),
            id="07-off-stars-1",
            sentence=read,
            kind="equal",
            margin=MARGIN,
            baseline="bag of words, all labels of sentiment",
            **row,
        ),
        from_differences(
            (100 * (off - mood["MiniLM", "20"])).to_numpy(),
            id="07-off-stars-2",
            sentence=ahead,
            kind="higher",
            baseline="MiniLM, 20 labels",
            **row,
        ),
        compared(runs, "stars", "sentiment", "20", LAYERS[1], LAYERS[0], "stars-MiniLM", second, "equal"),
        compared(runs, "stars", "sentiment", "100", "LSTM + stars", "LSTM", "stars-LSTM", nothing),
    ]


def fine_tuning(runs: pd.DataFrame) -> list[Claim]:
    """Ways of fine-tuning against heads only and a bag of words, and one LoRA per task against a shared one."""
    gain = "one LoRA per task lifts sentiment by 17 points over heads only"
    words = "that any way of fine-tuning beats a bag of words on sentiment is not shown"
    apart = "one LoRA per task is not told from a shared one, of rank 8 or of rank 16"
    whole = "nor are all layers, trained for each task, from all layers shared"
    alone, mood = "LoRA, one per task", "sentiment"
    names = {
        "last two layers": "last",
        "LoRA, shared": "shared-LoRA",
        "LoRA of rank 16, shared": "rank-16",
        alone: "one-LoRA",
        "soft prompt, shared": "prompt",
        "all layers": "all",
        "all layers, one per task": "all-each",
    }
    found = [compared(runs, "heads", mood, "240", alone, "heads only", "tuned-one-LoRA", gain)]
    for labels, end in (("240", ""), ("all", "-all")):
        for arm, name in names.items():
            found.append(
                compared(runs, "words", mood, labels, arm, "bag of words", f"words-{name}{end}", words, "open")
            )
        for arm, against, name, said in (
            (alone, "LoRA, shared", "8", apart),
            (alone, "LoRA of rank 16, shared", "16", apart),
            ("all layers, one per task", "all layers", "whole", whole),
        ):
            found.append(
                compared(runs, "shared", mood, labels, arm, against, f"one-or-shared-{name}{end}", said, "open")
            )
    return found


def mixing(runs: pd.DataFrame) -> list[Claim]:
    """Tasks named in the text, drawn in proportion or equally; and sentiment drawn as often in other ways."""
    equal = "drawn equally, sentiment is 29 points above drawn in proportion, after 700 steps"
    longer = "what 1,400 steps in proportion bring five seeds do not tell"
    share = "once sentiment is drawn as often, the equal mixture is still 25 points above the proportional one"
    draws = "from sentiment alone the equal mixture is not told"
    first, twice, alone = "proportional", "proportional, twice the steps", "sentiment alone, half the steps"
    mood = "sentiment"
    return [
        compared(runs, "mixing", mood, "", "equal", first, "mixing", equal),
        compared(runs, "mixing", mood, "", twice, first, "mixing-longer", longer, "open"),
        compared(runs, "draws", mood, "", "equal", twice, "mixing-draws", share),
        compared(runs, "draws", mood, "", "equal", alone, "mixing-alone", draws, "open"),
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
    labels: str,
    arm: str,
    against: str,
    id: str,
    sentence: str,
    kind: Kind = "higher",
) -> Claim:
    """One arm against another in a task's accuracy with so many ``labels``, in points, over the seeds that both have."""
    part = PARTS.get(family, "labels")
    rows = runs[(runs.part == part) & (runs.task == task) & runs.arm.isin([arm, against])]
    rows = rows[rows.labels == labels] if labels else rows
    name, comparisons = FAMILIES[family]
    return from_runs(
        rows[rows.groupby("seed").arm.transform("nunique") == 2],
        arm,
        against,
        id=f"07-{id}",
        sentence=sentence,
        kind=kind,
        resampled=NEW if part == "mixing" else SPLIT,
        source=SOURCE,
        shared_rows=SHARED_ROWS[part],
        margin=MARGIN if kind == "equal" else math.nan,
        family=name,
        comparisons=comparisons,
    )
