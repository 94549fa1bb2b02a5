"""Captions that lie in files, by the name of the picture.

Names are paths below the folder of the pictures, with slashes. A picture's caption is found by its name, or
by its name without suffix: a caption of `a/b.png` is also that of `a/b.jpg`, and of the pair `a/b`. ::

    FOLDER/a/b.txt        the caption of a/b.png; FOLDER may be that of the pictures, or another
    captions.jsonl        {"file_name": "a/b.png", "text": "a red fox"}, one picture a line
    captions.csv          the same columns: file_name, text
    captions.json         {"a/b.png": "a red fox"}

JSONL and CSV are those that Hugging Face's datasets keep beside pictures; `leapsr caption` writes JSONL.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import DataError

NAME, TEXT = ("file_name", "photo", "image"), ("text", "caption")
"""What the two columns may be called."""

Captions = Callable[[str], str]
"""Name of a picture -> what is in it. Raises DataError where there is no caption."""


def read_captions(source: Path) -> Captions:
    """Captions of a folder of .txt files, or of a .jsonl, .csv or .json file.

    Raises DataError where the file cannot be read as captions.
    """
    if source.is_dir():
        return lambda name: _beside(source, name)
    known = dict(_listed(source))
    stems = {_stem(name): text for name, text in known.items()}

    def find(name: str) -> str:
        text = known.get(name, stems.get(name, stems.get(_stem(name))))
        if text is None:
            raise DataError(f"{source} has no caption for {name}; add one, an empty one if there is none.")
        return text

    return find


def _stem(name: str) -> str:
    """Without the suffix of a picture."""
    return str(PurePosixPath(name).with_suffix("")) if PurePosixPath(name).suffix else name


def _beside(folder: Path, name: str) -> str:
    file = folder / f"{name}.txt"
    file = file if file.is_file() else folder / f"{_stem(name)}.txt"
    try:
        return " ".join(file.read_text(encoding="utf-8-sig").split())
    except FileNotFoundError:
        raise DataError(f"{name} has no caption {file}; write one, an empty file if there is none.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file} cannot be read as a caption ({error}); write it as UTF-8.") from error


def _listed(file: Path) -> Iterator[tuple[str, str]]:
    """Name and caption of each picture of a file, in its order."""
    advice = 'give .jsonl or .csv with file_name and text, or .json as {"photo.jpg": "what is in it"}'
    try:
        content = file.read_text(encoding="utf-8-sig")
        if file.suffix == ".csv":
            rows: list[Any] = list(csv.DictReader(io.StringIO(content, newline="")))
        elif file.suffix == ".jsonl":
            rows = [json.loads(line) for line in content.split("\n") if line.strip()]
        else:
            found = json.loads(content)
            rows = [dict(zip((NAME[0], TEXT[0]), pair, strict=True)) for pair in found.items()]
    except (OSError, ValueError, AttributeError, csv.Error) as error:
        raise DataError(f"{file} cannot be read as captions ({error}); {advice}.") from error
    for row in rows:
        name, text = (_column(row, names) for names in (NAME, TEXT))
        if name is None or text is None:
            raise DataError(f"{file} holds no captions; {advice}.")
        yield name, text


def _column(row: object, names: tuple[str, ...]) -> str | None:
    if not isinstance(row, Mapping):
        return None
    return next((row[name] for name in names if isinstance(row.get(name), str)), None)
