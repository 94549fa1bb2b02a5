"""Which format the bytes of a file are, whatever the file is called."""

from . import float_tiff, jpeg_xl, open_file, raw_kinds, tiff_pages

SUFFIXES = {
    "JPEG": ".jpg",
    "MPO": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "AVIF": ".avif",
    "TIFF": ".tif",
    "HEIF": ".heic",
    "BMP": ".bmp",
    "DIB": ".dib",
    "GIF": ".gif",
    "JPEG2000": ".jp2",
}
"""For the formats as Pillow calls them."""
RAW = ".dng"
"""Stands for all RAW photos of cameras."""


def suffix(data: bytes, name: str) -> str:
    """Such as .jpg. name: for messages. Raises ImageError when it is no picture."""
    if raw_kinds.matches(data, name):
        return RAW
    data = tiff_pages.photo(data, name)
    if float_tiff.layout(data, name) is not None:
        return ".tif"
    if jpeg_xl.matches(data):
        return ".jxl"
    with open_file.opened(data, name) as image:
        return SUFFIXES[image.format or ""]
