"""Pretrained networks that are never trained. Each reads a folder on its first use, and nothing downloads."""

from .features import Clip, Dino

__all__ = ["Clip", "Dino"]
