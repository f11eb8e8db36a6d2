"""A Matplotlib canvas on the page that is quick to send a picture."""

from __future__ import annotations

import io
import sys

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

# ipympl takes over every figure of the notebook if it finds Matplotlib loaded when it is imported; all but the live ones are
# to stay pictures in it, so for that moment it does not find it. It has no switch for that, and to choose the backend anew
# afterwards would choose one for who has not yet.
_matplotlib = sys.modules.pop("matplotlib")
try:
    import ipympl  # noqa: F401
finally:
    sys.modules["matplotlib"] = _matplotlib
from ipympl.backend_nbagg import Canvas, FigureManager  # noqa: E402


class LiveCanvas(Canvas):
    """A canvas without the frame and the buttons of Matplotlib's own."""

    def __init__(self, figure: Figure) -> None:
        super().__init__(figure)
        self.syncing_data_url = False  # without a page there is nobody to send a picture to
        FigureManager(self, 0)
        self.toolbar_visible = self.header_visible = self.footer_visible = self.resizable = False

    def draw(self) -> None:
        """Draw everything and send it whole: of differences that come fast a page may lose one."""
        self._force_full = True
        super().draw()

    def get_diff_image(self) -> bytes | None:
        """What changed since the last picture, as PNG: Matplotlib's own, but for the quick compression.

        The training waits for it, and the page is near: speed counts and size does not.
        """
        if not self._png_is_old:
            return None
        pixels = np.asarray(self.get_renderer().buffer_rgba())
        picture = pixels.view(np.uint32).squeeze(2)
        if self._force_full or picture.shape != self._last_buff.shape:
            self.set_image_mode("full")
            output = picture
        else:
            self.set_image_mode("diff")
            output = np.where(picture != self._last_buff, picture, 0).astype(np.uint32)
        self._last_buff = picture.copy()
        self._force_full = self._png_is_old = False
        with io.BytesIO() as png:
            Image.fromarray(output.view(np.uint8).reshape((*output.shape, 4))).save(png, format="png", compress_level=1)
            return png.getvalue()
