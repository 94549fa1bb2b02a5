"""Pictures from standard input and to standard output."""

from pathlib import Path
from tempfile import TemporaryDirectory

from ..batch import pipeline
from ..batch.jobs import Job
from ..batch.naming import kept_suffix
from ..batch.options import Options
from ..errors import ImageError
from ..pictures import float_tiff, open_file, tiff_pages
from ..upscaling.upscaler import Upscaler

_SUFFIXES = {
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


def upscale(
    source: Path | bytes,
    suffix: str | None,
    upscaler: Upscaler,
    options: Options,
    watch: pipeline.Watch | None = None,
) -> bytes:
    """The file that a picture becomes, as `batch.run` would write it.

    source: a file, or the bytes of one. suffix: names the format of the result; None is that of the source.
    Raises ImageError for whatever went wrong.
    """
    with TemporaryDirectory(prefix="leapsr-") as folder:
        path = source if isinstance(source, Path) else _as_file(source, Path(folder))
        job = Job(path, Path(folder, f"standard output{suffix or kept_suffix(path.suffix)}"))
        (outcome,) = pipeline.run([job], upscaler, options, watch=watch)
        if outcome.status == "failed":
            raise ImageError(outcome.message.replace(f"{folder}/", "").replace(f"{folder}\\", ""))
        return job.output.read_bytes()


def _as_file(data: bytes, folder: Path) -> Path:
    path = folder / f"standard input{_suffix(data)}"
    path.write_bytes(data)
    return path


def _suffix(data: bytes) -> str:
    """What its content makes a file. Raises ImageError when that is no picture."""
    if not data:
        raise ImageError("Nothing came on standard input.")
    name = "standard input"
    data = tiff_pages.photo(data, name)
    if float_tiff.layout(data, name) is not None:
        return ".tif"
    with open_file.opened(data, name) as image:
        return _SUFFIXES[image.format or ""]
