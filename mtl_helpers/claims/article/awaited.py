"""Rows of the register that the article's claims rest on and that are not in it yet: the one place for it."""

# Left out of a verdict until they are there, and then part of it. Empty once every lesson has rows; a test sees to it.
AWAITED: frozenset[str] = frozenset(
    {
        "00-topic",
        *(f"02-{what}-{encoder}" for what in ("parameters", "step", "target") for encoder in ("CNN", "LSTM")),
        *(f"02-quality-CNN-{task}" for task in ("topic", "sentiment")),
        *(f"04-{what}" for what in ("importance-sentiment", "temperature", "units-raw")),
        *(f"04-rule-{rule}-topic" for rule in ("uncertainty", "GradNorm", "PCGrad")),
    }
)
