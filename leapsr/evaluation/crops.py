"""The most detailed region of each picture, of every restorer, for a report to look at."""

import base64
import io

from PIL import Image
from torch import Tensor

from ..data.pairs import Pair
from ..metrics.sheet import busiest_box
from ..metrics.table import Setting
from ..ops.color import to_pil

INPUTS = ("source", "reference")
"""Names of a row that no result has."""
SIDE = 384
"""Pixels a side of a region in the result; less where the picture is smaller."""
QUALITY = 92


class Crops:
    """`observe` collects regions while an evaluation runs."""

    def __init__(self, pictures: int = 8) -> None:
        """pictures: greatest number of them; later ones are left out."""
        self._most = pictures
        self.regions: dict[str, dict[str, str]] = {}
        """By picture and label, as data URIs; "source" is the small picture with its pixels enlarged,
        "reference" the true one."""

    def observe(self, pair: Pair, setting: Setting, restored: Tensor) -> None:
        """restored: (1, 3, sH, sW) in [0, 1]."""
        if pair.name not in self.regions and len(self.regions) == self._most:
            return
        scale = restored.shape[-1] // pair.lr.shape[-1]
        box = busiest_box(pair.lr, max(1, SIDE // scale))
        left, top, right, bottom = (side * scale for side in box)
        large = (left, top, right, bottom)
        row = self.regions.get(pair.name)
        if row is None:
            row = self.regions[pair.name] = {}
            small = to_pil(pair.lr[0]).crop(box)
            size = (small.width * scale, small.height * scale)
            row["source"] = data_uri(small.resize(size, Image.Resampling.NEAREST), lossless=True)
            if pair.hr is not None:
                row["reference"] = data_uri(to_pil(pair.hr[0]).crop(large))
        name = f"{setting.label} (result)" if setting.label in INPUTS else setting.label
        row[name] = data_uri(to_pil(restored[0]).crop(large))


def data_uri(image: Image.Image, lossless: bool = False) -> str:
    """A picture as part of a page."""
    held = io.BytesIO()
    image.save(held, "WEBP", quality=QUALITY, lossless=lossless, method=4)
    return f"data:image/webp;base64,{base64.b64encode(held.getvalue()).decode()}"
