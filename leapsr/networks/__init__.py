"""What has trainable weights."""

from .condition import Condition, Prompt, Quality
from .pixel.unet import PRESETS, UNet, UNetConfig

__all__ = ["PRESETS", "Condition", "Prompt", "Quality", "UNet", "UNetConfig"]
