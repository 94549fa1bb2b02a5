"""Prompts for networks that read text, picture by picture."""

import weakref
from collections.abc import Callable
from pathlib import Path

import torch

from ..errors import UsageError
from ..frozen import (
    STANDARDS,
    Captioner,
    FixedCaption,
    TextEncoder,
    VisionLanguage,
    describe,
    text_encoder,
)
from ..networks import Prompt
from ..pictures.picture import Picture
from .model_input import model_input
from .settings import Settings


class PromptBuilder:
    """Captions each picture once, as a whole, and encodes each caption once.

    captioner: says what is in a picture. encoder: the text encoders of the network's base model. Neither
    keeps its weights in memory between pictures where `from_settings` made it, until a second caption is
    given: encoders that are read from the disk for every picture would take longer than the picture.
    suffix: what follows each caption; None is the words of that base model's family.
    """

    def __init__(self, captioner: Captioner, encoder: TextEncoder, suffix: str | None = None) -> None:
        self.captioner, self.encoder = captioner, encoder
        self.suffix = STANDARDS[encoder.kind].suffix if suffix is None else suffix
        self._captioned: tuple[Callable[[], Picture | None], str] = (lambda: None), ""
        self._encoded: tuple[str, Prompt] | None = None

    @classmethod
    def from_settings(cls, settings: Settings, base: str | None, dtype: torch.dtype) -> "PromptBuilder":
        """For settings with a captioner, or whose caption is given to `build`.

        Args:
            base: folder of the model's autoencoder, whose text encoders serve where no others are named.
            dtype: of text encoders and captioner; float16, in which T5 overflows, becomes bfloat16.
        Raises:
            UsageError: where there are no text encoders.
        """
        folder = settings.text_encoder or base
        if folder is None:
            raise UsageError("This model names no base model; give the folder of a text encoder.")
        half = torch.bfloat16 if dtype == torch.float16 else dtype
        captioner: Captioner = FixedCaption()
        if settings.captioner is not None:
            captioner = VisionLanguage(Path(settings.captioner), dtype=half, after="release")
        return cls(captioner, text_encoder(folder, dtype=half, after="release"), settings.suffix)

    def build(self, picture: Picture, device: torch.device, caption: str | None = None) -> Prompt:
        """Of one sample, on the CPU. caption: None asks the captioner.

        Raises WeightsError where a folder lacks something.
        """
        said = self._caption(picture, device) if caption is None else caption
        if self._encoded is None or self._encoded[0] != said:
            if self._encoded is not None and caption is not None:
                self.encoder.keep("cpu")
            self._encoded = said, self.encoder.encode([describe(said, self.suffix)], device).to("cpu")
        return self._encoded[1]

    def _caption(self, picture: Picture, device: torch.device) -> str:
        captioned, caption = self._captioned
        if captioned() is not picture:
            caption = self.captioner.caption((model_input(picture) * 2 - 1).to(device))
            self._captioned = weakref.ref(picture), caption
        return caption
