"""What has trainable weights."""

from .base import Network, NetworkConfigBase
from .condition import Condition, Prompt, Quality
from .pixel.unet import PRESETS, UNet, UNetConfig
from .registry import register

__all__ = [
    "PRESETS",
    "Condition",
    "Network",
    "NetworkConfigBase",
    "Prompt",
    "Quality",
    "UNet",
    "UNetConfig",
    "register",
]
