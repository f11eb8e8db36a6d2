"""``python -m mtl_helpers.teaching site``, ``slides``, ``handout`` or ``app``: a part of the kit, built into ``build/``."""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

from mtl_helpers.teaching.app import app_command, build_app
from mtl_helpers.teaching.handout import build_handout
from mtl_helpers.teaching.site import build_site
from mtl_helpers.teaching.slides import build_slides

BUILD = Path(__file__).resolve().parents[2] / "build"


def main(arguments: list[str] | None = None) -> int:
    """Build what is named and say where it is; serve the app."""
    parser = argparse.ArgumentParser(prog="python -m mtl_helpers", description=__doc__)
    parts = parser.add_subparsers(dest="part", required=True)
    for name in ("site", "slides", "handout"):
        parts.add_parser(name)
    app = parts.add_parser("app")
    app.add_argument("--port", type=int, default=8888)
    app.add_argument("--no-browser", action="store_true")
    asked = parser.parse_args(arguments)
    target = BUILD / asked.part
    if asked.part == "site":
        print(f"{len(build_site(target))} pages; open {target / 'index.html'}")
    elif asked.part == "slides":
        print(f"slides for {len(build_slides(target))} lessons; open {target / 'index.html'}")
    elif asked.part == "handout":
        print(
            f"{len(build_handout(target))} lessons and their assignments are in {target}; TEACHING.md says how to grade"
        )
    else:
        print(f"{len(build_app(target))} demos at http://127.0.0.1:{asked.port}; stop with Ctrl-C.", flush=True)
        return subprocess.call(app_command(target, asked.port, browser=not asked.no_browser))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
