"""Texts to tokens, as SD3.5 and SD2.1 were trained with them.

Every encoder is read on its first use, or before each one, see `Resident`. Longer texts are cut: to 77 tokens
of CLIP, with the begin and end tokens, and `length` tokens of T5.
"""

from collections.abc import Sequence
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import WeightsError, optional
from ..hub.repositories import SD21, SD35, read_json, read_network, read_tokenizer, require
from ..networks import Prompt
from .resident import After, Resident

T5_WIDTH = 4096


class TextEncoder(Protocol):
    @property
    def kind(self) -> str:
        """Its base model. A network reads only the prompts of its own."""

    @property
    def encoders(self) -> str:
        """Its parts, for people."""

    def encode(self, texts: Sequence[str], device: torch.device | str = "cpu") -> Prompt:
        """One sample for each text, on `device`, without gradient."""

    def keep(self, after: After) -> None:
        """Change what happens to its weights after each use."""


class Sd3Text:
    """The three text encoders of Stable Diffusion 3.5 (Esser et al., arXiv:2403.03206, section 4).

    tokens: (B, 77 + length, 4096), those of both CLIPs side by side and padded with zeros, then those of T5.
    pooled: (B, 2048), of both CLIPs.

    Args:
        folder: of the whole pipeline, as on the hub. t5: False leaves out T5-XXL, the largest of the three;
        its tokens are zeros, as in the published pipeline.
        length: of T5's tokens; DiT4SR trains with 77 and restores with 256.
        after: of each encoder; "release" never holds more than one of them.

    Raises MissingExtra and WeightsError on the first use.
    """

    kind = "sd3.5"

    def __init__(
        self,
        folder: Path | str,
        *,
        t5: bool = True,
        length: int = 256,
        dtype: torch.dtype = torch.float32,
        after: After = "stay",
    ) -> None:
        self.folder = Path(folder)
        self.length = length
        self.dtype = dtype
        clip = "CLIPTextModelWithProjection"
        self.clips = [
            Resident(partial(self._network, clip, f"text_encoder{end}"), after) for end in ("", "_2")
        ]
        self.t5 = Resident(partial(self._network, "T5EncoderModel", "text_encoder_3"), after) if t5 else None
        self._tokenizer = cache(self._read_tokenizer)

    @property
    def encoders(self) -> str:
        t5 = f"T5-XXL of {self.length} tokens" if self.t5 else f"{self.length} zeros for T5-XXL"
        return f"CLIP-L, CLIP-G, {t5}"

    @torch.no_grad()
    def encode(self, texts: Sequence[str], device: torch.device | str = "cpu") -> Prompt:
        """See `TextEncoder`; in the encoders' dtype."""
        tokenizers = [self._tokenizer("CLIPTokenizer", part) for part in ("tokenizer", "tokenizer_2")]
        longest = tokenizers[0].model_max_length
        clips = [
            self._clip(clip, _ids(tokenizer, texts, longest), device)
            for clip, tokenizer in zip(self.clips, tokenizers, strict=True)
        ]
        t5 = self._t5(texts, device)
        clip_tokens = torch.cat([clip.tokens for clip in clips], dim=2)
        clip_tokens = F.pad(clip_tokens, (0, t5.shape[2] - clip_tokens.shape[2]))
        pooled = torch.cat([clip.pooled for clip in clips if clip.pooled is not None], dim=1)
        return Prompt(torch.cat([clip_tokens, t5], dim=1), pooled)

    def release(self) -> None:
        for encoder in (*self.clips, *([self.t5] if self.t5 else [])):
            encoder.release()

    def keep(self, after: After) -> None:
        for encoder in (*self.clips, *([self.t5] if self.t5 else [])):
            encoder.after = after

    def _clip(self, encoder: Resident, ids: Tensor, device: torch.device | str) -> Prompt:
        """The states before the last layer, and the projected state of the end token."""
        with encoder.on(device) as network:
            made = network(ids.to(device), output_hidden_states=True)
            return Prompt(made.hidden_states[-2], made.text_embeds)

    def _t5(self, texts: Sequence[str], device: torch.device | str) -> Tensor:
        if self.t5 is None:
            return torch.zeros(len(texts), self.length, self._width(), device=device, dtype=self.dtype)
        with self.t5.on(device) as network:
            ids = _ids(self._tokenizer("T5Tokenizer", "tokenizer_3"), texts, self.length)
            # Without a mask: SD3.5 was trained to see the padding too.
            return network(ids.to(device)).last_hidden_state.to(self.dtype)

    def _width(self) -> int:
        """Channels of T5's tokens without T5: the transformer's, if the folder has one."""
        config = self.folder / "transformer" / "config.json"
        return int(read_json(config).get("joint_attention_dim", T5_WIDTH)) if config.is_file() else T5_WIDTH

    def _network(self, kind: str, part: str) -> Any:
        if part == "text_encoder_3" and not (self.folder / part).is_dir():
            raise WeightsError(
                f"{self.folder} lacks {part}, T5-XXL; do without it, or {SD35.download(self.folder)}"
            )
        transformers: Any = optional("transformers", "frozen")
        return read_network(getattr(transformers, kind), self.folder, part, SD35, self.dtype)

    def _read_tokenizer(self, kind: str, part: str) -> Any:
        transformers: Any = optional("transformers", "frozen")
        return read_tokenizer(getattr(transformers, kind), self.folder, part, SD35)


