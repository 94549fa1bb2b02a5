"""Repositories of published weights, and reading one network of a downloaded folder."""

import json
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError

from ..errors import WeightsError


def unreadable() -> tuple[type[Exception], ...]:
    """What transformers and diffusers raise for files that are damaged or of another model."""
    from huggingface_hub.errors import StrictDataclassError  # it loads a client for the web

    return OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError, StrictDataclassError


class Repository(NamedTuple):
    """A model on the Hugging Face hub.

    licence: its name. gated: whether it has to be accepted on the model's page first. include, exclude:
    patterns of files; () is all, and none.
    """

    name: str
    licence: str
    gated: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def page(self) -> str:
        """Where the licence is stated."""
        from huggingface_hub import constants

        return f"{constants.ENDPOINT}/{self.name}"

    def command(self, folder: Path) -> str:
        """The command that downloads it to `folder`."""
        words = ["hf", "download", self.name, "--local-dir", str(folder)]
        for option, patterns in (("--include", self.include), ("--exclude", self.exclude)):
            words += [word for pattern in patterns for word in (option, pattern)]
        return shlex.join(words)

    def download(self, folder: Path) -> str:
        """`command` and the terms."""
        terms = "; accept it on the model's page and run 'hf auth login' first" if self.gated else ""
        return f"{self.command(folder)} ({self.licence}{terms})"


STABILITY = "Stability AI Community License"
SD35 = Repository(
    "stabilityai/stable-diffusion-3.5-medium",
    STABILITY,
    gated=True,
    exclude=("sd3.5_medium.safetensors", "text_encoders/*", "*.fp16*"),
)
SD21 = Repository("Manojb/stable-diffusion-2-1-base", "CreativeML Open RAIL++-M License")
VQ_F4 = Repository("CompVis/ldm-super-resolution-4x-openimages", "Apache-2.0")
LLAVA = Repository("llava-hf/llava-1.5-13b-hf", "Llama 2 Community License")
DINOV3 = Repository("facebook/dinov3-vitb16-pretrain-lvd1689m", "DINOv3 License", gated=True)
CLIP_L = Repository(
    "openai/clip-vit-large-patch14", "MIT License (of its code; none is stated for the weights)"
)
QWEN2_VL = Repository("Qwen/Qwen2-VL-7B-Instruct", "Apache-2.0")


def read_json(file: Path) -> dict[str, Any]:
    """Raises WeightsError where it is no JSON object."""
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise WeightsError(f"{file} cannot be read ({error}); download it again.") from error
    if not isinstance(content, dict):
        raise WeightsError(f"{file} holds no configuration; download it again.")
    return content


def require(file: Path, folder: Path, repository: Repository) -> None:
    """Raises WeightsError with the download command where `folder` lacks `file`."""
    if not file.is_file():
        raise WeightsError(f"{folder} lacks {file.relative_to(folder)}: {repository.download(folder)}")


def read_network(
    kind: Any, folder: Path, part: str, repository: Repository, dtype: torch.dtype = torch.float32
) -> Any:
    """A network of `folder`, frozen, on the CPU.

    kind: its class in transformers or diffusers. part: its subfolder, "" for the folder itself.
    Pickles are not read. Raises WeightsError where the folder does not hold all of it.
    """
    place = folder / part
    require(place / "config.json", folder, repository)
    try:
        with torch.inference_mode(False):  # gradients must be able to pass, whoever reads it first
            network, report = kind.from_pretrained(
                place, local_files_only=True, use_safetensors=True, output_loading_info=True, dtype=dtype
            )
    except unreadable() as error:
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        raise WeightsError(
            f"The model in {place} cannot be read ({reason}): {repository.download(folder)}"
        ) from error
    if report["missing_keys"]:  # else they would be random, with a line in a log
        missing = ", ".join(sorted(report["missing_keys"])[:3])
        raise WeightsError(f"The model in {place} lacks weights ({missing}): {repository.download(folder)}")
    return network.requires_grad_(False).eval()


def read_tokenizer(kind: Any, folder: Path, part: str, repository: Repository) -> Any:
    """A tokenizer of transformers. Raises WeightsError where its files are missing or damaged."""
    place = folder / part
    # Without its files, transformers silently makes a tokenizer without words.
    if not any((place / name).is_file() for name in ("tokenizer.json", "vocab.json", "spiece.model")):
        raise WeightsError(f"{folder} lacks {part or 'a tokenizer'}: {repository.download(folder)}")
    try:
        return kind.from_pretrained(place, local_files_only=True)
    except unreadable() as error:
        raise WeightsError(
            f"The tokenizer in {place} cannot be read ({error}): {repository.download(folder)}"
        ) from error
