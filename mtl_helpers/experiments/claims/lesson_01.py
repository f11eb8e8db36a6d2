"""The claims of lesson 01, data."""

from __future__ import annotations

from mtl_helpers.claims import Claim


def claims() -> list[Claim]:
    """A row for each bold conclusion."""
    return []
