"""What becomes of every kind of file: a table, made by opening files of real encoders.

    python benchmarks/formats.py               # prints the table
    python benchmarks/formats.py --write       # puts it into docs/photos.md

Each file is made by Pillow, tifffile, imagecodecs or pillow-heif; RAW photos as a sensor would see the scene.
What leapsr reads of it is brought to sRGB and compared with what was put in, and with what libvips, and
ImageMagick where it is, make of it. The tests do so too.
"""

import argparse
import io
import shutil
import struct
import subprocess
import sys
import tempfile
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import imagecodecs
import numpy as np
import pillow_heif
import tifffile
from PIL import Image, ImageCms

from leapsr import ImageError
from leapsr.pictures.picture import Picture, load

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.pictures import raws

DOCUMENT = Path(__file__).parent.parent / "docs" / "photos.md"
BEGIN, END = "<!-- made by benchmarks/formats.py -->", "<!-- end of the table -->"
HEIGHT, WIDTH = 48, 64
SRGB = ImageCms.createProfile("sRGB")
HAS_MAGICK = shutil.which("identify") is not None


class Kind(NamedTuple):
    """A row of the table, but for what becomes of it."""

    container: str
    photometric: str
    depth: str
    sample: str = "unsigned"
    planes: str = "together"
    compression: str = "-"
    tag: str = "none"


@dataclass(frozen=True)
class File:
    """close: how many levels of 255 readers may differ by, on average. truth: (H, W, 3) that was put in, in
    sRGB, 8 bits; None where that cannot be said."""

    kind: Kind
    make: Callable[[], bytes]
    close: float = 1.0

    @property
    def truth(self) -> np.ndarray | None:
        kind = self.kind
        if kind.container == "DNG":
            return (255 * raws.encoded(raws.SHARE * raws.linear(scene()))).round().astype(np.uint8)
        if kind.tag in ("gAMA 1", "linear"):
            linear = scene()
            encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
            return (255 * encoded).round().astype(np.uint8)
        if kind.container in ("BMP", "GIF"):
            mode = {"palette": "P", "RGB": "RGB"}.get(kind.photometric, "1" if kind.depth == "1" else "L")
            return np.asarray(pil(mode).convert("RGB"))
        untagged = kind.tag in ("none", "sRGB", "gAMA 1/2.2")
        if not untagged or int(kind.depth) < 8 or "premultiplied" in kind.photometric:
            return None
        if kind.photometric.startswith("grey"):
            by_pillow = kind.container == "JPEG" or kind[::2][:2] in (("PNG", "8"), ("JPEG 2000", "8"))
            grey = np.asarray(pil("L")) if by_pillow and "alpha" not in kind.photometric else levels(1, 8)
            return np.repeat((255 - grey if "white" in kind.photometric else grey)[..., None], 3, 2)
        return levels(3, 8) if kind.photometric.startswith(("RGB", "YCbCr", "L*a*b*", "XYB")) else None


