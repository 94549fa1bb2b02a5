"""Whole files for the fuzzer to damage: small pictures by real encoders, in every kind that leapsr reads."""

import io
from collections.abc import Callable, Iterator

import imagecodecs
import numpy as np
import pillow_heif
import pillow_jxl  # noqa: F401, makes Pillow write JPEG XL
import tifffile
from PIL import Image, PngImagePlugin

from leapsr.pictures import metadata
from tests.conftest import picture_array
from tests.pictures import photos, raws

SIDE = 8
P3 = photos.rgb_profile(photos.P3_PRIMARIES, photos.parametric(1.8))
GREY = photos.grey_profile(photos.table(*range(0, 65_536, 4_000)))
EXIF = photos.camera_exif(thumbnail=photos.jpeg(8, 6))

Seeds = dict[str, bytes]
"""What a file is, and its bytes."""


def picture(mode: str = "RGB") -> Image.Image:
    image = Image.fromarray(picture_array(SIDE, SIDE))
    if "A" in mode or mode == "PA":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image.convert(mode)


def frames(mode: str = "RGB") -> dict[str, object]:
    """Options that make a file of two."""
    return {"save_all": True, "append_images": [picture(mode).transpose(Image.Transpose.ROTATE_90)]}


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def samples(channels: int, dtype: type) -> np.ndarray:
    shape = (SIDE, SIDE) if channels == 1 else (SIDE, SIDE, channels)
    values = np.random.default_rng(channels).random(shape)
    return (values if dtype == np.float32 else values * np.iinfo(dtype).max).astype(dtype)


