"""What has trainable weights."""

from .condition import Condition
from .unet import PRESETS, UNet, UNetConfig

__all__ = ["PRESETS", "Condition", "UNet", "UNetConfig"]
