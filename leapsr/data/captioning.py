"""Photos to a file of their captions, by one captioner in each of several processes.

The file is JSONL, see `data.captions`, with the name of the captioner in every line. Photos are asked about a
few at a time, always the same few together: a run that was killed and begun again leaves the same file.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..devices import choose_dtype
from ..errors import DataError, OutputError
from ..files import atomic_write, remove_stale_parts
from ..frozen import VisionLanguage
from ..ops.resize import resize
from .photos import Photos, Progress
from .processes import spread

LARGEST = 1024**2
"""Pixels of what a captioner is shown: Qwen2-VL's words cost as much as the picture has pixels."""

Line = dict[str, str]


@dataclass(frozen=True)
class Captioning:
    """captioner: folder of LLaVA 1.5 or Qwen2-VL. together: photos that are asked about at once. dtype: as
    `devices.choose_dtype` takes it."""

    captioner: Path
    together: int = 8
    dtype: str = "auto"


def run(
    photos: Photos,
    file: Path,
    how: Captioning,
    devices: Sequence[str] = ("cpu",),
    part: Callable[[list[range]], list[range]] = lambda chunks: chunks,
    progress: Progress = lambda done, total: None,
) -> list[str]:
    """Caption what `file` has no caption of yet; at the end its lines are in the order of the photos.

    Args:
        photos: whose names the captions get.
        devices: one for each process; a device may have several.
        part: of the photos, few by few, that this computer is to caption.
        progress: (done, total) in photos.

    Returns:
        A sentence for each photo that cannot be read, which then has no line.

    Raises:
        DataError: the file holds something else, or captions of another captioner; or a process was killed.
        OutputError: it cannot be written.
        WeightsError, MissingExtra: the captioner cannot be read.
    """
    remove_stale_parts(file.parent)
    known = _known(file, how.captioner.name)
    every = range(len(photos.names))
    chunks = part([every[start : start + how.together] for start in every[:: how.together]])
    left = [chunk for chunk in chunks if not all(photos.names[index] in known for index in chunk)]
    total = sum(map(len, chunks))
    done = total - sum(map(len, left))
    progress(done, total)
    unread: list[str] = []
    for chunk, failures in spread(_caption, left, _start, (photos, file, how), devices=devices):
        unread += failures
        done += len(chunk)
        progress(done, total)
    known = _known(file, how.captioner.name)
    names = [photos.names[index] for chunk in chunks for index in chunk]
    others = {*known} - {*names}  # of another part, or of photos that are away today
    _write(file, [known[name] for name in [*names, *sorted(others)] if name in known])
    return unread


def _known(file: Path, captioner: str) -> dict[str, Line]:
    """The lines of a file by the name of the photo, after what a killed process left of one is taken out."""
    try:
        content = file.read_text(encoding="utf-8") if file.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file} cannot be read as captions ({error}); give another -o.") from error
    whole, _, torn = content.rpartition("\n")
    lines = list(_lines(file, whole.split("\n") if whole else []))
    if other := next((line for line in lines if line["captioner"] != captioner), None):
        raise DataError(
            f"{file} holds captions by {other['captioner']} and not by {captioner}; give another -o."
        )
    if torn:
        _write(file, lines)
    return {line["file_name"]: line for line in lines}


def _lines(file: Path, written: Sequence[str]) -> Iterator[Line]:
    for text in written:
        line: object = None
        with suppress(ValueError):
            line = json.loads(text)
        if not isinstance(line, dict) or not {"file_name", "text", "captioner"} <= line.keys():
            raise DataError(f"{file} was not written by 'leapsr caption'; give another -o.")
        yield line


def _write(file: Path, lines: Sequence[Line]) -> None:
    with atomic_write(file) as place:
        place.write_text("".join(map(_text, lines)), encoding="utf-8")


def _text(line: Line) -> str:
    return json.dumps(line, ensure_ascii=False) + "\n"


_work: tuple[Photos, Path, Captioning, torch.device, VisionLanguage]


def _start(photos: Photos, file: Path, how: Captioning, place: str) -> None:
    """What all photos of a process share."""
    global _work
    device = torch.device(place)
    captioner = VisionLanguage(how.captioner, dtype=choose_dtype(how.dtype, device))
    _work = photos, file, how, device, captioner


def _caption(chunk: range) -> list[str]:
    """Append the captions of a few photos to the file, at once. Returns a sentence for each that cannot be
    read."""
    photos, file, how, device, captioner = _work
    shown: dict[str, Tensor] = {}
    unread: list[str] = []
    for index in chunk:
        try:
            shown[photos.names[index]] = _shrunk(photos.whole(index).to(device))
        except DataError as error:
            unread.append(str(error))
    if not shown:
        return unread
    captions = captioner.captions(list(shown.values()))
    by = how.captioner.name
    lines = [
        {"file_name": name, "text": text, "captioner": by} for name, text in zip(shown, captions, strict=True)
    ]
    data = "".join(map(_text, lines)).encode()
    try:
        handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            written = os.write(handle, data)
        finally:
            os.close(handle)
    except OSError as error:
        raise OutputError(f"{file} cannot be written: {error.strerror or error}.") from error
    if written < len(data):
        raise OutputError(f"{file} cannot be written: the disk is full; make room, then run again.")
    return unread


def _shrunk(photo: Tensor) -> Tensor:
    """uint8 (3, H, W) -> float32 in [-1, 1], of at most LARGEST pixels."""
    image = photo[None].float() / 127.5 - 1
    share = (LARGEST / photo[0].numel()) ** 0.5
    if share < 1:
        height, width = (max(1, round(side * share)) for side in photo.shape[1:])
        image = resize(image, (height, width), antialias=True)
    return image[0]
