"""Features of pictures by pretrained networks: DINOv3's maps, for critics, and CLIP's similarity to a text.

Gradients reach the picture, never the weights. The networks are not submodules of the classes here, so no
`.train()`, optimizer or checkpoint reaches them. They move to the picture's device.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import torch
from pydantic import BaseModel, Field, ValidationError
from torch import Tensor, nn

from ..errors import WeightsError, optional
from ..hub.repositories import CLIP_L, DINOV3, Repository, read_json, read_network, read_tokenizer, require
from ..ops.resize import resize

DINOS = ("dinov3_vit", "dinov3_convnext")

Positive = Annotated[float, Field(gt=0)]


class Normalisation(NamedTuple):
    """Mean and deviation of each channel in a network's training, of images in [0, 1]."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __call__(self, image: Tensor) -> Tensor:
        """image: (B, 3, H, W) in [-1, 1] -> the same shape, normalised.

        With numbers rather than tensors, so that nothing is copied to a GPU.
        """
        channels = zip(image.unbind(1), self.mean, self.std, strict=True)
        return torch.stack([((channel + 1) / 2 - mean) / std for channel, mean, std in channels], dim=1)


IMAGENET = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
OPENAI = Normalisation((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))


class Preprocessor(BaseModel):
    """The fields that are read of a preprocessor_config.json; None is the network's default."""

    image_mean: tuple[float, float, float] | None = None
    image_std: tuple[Positive, Positive, Positive] | None = None


def normalisation(folder: Path, default: Normalisation) -> Normalisation:
    """That of the folder's preprocessor_config.json: DINOv3's satellite models differ from the others.

    Raises WeightsError where it cannot be read.
    """
    file = folder / "preprocessor_config.json"
    if not file.is_file():
        return default
    try:
        said = Preprocessor.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise WeightsError(
            f"{file} cannot be read ({error.errors()[0]['msg']}); download it again."
        ) from error
    if said.image_mean is None or said.image_std is None:
        return default
    return Normalisation(said.image_mean, said.image_std)


def load(folder: Path, kinds: Sequence[str], example: Repository) -> Any:
    """A network in transformers' format, frozen.

    kinds: the model types that will do. example: has one, for the message.
    Raises MissingExtra without transformers, and WeightsError where the folder does not hold all of one.
    """
    transformers: Any = optional("transformers", "frozen")
    require(folder / "config.json", folder, example)
    kind = read_json(folder / "config.json").get("model_type")
    if kind not in kinds:
        raise WeightsError(f"{folder} holds a {kind} and not a {' or '.join(kinds)}, such as {example.name}.")
    return read_network(transformers.AutoModel, folder, "", example)


class Dino:
    """Maps of DINOv3 (Siméoni et al., arXiv:2508.10104), a vision transformer or a ConvNeXt.

    folder: in transformers' format, read on the first call.
    depths: blocks (ViT) or stages (ConvNeXt) whose outputs to take, counted from 1; None is each quarter of
    the blocks, (3, 6, 9, 12) of 12, or every stage.
    """

    def __init__(self, folder: Path | str, depths: Sequence[int] | None = None) -> None:
        self.folder = Path(folder)
        self.depths = depths

    def __call__(self, image: Tensor) -> list[Tensor]:
        """image: (B, 3, H, W) in [-1, 1]; an incomplete patch at the border is ignored.

        Returns a (B, C, h, w) for each depth, without class and register tokens. A transformer's maps have
        its last normalisation, as DINO's own code gives intermediate layers; a ConvNeXt's are raw.
        Raises MissingExtra and WeightsError on the first call; ValueError for a depth that there is not.
        """
        network = self.network.to(image.device)
        seen = network(self.normalisation(image), output_hidden_states=True)
        states = [seen.hidden_states[depth] for depth in self._depths(len(seen.hidden_states) - 1)]
        if self.patch is None:
            return states
        return [self._map(network.norm(state), image) for state in states]

    @cached_property
    def network(self) -> Any:
        return load(self.folder, DINOS, DINOV3)

    @cached_property
    def normalisation(self) -> Normalisation:
        return normalisation(self.folder, IMAGENET)

    @property
    def patch(self) -> int | None:
        """Side of a transformer's patch in pixels; None for a ConvNeXt."""
        config = self.network.config
        return config.patch_size if config.model_type == "dinov3_vit" else None

    @property
    def channels(self) -> tuple[int, ...]:
        """Of each map. Raises as the first call does."""
        config = self.network.config
        if self.patch is None:
            return tuple(config.hidden_sizes[depth - 1] for depth in self._depths(len(config.hidden_sizes)))
        return (config.hidden_size,) * len(self._depths(config.num_hidden_layers))

    def _depths(self, available: int) -> Sequence[int]:
        depths = self.depths or sorted({-(-quarter * available // 4) for quarter in (1, 2, 3, 4)})
        if not all(1 <= depth <= available for depth in depths):
            raise ValueError(f"depths {tuple(depths)} must lie in 1 .. {available} for {self.folder}")
        return depths

    def _map(self, tokens: Tensor, image: Tensor) -> Tensor:
        """(B, 1 + registers + h w, C) -> (B, C, h, w)."""
        assert self.patch is not None
        height, width = (side // self.patch for side in image.shape[-2:])
        return tokens[:, -height * width :].transpose(1, 2).unflatten(2, (height, width))


class Clip:
    """Similarity of pictures and texts in CLIP's space (Radford et al., arXiv:2103.00020).

    FlowSR's alignment loss (arXiv:2605.12377, eq. 9) is made of these cosines, with ViT-L/14.
    folder: a folder in transformers' format with a tokenizer, read on the first call.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    def similarity(self, image: Tensor, texts: Sequence[str]) -> Tensor:
        """image: (B, 3, H, W) in [-1, 1] -> (B, len(texts)), cosines in [-1, 1]."""
        seen = self.image(image)
        return seen @ self.text(texts).to(seen).T

    def image(self, image: Tensor) -> Tensor:
        """image: (B, 3, H, W) in [-1, 1], resized to the network's square -> (B, D) of length 1.

        Differentiable. Raises MissingExtra and WeightsError on the first call.
        """
        network = self.network.to(image.device)
        side = network.config.vision_config.image_size
        small = resize(image, (side, side), antialias=True)
        pooled = network.vision_model(pixel_values=self.normalisation(small).to(network.dtype)).pooler_output
        return nn.functional.normalize(network.visual_projection(pooled), dim=1)

    @torch.no_grad()
    def text(self, texts: Sequence[str], device: torch.device | None = None) -> Tensor:
        """(len(texts), D) of length 1; what is too long is cut. device: None is that of the last picture."""
        network = self.network if device is None else self.network.to(device)
        longest = network.config.text_config.max_position_embeddings
        tokens = self.tokenizer(
            list(texts), padding=True, truncation=True, max_length=longest, return_tensors="pt"
        ).to(network.device)
        pooled = network.text_model(tokens.input_ids, tokens.attention_mask).pooler_output
        return nn.functional.normalize(network.text_projection(pooled), dim=1)

    @cached_property
    def network(self) -> Any:
        return load(self.folder, ("clip",), CLIP_L)

    @cached_property
    def normalisation(self) -> Normalisation:
        return normalisation(self.folder, OPENAI)

    @cached_property
    def tokenizer(self) -> Any:
        transformers: Any = optional("transformers", "frozen")
        return read_tokenizer(transformers.AutoTokenizer, self.folder, "", CLIP_L)
