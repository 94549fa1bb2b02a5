"""The texts that networks read, and files of their encodings.

With such a file neither text encoders nor a captioner are needed to restore pictures. It is a safetensors
file: `NAME.tokens` (1, L, D) and `NAME.pooled` (1, P) for each text, and a description in its metadata.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..errors import WeightsError
from ..files import atomic_write
from ..networks import Prompt, Quality
from .text import TextEncoder

POSITIVE = (
    "Cinematic, hyper sharpness, highly detailed, perfect without deformations, camera, "
    "hyper detailed photo - realistic maximum detail, 32k, Color Grading, ultra HD, "
    "extreme meticulous detailing, skin pore detailing."
)
"""DiT4SR (arXiv:2503.23580) and SUPIR (arXiv:2401.13627) add this to a picture's caption."""

NEGATIVE = (
    "motion blur, noisy, dotted, bokeh, pointed, CG Style, 3D render, unreal engine, blurring, dirty, messy, "
    "worst quality, low quality, frames, watermark, signature, jpeg artifacts, deformed, lowres, chaotic"
)
"""The same two guide away from this."""

MFSR_NEGATIVE = (
    "oil painting, cartoon, blur, dirty, messy, low quality, deformation, low resolution, oversmooth."
)
"""MFSR (arXiv:2603.20690) guides its teacher away from this in training, instead of DiT4SR's own."""

MFSR_NAME = "negative_mfsr"
"""The name of that text in the files of teachers that MFSR may distil."""


class Standard(NamedTuple):
    """The texts of one family of models.

    suffix: follows a picture's caption, or is used alone. negative: guidance leads away from it.
    """

    suffix: str
    negative: str


SUPIR = Standard(POSITIVE, NEGATIVE)
"""Of DiT4SR, SMFSR and all that use captions."""

FLOWSR = Standard(
    "A high-resolution, 8K, ultra-realistic image with sharp focus, vibrant colors, and natural lighting.",
    MFSR_NEGATIVE.removesuffix("."),
)
"""Of the community's program for FlowSR: S3Diff's texts. The paper prints none."""

NAMES = {Quality.NONE: "null", Quality.GOOD: "default", Quality.BAD: "negative"}
"""The text of each label. A file may hold other texts too, of single pictures."""

FORMAT, VERSION = "leapsr-prompts", "1"


STANDARDS = {"sd3.5": SUPIR, "sd2.1": FLOWSR}
"""By the kind of the text encoders."""


def describe(caption: str = "", suffix: str = SUPIR.suffix) -> str:
    """The text that asks for a sharp picture of what `caption` says, or of anything if it is empty."""
    return f"{caption} {suffix}".strip()


def standard_texts(caption: str = "", standard: Standard = SUPIR) -> dict[str, str]:
    """The texts of NAMES: an empty one, the caption with its suffix, and the negative."""
    return {"null": "", "default": describe(caption, standard.suffix), "negative": standard.negative}


@dataclass(frozen=True)
class PromptBook:
    """Texts by name, and the encoding of each, a Prompt of one sample.

    kind, encoders: see `TextEncoder`; only networks trained with that kind can read the prompts.
    """

    kind: str
    encoders: str
    texts: Mapping[str, str]
    prompts: Mapping[str, Prompt]

    def labels(self) -> dict[Quality, Prompt]:
        """For `Condition.prompts`: the labels whose text is in the book."""
        return {label: self.prompts[name] for label, name in NAMES.items() if name in self.prompts}


def write_book(
    encoder: TextEncoder, texts: Mapping[str, str], device: torch.device | str = "cpu"
) -> PromptBook:
    """Encode all texts in one batch on `device`; the book is on the CPU. Raises what the encoder raises."""
    whole = encoder.encode(list(texts.values()), device).to("cpu")
    return PromptBook(
        encoder.kind,
        encoder.encoders,
        dict(texts),
        {name: whole.take(slice(row, row + 1)) for row, name in enumerate(texts)},
    )


def save_book(book: PromptBook, file: Path) -> None:
    """All or nothing. Raises OutputError."""
    tensors = {f"{name}.tokens": prompt.tokens.contiguous() for name, prompt in book.prompts.items()}
    for name, prompt in book.prompts.items():
        if prompt.pooled is not None:
            tensors[f"{name}.pooled"] = prompt.pooled.contiguous()
    lengths = {name: prompt.tokens.shape[1] for name, prompt in book.prompts.items()}
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        "kind": book.kind,
        "encoders": book.encoders,
        "texts": json.dumps(dict(book.texts)),
        "lengths": json.dumps(lengths),
    }
    with atomic_write(file) as part:
        save_file({name: tensor.clone() for name, tensor in tensors.items()}, part, metadata)


def load_book(file: Path, kind: str | None = None) -> PromptBook:
    """kind: what the network reads; None takes any.

    Raises WeightsError for a file that is missing, damaged, of something else or of another kind, or whose
    prompts do not fit each other or their record.
    """
    if not file.is_file():
        raise WeightsError(
            f"There are no prompts {file}; 'leapsr models embed' writes them from a folder of text encoders."
        )
    try:
        with safe_open(file, "pt") as opened:
            metadata = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"The prompts {file} cannot be read ({error}); write them again.") from error
    if metadata.get("format") != FORMAT or metadata.get("version") != VERSION:
        raise WeightsError(f"{file} holds no prompts of 'leapsr models embed'; write them with that command.")
    if kind is not None and metadata.get("kind") != kind:
        raise WeightsError(
            f"The prompts {file} are of the text encoders '{metadata.get('kind')}' and the network reads "
            f"'{kind}'; write them again with 'leapsr models embed' from a folder of its own base model."
        )
    return _checked(file, metadata, tensors)


def _checked(file: Path, metadata: Mapping[str, str], tensors: Mapping[str, Tensor]) -> PromptBook:
    """The book, if every text has a prompt of the recorded length and all have one shape."""
    damaged = WeightsError(f"The prompts {file} do not fit their own record; write them again.")
    try:
        texts, lengths = (json.loads(metadata[key]) for key in ("texts", "lengths"))
        prompts = {
            name: Prompt(tensors[f"{name}.tokens"], tensors.get(f"{name}.pooled")) for name in sorted(texts)
        }
        shapes = {_shape(prompt) for prompt in prompts.values()}
        recorded = {name: prompt.tokens.shape[1] for name, prompt in prompts.items()} == lengths
        kind, encoders = metadata["kind"], metadata["encoders"]
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise damaged from error
    known = {f"{name}.{part}" for name in texts for part in ("tokens", "pooled")}
    finite = all(tensor.is_floating_point() and tensor.isfinite().all() for tensor in tensors.values())
    if not (recorded and finite and len(shapes) == 1 and tensors.keys() <= known):
        raise damaged
    return PromptBook(kind, encoders, texts, prompts)


def _shape(prompt: Prompt) -> tuple[tuple[int, ...], tuple[int, ...] | None]:
    """Raises ValueError for what is no prompt of one sample."""
    tokens, pooled = prompt.tokens.shape, None if prompt.pooled is None else prompt.pooled.shape
    if len(tokens) != 3 or tokens[0] != 1 or (pooled is not None and (len(pooled) != 2 or pooled[0] != 1)):
        raise ValueError("a prompt of one text is (1, L, D) and (1, P)")
    return tuple(tokens), None if pooled is None else tuple(pooled)
