"""Where the rows of the article's claims were measured, in words that complete "holds when"."""

from __future__ import annotations

from mtl_helpers.claims.article.rule import Evidence, Side

ROUTES = "the action has 300 routes to learn from (driving)"
ALONE = "the action alone is asked, with 300 routes (driving)"
MORE_ROUTES = "the action has 4,000 routes (driving)"
WAYPOINTS = "the waypoints are planned together with the rest"
STARS = "100 labels of sentiment are joined by the stars of all reviews (sealed reviews)"
SHARED = "one network has both tasks, with all labels (sealed reviews)"
TOLD = "one task is told of the other (sealed reviews)"
SMALL = "a small network shares, with λ equal (sealed reviews)"


def on_both(row: str, side: Side, when: str) -> tuple[Evidence, ...]:
    """The rows of both tasks; ``{task}`` in ``when`` is the task's name."""
    return tuple(Evidence(f"{row}-{task}", side, when.format(task=task)) for task in ("topic", "sentiment"))


ACTION = (
    Evidence("06-action-300", "above", ROUTES),
    Evidence("06-action-4000", "above", MORE_ROUTES),
)
