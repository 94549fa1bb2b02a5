"""What is in a picture, in words, for networks that are asked with a text.

A caption is made once for each picture, from the whole of it, never tile by tile.
"""

import re
from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from .features import Clip

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
        """image: (3, H, W) in [-1, 1]. Sentences, tags, or nothing at all."""


class Fixed:
    """The same text for every picture; nothing unless one is given."""

    def __init__(self, text: str = "") -> None:
        self.text = text

    def caption(self, image: Tensor) -> str:
        return self.text


class ClipTags:
    """The words of a vocabulary that CLIP finds most like the picture, as "roof, sky, chimney".

    No substitute for the taggers RAM and DAPE, which name what is there out of thousands of words and have no
    kept library: CLIP can only rank the words that it is given, and always finds `count` of them.
    vocabulary: single words or short phrases. pattern: the sentence that each is put into.
    """

    def __init__(
        self, clip: Clip, vocabulary: Sequence[str], *, count: int = 5, pattern: str = "a photo of {}"
    ) -> None:
        if not 1 <= count <= len(vocabulary):
            raise ValueError(f"{count} tags cannot be chosen from {len(vocabulary)} words")
        self.clip = clip
        self.vocabulary = list(vocabulary)
        self.count = count
        self.pattern = pattern

    def caption(self, image: Tensor) -> str:
        """Raises MissingExtra and WeightsError on the first call."""
        likeness = self.clip.similarity(image[None], [self.pattern.format(word) for word in self.vocabulary])
        best = likeness[0].topk(self.count).indices.tolist()
        return ", ".join(self.vocabulary[i] for i in best)


def remove_focus_sentences(caption: str) -> str:
    """Without the sentences that have one of OUT_OF_FOCUS in them, in any case and within any word."""
    sentences = re.split(r"(?<=[.!?])\s+", caption.strip())
    return " ".join(
        sentence for sentence in sentences if not any(word in sentence.lower() for word in OUT_OF_FOCUS)
    )