class Sd21Text:
    """CLIP-H's text encoder as Stable Diffusion 2.1 uses it: tokens (B, 77, 1024), nothing pooled.

    folder: of the whole pipeline. The rest is as for Sd3Text.
    """

    kind = "sd2.1"
    encoders = "CLIP-H"

    def __init__(
        self, folder: Path | str, *, dtype: torch.dtype = torch.float32, after: After = "stay"
    ) -> None:
        self.folder = Path(folder)
        self.dtype = dtype
        self.clip = Resident(self._network, after)

    @torch.no_grad()
    def encode(self, texts: Sequence[str], device: torch.device | str = "cpu") -> Prompt:
        """See `TextEncoder`; in the encoder's dtype."""
        ids = _ids(self.tokenizer, texts, self.tokenizer.model_max_length).to(device)
        with self.clip.on(device) as network:
            return Prompt(network(ids).last_hidden_state)

    @cached_property
    def tokenizer(self) -> Any:
        transformers: Any = optional("transformers", "frozen")
        return read_tokenizer(transformers.CLIPTokenizer, self.folder, "tokenizer", SD21)

    def release(self) -> None:
        self.clip.release()

    def keep(self, after: After) -> None:
        self.clip.after = after

    def _network(self) -> Any:
        transformers: Any = optional("transformers", "frozen")
        return read_network(transformers.CLIPTextModel, self.folder, "text_encoder", SD21, self.dtype)


def text_encoder(
    folder: Path | str,
    *,
    t5: bool = True,
    length: int = 256,
    dtype: torch.dtype = torch.float32,
    after: After = "stay",
) -> Sd3Text | Sd21Text:
    """The encoder for a pipeline's folder, by its model_index.json. t5 and length are SD3.5's.

    Raises WeightsError where the folder holds no pipeline of the two.
    """
    folder = Path(folder)
    require(folder / "model_index.json", folder, SD35)
    pipeline = str(read_json(folder / "model_index.json").get("_class_name"))
    if pipeline.startswith("StableDiffusion3"):
        return Sd3Text(folder, t5=t5, length=length, dtype=dtype, after=after)
    if pipeline == "StableDiffusionPipeline":
        return Sd21Text(folder, dtype=dtype, after=after)
    raise WeightsError(f"{folder} holds a {pipeline}, and only SD3.5's and SD2.1's texts can be encoded.")


def _ids(tokenizer: Any, texts: Sequence[str], length: int) -> Tensor:
    """(B, length) int64, padded and cut."""
    padded = tokenizer(
        list(texts), padding="max_length", max_length=length, truncation=True, return_tensors="pt"
    )
    return padded.input_ids
