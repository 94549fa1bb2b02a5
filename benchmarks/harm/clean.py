"""Photos that were only made smaller: distances to the original, beside bicubic's."""

import io
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from leapsr.metrics.fidelity import lr_psnr, psnr
from leapsr.metrics.perceptual import lpips
from leapsr.pictures.picture import Source

from .model import Model, bicubic
from .photos import Photos, cut, kodak, portraits, smaller
from .sheets import Row, file_name, sheet, table

BORDER = 4
KODAK = [str(number) for number in range(1, 25)]
STORAGES = ("PNG", "JPEG 92")
CROP = 144
CROPS = {
    "hair": ("astronaut", 160, 20),
    "knit": ("baby", 160, 20),
    "eye": ("baby", 140, 120),
    "net": ("woman", 60, 10),
    "skin": ("lenna", 230, 220),
    "face": ("4", 230, 270),
    "curls": ("4", 350, 190),
    "scarf": ("4", 60, 430),
    "painted skin": ("15", 400, 90),
    "wool": ("15", 170, 340),
    "small face": ("18", 225, 140),
    "sky": ("19", 40, 60),
    "fence": ("19", 150, 480),
    "sky and propeller": ("20", 90, 130),
    "feathers": ("23", 450, 100),
}
"""What sheets show: photo, left, top, in pixels of the original."""


class Scores(NamedTuple):
    psnr: float
    lpips: float
    lr_psnr: float
    """Made small again, against the small picture before it was stored."""
    file_psnr: float
    """The same against the decoded file, whose faults count as detail then: for a PNG the same number."""


class Score(NamedTuple):
    """Of one photo at one position."""

    name: str
    own: Scores
    plain: Scores
    """Bicubic's."""

    @property
    def gain(self) -> Scores:
        """Over bicubic; more is better."""
        own, plain = self.own, self.plain
        return Scores(
            own.psnr - plain.psnr,
            plain.lpips - own.lpips,
            own.lr_psnr - plain.lr_psnr,
            own.file_psnr - plain.file_psnr,
        )


def clean(
    model: Model, positions: Sequence[float], data: Path, limit: int | None, out: Path | None
) -> list[str]:
    """Prints a table for each set and storage. Returns the broken bounds, a sentence each."""
    sets = {"Kodak": kodak(data, KODAK, limit), "portraits": portraits(data, limit)}
    columns = ["bicubic", *map(model.label, positions), "original"]
    broken = []
    for storage, (name, photos) in product(STORAGES, sets.items()):
        if not photos:
            print(f"\nNo photo of {name} is there.")
            continue
        scores, rows = _judged(model, positions, photos, storage, data / "weights")
        print(f"\n## {model.name} x{model.scale}: {len(photos)} photos, {name}, {storage}\n")
        lines = [HEAD, _bicubic_line(next(iter(scores.values())))]
        lines += [_line(model.label(fidelity), of_position) for fidelity, of_position in scores.items()]
        print(table(lines), flush=True)
        for fidelity, of_position in scores.items():
            where = f"{model.name} at {fidelity:g}, {name}, {storage}"
            broken += _broken(where, of_position, fidelity in (1, model.default), fidelity == 1)
        if out is not None:
            drawn = sheet(columns, rows, (2 * CROP, 2 * CROP))
            drawn.save(out / file_name(model.name, "clean", name, storage))
    return broken


def _judged(
    model: Model, positions: Sequence[float], photos: Photos, storage: str, weights: Path
) -> tuple[dict[float, list[Score]], list[Row]]:
    """Scores by position, and rows of a sheet: bicubic, each position, the original."""
    judged: dict[float, list[Score]] = {position: [] for position in positions}
    rows: list[Row] = []
    for name, photo in photos.items():
        original = cut(photo, model.scale)
        small = smaller(original, model.scale)
        source, decoded = stored(small, storage)
        plain = bicubic(decoded, model.scale)
        reference = compared(plain, original, small, decoded, weights)
        results = {position: model(source, position) for position in positions}
        for position, result in results.items():
            judged[position].append(
                Score(name, compared(result, original, small, decoded, weights), reference)
            )
        for words, (whose, left, top) in CROPS.items():
            if whose == name:
                box = np.s_[top : top + CROP, left : left + CROP]
                cells = [image[box].copy() for image in (plain, *results.values(), original)]
                rows.append(Row(f"{name}: {words}", cells))
    return judged, rows


