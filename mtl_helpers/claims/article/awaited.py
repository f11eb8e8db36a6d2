"""Rows of the register that the article's claims rest on and that are not in it yet: the one place for it."""

# Left out of a verdict until they are there, and then part of it. Empty once every lesson has rows; a test sees to it.
AWAITED: frozenset[str] = frozenset(
    {
        "00-topic",
        *(f"02-{what}-{encoder}" for what in ("parameters", "step", "target") for encoder in ("CNN", "LSTM")),
        *(f"02-quality-CNN-{task}" for task in ("topic", "sentiment")),
        *(f"04-{what}" for what in ("importance-sentiment", "temperature", "units-raw")),
        *(f"04-rule-{rule}-topic" for rule in ("uncertainty", "GradNorm", "PCGrad")),
        *(f"05-sharing-{world}-{size}" for world in ("digits", "reviews") for size in ("small", "large")),
        *("05-size-reviews", "05-raw-units", "05-left-digit", "05-price-reviews-0.25"),
        *(
            f"05-rule-{world}-{rule}"
            for world in ("digits", "reviews")
            for rule in ("uncertainty", "GradNorm", "PCGrad")
        ),
        "06-waypoints-5",
        *("07-few-topic-1", "07-stars-MiniLM", "07-mixing", "07-GPT-3-LoRA"),
    }
)
# Claims that lesson 03 tests, whose rows have no names yet.
AWAITED_OF_03 = ("shared-data", "design-for-several", "relation-mechanism", "influence")
