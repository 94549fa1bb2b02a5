"""Random samples of a folder of shards."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..errors import DataError
from ..frozen import QualityCaptions
from ..networks import Prompt
from .crops import shuffled
from .latents import Latents, joined
from .shards import describe, is_finished, text_of


class Shards:
    """Random samples of a complete set of shards, each once an epoch, in a new order every epoch."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        """Raises DataError if a shard is missing or has another size than it was written with."""
        self.folder, self.seed = folder, seed
        self.description = describe(folder)
        numbers = range(self.description.count)
        missing = [number for number in numbers if not is_finished(folder, self.description, number)]
        if missing:
            raise DataError(
                f"{folder} lacks {len(missing)} of its {len(numbers)} shards, or they are cut short, "
                f"{self.description.stem(missing[0])} first: run the same 'leapsr prepare' again, which "
                "makes only these, or copy them there."
            )

    def __call__(self, first: int, count: int) -> Latents:
        """Samples first .. first + count - 1 of the run."""
        total = self.description.samples
        return joined([self.one(shuffled(self.seed, n, total)) for n in range(first, first + count)])

    def one(self, index: int) -> Latents:
        """The sample at this index. Raises DataError if it cannot be read."""
        number, row = divmod(index, self.description.each)
        place = self.folder / f"{self.description.stem(number)}.safetensors"
        try:
            return _row(_opened(place), row)
        except (OSError, SafetensorError) as error:
            raise DataError(f"{place} cannot be read ({error}): copy or prepare it again.") from error


def _row(file: Any, row: int) -> Latents:
    names = set(file.keys())

    def take(name: str, at: int) -> Tensor:
        return file.get_slice(name)[at : at + 1]

    prompt = None
    if "text" in names:
        text = int(take("text", row))
        prompt = Prompt(take("tokens", text), take("pooled", text) if "pooled" in names else None)
    lr, photo = (take(name, row) if name in names else None for name in ("lr", "photo"))
    quality = None
    if "good" in names:
        good, bad = (text_of(take(name, row)[0]) for name in ("good", "bad"))
        quality = [QualityCaptions(good, bad)]
    return Latents(take("image", row), take("upsampled", row), lr, prompt, photo, quality)


@lru_cache(maxsize=10_000)  # to open one takes longer than a sample; Linux maps 65,530 files for a process
def _opened(file: Path) -> Any:
    return safe_open(file, "pt")