def scene(channels: int = 3) -> np.ndarray:
    """(H, W, channels) in [0, 1]: smooth, with an edge, all of it inside the colours of CMYK."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] / np.array([HEIGHT, WIDTH])[:, None, None]
    planes = [0.3 + 0.4 * x, 0.3 + 0.4 * y, 0.6 - 0.25 * x * y, 0.4 + 0.5 * x]
    planes = [plane + 0.1 * (x > 0.5) for plane in planes]
    return np.stack(planes[:channels], -1).clip(0, 1)


def levels(channels: int, bits: int) -> np.ndarray:
    kind = np.uint8 if bits <= 8 else np.uint16 if bits <= 16 else np.uint32
    values = (scene(channels) * (2**bits - 1)).round().astype(kind)
    return values[..., 0] if channels == 1 else values


def pil(mode: str) -> Image.Image:
    if mode in ("LA", "RGBA"):
        return Image.fromarray(levels(len(mode), 8))
    return Image.fromarray(levels(3, 8)).convert(mode)


def saved(image: Image.Image, name: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, name, **options)
    return file.getvalue()


def profile(name: str) -> bytes:
    """Display P3 or Adobe RGB, written here: three primaries (D50), one gamma."""
    columns = {
        "P3": ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841)),
        "Adobe RGB": ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446)),
    }[name]

    def fixed(value: float) -> bytes:
        return struct.pack(">i", round(value * 65_536))

    xyz = [b"XYZ \0\0\0\0" + b"".join(map(fixed, column)) for column in columns]
    white = b"XYZ \0\0\0\0" + b"".join(map(fixed, (0.9642, 1.0, 0.8249)))
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name.encode() + b"\0" + bytes(78)
    parts = {"desc": text + bytes(-len(text) % 4), "wtpt": white, "cprt": b"text\0\0\0\0CC0\0"}
    parts |= dict(zip(("rXYZ", "gXYZ", "bXYZ"), xyz, strict=True))
    parts |= dict.fromkeys(("rTRC", "gTRC", "bTRC"), curve)
    table, data = b"", b""
    for tag, part in parts.items():
        table += tag.encode() + struct.pack(">II", 128 + 4 + 12 * len(parts) + len(data), len(part))
        data += part
    body = struct.pack(">I", len(parts)) + table + data
    head = struct.pack(">I4sI4s4s4s", 128 + len(body), bytes(4), 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    return head + b"".join(map(fixed, (0.9642, 1.0, 0.8249))) + bytes(48) + body


def with_chunk(png: bytes, kind: bytes, content: bytes) -> bytes:
    chunk = struct.pack(">I", len(content)) + kind + content
    return png[:33] + chunk + struct.pack(">I", zlib.crc32(chunk[4:])) + png[33:]


def tiff(values: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, metadata=None, **options)
    return file.getvalue()


def jpegs() -> Iterator[File]:
    for mode, photometric in (("RGB", "YCbCr"), ("L", "grey"), ("CMYK", "CMYK")):
        kind = Kind("JPEG", photometric, "8", compression="DCT")
        yield File(kind, lambda mode=mode: saved(pil(mode), "JPEG", quality=97), 3.0)
    progressive = Kind("JPEG", "YCbCr 4:2:0", "8", compression="DCT, progressive")
    yield File(progressive, lambda: saved(pil("RGB"), "JPEG", progressive=True, subsampling=2), 3.0)
    rgb = Kind("JPEG", "RGB", "8", compression="DCT")
    yield File(
        rgb,
        lambda: imagecodecs.jpeg_encode(levels(3, 8), level=97, colorspace="RGB", outcolorspace="RGB"),
        3.0,
    )
    for name in ("P3", "Adobe RGB"):
        kind = Kind("JPEG", "YCbCr", "8", compression="DCT", tag=f"ICC, {name}")
        yield File(
            kind, lambda name=name: saved(pil("RGB"), "JPEG", quality=97, icc_profile=profile(name)), 3.0
        )
    yield File(
        Kind("JPEG", "grey", "12", compression="DCT"),
        lambda: imagecodecs.jpeg_encode(levels(1, 12), bitspersample=12),
    )
    yield File(
        Kind("JPEG", "RGB", "8", compression="JPEG-LS"), lambda: imagecodecs.jpegls_encode(levels(3, 8))
    )
    yield File(
        Kind("JPEG", "grey", "16", compression="lossless"), lambda: imagecodecs.ljpeg_encode(levels(1, 16))
    )


def pngs() -> Iterator[File]:
    for bits in (1, 2, 4):
        values = (scene(1)[..., 0] * (2**bits - 1)).round().astype(np.uint8)
        yield File(
            Kind("PNG", "grey", str(bits), compression="deflate"), lambda v=values, b=bits: packed_png(v, b)
        )
    for mode, photometric in (
        ("L", "grey"),
        ("LA", "grey + alpha"),
        ("RGB", "RGB"),
        ("RGBA", "RGB + alpha"),
        ("P", "palette"),
    ):
        yield File(
            Kind("PNG", photometric, "8", compression="deflate"), lambda mode=mode: saved(pil(mode), "PNG")
        )
    for channels, photometric in ((1, "grey"), (2, "grey + alpha"), (3, "RGB"), (4, "RGB + alpha")):
        yield File(
            Kind("PNG", photometric, "16", compression="deflate"),
            lambda c=channels: imagecodecs.png_encode(levels(c, 16)),
        )
    plain = saved(pil("RGB"), "PNG")
    tags = {
        "sRGB": with_chunk(plain, b"sRGB", b"\0"),
        "gAMA 1/2.2": with_chunk(plain, b"gAMA", struct.pack(">I", 45_455)),
        "gAMA 1": with_chunk(plain, b"gAMA", struct.pack(">I", 100_000)),
        "cICP, P3": with_chunk(plain, b"cICP", bytes((12, 13, 0, 1))),
        "cICP, PQ": with_chunk(plain, b"cICP", bytes((9, 16, 0, 1))),
        "ICC, P3": saved(pil("RGB"), "PNG", icc_profile=profile("P3")),
    }
    for tag, data in tags.items():
        yield File(Kind("PNG", "RGB", "8", compression="deflate", tag=tag), lambda data=data: data)


def packed_png(values: np.ndarray, bits: int) -> bytes:
    each = 8 // bits
    rows = values.reshape(HEIGHT, WIDTH // each, each)
    lines = sum(rows[..., i].astype(np.uint8) << (8 - bits * (i + 1)) for i in range(each)).astype(np.uint8)
    data = b"".join(b"\0" + line.tobytes() for line in lines)

    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(data)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def tiffs() -> Iterator[File]:
    for zero, name in (("minisblack", "grey"), ("miniswhite", "grey, 0 is white")):
        for bits in (8, 16, 32):
            yield File(
                Kind("TIFF", name, str(bits)), lambda b=bits, z=zero: tiff(levels(1, b), photometric=z)
            )
        bilevel = scene(1)[..., 0] > 0.6
        yield File(Kind("TIFF", name, "1"), lambda v=bilevel, z=zero: tiff(v, photometric=z, bitspersample=1))
    for bits, sample, kind in ((16, "signed", np.int16), (32, "signed", np.int32)):
        values = (scene(1)[..., 0] * (2 ** (bits - 1) - 1)).astype(kind)
        yield File(
            Kind("TIFF", "grey", str(bits), sample), lambda v=values: tiff(v, photometric="minisblack")
        )
    for kind in (np.float16, np.float32, np.float64):
        bits = str(np.dtype(kind).itemsize * 8)
        for channels, name in ((1, "grey"), (3, "RGB")):
            values = scene(channels).astype(kind)
            values = values[..., 0] if channels == 1 else values
            photometric = "minisblack" if channels == 1 else "rgb"
            yield File(
                Kind("TIFF", name, bits, "float"), lambda v=values, p=photometric: tiff(v, photometric=p)
            )
    complex_values = scene(1)[..., 0].astype(np.complex64)
    yield File(Kind("TIFF", "grey", "64", "complex"), lambda: tiff(complex_values, photometric="minisblack"))
    for bits in (8, 16, 32):
        yield File(Kind("TIFF", "RGB", str(bits)), lambda b=bits: tiff(levels(3, b), photometric="rgb"))
    for bits in (8, 16):
        separate = np.ascontiguousarray(levels(3, bits).transpose(2, 0, 1))
        yield File(
            Kind("TIFF", "RGB", str(bits), planes="separate"),
            lambda v=separate: tiff(v, photometric="rgb", planarconfig="separate"),
        )
    for compression in (
        "lzw",
        "deflate",
        "packbits",
        "zstd",
        "lzma",
        "jpeg",
        "webp",
        "jpegxl",
        "jpeg2000",
        "lerc",
    ):
        close = 3.0 if compression in ("jpeg", "webp", "jpegxl", "jpeg2000") else 1.0
        yield File(
            Kind("TIFF", "RGB", "8", compression=compression),
            lambda c=compression: tiff(levels(3, 8), photometric="rgb", compression=c),
            close,
        )
    yield File(
        Kind("TIFF", "RGB", "16", compression="deflate, differences"),
        lambda: tiff(levels(3, 16), photometric="rgb", compression="deflate", predictor=True),
    )
    yield File(
        Kind("TIFF", "RGB", "8", compression="tiles, deflate"),
        lambda: tiff(levels(3, 8), photometric="rgb", tile=(16, 16), compression="deflate"),
    )
    yield File(Kind("BigTIFF", "RGB", "16"), lambda: tiff(levels(3, 16), photometric="rgb", bigtiff=True))
    for extra in ("unassalpha", "assocalpha", "unspecified"):
        name = {
            "unassalpha": "alpha",
            "assocalpha": "premultiplied alpha",
            "unspecified": "an unnamed fourth",
        }[extra]
        yield File(
            Kind("TIFF", f"RGB + {name}", "8"),
            lambda e=extra: tiff(levels(4, 8), photometric="rgb", extrasamples=[e]),
        )
    for mode, name in (("P", "palette"), ("CMYK", "CMYK"), ("LAB", "L*a*b*"), ("YCbCr", "YCbCr 4:4:4")):
        image = lab() if mode == "LAB" else pil(mode)
        yield File(Kind("TIFF", name, "8"), lambda i=image: saved(i, "TIFF"), 2.0)
    yield File(Kind("TIFF", "L*a*b*", "16"), lambda: tiff(levels(3, 16), photometric="cielab"))
    yield File(
        Kind("TIFF", "CMYK + an unnamed fifth", "8"),
        lambda: tiff(
            np.repeat(levels(1, 8)[..., None], 5, 2), photometric="separated", extrasamples=["unspecified"]
        ),
    )
    yield File(Kind("TIFF", "mosaic of a camera (CFA)", "16"), lambda: tiff(levels(1, 16), photometric="cfa"))
    for photometric, name in ((raws.MOSAIC, "mosaic of a camera (CFA)"), (raws.LINEAR, "linear RAW")):
        yield File(
            Kind("DNG", name, "14", tag="matrix of the camera"),
            lambda p=photometric: raws.dng(scene(), photometric=p),
            3.0,
        )
    yield File(Kind("DNG", "mosaic of a camera (CFA)", "14"), lambda: raws.dng(scene(), knows_colours=False))
    yield File(
        Kind("TIFF", "RGB", "8", tag="ICC, P3"),
        lambda: tiff(levels(3, 8), photometric="rgb", iccprofile=profile("P3")),
    )


def lab() -> Image.Image:
    to_lab = ImageCms.buildTransform(SRGB, ImageCms.createProfile("LAB"), "RGB", "LAB")
    return ImageCms.applyTransform(pil("RGB"), to_lab)


def others() -> Iterator[File]:
    pillow_heif.register_heif_opener()
    for mode, name in (("RGB", "RGB"), ("RGBA", "RGB + alpha")):
        yield File(
            Kind("WebP", name, "8", compression="lossless"),
            lambda m=mode: saved(pil(m), "WEBP", lossless=True),
        )
        yield File(
            Kind("WebP", name, "8", compression="VP8"), lambda m=mode: saved(pil(m), "WEBP", quality=95), 3.0
        )
        yield File(
            Kind("AVIF", name, "8", compression="AV1"), lambda m=mode: saved(pil(m), "AVIF", quality=95), 3.0
        )
        yield File(
            Kind("HEIC", name, "8", compression="HEVC"), lambda m=mode: saved(pil(m), "HEIF", quality=95), 3.0
        )
    yield File(
        Kind("WebP", "RGB", "8", compression="lossless", tag="ICC, P3"),
        lambda: saved(pil("RGB"), "WEBP", lossless=True, icc_profile=profile("P3")),
    )
    for bits in (10, 12):
        yield File(
            Kind("AVIF", "RGB", str(bits), compression="AV1"),
            lambda b=bits: imagecodecs.avif_encode(levels(3, b), bitspersample=b, level=95),
            3.0,
        )
        yield File(Kind("HEIC", "RGB", str(bits), compression="HEVC"), lambda b=bits: heic(b), 3.0)
    yield File(
        Kind("AVIF", "RGB", "10", compression="AV1", tag="H.273, PQ"),
        lambda: imagecodecs.avif_encode(levels(3, 10), bitspersample=10, primaries=9, transfer=16),
    )
    for mode, name in (("1", "grey"), ("L", "grey"), ("P", "palette"), ("RGB", "RGB")):
        yield File(Kind("BMP", name, "1" if mode == "1" else "8"), lambda m=mode: saved(pil(m), "BMP"))
    yield File(Kind("GIF", "palette", "8", compression="LZW"), lambda: saved(pil("P"), "GIF"))
    for mode, name, bits in (
        ("L", "grey", "8"),
        ("RGB", "RGB", "8"),
        ("RGBA", "RGB + alpha", "8"),
        ("I;16", "grey", "16"),
    ):
        image = Image.fromarray(levels(1, 16)) if mode == "I;16" else pil(mode)
        yield File(
            Kind("JPEG 2000", name, bits, compression="lossless"), lambda i=image: saved(i, "JPEG2000")
        )
    yield File(
        Kind("JPEG 2000", "RGB", "16", compression="lossless"),
        lambda: imagecodecs.jpeg2k_encode(levels(3, 16), level=0),
    )
    for channels, name in ((1, "grey"), (3, "RGB"), (4, "RGB + alpha")):
        yield File(
            Kind("JPEG XL", name, "8", compression="modular"),
            lambda c=channels: imagecodecs.jpegxl_encode(levels(c, 8), lossless=True),
        )
    for bits in (10, 16):  # imagecodecs calls these, and floats, linear
        yield File(
            Kind("JPEG XL", "RGB", str(bits), compression="modular", tag="linear"),
            lambda b=bits: imagecodecs.jpegxl_encode(levels(3, b), lossless=True, bitspersample=b),
        )
    yield File(
        Kind("JPEG XL", "RGB", "32", "float", compression="modular", tag="linear"),
        lambda: imagecodecs.jpegxl_encode(scene().astype(np.float32), lossless=True),
    )
    yield File(
        Kind("JPEG XL", "XYB", "8", compression="VarDCT"),
        lambda: imagecodecs.jpegxl_encode(levels(3, 8), level=95),
        3.0,
    )
    yield File(Kind("JPEG XR", "RGB", "8"), lambda: imagecodecs.jpegxr_encode(levels(3, 8)))
    for name in ("TGA", "PPM", "ICO"):
        yield File(Kind(name, "RGB", "8"), lambda n=name: saved(pil("RGB"), n))


def heic(bits: int) -> bytes:
    values = levels(3, bits)
    file, buffer = pillow_heif.from_bytes(f"RGB;{bits}", (WIDTH, HEIGHT), values.tobytes()), io.BytesIO()
    file.save(buffer, quality=95)
    return buffer.getvalue()


def files() -> list[File]:
    return [*jpegs(), *pngs(), *tiffs(), *others()]


SUFFIXES = {
    "JPEG": "jpg",
    "PNG": "png",
    "TIFF": "tif",
    "BigTIFF": "tif",
    "WebP": "webp",
    "AVIF": "avif",
    "HEIC": "heic",
}
SUFFIXES |= {"BMP": "bmp", "GIF": "gif", "JPEG 2000": "jp2", "JPEG XL": "jxl", "JPEG XR": "jxr"}


def read(file: File, folder: Path) -> Picture | str:
    """By leapsr; its sentence where it refuses."""
    path = folder / f"it.{SUFFIXES.get(file.kind.container, file.kind.container.lower())}"
    path.write_bytes(file.make())
    try:
        return load(path)
    except ImageError as error:
        return str(error).replace(str(path), "it")


def in_srgb(picture: Picture) -> np.ndarray:
    """(H, W, 3) of 8 bits, without transparency."""
    image = (
        picture.pil()
        if picture.depth == 8
        else Image.fromarray((picture.rgb * 255).round().byte().permute(1, 2, 0).numpy())
    )
    grey = image.mode in ("L", "LA")
    image = image.convert("L" if grey and picture.icc else "RGB")
    if picture.icc:
        own = ImageCms.ImageCmsProfile(io.BytesIO(picture.icc))
        grey_profile = ImageCms.getProfileName(own) and own.profile.xcolor_space.strip() == "GRAY"
        if not grey_profile and image.mode == "L":
            image = image.convert("RGB")
        if grey_profile and image.mode == "RGB":
            image = image.convert("L")
        image = ImageCms.profileToProfile(image, own, SRGB, renderingIntent=1, outputMode="RGB")
    return np.asarray(image.convert("RGB"))


def by_vips(data: bytes) -> np.ndarray:
    import pyvips

    image = pyvips.Image.new_from_buffer(data, "")
    if image.hasalpha():
        image = image.extract_band(0, n=image.bands - 1)
    if image.get_typeof("icc-profile-data"):
        image = image.icc_transform("srgb", embedded=True, intent="relative")
    elif image.interpretation == "cmyk":
        image = image.icc_transform("srgb", input_profile="cmyk", intent="relative")
    elif image.format in ("float", "double"):
        image = (image * 255).cast("uchar")
    else:
        image = image.colourspace("srgb")
    values = image.cast("uchar").numpy()
    return np.repeat(values, 3, 2) if values.shape[2] == 1 else values[..., :3]


def by_magick(data: bytes, suffix: str) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        profile_file, path = Path(folder, "srgb.icc"), Path(folder, f"it.{suffix}")
        profile_file.write_bytes(ImageCms.ImageCmsProfile(SRGB).tobytes())
        path.write_bytes(data)
        command = [
            "convert",
            f"{path}[0]",
            "-alpha",
            "off",
            "-intent",
            "relative",
            "-profile",
            str(profile_file),
        ]
        command += ["-colorspace", "sRGB", "-depth", "8", "rgb:-"]
        done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    return np.frombuffer(done.stdout, np.uint8).reshape(HEIGHT, WIDTH, 3)


def others_agree(file: File, picture: Picture) -> dict[str, float]:
    """By reader: the mean difference in levels; without those that cannot read it."""
    data, suffix = file.make(), SUFFIXES.get(file.kind.container, file.kind.container.lower())
    readers: dict[str, Callable[[], np.ndarray]] = {"libvips": lambda: by_vips(data)}
    if HAS_MAGICK:
        readers["ImageMagick"] = lambda: by_magick(data, suffix)
    ours, found = in_srgb(picture).astype(float), {}
    if file.truth is not None:
        found["its source"] = float(np.abs(ours - file.truth).mean())
    for name, reader in readers.items():
        try:
            found[name] = float(np.abs(ours - reader()).mean())
        except Exception:  # each has errors of its own
            continue
    return found


def outcome(file: File, picture: Picture | str) -> str:
    if isinstance(picture, str):
        return f"refused: {picture.partition(';')[0].removeprefix('it is ').removeprefix('it ').rstrip('.')}"
    deep = int(file.kind.depth)
    same = file.kind.sample == "unsigned" and (picture.depth == deep or (picture.depth == 8 and deep < 8))
    parts = ["kept" if same else f"converted to {picture.depth} bits"]
    if "CMYK" in file.kind.photometric or "L*a*b*" in file.kind.photometric:
        parts = ["converted to sRGB"]
    if file.kind.container == "DNG":
        parts = ["developed to sRGB, 16 bits"]
    if picture.icc and not file.kind.tag.startswith("ICC"):
        parts.append("with a profile of its colours")
    return ", ".join(parts)


def table(folder: Path, list_of_files: list[File]) -> Iterator[str]:
    yield (
        "| container | what the numbers are | bits | type | planes | compression | colour tag "
        "| what becomes of it | same pixels as |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for file in list_of_files:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = read(file, folder)
            agree = (
                []
                if isinstance(picture, str)
                else [n for n, d in others_agree(file, picture).items() if d <= file.close]
            )
        yield f"| {' | '.join(file.kind)} | {outcome(file, picture)} | {', '.join(agree) or '-'} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/photos.md")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = "\n".join(table(Path(folder), files()))
    if not given.write:
        print(made)
        return
    text = DOCUMENT.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
