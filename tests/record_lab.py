"""Record the moving picture of the λ lab for the README, from the real page: python tests/record_lab.py

It takes about two minutes and needs Chromium, as the browser tests do.
"""

from __future__ import annotations

import io
import time

from browser import ROOT, NotebookPage
from PIL import Image
from record_demos import opened

CELL = """from mtl_helpers.live import LambdaLab, lab_worlds
lab = LambdaLab.of(lab_worlds(), shows=["encoder", "pull", "cosine"])
lab.views.sees.value = True
lab.set(topic=0.01)
lab"""
WIDTH = 1480  # of the page in pixels
STEPS = 12  # of the training from one frame to the next
COLOURS = 255  # of the palette
SHOWN = 900  # pixels, as wide as the README shows it
# λ of topic from that frame on: sentiment first, then topic, too.
SCRIPT = {0: 0.01, 14: 0.1, 15: 0.5, 16: 1.0, 17: 3.0}
FRAMES = 46


def main() -> None:
    """Write notebooks/images/lambda_lab.gif, and its last frame beside it."""
    with opened([CELL]) as page:
        page.page.set_viewport_size({"width": WIDTH, "height": 1300})
        page.show_lab()
        page.wait_for(lambda: page.page.locator(".mtl-chart").evaluate("e => e.clientWidth") > 800, "a wide page")
        frames = [frame(page, number) for number in range(FRAMES)]
    height = min(picture.height for picture in frames)
    frames = [picture.crop((0, 0, picture.width, height)) for picture in frames]
    palette = frames[-1].quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE)
    small = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in frames]
    path = ROOT / "notebooks" / "images" / "lambda_lab.gif"
    last = [200] * (FRAMES - 1) + [3000]
    small[0].save(path, save_all=True, append_images=small[1:], duration=last, loop=0, optimize=True)
    small[-1].save(path.with_suffix(".png"), optimize=True)  # for who asked for no motion
    print(f"{path.relative_to(ROOT)}: {FRAMES} frames, {path.stat().st_size / 1e6:.2f} MB")


def frame(page: NotebookPage, number: int) -> Image.Image:
    """Steer, train a little, and take a picture of what the page shows."""
    if number in SCRIPT:
        page.execute(f"lab.set(topic={SCRIPT[number]})")
    steps = int(page.execute(f"lab.run({STEPS}); print(lab.step)"))
    page.wait_for(lambda: len(page.drawn()["loss"]["x"]) == steps, f"{steps} steps on the page")
    time.sleep(0.15)
    picture = Image.open(io.BytesIO(page.page.locator(".mtl-lambda-lab").screenshot()))
    return picture.convert("RGB").resize(
        (SHOWN, round(picture.height * SHOWN / picture.width)), Image.Resampling.LANCZOS
    )


if __name__ == "__main__":
    main()
