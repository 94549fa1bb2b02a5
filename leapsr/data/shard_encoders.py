"""What turns photos into the samples of shards: a model's own space, a captioner and text encoders."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from ..errors import UsageError
from ..frozen import (
    STANDARDS,
    QualityCaptions,
    Sd3Text,
    Sd21Text,
    TextEncoder,
    VisionLanguage,
    load_book,
    text_encoder,
)
from ..frozen.fingerprint import fingerprint
from ..frozen.space import Space
from ..hub.repositories import LLAVA, QWEN2_VL
from ..restorer import ModelConfig, located, space
from .captions import read_captions

Kind = Literal["none", "text", "llava", "qwen2-vl"]
Shown = Literal["hr", "lr"]

Caption = Callable[[Sequence[str], Tensor], list[str]]
"""(names of the photos, a crop of each, (B, 3, S, S) in [-1, 1]) -> what is in them."""

Quality = Callable[[Tensor, Tensor], list[QualityCaptions]]
"""(clean crops, (B, 3, S, S) in [-1, 1], and what became of them, (B, 3, s, s)) -> captions of quality."""


@dataclass(frozen=True)
class Encoders:
    space: Space
    """Of the model that will be trained."""
    autoencoder: str
    """Its fingerprint."""
    device: torch.device
    captions: str = "none"
    """Where captions are from, in words, and what is unusual about them."""
    caption: Caption | None = None
    texts: TextEncoder | None = None
    """Both of each sample; None: training uses the model's own prompts."""
    suffix: str = ""
    """What follows each caption."""
    shown: Shown = "hr"
    """What the captioner sees: the clean crop, or what became of it."""
    qualities: str | None = None
    """Where captions of quality are from, in words; None: there are none."""
    quality: Quality | None = None


def encoders(
    model: Path,
    device: torch.device,
    captions: Kind = "none",
    source: Path | None = None,
    *,
    texts: Path | None = None,
    t5: bool = True,
    length: int = 256,
    suffix: str | None = None,
    shown: Shown = "hr",
    quality: Path | None = None,
    dtype: torch.dtype = torch.float32,
) -> Encoders:
    """What the samples of shards are made with.

    Args:
        model: folder of the model that will be trained; its network is not read.
        captions: their kind.
        source: file or folder of the captions, see `data.captions`, or folder of the captioner.
        texts: folder of text encoders; None: they are in the autoencoder's folder.
        t5, length, dtype: as in `frozen.text_encoder`.
        suffix: what follows each caption; None: the words of the model's family.
        shown: what the captioner sees of a sample.
        quality: folder of a captioner that describes the quality of each sample.

    Raises:
        UsageError: the model needs no shards, or options do not go together.
        DataError: the file of captions cannot be read.
        WeightsError: weights are missing or damaged.
    """
    config = located(model)
    if config.autoencoder is None:
        raise UsageError(
            f"{model} works on pixels: train it from the photos themselves, or pack them with 'leapsr pack'."
        )
    known = Encoders(space(config), fingerprint(config.autoencoder), device)
    judge = None
    if quality is not None:
        judge = VisionLanguage(quality, QWEN2_VL, dtype=dtype)
        ask = judge.quality
        known = replace(known, qualities=quality.name, quality=lambda clean, lr: ask(list(clean), list(lr)))
    if captions == "none":
        if source is not None or texts is not None or suffix is not None or shown != "hr":
            raise UsageError(
                "Nothing is captioned without --captions: give a kind, or leave the other options out."
            )
        return known
    if source is None:
        raise UsageError(f"Captions of {captions} need --captioner: {NEEDED[captions]}.")
    encoder = text_encoder(texts or config.autoencoder, t5=t5, length=length, dtype=dtype)
    _check(encoder, config)
    standard = STANDARDS[encoder.kind].suffix
    words = standard if suffix is None else suffix
    described = f"{captions} of {source.name}"
    described += ", which saw the small picture" if shown == "lr" else ""
    described += "" if words == standard else f", followed by '{words}'"
    known = replace(known, captions=described, texts=encoder, suffix=words, shown=shown)
    if captions == "text":
        if shown == "lr":
            raise UsageError("Texts of a file are what they are: leave --captions-of out.")
        find = read_captions(source)
        return replace(known, caption=lambda names, images: [find(name) for name in names])
    captioner = judge
    if captioner is None or source != quality:
        captioner = VisionLanguage(source, LLAVA if captions == "llava" else QWEN2_VL, dtype=dtype)
    said = captioner.captions
    return replace(known, caption=lambda names, images: said(list(images)))


NEEDED = {
    "text": "a .jsonl, .csv or .json file, or a folder of .txt files",
    "llava": "a folder of LLaVA 1.5",
    "qwen2-vl": "a folder of Qwen2-VL",
}


def _check(encoder: Sd3Text | Sd21Text, config: ModelConfig) -> None:
    """Texts of samples and the model's own prompts share a batch: the same encoders must have made both."""
    if config.prompts is None:
        raise UsageError(f"A {config.network.kind} reads no text: leave --captions out.")
    book = load_book(Path(config.prompts))
    if (encoder.kind, encoder.encoders) != (book.kind, book.encoders):
        raise UsageError(
            f"The model's prompts are of {book.encoders} ({book.kind}) and those of captions would be of "
            f"{encoder.encoders} ({encoder.kind}): make them alike with --text-encoders, --t5 and --length."
        )
