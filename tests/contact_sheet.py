"""All pictures that the notebooks store, on one sheet: python tests/contact_sheet.py writes data/cache/pictures.png."""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[1]
COLUMNS, WIDTH, HEIGHT = 5, 380, 300  # pictures in a row, and the pixels of each with its name


def pictures() -> Iterator[tuple[str, Image.Image]]:
    """Each stored PNG with the lesson and the cell it stands in."""
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                if "image/png" in output.get("data", {}):
                    png = base64.b64decode("".join(output["data"]["image/png"]))
                    yield f"{path.stem}/{cell['id']}", Image.open(io.BytesIO(png))


def main() -> None:
    """Write the sheet."""
    found = list(pictures())
    sheet = Image.new("RGB", (COLUMNS * WIDTH, math.ceil(len(found) / COLUMNS) * HEIGHT), "white")
    for place, (name, picture) in enumerate(found):
        x, y = place % COLUMNS * WIDTH, place // COLUMNS * HEIGHT
        picture = picture.convert("RGB")
        picture.thumbnail((WIDTH - 12, HEIGHT - 24))
        sheet.paste(picture, (x + 6, y + 20))
        ImageDraw.Draw(sheet).text((x + 6, y + 4), name, fill="black")
    path = ROOT / "data" / "cache" / "pictures.png"
    path.parent.mkdir(exist_ok=True)
    sheet.save(path)
    print(f"{len(found)} pictures in {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
