"""What has trainable weights."""

from .condition import Condition, Quality
from .unet import PRESETS, UNet, UNetConfig

__all__ = ["PRESETS", "Condition", "Quality", "UNet", "UNetConfig"]