def stored(small: np.ndarray, storage: str) -> tuple[Source, np.ndarray]:
    """What the model is given, and its pixels."""
    if storage == "PNG":
        return small, small
    file = io.BytesIO()
    Image.fromarray(small).save(file, "JPEG", quality=92)
    return file.getvalue(), np.asarray(Image.open(file))


def compared(
    result: np.ndarray, original: np.ndarray, small: np.ndarray, decoded: np.ndarray, weights: Path
) -> Scores:
    restored, hr, lr, file = (_tensor(image) for image in (result, original, small, decoded))
    return Scores(
        psnr(restored, hr, channels="y", border=BORDER).item(),
        lpips(restored, hr, weights=weights).item(),
        lr_psnr(restored, lr).item(),
        lr_psnr(restored, file).item(),
    )


def _tensor(image: np.ndarray) -> Tensor:
    """(H, W, 3) uint8 -> (1, 3, H, W) in [0, 1]."""
    return torch.tensor(image).permute(2, 0, 1)[None].float() / 255


HEAD = (
    "fidelity",
    *("PSNR-Y", "LPIPS", "LR-PSNR", "to the file"),
    *("PSNR below", "LPIPS not better", "LR below", "to the file below"),
    *("least gain in PSNR-Y", "in LPIPS", "in LR-PSNR", "to the file"),
)


def _bicubic_line(scores: Sequence[Score]) -> tuple[str, ...]:
    return "bicubic", *_means([score.plain for score in scores]), *[""] * 8


def _line(label: str, scores: Sequence[Score]) -> tuple[str, ...]:
    least = [min(scores, key=lambda score: score.gain[column]) for column in range(4)]
    return (
        label,
        *_means([score.own for score in scores]),
        *(str(len(failed)) for failed in failures(scores)),
        f"{least[0].gain.psnr:+.2f} ({least[0].name})",
        f"{least[1].gain.lpips:+.4f} ({least[1].name})",
        f"{least[2].gain.lr_psnr:+.2f} ({least[2].name})",
        f"{least[3].gain.file_psnr:+.2f} ({least[3].name})",
    )


def _means(scores: Sequence[Scores]) -> tuple[str, str, str, str]:
    mean = Scores(*(fmean(values) for values in zip(*scores, strict=True)))
    return f"{mean.psnr:.2f}", f"{mean.lpips:.4f}", f"{mean.lr_psnr:.2f}", f"{mean.file_psnr:.2f}"


def failures(scores: Sequence[Score]) -> tuple[list[Score], list[Score], list[Score], list[Score]]:
    """Those with a PSNR below bicubic's, an LPIPS not better, an LR-PSNR below, one to the file below."""
    return (
        [score for score in scores if score.gain.psnr < 0],
        [score for score in scores if score.gain.lpips <= 0],
        [score for score in scores if score.gain.lr_psnr < 0],
        [score for score in scores if score.gain.file_psnr < 0],
    )


def _broken(where: str, scores: Sequence[Score], ask_psnr: bool, ask_lr_psnr: bool) -> list[str]:
    below, not_better, lr_below, _ = failures(scores)
    sentences = []
    if ask_psnr and below:
        sentences.append(f"{where}: PSNR-Y below bicubic's on {_listed(below)}.")
    if not_better:
        sentences.append(f"{where}: LPIPS not better than bicubic's on {_listed(not_better)}.")
    if ask_lr_psnr and lr_below:
        sentences.append(f"{where}: LR-PSNR below bicubic's on {_listed(lr_below)}.")
    return sentences


def _listed(scores: Sequence[Score]) -> str:
    names = [score.name for score in scores]
    return f"{len(names)}: {', '.join(names[:8])}" + (", ..." if len(names) > 8 else "")
