"""The text of a PNG: its author and rights, a description, the settings that a picture was generated with."""

from typing import Any, NamedTuple

from PIL import Image, PngImagePlugin

_KEPT_ELSEWHERE = ("raw profile type ", "xml:com.adobe.xmp", "software", "exif:", "tiff:")
_OF_THE_FILE = ("png:", "thumb::")
"""Sizes, as ImageMagick and makers of thumbnails write them."""
_LONG = 2048
"""Characters from which on a text is compressed."""
MOST_COMPRESSED = 1 << 20
"""Bytes of a compressed text or profile. Programs that read with Pillow refuse a PNG with more; the length of
what is not compressed matters to none."""


class Text(NamedTuple):
    """language, translated: of an iTXt chunk, and the keyword in that language; else empty."""

    keyword: str
    text: str
    language: str = ""
    translated: str = ""


def info_without_text(image: Image.Image) -> dict[str | tuple[int, int], Any]:
    """What Pillow tells of an image. Among it are the texts of a PNG under their own keywords, and one may
    have the keyword "gamma" or "dpi": they are left out."""
    if image.format != "PNG":
        return image.info
    return {name: value for name, value in image.info.items() if not isinstance(value, str)}


def read(image: Image.Image) -> tuple[Text, ...]:
    """image: decoded. Without what `Metadata` has in other fields."""
    if image.format != "PNG":
        return ()
    left_out = (*_KEPT_ELSEWHERE, *_OF_THE_FILE)
    return tuple(
        _text(keyword, text)
        for keyword, text in {**image.info, **getattr(image, "text", {})}.items()
        if isinstance(keyword, str) and isinstance(text, str) and not keyword.lower().startswith(left_out)
    )


def add(info: PngImagePlugin.PngInfo, texts: tuple[Text, ...]) -> None:
    """As Latin-1 where that can hold it, which every program reads, else as UTF-8."""
    for each in texts:
        compressed = is_compressed(each.text)
        if each.language or each.translated:
            info.add_itxt(each.keyword, each.text, each.language, each.translated, compressed)
        else:
            info.add_text(each.keyword, each.text, compressed)


def is_compressed(text: str) -> bool:
    return len(text) >= _LONG and len(text.encode("utf-8", "replace")) < MOST_COMPRESSED


def _text(keyword: str, text: str) -> Text:
    if isinstance(text, PngImagePlugin.iTXt):
        return Text(keyword, str(text), _string(text.lang), _string(text.tkey))
    return Text(keyword, text)


def _string(value: str | bytes | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""
