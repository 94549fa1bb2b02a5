"""A study from folders of results."""

import json
import random
import secrets
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

from PIL import Image
from torch import Tensor

from ..data.pairs import PairFolder, read_rgb
from ..errors import DataError, UsageError
from ..files import atomic_write
from ..metrics.sheet import busiest_box
from ..ops.color import to_pil
from .questions import PICTURES, SOURCE, STUDY, Question, Study


def make(
    folder: Path,
    pairs: PairFolder,
    results: Mapping[str, Mapping[str, Path]],
    *,
    title: str,
    count: int | None = None,
    side: int | None = 512,
    pairwise: bool = False,
    seed: int = 0,
) -> Study:
    """Write a study into a new folder.

    Args:
        folder: it must not hold one.
        pairs: the small pictures; references are not shown.
        results: by the methods' names, then by the pictures'.
        title: shown to raters.
        count: how many pictures, drawn at random; None is all.
        side: of the square with the most detail that is cut out, in pixels of the result; None is the whole.
        pairwise: two methods at a time; else all of them, as in MFSR's study.
        seed: of the draw.

    Raises:
        UsageError: fewer than two methods, or a folder with a study. DataError: results of other sizes.
    """
    if len(results) < 2:
        raise UsageError("A study compares two methods or more; name their folders.")
    if (folder / STUDY).exists():
        raise UsageError(f"{folder} already holds a study; give another folder.")
    methods, names = tuple(results), list(pairs.names)
    random.Random(seed).shuffle(names)
    chosen = set(names[:count])
    files = [each for each in pairs.files if each.name in chosen]
    questions: list[Question] = []
    groups: Sequence[tuple[str, ...]] = list(combinations(methods, 2)) if pairwise else [methods]
    for each in files:
        small = read_rgb(each.lr)
        made = {name: read_rgb(results[name][each.name]) for name in methods}
        height, width = (pairs.scale * length for length in small.shape[-2:])
        wrong = {name: image for name, image in made.items() if image.shape[-2:] != (height, width)}
        for name, image in wrong.items():
            size = f"{image.shape[-1]}x{image.shape[-2]}"
            raise DataError(f"{results[name][each.name]} is {size} but should be {width}x{height}.")
        box = busiest_box(small, min(small.shape[-2:]) if side is None else max(1, side // pairs.scale))
        if side is None:
            box = (0, 0, small.shape[-1], small.shape[-2])
        for group in groups:
            question = Question(len(questions) + 1, each.name, group)
            questions.append(question)
            place = folder / PICTURES / str(question.number)
            shown = _cut(small, box, 1)
            large = (shown.width * pairs.scale, shown.height * pairs.scale)
            _write(shown.resize(large, Image.Resampling.BICUBIC), place / SOURCE)
            for name in group:
                _write(_cut(made[name], box, pairs.scale), place / f"{methods.index(name)}.png")
    study = Study(folder, title, secrets.token_hex(16), methods, tuple(questions))
    known = {**study._asdict(), "questions": [question._asdict() for question in questions]}
    del known["folder"]
    with atomic_write(folder / STUDY) as part:
        part.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    return study


def _cut(image: Tensor, box: tuple[int, int, int, int], scale: int) -> Image.Image:
    left, top, right, bottom = (edge * scale for edge in box)
    return to_pil(image[0, :, top:bottom, left:right])


def _write(image: Image.Image, path: Path) -> None:
    with atomic_write(path) as part:
        image.save(part, "PNG")
