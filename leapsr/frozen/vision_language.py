"""Captions by a vision language model: LLaVA 1.5, as in DiT4SR's training, or Qwen2-VL, as in FlowSR's."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..errors import WeightsError, optional
from ..hub.repositories import LLAVA, Repository, read_json, read_network, require, unreadable
from .caption import remove_focus_sentences
from .resident import After, Resident

QUESTION = (
    "Please describe the actual objects in the image in a very detailed manner. Please do not include "
    "descriptions related to the focus and bokeh of this image. Please do not include descriptions like the "
    "background is blurred."
)
"""DiT4SR's."""

_QUALITY = (
    "Describe the quality of this image in one short sentence that begins with 'image quality is {}'. {} "
    "Do not say what the image shows."
)
ASK_GOOD = _QUALITY.format(
    "good, with", "Name what is good about it: its details, its sharpness, its colours, its light."
)
ASK_BAD = _QUALITY.format(
    "poor,", "Name what is wrong with it: blur, noise, compression, lost details, dull colours."
)
"""For FlowSR's captions of quality. The paper prints no questions, and one example of each answer."""
LONGEST_QUALITY = 60
"""Tokens of such an answer: CLIP, which reads it, sees 77."""

LLAVA_FORM = "USER: <image>\n{} ASSISTANT:"
"""For old LLaVA folders, whose processors have no template."""

KINDS = {"llava": "LlavaForConditionalGeneration", "qwen2_vl": "Qwen2VLForConditionalGeneration"}


class QualityCaptions(NamedTuple):
    """What FlowSR (arXiv:2605.12377, section 4.3) compares a result with: c_pos and c_neg of one picture."""

    good: str
    """Of the clean picture."""
    bad: str
    """Of its low-resolution counterpart."""


class VisionLanguage:
    """A captioner.

    Args:
        folder: in transformers' format, of LLaVA 1.5 or Qwen2-VL, with its processor; read on the first call.
        repository: for the message where the folder is empty.
        temperature, top_p: of sampling; temperature 0 always takes the likeliest word.
        longest: of the answer, in tokens.
        seed: of sampling, so that the same picture gets the same caption.
        after: what happens to the model after each caption.
    """

    def __init__(
        self,
        folder: Path | str,
        repository: Repository = LLAVA,
        *,
        question: str = QUESTION,
        temperature: float = 0.2,
        top_p: float = 0.7,
        longest: int = 512,
        seed: int = 0,
        dtype: torch.dtype = torch.float32,
        after: After = "stay",
    ) -> None:
        self.folder = Path(folder)
        self.repository = repository
        self.question = question
        self.temperature = temperature
        self.top_p = top_p
        self.longest = longest
        self.seed = seed
        self.dtype = dtype
        self.model = Resident(self._read, after)

    def caption(self, image: Tensor) -> str:
        """image: (3, H, W) in [-1, 1]. Returns the answer without sentences on focus.

        Raises MissingExtra and WeightsError on the first call.
        """
        return self.captions([image])[0]

    def captions(self, images: Sequence[Tensor]) -> list[str]:
        """The same for several pictures at once, of any sizes, on one device. Words that are drawn
        (temperature above 0) depend on which pictures are asked about together, and on their order.
        """
        return [remove_focus_sentences(answer) for answer in self.answers(images, self.question)]

    def quality(self, clean: Sequence[Tensor], lr: Sequence[Tensor]) -> list[QualityCaptions]:
        """Captions of quality of each pair, by the likeliest words.

        clean, lr: (3, H, W) in [-1, 1] each, as many of both.
        """
        asked = ((clean, ASK_GOOD), (lr, ASK_BAD))
        good, bad = (self.answers(images, question, LONGEST_QUALITY, 0) for images, question in asked)
        return list(map(QualityCaptions, good, bad))

    @torch.inference_mode()
    def answers(
        self,
        images: Sequence[Tensor],
        question: str,
        longest: int | None = None,
        temperature: float | None = None,
    ) -> list[str]:
        """To one question about each picture. longest, temperature: None is the captioner's own."""
        with self.model.on(images[0].device) as network:
            asked = self._asked(images, question).to(network.device, network.dtype)
            with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
                torch.manual_seed(self.seed)
                drawing = self._drawing(
                    self.longest if longest is None else longest,
                    self.temperature if temperature is None else temperature,
                )
                words = network.generate(**asked, **drawing)[:, asked["input_ids"].shape[1] :]
        found: list[str] = self.processor.tokenizer.batch_decode(words, skip_special_tokens=True)
        return [answer.strip() for answer in found]

    def _drawing(self, longest: int, temperature: float) -> dict[str, Any]:
        """All options, because a folder's generation_config.json may have others."""
        if temperature == 0:
            alike = dict.fromkeys(("temperature", "top_p", "top_k"))
            return {"do_sample": False, "max_new_tokens": longest, **alike}
        return {
            "do_sample": True,
            "temperature": temperature,
            "top_p": self.top_p,
            "top_k": 50,  # transformers' default when DiT4SR's captions were made; Qwen2-VL's file says 1
            "max_new_tokens": longest,
        }

    def _asked(self, images: Sequence[Tensor], question: str) -> Any:
        """The pictures and the question as the model reads them, shorter ones padded on the left."""
        pixels = [
            ((image.float().clamp(-1, 1) + 1) * 127.5).round().to("cpu", torch.uint8) for image in images
        ]
        if self.processor.chat_template is None:
            text = LLAVA_FORM.format(question)
        else:
            parts = [{"type": "image"}, {"type": "text", "text": question}]
            turn = [{"role": "user", "content": parts}]
            text = self.processor.apply_chat_template(turn, add_generation_prompt=True)
        several = {"padding": True, "padding_side": "left"} if len(images) > 1 else {}
        return self.processor(images=pixels, text=[text] * len(images), return_tensors="pt", **several)

    def _read(self) -> Any:
        transformers: Any = optional("transformers", "frozen")
        require(self.folder / "config.json", self.folder, self.repository)
        kind = read_json(self.folder / "config.json").get("model_type")
        if kind not in KINDS:
            raise WeightsError(f"{self.folder} holds a {kind} and not a {' or '.join(KINDS)}.")
        return read_network(getattr(transformers, KINDS[kind]), self.folder, "", self.repository, self.dtype)

    @cached_property
    def processor(self) -> Any:
        transformers: Any = optional("transformers", "frozen")
        optional("torchvision", "frozen")  # both models' processors are made of it
        try:
            return transformers.AutoProcessor.from_pretrained(self.folder, local_files_only=True)
        except unreadable() as error:
            raise WeightsError(
                f"The processor in {self.folder} cannot be read: {self.repository.download(self.folder)}"
            ) from error
