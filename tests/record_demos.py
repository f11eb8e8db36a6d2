"""Record the live demos for the site, from the real page: python tests/record_demos.py [MergeDemo ...]

Each opens as in the app and is steered from the kernel as a learner steers it by mouse; what the page then shows is a frame.
They need Chromium, as the browser tests do, and a font with Chinese letters. The λ lab has a script of its own, record_lab.py.
"""

from __future__ import annotations

import io
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from browser import NotebookPage, copy_course, launch, start_lab
from PIL import Image
from playwright.sync_api import sync_playwright

from mtl_helpers.teaching.lesson_pages import PAGE, recording

WIDTH = 1060  # of the page in pixels
SHOWN = 860  # pixels at most, of the recording
LARGEST = 300_000  # bytes
EACH, LAST = 800, 3000  # ms that a frame is seen


def _turned(degrees: int) -> str:
    angle = math.radians(degrees)
    return f"demo.set(g2=({math.cos(angle):.3f}, {math.sin(angle):.3f}))"


ON = ["demo.advance(1)"]
# By demo the function of demo_pages that makes it, and what is done before each frame.
TAKES = {
    "DataDemo": (
        "data",
        ["demo.run()"]
        + [f"demo.set(clean=list(demo.steps)[:{count}]); demo.run()" for count in (2, 4, 6, 7)]
        + ["demo.set(split='no text on both sides'); demo.run()", "demo.set(clean=[]); demo.run()"],
    ),
    "ModelDemo": (
        "model",
        [f"demo.set(encoder={name!r}, width={width})" for name in ("LSTM", "CNN") for width in (16, 32, 64)]
        + ["demo.set(heads=['topic', 'sentiment', 'stars']); demo.run(3)"],
    ),
    "TransferDemo": (
        "transfer",
        [f"demo.run({seeds})" for seeds in (2, 4, 6, 8)]
        + ["demo.set(relatedness=0)", *(f"demo.run({seeds})" for seeds in (2, 4, 6, 8))],
    ),
    "GradientDemo": ("gradients", [_turned(degrees) for degrees in [*range(40, 180, 10), *range(160, 60, -20)]]),
    "LandscapeDemo": (
        "landscape",
        [f"demo.set(({x}, {y}))" for x, y in ((1.4, 2.2), (0.7, 2.0), (0.0, 1.8), (-0.7, 2.0), (-1.4, 2.2))]
        + ["demo.run(12)"] * 12,
    ),
    "ParetoDemo": (
        "pareto",
        [f"demo.set(share={share}); demo.run(0)" for share in (0.5, 0.9, 0.1)]
        + [f"demo.set(size='large', share={share}); demo.run(2)" for share in (0.1, 0.5)],
    ),
    "DriveDemo": (
        "drive",
        [
            "demo.run(); demo.advance(3)",
            *ON * 4,
            "demo.set(command='right')",
            *ON * 5,
            "demo.set(fog=0.9)",
            *ON * 4,
            "demo.set(camera=False)",
            "demo.advance(2)",
        ],
    ),
    "MergeDemo": (
        "merge",
        [f"demo.set(topic=demo.sliders['topic'].options[{place}])" for place in (-1, -2, -3, -4, -5)]
        + [f"demo.set(sentiment=demo.sliders['sentiment'].options[{place}])" for place in (-1, -2, -3, -4, -5)],
    ),
    "NeighboursDemo": (
        "neighbours",
        [
            f"demo.set(review=108, name={name!r}, encoder={encoder!r})"
            for encoder in ("with LoRA", "as downloaded")
            for name in ("topic", "sentiment", "no name")
        ],
    ),
    "PriceDemo": (
        "price",
        [f"demo.set(tasks={count})" for count in (1, 2, 4, 8, 16, 32, 64)]
        + [f"demo.set(rank={rank})" for rank in (16, 32, 64, 128)],
    ),
    "ClaimsDemo": (
        "claims",
        [f"demo.set(threshold={points})" for points in (0, 0.5, 1, 2, 3, 4, 6, 8, 10)]
        + [f"demo.set(claim=list(demo.claim.options)[{place}], threshold=1)" for place in (0, 1, 2)],
    ),
}


def main(names: list[str]) -> None:
    """Record the demos of those names, or all, one after the other on one page."""
    takes = {name: TAKES[name] for name in names or TAKES}
    cells = [
        f"from mtl_helpers.teaching.demo_pages import {make}\n{name} = {make}()\n{name}"
        for name, (make, _) in takes.items()
    ]
    with opened(cells) as page:
        for name, (_, script) in takes.items():
            widget = f".mtl-{name.removesuffix('Demo').lower()}-demo"
            page.show(widget, name)
            page.execute(f"demo = {name}")
            frames = [frame(page, widget, code) for code in script]
            path = PAGE / recording(name)
            save(frames, path)
            print(f"{path.name}: {len(frames)} frames, {path.stat().st_size / 1e3:.0f} kB", flush=True)


@contextmanager
def opened(cells: list[str]) -> Iterator[NotebookPage]:
    """A notebook of those cells, run, in a page that shows nothing else."""
    folder = Path(tempfile.mkdtemp())
    course = copy_course(folder / "course")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    (course / "learn").mkdir(exist_ok=True)
    nbformat.write(notebook, course / "learn" / "record.ipynb")
    (folder / "server").mkdir()
    server = start_lab(course, folder / "server")
    try:
        with sync_playwright() as playwright:
            page = NotebookPage(launch(playwright), server, "record.ipynb")
            page.run_all(900)
            page.page.evaluate("() => window.jupyterapp.commands.execute('application:toggle-left-area')")
            page.page.set_viewport_size({"width": WIDTH, "height": 1500})
            yield page
    finally:
        server.close()


def frame(page: NotebookPage, widget: str, code: str) -> Image.Image:
    """Do something with the demo, wait until the page stands still, and take a picture of the demo."""
    if said := page.execute(code):
        raise RuntimeError(f"{code}: {said}")
    time.sleep(0.5)
    shown = page.still(page.page.locator(widget).first.screenshot, 0.4)
    picture = Image.open(io.BytesIO(shown)).convert("RGB")
    width = min(SHOWN, picture.width)
    return picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)


def save(frames: list[Image.Image], path: Path) -> None:
    """Write the frames as one moving WebP, without a loss where it is then small enough."""
    size = max(picture.width for picture in frames), max(picture.height for picture in frames)
    sheets = [Image.new("RGB", size, "white") for _ in frames]
    for sheet, picture in zip(sheets, frames, strict=True):
        sheet.paste(picture)
    shown = {"save_all": True, "append_images": sheets[1:], "duration": [EACH] * (len(frames) - 1) + [LAST], "loop": 0}
    path.parent.mkdir(exist_ok=True)
    for look in ({"lossless": True}, *({"quality": quality, "minimize_size": True} for quality in (80, 60, 40))):
        sheets[0].save(path, **shown, **look, method=4)
        if path.stat().st_size <= LARGEST:
            return
    raise RuntimeError(f"{path.name} has {path.stat().st_size / 1e3:.0f} kB; use fewer frames")


if __name__ == "__main__":
    main(sys.argv[1:])
