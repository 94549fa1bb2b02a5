"""The functions of `leapsr` itself: open a picture, load a model, enlarge a picture, score models."""

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, overload

from .hub.catalog import default_name
from .locks import ForkSafeLock
from .pictures import picture as pictures
from .pictures.picture import Picture, Source
from .upscaling.upscaler import File, Held, UpscaleOptions, Upscaler

if TYPE_CHECKING:
    from .metrics.table import Table

KEPT_MODELS = 2
"""How many models stay loaded for the next call: the one that was used last is the last to go."""

_Key = tuple[str | Path, str, str]
_loaded: OrderedDict[_Key, Upscaler] = OrderedDict()
_lock = ForkSafeLock()


def open(source: Source) -> Picture:
    """A picture with all that its file says of it, upright, in its own depth.

    Args:
        source: a path, an open file or its bytes, a PIL image, an array (H, W) or (H, W, C) of uint8, uint16
            or floats in [0, 1], or a float tensor (3, H, W) in [0, 1].
    Raises:
        ImageError: in one sentence, for what cannot be read.
    """
    return pictures.load(source)


def load(name: str | Path | None = None, *, device: str = "auto", dtype: str = "auto") -> Upscaler:
    """A model, ready for many pictures.

        upscaler = leapsr.load("RealESRGAN_x4plus.pth")
        upscaler("small.jpg").save("large.png")

    Args:
        name: of a model, or its folder; or the file of another project's upscaler, which needs the extra zoo.
            None is the default model.
        device, dtype: see `Upscaler.from_pretrained`, which has more to choose from.
    Raises:
        LeapsrError: see `leapsr.errors`.
    """
    return Upscaler.from_pretrained(name, device, dtype)


@overload
def upscale(
    image: File,
    *,
    model: str | Path | None = None,
    device: str = "auto",
    dtype: str = "auto",
    **options: Unpack[UpscaleOptions],
) -> Picture: ...
@overload
def upscale(
    image: Held,
    *,
    model: str | Path | None = None,
    device: str = "auto",
    dtype: str = "auto",
    **options: Unpack[UpscaleOptions],
) -> Held: ...
def upscale(
    image: Any,
    *,
    model: str | Path | None = None,
    device: str = "auto",
    dtype: str = "auto",
    **options: Unpack[UpscaleOptions],
) -> Any:
    """The picture, larger. The model stays loaded for the next call.

    Args:
        image: a path, an open file or its bytes, which give a `Picture` that keeps what the file said; or a
            PIL image, an array or a tensor, which give the same kind.
        model: a name, a folder, or the file of another project's upscaler. None is the default for the scale:
            of the x2 models up to 2, else of the x4 models.
        device: auto, cpu, cuda, cuda:1, mps. dtype: auto, fp32, bf16, fp16.
        options: scale, width, fidelity, denoise, seed, ...: see `UpscaleOptions`.
    Raises:
        LeapsrError: see `leapsr.errors`.
    """
    name = default_name(factor=options.get("scale")) if model is None else model
    return _model(name, device, dtype)(image, **options)


def _model(name: str | Path, device: str, dtype: str) -> Upscaler:
    with _lock:
        key = name, device, dtype
        if key not in _loaded:
            _loaded[key] = Upscaler.from_pretrained(name, device, dtype)
        _loaded.move_to_end(key)
        while len(_loaded) > KEPT_MODELS:
            _loaded.popitem(last=False)
        return _loaded[key]


def evaluate(
    what: str | Path | Sequence[str | Path],
    pairs: str | Path,
    *,
    fidelity: Sequence[float] | None = None,
    steps: Sequence[int] | None = None,
    seeds: Sequence[int] = (0,),
    metrics: Sequence[str] | None = None,
    baseline: bool = True,
    limit: int | None = None,
    border: int | None = None,
    save: str | Path | None = None,
    weights: str | Path | None = None,
    device: str = "auto",
    dtype: str = "auto",
) -> "Table":
    """Score models, folders of results and other programs on pairs of pictures, as `leapsr evaluate` does.

        table = leapsr.evaluate("leap-small", "pairs", fidelity=[1, 0.5, 0])
        for setting in table.settings:
            print(setting.label, table.mean(setting).scores["psnr_y"])

    Args:
        what: names, folders or files of models of one scale, "bicubic", "lanczos", folders of results, or
            command lines with {in} and {out}.
        pairs: folder with HR and LR, or with pictures that have no reference.
        fidelity: positions of the dial; None is each model's own.
        steps: numbers of steps; None is one. Of one model every number is combined with every position; of
            several each number is taken at fidelity 0, and each position in one step.
        seeds: of the noise that results start from; several give deviations, and the diversity.
        metrics: names, as psnr_y, lpips_alex or all; None is PSNR, SSIM, LR-PSNR, LPIPS, NIQE, grid artifact.
        baseline: whether bicubic is evaluated, too.
        limit: only so many pictures.
        border: pixels at each side that do not count; None is the scale.
        save: a folder where pictures are kept, and those that are kept are not made again; None: nowhere.
        weights: folder of the files that metrics need; None is $LEAPSR_WEIGHTS.
        device, dtype: see `Upscaler.from_pretrained`.
    Returns:
        Scores of every picture at every setting, with notes on what could not be scored, and what failed.
    Raises:
        LeapsrError: see `leapsr.errors`.
    """
    from .data.pairs import read_pairs
    from .evaluation.run import Evaluation
    from .evaluation.subjects import Model, common_scale, named, read_subject
    from .metrics import DEFAULT_METRICS, usable

    wanted = [what] if isinstance(what, str | Path) else list(what)
    subjects = named([read_subject(str(each), device, dtype) for each in wanted])
    models = {name: subject for name, subject in subjects.items() if isinstance(subject, Model)}
    folder = read_pairs(Path(pairs), common_scale(models), limit)
    evaluation = Evaluation(
        subjects,
        folder,
        folder.scale if border is None else border,
        seeds,
        save=None if save is None else Path(save),
        limited=limit is not None,
    )
    place = None if weights is None else Path(weights)
    names, lacking = evaluation.wanted(DEFAULT_METRICS if metrics is None else list(metrics))
    chosen, notes = usable(names, place, folder.has_reference, len(seeds))
    return evaluation.run(evaluation.plan(steps, fidelity, baseline), chosen, [*lacking, *notes])
