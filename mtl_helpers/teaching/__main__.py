"""``python -m mtl_helpers.teaching site``, ``slides``, ``handout`` or ``app``: build a part of the kit into ``build/``."""

from __future__ import annotations

import sys
from pathlib import Path

from mtl_helpers.teaching.handout import build_handout
from mtl_helpers.teaching.site import build_site
from mtl_helpers.teaching.slides import build_slides

BUILD = Path(__file__).resolve().parents[2] / "build"


def main(arguments: list[str]) -> None:
    """Build what is named, and say where it is."""
    (part,) = arguments
    if part == "site":
        pages = build_site(BUILD / "site")
        print(f"{len(pages)} pages; open {BUILD / 'site' / 'index.html'}")
    elif part == "slides":
        made = build_slides(BUILD / "slides")
        print(f"slides for {len(made)} lessons; open {BUILD / 'slides' / 'index.html'}")
    elif part == "handout":
        names = build_handout(BUILD / "handout")
        print(
            f"{len(names)} lessons and their assignments are in {BUILD / 'handout'}; TEACHING.md says how to grade them"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
