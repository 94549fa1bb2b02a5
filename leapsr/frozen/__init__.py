"""Pretrained networks that are never trained. Each reads a folder on first use; nothing is downloaded."""

from .autoencoder import Autoencoder, Identity, Pretrained
from .caption import Captioner, FixedCaption, remove_focus_sentences
from .features import Clip, Dino
from .prompts import STANDARDS, PromptBook, describe, load_book, save_book, standard_texts, write_book
from .text import Sd3Text, Sd21Text, TextEncoder, text_encoder
from .vision_language import QualityCaptions, VisionLanguage

__all__ = [
    "STANDARDS",
    "Autoencoder",
    "Captioner",
    "Clip",
    "Dino",
    "FixedCaption",
    "Identity",
    "Pretrained",
    "PromptBook",
    "QualityCaptions",
    "Sd3Text",
    "Sd21Text",
    "TextEncoder",
    "VisionLanguage",
    "describe",
    "load_book",
    "remove_focus_sentences",
    "save_book",
    "standard_texts",
    "text_encoder",
    "write_book",
]
