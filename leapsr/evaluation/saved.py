"""Results that were kept: a second run of the same evaluation reads them instead of making them again.

FOLDER/SETTING/NAME.png         one folder for each line of the table; of other seeds than 0 SETTING/seed-3/
FOLDER/SETTING/made_with.json   what made them
FOLDER/SETTING/log.jsonl        a line for each picture: its source's hash, seconds, network evaluations
"""

import json
import math
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import Any

from pydantic import JsonValue
from torch import Tensor

from ..data.pairs import read_rgb
from ..errors import DataError, UsageError
from ..files import atomic_write
from ..metrics.table import Made, Restore, Setting
from ..ops.color import to_pil

MADE_WITH, LOG = "made_with.json", "log.jsonl"


LONGEST = 120
"""Letters of a folder's name, so that file systems take it in any alphabet but the rarest."""


def slug(label: str) -> str:
    """A name for a folder; of a long label its beginning and a hash of the whole."""
    name = re.sub(r"[^\w.+-]+", "_", label).strip("_.") or "setting"
    if len(name.encode()) <= LONGEST:
        return name
    return f"{name.encode()[: LONGEST - 9].decode(errors='ignore')}-{sha256(label.encode()).hexdigest()[:8]}"


@dataclass
class Saved:
    """The pictures of one setting."""

    folder: Path
    made_with: dict[str, JsonValue]
    scale: int
    """How much larger than its source a result must be: one of another size is not kept."""
    _log: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)

    def open(self) -> None:
        """Raises UsageError where the folder holds pictures that were made in another way."""
        known = self.folder / MADE_WITH
        if known.is_file():
            before = _parsed(known.read_text(encoding="utf-8"))
            changed = [
                name for name in {**before, **self.made_with} if before.get(name) != self.made_with.get(name)
            ]
            if changed:
                raise UsageError(
                    f"{self.folder} holds pictures that were made otherwise ({', '.join(sorted(changed))} "
                    "changed): give another folder to --save, or remove it."
                )
        else:
            with atomic_write(known) as part:
                part.write_text(json.dumps(self.made_with, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        if (self.folder / LOG).is_file():
            for line in (self.folder / LOG).read_text(encoding="utf-8").splitlines():
                entry = _parsed(line)  # the last line of a run that was killed may be cut
                if {"name", "seed", "source"} <= entry.keys():
                    self._log[entry["name"], entry["seed"]] = entry

    def keeping(self, restore: Restore, seed: int, several: bool, evaluations: Callable[[], int]) -> Restore:
        """The same, but pictures are kept, and those that are kept are not made again.

        evaluations: how often networks ran since it was last called.
        """
        place = self.folder / f"seed-{seed}" if several or seed else self.folder

        def restored(lr: Tensor, name: str) -> Tensor | Made:
            source, file = _hash(lr), place / f"{name}.png"
            entry = self._log.get((name, seed))
            if entry is not None and entry["source"] == source and file.is_file():
                seconds = entry.get("seconds")
                with suppress(DataError):  # it is made again
                    return Made(
                        read_rgb(file), math.nan if seconds is None else seconds, entry["evaluations"]
                    )
            made, seconds = _timed(restore, lr, name)
            wanted = tuple(self.scale * side for side in lr.shape[-2:])
            if made.image.shape[-2:] != wanted or not bool(made.image.isfinite().all()):
                return made
            ran = evaluations() or made.evaluations
            with atomic_write(file) as part:
                to_pil(made.image[0]).save(part, "PNG")
            line = {"name": name, "seed": seed, "source": source, "evaluations": ran, "seconds": seconds}
            with (self.folder / LOG).open("a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
            return Made(made.image, seconds, ran)

        return restored


def _timed(restore: Restore, lr: Tensor, name: str) -> tuple[Made, float]:
    begin = perf_counter()
    given = restore(lr, name)
    made = given if isinstance(given, Made) else Made(given.float().cpu())
    return made, perf_counter() - begin


def _hash(lr: Tensor) -> str:
    return sha256(lr.contiguous().numpy().tobytes()).hexdigest()[:16]


def _parsed(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def folder_of(place: Path, setting: Setting) -> Path:
    return place / slug(setting.label)
