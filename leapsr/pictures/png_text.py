"""The text of a PNG: its author and rights, a description, the settings that a picture was generated with."""

from typing import NamedTuple

from PIL import Image, PngImagePlugin

_KEPT_ELSEWHERE = ("raw profile type ", "xml:com.adobe.xmp", "software", "exif:", "tiff:")
_OF_THE_FILE = ("png:", "thumb::")
"""Sizes, as ImageMagick and makers of thumbnails write them."""
_LONG = 2048
"""Characters from which on a text is compressed."""


class Text(NamedTuple):
    """language, translated: of an iTXt chunk, and the keyword in that language; else empty."""

    keyword: str
    text: str
    language: str = ""
    translated: str = ""


def read(image: Image.Image) -> tuple[Text, ...]:
    """image: decoded. Without what `Metadata` has in other fields."""
    if image.format != "PNG":
        return ()
    left_out = (*_KEPT_ELSEWHERE, *_OF_THE_FILE)
    return tuple(
        _text(keyword, text)
        for keyword, text in image.info.items()
        if isinstance(keyword, str) and isinstance(text, str) and not keyword.lower().startswith(left_out)
    )


def add(info: PngImagePlugin.PngInfo, texts: tuple[Text, ...]) -> None:
    """As Latin-1 where that can hold it, which every program reads, else as UTF-8."""
    for each in texts:
        compressed = len(each.text) >= _LONG
        if each.language or each.translated:
            info.add_itxt(each.keyword, each.text, each.language, each.translated, compressed)
        else:
            info.add_text(each.keyword, each.text, compressed)


def _text(keyword: str, text: str) -> Text:
    if isinstance(text, PngImagePlugin.iTXt):
        return Text(keyword, str(text), _string(text.lang), _string(text.tkey))
    return Text(keyword, text)


def _string(value: str | bytes | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""
