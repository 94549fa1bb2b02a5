"""leapsr evaluate."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer
from rich.console import Console
from rich.progress import track

from ..errors import UsageError, WeightsError

if TYPE_CHECKING:
    from ..data.pairs import PairFolder
    from ..metrics import Metric
    from ..metrics.evaluate import Restore, Setting, Table
    from ..metrics.sheet import Sheet
    from ..restorer import Restorer

BICUBIC = "bicubic"
DEFAULT = "default"

Number = TypeVar("Number", int, float)

Model = Annotated[str, typer.Argument(help="Name or folder of a model, or 'bicubic'.")]
Pairs = Annotated[Path, typer.Argument(help="Folder with HR and LR, or pictures without reference.")]
Fidelity = Annotated[
    str | None, typer.Option(help="Positions of the dial, as 0,0.5,1. Default: the model's.")
]
Steps = Annotated[str, typer.Option(help="Numbers of network evaluations, as 1,8,32.")]
Metrics = Annotated[
    str, typer.Option(help="As psnr_y,niqe; 'default': PSNR, SSIM, LR-PSNR, LPIPS, NIQE; or 'all'.")
]
Border = Annotated[
    int | None, typer.Option(min=0, help="Pixels of each side that do not count. Default: the scale.")
]
Out = Annotated[Path | None, typer.Option("-o", "--out", help="Folder for the table, sheet and plot.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first so many pictures.")]
Scale = Annotated[int, typer.Option("-s", "--scale", min=1, help="For 'bicubic'; a model knows its own.")]
Weights = Annotated[
    Path | None, typer.Option(envvar="LEAPSR_WEIGHTS", help="Folder of the files that metrics need.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")]
Dtype = Annotated[Literal["auto", "fp32", "bf16", "fp16"], typer.Option(help="Precision.")]
Seed = Annotated[int, typer.Option(help="Of the noise that results start from.")]
Baseline = Annotated[
    bool, typer.Option("--baseline/--no-baseline", help="Evaluate bicubic beside the model.")
]


def evaluate(
    model: Model,
    pairs: Pairs,
    fidelity: Fidelity = None,
    steps: Steps = "1",
    metrics: Metrics = DEFAULT,
    border: Border = None,
    out: Out = None,
    limit: Limit = None,
    scale: Scale = 4,
    weights: Weights = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    seed: Seed = 0,
    baseline: Baseline = True,
) -> None:
    """Score a model on pairs of pictures, at every position of its dial and number of steps asked for."""
    from ..upscale.saving import check_place

    positions = None if fidelity is None else _numbers(fidelity, float, "--fidelity")
    counts = _numbers(steps, int, "--steps")
    restorer = None if model == BICUBIC else _load(model, device, dtype)
    scale = scale if restorer is None else restorer.scale
    folder = _read_pairs(pairs, scale, limit)
    chosen, skipped = _choose(metrics, weights, folder.has_reference)
    restorers = _restorers(restorer, _settings(model, counts, positions), seed)
    if baseline or restorer is None:
        restorers = _baseline(scale) | restorers
    border = scale if border is None else border
    if out is not None:
        check_place(out / "results.csv")  # before the work
    settings = {
        "model": model, "pairs": str(pairs), "pictures": len(folder), "scale": scale, "border": border,
        "fidelity": positions, "steps": counts, "seed": seed,
        "device": str(restorer.device) if restorer else "cpu",
        "dtype": str(restorer.dtype) if restorer else "torch.float32",
    }  # fmt: skip
    table, sheet = _run(restorers, folder, chosen, border, skipped)
    _print(table)
    if out is not None:
        _write(table, sheet, out, settings)


def _numbers(listed: str, kind: Callable[[str], Number], option: str) -> list[Number]:
    """Raises UsageError for anything but numbers with commas between them."""
    try:
        return list(dict.fromkeys(kind(part) for part in listed.split(",")))
    except ValueError:
        raise UsageError(
            f"{option} takes numbers with commas between them, as 0,1, not '{listed}'."
        ) from None


def _load(model: str, device: str, dtype: str) -> "Restorer":
    from .. import catalog
    from ..restorer import Restorer
    from ..upscale.devices import choose_device, choose_dtype

    where = choose_device(device)
    return Restorer.from_pretrained(catalog.find(model), where, choose_dtype(dtype, where))


def _read_pairs(folder: Path, scale: int, limit: int | None) -> "PairFolder":
    from ..data.pairs import read_pairs

    return read_pairs(folder, scale, limit)


def _choose(listed: str, weights: Path | None, has_reference: bool) -> tuple[dict[str, "Metric"], list[str]]:
    """The metrics that can run, and a sentence for each that was asked for and cannot.

    Raises UnknownName; when none is left WeightsError, or UsageError if a reference is all that is missing.
    """
    from ..metrics import DEFAULT_METRICS, available, missing, select

    wanted = select(DEFAULT_METRICS if listed == DEFAULT else listed.split(","))
    absent, ready = missing(weights), available(weights)
    notes = [f"{name} is skipped: {absent[name]}" for name in wanted if name in absent]
    chosen = {name: ready[name] for name in wanted if name in ready}
    if not has_reference:
        without = [name for name, metric in chosen.items() if metric.needs == "hr"]
        notes += [f"{name} is skipped: these pictures have no reference." for name in without]
        chosen = {name: metric for name, metric in chosen.items() if name not in without}
    if not chosen:
        kind = WeightsError if absent.keys() & wanted else UsageError
        raise kind(f"No metric can be computed. {notes[0]}")
    return chosen, notes


def _settings(model: str, counts: list[int], positions: list[float] | None) -> list["Setting"]:
    from ..metrics.evaluate import Setting

    dial = [None] if positions is None else positions
    return [Setting(Path(model).name, count, position) for count in counts for position in dial]


def _restorers(
    restorer: "Restorer | None", settings: list["Setting"], seed: int
) -> dict["Setting", "Restore"]:
    """Raises UsageError for a setting that the model does not have."""
    from ..methods.restore import check

    if restorer is None:
        return {}
    for _, steps, fidelity in settings:
        check(restorer.region, _given(steps, 1), _given(fidelity, restorer.default_fidelity))
    return {each: _restore_with(restorer, each, seed) for each in settings}


def _given(number: Number | None, default: Number) -> Number:
    return default if number is None else number


def _baseline(scale: int) -> dict["Setting", "Restore"]:
    from ..metrics.evaluate import Setting, bicubic

    return {Setting(BICUBIC): bicubic(scale)}


def _restore_with(restorer: "Restorer", setting: "Setting", seed: int) -> "Restore":
    from torch import Tensor

    from ..ops.noise import position_noise

    def restore(lr: Tensor, _: str) -> Tensor:
        height, width = (side * restorer.scale for side in lr.shape[-2:])
        noise = position_noise(seed, 0, 0, height, width, device=restorer.device)[None]
        steps = _given(setting.steps, 1)
        return restorer.restore(lr.to(restorer.device), noise, steps=steps, fidelity=setting.fidelity)

    return restore


def _run(
    restorers: dict["Setting", "Restore"],
    pairs: "PairFolder",
    metrics: dict[str, "Metric"],
    border: int,
    notes: list[str],
) -> tuple["Table", "Sheet"]:
    from ..metrics.evaluate import Table, compare
    from ..metrics.sheet import Sheet

    sheet = Sheet()
    console = Console(stderr=True)
    shown = track(
        pairs, "evaluating", len(pairs), console=console, transient=True, disable=not console.is_terminal
    )
    table = compare(restorers, shown, metrics, border, sheet.observe)
    return Table(table.metrics, table.rows, notes + table.notes), sheet


def _print(table: "Table") -> None:
    from ..metrics.report import text

    summary, console = text(table), Console()
    needed = Console(width=1000).measure(summary).maximum
    # On a narrow terminal, lines that wrap are better than the numbers that rich would cut.
    Console(width=max(console.width, needed)).print(summary)
    for note in table.notes:
        Console(stderr=True).print(note, markup=False, highlight=False, soft_wrap=True)


def _write(table: "Table", sheet: "Sheet", out: Path, settings: dict[str, Any]) -> None:
    """Raises OutputError."""
    from ..metrics.dial import save_dial
    from ..metrics.report import all_or_nothing, write_csv, write_json

    with all_or_nothing(out / "sheet.png"):
        out.mkdir(parents=True, exist_ok=True)
        sheet.draw().save(out / "sheet.png")
    write_csv(table, out / "results.csv")
    write_json(table, out / "results.json", settings)
    if len({setting.fidelity for setting in table.settings} - {None}) > 1:
        save_dial(table, out / "dial.png")
