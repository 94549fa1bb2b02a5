"""What is in a picture, in words, for networks that are asked with a text.

A caption is made once for each picture, from the whole of it, never tile by tile.
"""

import re
from typing import Protocol

from torch import Tensor

OUT_OF_FOCUS = (
    "focus",
    "focal",
    "prominent",
    "close-up",
    "black and white",
    "blur",
    "depth",
    "dense",
    "locate",
    "position",
)
"""Words of sentences that speak of the photograph, and would ask for its blur again (DiT4SR)."""


class Captioner(Protocol):
    def caption(self, image: Tensor) -> str:
        """image: (3, H, W) in [-1, 1]. Sentences, or nothing at all."""


class FixedCaption:
    """The same text for every picture; nothing unless one is given."""

    def __init__(self, text: str = "") -> None:
        self.text = text

    def caption(self, image: Tensor) -> str:
        return self.text


def remove_focus_sentences(caption: str) -> str:
    """Without the sentences that have one of OUT_OF_FOCUS in them, in any case and within any word."""
    sentences = re.split(r"(?<=[.!?])\s+", caption.strip())
    return " ".join(
        sentence for sentence in sentences if not any(word in sentence.lower() for word in OUT_OF_FOCUS)
    )
