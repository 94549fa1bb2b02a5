"""Sizes and switches of the MM-DiT. Needs no diffusers, so that any model's config can be read."""

from typing import Literal, Self

from pydantic import Field, model_validator

from ...ops.attention import Kernel
from ..base import ConditionInput, NetworkConfigBase
from ..timestep import Reads

LrKeys = Literal["noise_double_norm", "own"]
TimeConditioning = Literal["single", "add_r", "concat_mlp"]


class MMDiTConfig(NetworkConfigBase):
    """The defaults are SD3.5-medium's, under the names of its config.json.

    sample_size: side of the latents that the table of positions is scaled for.
    pos_embed_max_size: the most patches on a side.
    dual_attention_layers: blocks with a second attention, of the image alone.
    lr_keys: keys of the low-resolution tokens. "noise_double_norm" (DiT4SR f and q, SMFSR): the noise tokens'
    keys, normalised twice, without a `to_k_control`. "own" (DiT4SR r1): their own. Weights fit one of the
    two.
    lr_mlp_scale: of what low-resolution tokens add in the feed-forward; DiT4SR publishes 1.2 and remarks that
    1 would be better in training.
    time_conditioning: "single" reads t alone (a teacher), "add_r" adds an embedding of r (MFSR), "concat_mlp"
    has one embedder for t and r and a small network on both (SMFSR).
    time_scale: factor of times in [0, 1] before their sines: 1000 for SD3.5 and DiT4SR, 1 for SMFSR and for
    MFSR's c_noise(t) = t.
    time_start: how a student begins whose time_scale is 1 and whose teacher's is 1000. "published": with the
    teacher's weights (MFSR's paper), for which all times are then close to 0, so the embedding hardly moves
    at first. "refit": fitted anew to what the teacher's said, see student.refit_time.
    attention: see ops.attention. gradient_checkpointing: whether the backward pass recomputes blocks.
    """

    is_large = True
    takes_adapters = True
    takes_latents = True
    reads_text = True
    times_remedy = "network.time_conditioning=add_r"

    kind: Literal["mmdit"] = "mmdit"
    sample_size: int = Field(128, ge=2)
    patch_size: int = Field(2, ge=1)
    in_channels: int = Field(16, ge=1)
    num_layers: int = Field(24, ge=1)
    attention_head_dim: int = Field(64, ge=1)
    num_attention_heads: int = Field(24, ge=1)
    joint_attention_dim: int = Field(4096, ge=1)
    pooled_projection_dim: int = Field(2048, ge=1)
    pos_embed_max_size: int = Field(384, ge=1)
    dual_attention_layers: tuple[int, ...] = tuple(range(13))

    lr_keys: LrKeys = "own"
    lr_mlp_scale: float = Field(1.2, ge=0)
    time_conditioning: TimeConditioning = "single"
    time_scale: float = Field(1000.0, gt=0)
    time_start: Literal["published", "refit"] = "published"

    attention: Kernel = "fused"
    gradient_checkpointing: bool = False

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if self.width % 4:
            raise ValueError(
                f"{self.width} channels (heads x head_dim) must be a multiple of 4 for positions"
            )
        if self.sample_size % self.patch_size:
            raise ValueError(
                f"sample_size {self.sample_size} must be a multiple of patch_size {self.patch_size}"
            )
        wrong = [layer for layer in self.dual_attention_layers if not 0 <= layer < self.num_layers]
        if wrong:
            raise ValueError(
                f"dual_attention_layers {wrong} are beyond the {self.num_layers} layers there are"
            )
        return self

    @property
    def condition_input(self) -> ConditionInput:
        return "latents"

    @property
    def times_read(self) -> Reads:
        return "t" if self.time_conditioning == "single" else "both"

    @property
    def state_multiple(self) -> int:
        return self.patch_size

    @property
    def largest_state(self) -> int:
        return self.patch_size * self.pos_embed_max_size

    @property
    def width(self) -> int:
        """Channels of every token."""
        return self.num_attention_heads * self.attention_head_dim


PRESETS: dict[str, MMDiTConfig] = {
    "tiny": MMDiTConfig(
        sample_size=32,
        num_layers=4,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=64,
        pooled_projection_dim=48,
        pos_embed_max_size=32,
        dual_attention_layers=(0, 1),
    ),
    "sd35_medium": MMDiTConfig(),
}
