"""A photo that was sent: its file, its name, and the request that it becomes."""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..files import atomic_write
from ..hub import catalog
from ..pictures import save_file
from ..restorer import read_config
from .config import Config, Limits
from .options import QueuedWanted, check_model, result_name, result_suffix
from .problems import Problem
from .store import Entry


@dataclass(frozen=True)
class Client:
    """Who asks. owner: whose requests they are; address: where they come from, which many may share. With
    a token both are its name."""

    owner: str
    address: str


def may_see(client: Client, entry: Entry) -> bool:
    """An id cannot be guessed, so that whoever knows it may use it; but with tokens only their owner."""
    return client.owner == entry.owner or not entry.owner.startswith("token:")


@dataclass(frozen=True)
class Upload:
    """A photo that was sent and looked at. path: in a folder of its own, which is that of the request."""

    request_id: str
    path: Path
    name: str
    bytes: int
    size: tuple[int, int]
    """(height, width)"""


def new_entry(
    config: Config,
    client: Client,
    upload: Upload,
    wanted: QueuedWanted,
    held: bool = False,
    webhook: str | None = None,
) -> Entry:
    """A request for the queue. Raises Problem, UsageError, OutputError for what cannot be done."""
    options = wanted.options(config.limits)
    folder = wanted.folder(config)
    model = read_config(folder)
    check_model(options.settings, model)
    copied = options.target.reached_by(*upload.size, model.factor)
    height, width = upload.size if copied else options.target.size(*upload.size, model.factor)
    _check_result(config.limits, height, width)
    suffix = result_suffix(wanted, upload.path.suffix)
    save_file.check_output(Path(f"{upload.name}{suffix}"), height, width, has_alpha=False)
    name = result_name(upload.name, options, model.factor, suffix)
    settings = wanted.model_dump(include=set(QueuedWanted.model_fields))
    settings["model"] = folder.parent.name if folder.name == catalog.SAVED else folder.name
    settings["fidelity"] = model.fidelity if wanted.fidelity is None else wanted.fidelity
    source = {
        "name": upload.name,
        "suffix": upload.path.suffix,
        "width": upload.size[1],
        "height": upload.size[0],
        "bytes": upload.bytes,
        "result": [height, width],
        "result_name": name,
    }
    return Entry(
        client.owner,
        client.address,
        settings,
        source,
        id=upload.request_id,
        held=held,
        webhook=webhook,
        bytes=upload.bytes,
    )


def _check_result(limits: Limits, height: int, width: int) -> None:
    """Raises Problem for a result that is too large here."""
    if max(height, width) > limits.result_side or height * width > limits.result_pixels:
        raise Problem(
            413,
            f"The result would have {width} x {height} pixels; at most {limits.result_side} a side "
            f"and {limits.result_pixels:,} in all are made here.",
            "TooLarge",
        )


def clean_name(name: str | None) -> str:
    """The last part of a client's file name, without what no file name should hold."""
    last = (name or "").replace("\\", "/").rpartition("/")[2]
    kept = "".join(mark for mark in last if mark.isprintable() and mark not in '<>:"|?*')
    return kept.encode()[-200:].decode("utf-8", "ignore").strip(" .") or "photo"


def copied(file: BinaryIO, path: Path) -> int:
    """All or nothing; how many bytes."""
    file.seek(0)
    with atomic_write(path) as part, part.open("r+b") as target:
        shutil.copyfileobj(file, target, 1 << 20)
        return target.tell()


def fingerprint(upload: Upload, wanted: QueuedWanted) -> str:
    """Of the photo and what is wanted of it."""
    with upload.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update(
        json.dumps(wanted.model_dump(include=set(QueuedWanted.model_fields)), sort_keys=True).encode()
    )
    return digest.hexdigest()
