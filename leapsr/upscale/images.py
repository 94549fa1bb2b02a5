"""Files and what programs hold in memory, to and from `Picture`, the one form that leapsr works on."""

import io
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import ExifTags, Image, ImageOps
from torch import Tensor

from ..errors import ImageError

logger = logging.getLogger(__name__)

Source = str | Path | bytes | Image.Image | np.ndarray | Tensor

MAX_SIDE = 30_000
"""Pixels; larger pictures are refused. It takes the place of Pillow's own limit of 179 million pixels."""

READABLE = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
READABLE_SUFFIXES = frozenset((".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"))

_EXIF_HEADER = b"Exif\0\0"
_pillow_limit = threading.Lock()


@dataclass(frozen=True, eq=False)
class Picture:
    """rgb: (3, H, W) float32 in [0, 1], sRGB unless icc says otherwise, upright. alpha: (1, H, W) float32 in
    [0, 1], 1 is opaque; None where the picture has none. icc: an RGB colour profile. exif: starts with
    "Exif", orientation 1.
    """

    rgb: Tensor
    alpha: Tensor | None = None
    icc: bytes | None = None
    exif: bytes | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)"""
        return self.rgb.shape[-2], self.rgb.shape[-1]


def load(source: Source) -> Picture:
    """Read a file, or take over what is in memory.

    source: a path; bytes of a file; a PIL image; an ndarray (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of
    uint8; or a float tensor (3, H, W) in [0, 1].
    Raises ImageError, in one sentence that names the file, for everything that cannot be used.
    """
    if isinstance(source, Tensor):
        return _from_tensor(source)
    if isinstance(source, np.ndarray):
        return from_pil(_pil_of_array(source))
    if isinstance(source, Image.Image):
        return from_pil(source)
    with _opened(source) as (image, name):
        return from_pil(image, name)


def measure(source: Source) -> tuple[int, int]:
    """(height, width) that load() would give, from the header alone. Raises ImageError as load() does."""
    if isinstance(source, Tensor):
        return source.shape[-2], source.shape[-1]
    if isinstance(source, np.ndarray):
        return source.shape[0], source.shape[1]
    if isinstance(source, Image.Image):
        return source.height, source.width
    with _opened(source) as (image, _):
        return (image.width, image.height) if _lies_on_its_side(image) else (image.height, image.width)


def _lies_on_its_side(image: Image.Image) -> bool:
    if image.format == "PNG" and "exif" not in image.info:  # asking for it would decode the whole picture
        return False
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8)
    except Exception:  # damaged EXIF: _upright tells
        return False


def from_pil(image: Image.Image, name: str = "the picture") -> Picture:
    """Any mode but floating point ones. Raises ImageError for those, for several frames, for damage."""
    _check(image, name)
    _load_pixels(image, name)
    upright, exif = _upright(image)
    rgb, alpha = _planes(upright, name)
    icc = image.info.get("icc_profile")
    # A profile for CMYK or grey does not describe the RGB that was made of it.
    return Picture(rgb, alpha, icc if icc and icc[16:20] == b"RGB " else None, exif)


def to_pil(picture: Picture) -> Image.Image:
    """8-bit RGB or RGBA with profile and EXIF in `info`."""
    planes = picture.rgb if picture.alpha is None else torch.cat((picture.rgb, picture.alpha))
    image = Image.fromarray(_to_bytes(planes))
    image.info |= {"icc_profile": picture.icc} if picture.icc else {}
    image.info |= {"exif": picture.exif} if picture.exif else {}
    return image


def to_array(picture: Picture) -> np.ndarray:
    """(H, W, 3 or 4) uint8"""
    return np.asarray(to_pil(picture))


def _load_pixels(image: Image.Image, name: str) -> None:
    try:
        image.load()
    except MemoryError:
        raise ImageError(f"{name} does not fit in memory ({image.width} x {image.height} pixels).") from None
    except Exception as error:  # Pillow's decoders raise many kinds on damaged data
        raise ImageError(f"{name} is damaged or incomplete ({_reason(error)}); get it again.") from error


@contextmanager
def _opened(source: str | Path | bytes) -> Iterator[tuple[Image.Image, str]]:
    """The image with its header read and checked, and the name to call it by."""
    name = "the picture" if isinstance(source, bytes) else str(source)
    data = io.BytesIO(source if isinstance(source, bytes) else _read(Path(source)))
    if not data.getbuffer().nbytes:
        raise ImageError(f"{name} is empty (0 bytes); get it again.")
    with _open(data, name) as image:
        _check(image, name)
        yield image, name


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        missing = f"{path} is a link to a file that" if path.is_symlink() else path
        raise ImageError(f"{missing} does not exist.") from None
    except IsADirectoryError:
        raise ImageError(f"{path} is a folder; name a picture.") from None
    except PermissionError:
        raise ImageError(f"No permission to read {path}.") from None
    except OSError as error:
        raise ImageError(f"{path} could not be read: {error.strerror}.") from error


def _open(data: io.BytesIO, name: str) -> Image.Image:
    Image.init()  # until then Pillow knows only some of the formats
    with _pillow_limit:
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(data, formats=READABLE)
        except Exception as error:  # Pillow's header readers raise many kinds on damaged data
            raise ImageError(
                f"{name} is not a picture that can be read (JPEG, PNG, WebP, BMP, TIFF)."
            ) from error
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _check(image: Image.Image, name: str) -> None:
    if max(image.size) > MAX_SIDE:
        size = f"{image.width} x {image.height}"
        raise ImageError(f"{name} has {size} pixels; at most {MAX_SIDE} a side are accepted.")
    if min(image.size) < 1:
        raise ImageError(f"{name} has no pixels ({image.width} x {image.height}).")
    frames = _frames(image, name)
    if frames > 1:
        raise ImageError(f"{name} has {frames} frames or pages; give a single picture.")


def _frames(image: Image.Image, name: str) -> int:
    if image.format == "MPO":  # its further frames are previews or the other eye, not an animation
        return 1
    try:
        return getattr(image, "n_frames", 1)
    except Exception as error:  # counting reads the whole file, which may be damaged
        raise ImageError(f"{name} is damaged or incomplete ({_reason(error)}); get it again.") from error


def _reason(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__


def _upright(image: Image.Image) -> tuple[Image.Image, bytes | None]:
    """The image turned as its EXIF says, and the EXIF block, which is unchanged but for the orientation."""
    raw = image.info.get("exif")
    try:
        exif = image.getexif()
        if exif.get(ExifTags.Base.Orientation, 1) != 1:
            image = ImageOps.exif_transpose(image)
            exif[ExifTags.Base.Orientation] = 1
            raw = exif.tobytes()
    except Exception as error:  # damaged EXIF is no reason to refuse the picture
        logger.warning("The EXIF data could not be read and were left out: %s.", _reason(error))
        return image, None
    return image, _EXIF_HEADER + raw.removeprefix(_EXIF_HEADER) if raw else None


def _planes(image: Image.Image, name: str) -> tuple[Tensor, Tensor | None]:
    if image.mode == "F":
        raise ImageError(f"{name} has floating point pixels; convert it to 8 bits first.")
    if image.mode == "I" or image.mode.startswith("I;16"):  # Pillow's own conversion would clip at 255
        grey = torch.from_numpy(np.asarray(image).astype(np.float32) / 65_535).clamp(0, 1)
        return grey.expand(3, -1, -1).contiguous(), None
    if image.has_transparency_data:
        planes = _to_float(image.convert("RGBA"))
        return planes[:3], planes[3:]
    return _to_float(image.convert("RGB")), None


def _to_float(image: Image.Image) -> Tensor:
    planes = torch.from_numpy(np.array(image)).permute(2, 0, 1)
    return planes.to(torch.float32, memory_format=torch.contiguous_format).div_(255)


def _to_bytes(planes: Tensor) -> np.ndarray:
    rounded = planes.detach().cpu().clamp(0, 1).mul_(255).round_().to(torch.uint8)
    return rounded.permute(1, 2, 0).contiguous().numpy()


def _pil_of_array(array: np.ndarray) -> Image.Image:
    if array.dtype != np.uint8:
        raise ImageError(f"The array holds {array.dtype}; give uint8, or a float tensor (3, H, W) in [0, 1].")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if (array.ndim != 2 and (array.ndim != 3 or array.shape[2] not in (3, 4))) or not array.size:
        raise ImageError(f"The array has shape {array.shape}; give (H, W), (H, W, 3) or (H, W, 4).")
    return Image.fromarray(np.ascontiguousarray(array))


def _from_tensor(image: Tensor) -> Picture:
    if image.ndim != 3 or image.shape[0] != 3 or not image.numel() or not image.is_floating_point():
        raise ImageError(f"The tensor is {image.dtype} {tuple(image.shape)}; give float (3, H, W) in [0, 1].")
    if not image.isfinite().all():
        raise ImageError("The tensor holds values that are not finite.")
    return Picture(image.detach().float().cpu())
