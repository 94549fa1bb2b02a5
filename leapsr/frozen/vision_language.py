"""Captions by a vision language model: LLaVA 1.5, as in DiT4SR's training, or Qwen2-VL, as in FlowSR's."""

from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import WeightsError, optional
from ..hub.repositories import LLAVA, UNREADABLE, Repository, read_json, read_network, require
from .caption import remove_focus_sentences
from .resident import After, Resident

QUESTION = (
    "Please describe the actual objects in the image in a very detailed manner. Please do not include "
    "descriptions related to the focus and bokeh of this image. Please do not include descriptions like the "
    "background is blurred."
)
"""DiT4SR's."""

LLAVA_FORM = "USER: <image>\n{} ASSISTANT:"
"""For old LLaVA folders, whose processors have no template."""

KINDS = {"llava": "LlavaForConditionalGeneration", "qwen2_vl": "Qwen2VLForConditionalGeneration"}


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

    @torch.inference_mode()
    def caption(self, image: Tensor) -> str:
        """image: (3, H, W) in [-1, 1]. Returns the answer without sentences on focus.

        Raises MissingExtra and WeightsError on the first call.
        """
        with self.model.on(image.device) as network:
            asked = self._asked(image).to(network.device, network.dtype)
            with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
                torch.manual_seed(self.seed)
                answer = network.generate(**asked, **self._drawing())
        words = answer[0, asked["input_ids"].shape[1] :]
        return remove_focus_sentences(self.processor.tokenizer.decode(words, skip_special_tokens=True))

    def _drawing(self) -> dict[str, Any]:
        """All options, because a folder's generation_config.json may have others."""
        if self.temperature == 0:
            alike = dict.fromkeys(("temperature", "top_p", "top_k"))
            return {"do_sample": False, "max_new_tokens": self.longest, **alike}
        return {
            "do_sample": True,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "top_k": 50,  # transformers' default when DiT4SR's captions were made; Qwen2-VL's file says 1
            "max_new_tokens": self.longest,
        }

    def _asked(self, image: Tensor) -> Any:
        """The picture and the question as the model reads them."""
        pixels = ((image.float().clamp(-1, 1) + 1) * 127.5).round().to("cpu", torch.uint8)
        if self.processor.chat_template is None:
            text = LLAVA_FORM.format(self.question)
        else:
            parts = [{"type": "image"}, {"type": "text", "text": self.question}]
            turn = [{"role": "user", "content": parts}]
            text = self.processor.apply_chat_template(turn, add_generation_prompt=True)
        return self.processor(images=[pixels], text=[text], return_tensors="pt")

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
        except UNREADABLE as error:
            raise WeightsError(
                f"The processor in {self.folder} cannot be read: {self.repository.download(self.folder)}"
            ) from error