def jpeg() -> Iterator[tuple[str, bytes]]:
    iptc = b"Photoshop 3.0\0" + metadata.resource(metadata.IPTC_RESOURCE, photos.IPTC)
    extra = b"\xff\xed" + (len(iptc) + 2).to_bytes(2, "big") + iptc
    about = {"exif": EXIF, "xmp": photos.XMP, "dpi": (300, 300), "extra": extra, "comment": "a comment"}
    yield "camera", saved(picture(), "JPEG", icc_profile=P3, **about)
    yield "camera, progressive", saved(picture(), "JPEG", icc_profile=P3, progressive=True, **about)
    yield "turned only", saved(picture(), "JPEG", exif=photos.camera_exif(8, ">", b""))
    for mode in ("RGB", "L", "CMYK"):
        for progressive in (False, True):
            yield f"{mode}, progressive {progressive}", saved(picture(mode), "JPEG", progressive=progressive)
    yield "restarts", saved(picture().resize((24, 24)), "JPEG", restart_marker_blocks=1, subsampling=2)
    yield "CMYK with profile", saved(picture("CMYK"), "JPEG", icc_profile=photos.cmyk_profile())
    yield "grey with profile", saved(picture("L"), "JPEG", icc_profile=GREY)
    yield "two pictures", saved(picture(), "MPO", **frames())
    light = np.full((SIDE, SIDE, 4), 3, np.float16)
    light[:, : SIDE // 2] = 0.2
    yield "Ultra HDR", imagecodecs.ultrahdr_encode(light)


def png() -> Iterator[tuple[str, bytes]]:
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", photos.XMP.decode())
    resource = metadata.resource(metadata.IPTC_RESOURCE, photos.IPTC)
    text.add_text("Raw profile type iptc", f"\niptc\n{len(resource):8}\n{resource.hex()}\n", zip=True)
    about = {"exif": EXIF, "pnginfo": text, "dpi": (300, 300)}
    yield "everything", saved(picture("RGBA"), "PNG", icc_profile=P3, **about)
    old = PngImagePlugin.PngInfo()
    old.add_text("Raw profile type exif", f"\nexif\n{len(EXIF):8}\n{EXIF.hex()}\n", zip=True)
    yield "older EXIF", saved(picture("L"), "PNG", icc_profile=GREY, pnginfo=old)
    for mode in ("1", "L", "LA", "RGB", "RGBA", "P", "I;16"):
        yield mode, saved(picture("L" if mode == "I;16" else mode).convert(mode), "PNG")
    for bits in (1, 2, 4):
        yield f"palette of {bits} bits", saved(picture().quantize(2**bits), "PNG", bits=bits, transparency=1)
    yield "soft palette", saved(picture().quantize(16), "PNG", transparency=bytes(range(0, 256, 16)))
    yield "transparent colour", saved(picture(), "PNG", transparency=(1, 2, 3))
    yield "transparent grey", saved(picture("L"), "PNG", transparency=7)
    for channels in (1, 2, 3, 4):
        yield f"16 bits, {channels}", imagecodecs.png_encode(samples(channels, np.uint16))
        yield f"interlaced, {channels}", interlaced(samples(channels, np.uint8))
    yield "animated", saved(picture(), "PNG", **frames())


def interlaced(values: np.ndarray) -> bytes:
    """Adam7 (section 8.2 of the PNG standard), which none of the encoders at hand writes: filter 0 only."""
    image = values if values.ndim == 3 else values[..., None]
    passes = (
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    )
    rows = b"".join(
        b"\0" + row.tobytes()
        for top, left, down, right in passes
        for row in image[top::down, left::right]
        if row.size
    )
    header = SIDE.to_bytes(4, "big") * 2 + bytes((8, (0, 4, 2, 6)[image.shape[2] - 1], 0, 0, 1))
    out = io.BytesIO(b"\x89PNG\r\n\x1a\n")
    out.seek(8)
    for kind, data in ((b"IHDR", header), (b"IDAT", imagecodecs.zlib_encode(rows)), (b"IEND", b"")):
        PngImagePlugin.putchunk(out, kind, data)
    return out.getvalue()


def tiff() -> Iterator[tuple[str, bytes]]:
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"):
        source = picture("L").convert("I") if mode == "I;16" else picture("L" if mode == "F" else mode)
        image = source.convert(mode)  # floats are from 0 to 1
        yield mode, saved(image.point(lambda level: level * (1 / 255)) if mode == "F" else image, "TIFF")
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group4"):
        image = picture("1" if compression == "group4" else "RGB")
        yield compression, saved(image, "TIFF", compression=compression, dpi=(300, 300), icc_profile=P3)
    yield "camera", saved(picture(), "TIFF", exif=EXIF, icc_profile=P3, dpi=(300, 300))
    yield "pages", saved(picture(), "TIFF", compression="tiff_lzw", **frames())
    for dtype in (np.uint8, np.uint16, np.float32):
        for channels in (1, 2, 3, 4):
            options = {} if channels == 1 else {"extrasamples": ["unassalpha"] * (channels in (2, 4))}
            for name, how in (("plain", {}), ("zlib", {"compression": "zlib", "predictor": True})):
                yield f"{dtype.__name__} {channels} {name}", written(samples(channels, dtype), options | how)
    tiled = {"tile": (16, 16), "compression": "lzw", "byteorder": ">"}
    yield "tiles", written(samples(3, np.uint16), tiled)
    yield "planes", written(np.moveaxis(samples(3, np.uint16), -1, 0).copy(), {"planarconfig": "separate"})
    yield "big", written(samples(3, np.uint8), {"bigtiff": True})


def written(values: np.ndarray, options: dict[str, object]) -> bytes:
    buffer = io.BytesIO()
    photometric = (
        "rgb" if (values.ndim == 3 and 3 in values.shape[::2]) or values.shape[-1] == 4 else "minisblack"
    )
    tifffile.imwrite(buffer, values, photometric=photometric, metadata=None, **options)
    return buffer.getvalue()


def webp() -> Iterator[tuple[str, bytes]]:
    about = {"exif": EXIF, "icc_profile": P3, "xmp": photos.XMP}
    for lossless in (False, True):
        for mode in ("RGB", "RGBA"):
            yield f"{mode}, lossless {lossless}", saved(picture(mode), "WEBP", lossless=lossless)
        yield f"camera, lossless {lossless}", saved(picture("RGBA"), "WEBP", lossless=lossless, **about)
    yield "animated", saved(picture(), "WEBP", **frames())


def avif() -> Iterator[tuple[str, bytes]]:
    for mode in ("L", "RGB", "RGBA"):
        yield mode, saved(picture(mode), "AVIF")
    about = {"exif": EXIF, "icc_profile": P3, "xmp": photos.XMP}
    yield "camera", saved(picture("RGBA"), "AVIF", **about)
    yield "animated", saved(picture(), "AVIF", **frames())
    yield "10 bits", imagecodecs.avif_encode(samples(3, np.uint16) >> 6, bitspersample=10)
    yield "12 bits", imagecodecs.avif_encode(samples(4, np.uint16) >> 4, bitspersample=12)


def heic() -> Iterator[tuple[str, bytes]]:
    pillow_heif.register_heif_opener()
    for mode in ("L", "RGB", "RGBA"):
        yield mode, saved(picture(mode), "HEIF")
    yield "camera", saved(picture("RGBA"), "HEIF", exif=EXIF, icc_profile=P3, xmp=photos.XMP)
    yield "two pictures", saved(picture(), "HEIF", **frames())
    for bits, name in ((10, "RGB;10"), (12, "RGBA;12")):
        deep = samples(len(name) - 3, np.uint16) >> (16 - bits)
        yield f"{bits} bits", deep_heic(deep, name)


def deep_heic(values: np.ndarray, mode: str) -> bytes:
    file = pillow_heif.from_bytes(mode, (SIDE, SIDE), values.tobytes())
    buffer = io.BytesIO()
    file.save(buffer)
    return buffer.getvalue()


def bmp() -> Iterator[tuple[str, bytes]]:
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        yield mode, saved(picture(mode), "BMP", dpi=(300, 300))
    yield "runs", run_lengths()


def run_lengths() -> bytes:
    """BMP with runs of pixels (BI_RLE8), which Pillow reads and does not write."""
    rows = b"".join(bytes((4, level, 4, 255 - level, 0, 0)) for level in range(SIDE)) + b"\0\1"
    palette = b"".join(bytes((i, 255 - i, 7, 0)) for i in range(256))
    place = 54 + len(palette)
    numbers = (40, SIDE, SIDE, 8 << 16 | 1, 1, len(rows), 2835, 2835, 256, 0)
    info = b"".join(number.to_bytes(4, "little") for number in numbers)
    head = b"BM" + (place + len(rows)).to_bytes(4, "little") + bytes(4) + place.to_bytes(4, "little")
    return head + info + palette + rows


def gif() -> Iterator[tuple[str, bytes]]:
    for mode in ("1", "L", "P", "RGB"):
        yield mode, saved(picture(mode), "GIF", comment=b"a comment")
    yield "transparent", saved(picture().quantize(16), "GIF", transparency=3)
    yield "interlaced", saved(picture(), "GIF", interlace=True)
    yield "animated", saved(picture(), "GIF", duration=50, loop=0, **frames())


def jp2() -> Iterator[tuple[str, bytes]]:
    for mode in ("L", "LA", "RGB", "RGBA", "I;16"):
        yield mode, saved(picture(mode), "JPEG2000")
    yield "with loss", saved(picture(), "JPEG2000", irreversible=True, quality_layers=[4, 2])
    yield "codestream", saved(picture(), "JPEG2000", no_jp2=True)


def jxl() -> Iterator[tuple[str, bytes]]:
    for channels in (1, 3, 4):
        yield f"{channels} channels", imagecodecs.jpegxl_encode(samples(channels, np.uint8), lossless=True)
    yield "16 bits", imagecodecs.jpegxl_encode(samples(3, np.uint16), lossless=True)
    yield "floats", imagecodecs.jpegxl_encode(samples(3, np.float32), lossless=True)
    yield "with loss", imagecodecs.jpegxl_encode(samples(3, np.uint8), level=80)
    yield "animated", imagecodecs.jpegxl_encode(np.stack([samples(3, np.uint8)] * 2))
    about = {"exif": EXIF, "xmp": photos.XMP, "use_container": True}
    yield "camera", saved(picture(), "JXL", **about)
    yield "a JPEG inside", imagecodecs.jpegxl_encode_jpeg(photos.jpeg(SIDE, SIDE))


def dng() -> Iterator[tuple[str, bytes]]:
    small = raws.scene(24, 32)  # LibRaw takes nothing much smaller
    yield "mosaic", raws.dng(small, orientation=6, exposure=0.5, extra=[(700, 1, None, photos.XMP, True)])
    yield "in a frame", raws.dng(raws.scene(48, 48), crop=(2, 2, 24, 32))
    yield "linear", raws.dng(small, raws.LINEAR)
    yield "grey", raws.grey_dng()
    yield "without colours", raws.dng(small, knows_colours=False)


MAKERS: dict[str, Callable[[], Iterator[tuple[str, bytes]]]] = {
    "jpeg": jpeg,
    "png": png,
    "tiff": tiff,
    "webp": webp,
    "avif": avif,
    "heic": heic,
    "bmp": bmp,
    "gif": gif,
    "jp2": jp2,
    "jxl": jxl,
    "dng": dng,
}
SUFFIXES = {"jpeg": ".jpg", "tiff": ".tif"}


def make(kind: str) -> Seeds:
    return dict(MAKERS[kind]())


def suffix(kind: str) -> str:
    return SUFFIXES.get(kind, f".{kind}")
