"""Whether any photo, logo or screenshot comes out worse than by plain, bicubic enlargement.

    python benchmarks/no_harm.py graphics|clean|noise MODEL... [--fidelity 1,default,0] [--out out/no_harm]

graphics: drawn pictures and screenshots. Of each the worst block of 8 x 8 pixels of the source, after a box
has made the result as small again: `mean` is how far a channel's mean over the block has moved, in levels of
255, and may be 12 at most, or as far as bicubic moves it; `abs` is the mean of how far its pixels have moved.
For sources without colour also how far the channels of a pixel of the result lie apart (`spread`).

clean: Kodak, and portraits of Set5, Set14 and scikit-image, made smaller by antialiased bicubic, stored as
PNG and as JPEG of quality 92. No photo may have a lower PSNR-Y than by bicubic at the model's default and at
1, a lower LR-PSNR at 1, and, anywhere, an LPIPS (SqueezeNet) that is not better.

noise: Gaussian noise in six photos and a drawn one, stored without loss. What is left of it is
rms(result(noisy) - result(clean)); with `denoise` 0, where a model has that, it must be 0.7 to 1.3 times
bicubic's.

Bicubic is Pillow's. Exit status 1 where a bound is broken. OUT receives sheets of pictures.
"""

import argparse
import os
import platform
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import torch
from harm.clean import clean
from harm.graphics import graphics, kinds
from harm.model import SEED, Model
from harm.noise import noise

import leapsr
from leapsr.errors import LeapsrError, UsageError
from leapsr.evaluation.subjects import labels
from leapsr.hub.catalog import find
from leapsr.upscaling import guard
from leapsr.upscaling.settings import DEFAULTS, Settings

POSITIONS = {"graphics": "default", "clean": "1,default,0.5,0", "noise": "1,default"}


def with_denoise(word: str | None) -> Settings:
    """Raises UsageError."""
    if word is None:
        return DEFAULTS
    try:
        asked: dict[str, Any] = {"denoise": word if word == "auto" else float(word)}
    except ValueError as error:
        raise UsageError(f"--denoise is auto, or from 0 to 3, not {word!r}.") from error
    return replace(DEFAULTS, **asked)


def switch_guard_off() -> None:
    """What a network says is shown as it says it."""
    guard.limited = lambda restored, source, scale: (restored, torch.zeros(1, 1))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=tuple(POSITIONS))
    parser.add_argument("models", nargs="+", help="names, or folders of models")
    parser.add_argument("--fidelity", help='positions of the dial; "default" is the model\'s own')
    parser.add_argument("--scale", type=int, help="of the result, instead of the model's own")
    parser.add_argument("--denoise", help="auto, or from 0 to 3")
    parser.add_argument("--no-guard", action="store_true", help="measure without the limit on results")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("LEAPSR_DATA", "../shared")))
    parser.add_argument("--out", type=Path, help="for sheets")
    parser.add_argument("--limit", type=int, help="pictures of each kind")
    return parser.parse_args()


def models(names: list[str], scale: int | None, settings: Settings) -> list[Model]:
    folders = [find(name) for name in names]
    loaded = []
    for label, folder in zip(labels(folders), folders, strict=True):
        upscaler = leapsr.Upscaler.from_pretrained(folder, device="cpu")
        loaded.append(Model(label, upscaler, scale or upscaler.restorer.scale, settings))
    return loaded


def judge(given: argparse.Namespace) -> list[str]:
    """The broken bounds, a sentence each."""
    if given.no_guard:
        switch_guard_off()
    judged = models(given.models, given.scale, with_denoise(given.denoise))
    if given.out is not None:
        given.out.mkdir(parents=True, exist_ok=True)
    print(
        f"leapsr {leapsr.__version__}, torch {torch.__version__}, numpy {np.__version__}, "
        f"Pillow {PIL.__version__}, {platform.machine()}, {torch.get_num_threads()} threads, seed {SEED}, "
        f"denoise {given.denoise or 'not given'}, guard {'off' if given.no_guard else 'as it is'}"
    )
    if given.what == "graphics":
        run = partial(graphics, pictures=kinds(given.limit), out=given.out)
    else:
        on_photos = clean if given.what == "clean" else noise
        run = partial(on_photos, data=given.data, limit=given.limit, out=given.out)
    positions = given.fidelity or POSITIONS[given.what]
    return [broken for model in judged for broken in run(model, model.positions(positions))]


def main() -> None:
    try:
        broken = judge(arguments())
    except LeapsrError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    print("\nBroken bounds:" if broken else "\nNo bound is broken.", *broken, sep="\n- ")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
