"""Captions of pictures, for networks that read text. One for each whole picture, never for tiles."""

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
"""Words of sentences about the photograph itself, which would ask for its blur again (DiT4SR)."""


class Captioner(Protocol):
    def caption(self, image: Tensor) -> str:
        """image: (3, H, W) in [-1, 1]. Returns sentences, or an empty text."""


class FixedCaption:
    """The same text for every picture."""

    def __init__(self, text: str = "") -> None:
        self.text = text

    def caption(self, image: Tensor) -> str:
        return self.text


def remove_focus_sentences(caption: str) -> str:
    """Remove sentences that contain one of OUT_OF_FOCUS, in any case and within any word."""
    sentences = re.split(r"(?<=[.!?])\s+", caption.strip())
    return " ".join(
        sentence for sentence in sentences if not any(word in sentence.lower() for word in OUT_OF_FOCUS)
    )
