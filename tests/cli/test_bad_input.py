"""What strangers do to a command line: each ends with a sentence, the right exit code and no half file."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from leapsr import memory
from leapsr.cli.signals import interruptible
from leapsr.upscaling.upscaler import Upscaler
from tests.cli.conftest import Leapsr, names
from tests.conftest import picture_array
from tests.pictures.test_picture import png_of

LONG = "n" * 251 + ".png"  # 255 bytes, so that its result needs a shorter name than NAME_x4
QUICK = [argument for each in ("steps=4", "data.crop=32", "batch=2") for argument in ("--set", each)]


def picture(width: int = 20, height: int = 12) -> Image.Image:
    return Image.fromarray(picture_array(height, width))


def save_frames(path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), (80 * i, 0, 0)) for i in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:])


def save_cut(path: Path) -> None:
    """A JPEG whose header is whole and whose pixels end in the middle."""
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    whole = io.BytesIO()
    Image.fromarray(noise).save(whole, "JPEG")
    path.write_bytes(whole.getvalue()[: whole.tell() // 2])


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "animated.gif": (save_frames, "3 frames"),
    "apng.png": (save_frames, "3 frames"),
    "awebp.webp": (save_frames, "3 frames"),
    "broken.png": (lambda path: path.symlink_to("/nowhere/a.png"), "link to a file that does not exist"),
    "cut.jpg": (save_cut, "damaged or incomplete"),
    "empty.png": (lambda path: path.touch(), "0 bytes"),
    "nan.tif": (lambda path: Image.new("F", (5, 5), float("nan")).save(path), "not finite"),
    "pages.tif": (save_frames, "3 frames"),
    "text.jpg": (lambda path: path.write_text("not a picture"), "not a picture"),
}
GOOD: dict[str, Callable[[Path], object]] = {
    "alpha.png": lambda path: picture().convert("LA").save(path),
    "cmyk.jpg": lambda path: picture().convert("CMYK").save(path),
    "deep.png": lambda path: Image.fromarray(np.full((5, 5), 40_000, np.uint16)).save(path),
    "dot.png": lambda path: picture(1, 1).save(path),
    "float.tif": lambda path: Image.new("F", (5, 5), 0.5).save(path),
    "line.png": lambda path: picture(1, 50).save(path),
    "palette.png": lambda path: picture().quantize(8).save(path, transparency=3),
    "still.gif": lambda path: picture().save(path),
    "twin.jpg": lambda path: picture().save(path),
    "twin.png": lambda path: picture().save(path),
    "zu große [red]日本.png": lambda path: picture().save(path),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures that can be used among those that cannot."""
    made = tmp_path / "folder"
    made.mkdir()
    (made / "Thumbs.db").touch()
    for name, make in ({name: make for name, (make, _) in BAD.items()} | GOOD).items():
        make(made / name)
    return made


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    made = tmp_path / "photos"
    made.mkdir()
    for i in range(3):
        picture(64 + i, 64).save(made / f"{i}.png")
    return made


def only_sentence(err: str) -> str:
    """The last line, an error, without any other and without a traceback."""
    assert "Traceback" not in err
    [sentence] = [line for line in err.splitlines() if line.startswith("error: ")]
    assert err.splitlines()[-1] == sentence
    return sentence


def test_a_batch_of_everything(leapsr: Leapsr, folder: Path) -> None:
    picture().save(folder / LONG)
    code, out, err = leapsr("upscale", folder, "missing.png", "x" * 300 + ".png", "-o", "out", "--json")
    assert code == 1
    expected = {name: says for name, (_, says) in BAD.items()}
    expected |= {"missing.png": "does not exist", "x" * 300 + ".png": "too long"}
    failed = [result for result in json.loads(out)["results"] if result["status"] == "failed"]
    assert {Path(result["source"]).name for result in failed} == expected.keys()
    for result in failed:
        assert expected[Path(result["source"]).name] in result["message"]
        assert f"error: {result['message']}\n" in err
    assert "Traceback" not in err
    made = [f"{Path(name).stem}_x4{Path(name).suffix.replace('gif', 'png')}" for name in GOOD]
    [shortened] = set(names("out")) - set(made)  # a name with _x4 would be longer than file systems take
    assert shortened.startswith(LONG[:200])
    assert names("out") == sorted([*made, shortened])
    with Image.open("out/line_x4.png") as line:
        assert line.size == (4, 200)


def test_degrading_everything(leapsr: Leapsr, folder: Path) -> None:
    (folder / "twin.jpg").unlink()
    code, out, err = leapsr("degrade", folder, "out", "--kind", "bicubic", "--pairs")
    *lines, last = err.splitlines()
    unusable = list(BAD)
    assert code == 1
    assert out == ""
    assert last == f"{len(GOOD) - 3} pictures: {Path('out')}"
    assert all(line.startswith("error: ") for line in lines)
    for name in (*unusable, "dot.png", "line.png"):
        assert sum(name in line for line in lines) == 1
    assert len(lines) == len(unusable) + 2
    assert len(names("out/HR")) == len(GOOD) - 3  # but for the twin, the dot and the line
    assert names("out/HR") == names("out/LR")


def test_degraded_pairs_can_be_evaluated(leapsr: Leapsr, photos: Path) -> None:
    (photos / "sub").mkdir()
    (photos / "0.png").rename(photos / "sub" / "1.png")
    assert leapsr("degrade", photos, "pairs", "--pairs", "--kind", "bicubic")[0] == 0
    assert leapsr("evaluate", "bicubic", "--pairs", "pairs", "--metrics", "psnr_y", "-o", "out")[0] == 0
    rows = json.loads(Path("out/results.json").read_text(encoding="utf-8"))["images"]
    assert [row["image"] for row in rows] == ["1", "2", "sub/1"]


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("upscale a.png -n nothing", 2, "no model 'nothing'"),
        ("upscale a.png -m nowhere", 2, "no folder nowhere"),
        ("upscale a.png --fidelity 2", 2, "from 0"),
        ("upscale a.png --denoise 4", 2, "from 0"),
        ("upscale a.png --denoise lots", 2, "auto or a number"),
        ("upscale a.png --denoise 0", 2, "leave denoise out"),
        ("upscale a.png --fidelity nan", 2, "from 0"),
        ("upscale a.png --steps 4", 2, "one step"),
        ("upscale a.png --scale 0", 2, "more than 0"),
        ("upscale a.png -s nan", 2, "more than 0"),
        ("upscale a.png -s inf", 2, "more than 0"),
        ("upscale a.png --width -5", 2, "more than 0"),
        ("upscale a.png -o a.png", 2, "never written over"),
        ("upscale a.png -o ./bare/../a.png --overwrite", 2, "never written over"),
        ("upscale bare", 2, "holds no pictures"),
        ("upscale a.png bare", 2, "holds no pictures"),
        ("degrade missing out", 2, "does not exist"),
        ("degrade bare out", 2, "holds no picture"),
        ("degrade a.png .", 2, "one of the sources"),
        ("degrade a.png a.png", 1, "a.png is a file"),
        ("pack missing x.safetensors", 1, "not a folder"),
        ("pack bare x.safetensors", 1, "no images"),
        ("pack photos none/x.safetensors", 1, "cannot be written"),
        ("pack photos a.png/x.safetensors", 1, "cannot be written"),
        ("pack photos x.zip", 2, "must end in"),
        ("evaluate bicubic --pairs missing", 1, "not a folder"),
        ("evaluate bicubic --pairs bare", 1, "holds no picture"),
        ("evaluate tiny --pairs photos --steps 0", 2, "at least 1"),
        ("evaluate tiny --pairs photos --fidelity 0,2", 2, "between 0"),
        ("evaluate bicubic --pairs photos --metrics psnr_y", 2, "no reference"),
        ("evaluate bicubic --pairs photos --metrics lr_psnr -o a.png", 1, "a.png is a file"),
        ("models verify nothing", 2, "no model 'nothing'"),
        ("train teacher_tinny photos -o run", 2, "Did you mean 'teacher_tiny'"),
        ("train teacher_tiny missing -o run", 1, "neither a folder"),
        ("train teacher_tiny bare -o run", 1, "no images"),
        ("train teacher_tiny photos -o run --set stesp=3", 2, "no field 'stesp'"),
        ("train teacher_tiny photos -o run --set steps", 2, "path.to.field=value"),
        ("train teacher_tiny photos -o run --config misspelt.json", 2, "stesp"),
        ("train teacher_tiny photos -o run --config missing.json", 2, "cannot be read"),
        ("train teacher_tiny photos -o run --resume nowhere", 2, "not a checkpoint"),
        ("train teacher_tiny photos -o a.png", 1, "a.png cannot be written"),
        ("distill oftsr_tiny photos -o run --teacher nowhere", 2, "no model 'nowhere'"),
        ("distill oftsr_tiny photos -o run --teacher ./nowhere", 3, "no model folder"),
    ],
)
def test_one_sentence(leapsr: Leapsr, photos: Path, line: str, code: int, says: str) -> None:
    picture().save("a.png")
    Path("bare").mkdir()
    Path("bare/Thumbs.db").touch()
    Path("misspelt.json").write_text(
        '{"recipe": "teacher_tiny", "steps": 1, "stesp": 1, "method": {"kind": "teacher"}}'
    )
    before = names()
    got, out, err = leapsr(*line.split())
    assert (got, out) == (code, "")
    assert says in only_sentence(err)
    assert [name for name in names() if not name.startswith("run/tensorboard/")] == before


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("upscale", "Missing argument"),
        ("upscale a.png -s four", "not a valid"),
        ("degrade a.png out --scale 0", "Invalid value"),
        ("train teacher_tiny photos --max-minutes -1", "Invalid value"),
        ("nonsense", "No such command"),
    ],
)
def test_what_the_parser_refuses(leapsr: Leapsr, line: str, says: str) -> None:
    code, out, err = leapsr(*line.split())
    assert (code, out) == (2, "")
    assert says in err or "valid number" in err
    assert "Traceback" not in err


def misspell(model: Path) -> None:
    config = model / "config.json"
    config.write_text(config.read_text().replace('"fidelity"', '"fidellity"'))


def rename_a_key(model: Path) -> None:
    weights = load_file(model / "model.safetensors")
    weights["strange"] = weights.pop(next(iter(weights)))
    save_file(weights, model / "model.safetensors")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (misspell, "fidellity: there is no such field"),
        (rename_a_key, "'strange' is not of this network|is missing"),
        (lambda model: (model / "config.json").write_text("{"), "Invalid JSON"),
        (lambda model: (model / "config.json").unlink(), "has no config.json"),
        (lambda model: (model / "model.safetensors").unlink(), "has no model.safetensors"),
        (lambda model: os.truncate(model / "model.safetensors", 1000), "is damaged"),
    ],
)
def test_a_model_that_is_not_whole(
    leapsr: Leapsr, tiny_model: Path, damage: Callable[[Path], object], says: str
) -> None:
    shutil.copytree(tiny_model, "model")
    damage(Path("model"))
    picture().save("a.png")
    code, out, err = leapsr("upscale", "a.png", "-n", "./model")
    assert (code, out) == (3, "")
    assert any(part in only_sentence(err) for part in says.split("|"))
    assert not Path("a_x4.png").exists()


def test_checksums_that_are_not_text(leapsr: Leapsr, tiny_model: Path) -> None:
    shutil.copytree(tiny_model, "model")
    Path("model/SHA256SUMS").write_bytes(b"\xff\xfe\n")
    code, _, err = leapsr("models", "verify", "./model")
    assert code == 3
    assert "does not list" in only_sentence(err)


@pytest.mark.parametrize("make", [save_cut, BAD["text.jpg"][0], BAD["broken.png"][0]])
def test_training_with_a_bad_photo_names_it(
    leapsr: Leapsr, photos: Path, make: Callable[[Path], object]
) -> None:
    (photos / "1.png").unlink()
    make(photos / "1.png")
    code, _, err = leapsr("train", "teacher_tiny", photos, "-o", "run", *QUICK, "--set", "data.held_out=0")
    assert code == 1
    assert "photos/1.png" in only_sentence(err)


def test_resuming_nothing_begins(leapsr: Leapsr, photos: Path) -> None:
    code, out, err = leapsr("train", "teacher_tiny", photos, "-o", "r[un]", "--resume", "auto", *QUICK)
    assert (code, out) == (0, "")
    assert "Model: r[un]/model" in err


@pytest.fixture
def small_disk() -> Callable[[int], AbstractContextManager[None]]:
    """Within it no file can grow beyond so many bytes: every kind of writer fails as on a full disk."""
    resource = pytest.importorskip("resource")

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited


@pytest.mark.parametrize(
    "line",
    [
        "upscale photos -o out",
        "degrade photos out -s 1 --kind bicubic",
        "evaluate bicubic --pairs photos --metrics lr_psnr -o out",
        "pack photos out.safetensors",
    ],
)
def test_a_full_disk(
    leapsr: Leapsr, photos: Path, small_disk: Callable[[int], AbstractContextManager[None]], line: str
) -> None:
    before = names()
    with small_disk(2000):
        code, _, err = leapsr(*line.split())
    assert code == 1
    assert "written: File too large" in err
    assert "Traceback" not in err
    assert names() == before


@pytest.mark.parametrize(
    ("size", "says"),
    [(500, "run/config.json cannot be written"), (50_000, "checkpoint"), (200_000, "checkpoint")],
)
def test_a_full_disk_in_training(
    leapsr: Leapsr,
    photos: Path,
    small_disk: Callable[[int], AbstractContextManager[None]],
    size: int,
    says: str,
) -> None:
    with small_disk(size):
        code, _, err = leapsr("train", "teacher_tiny", photos, "-o", "run", *QUICK)
    assert code == 1
    assert says in only_sentence(err)
    assert not list(Path("run").rglob("*.part"))


def test_a_folder_that_cannot_be_written_is_said_before_the_work(
    leapsr: Leapsr, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Upscaler, "upscale", None)
    monkeypatch.setattr(os, "access", lambda path, mode: mode == os.R_OK)
    for line in (
        "upscale photos",
        "upscale photos -o out",
        "evaluate bicubic --pairs photos --metrics lr_psnr -o x",
    ):
        code, out, err = leapsr(*line.split())
        assert (code, out) == (1, "")
        assert "No permission to write" in err
    Path("file").touch()
    assert "file is a file" in leapsr("upscale", "photos/0.png", "-o", "file/out")[2]


def test_the_refusal_of_a_huge_picture_decodes_nothing(
    leapsr: Leapsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("huge.png").write_bytes(png_of(20_000, 20_000))
    monkeypatch.setattr(memory, "available", lambda device: 8 << 30)
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", lambda image: pytest.fail("was decoded"))
    code, _, err = leapsr("upscale", "huge.png")
    assert code == 1
    assert "80000 x 80000 needs" in err


def test_no_memory_at_all(leapsr: Leapsr, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr("leapsr.restorer.load_file", none)
    picture().save("a.png")
    code, _, err = leapsr("upscale", "a.png")
    assert code == 1
    assert "not enough memory" in only_sentence(err)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are of Linux here")
@pytest.mark.parametrize("megabytes", [400, 1000])
def test_no_memory_to_begin_with(tmp_path: Path, megabytes: int) -> None:
    """`ulimit -v`, as on machines that many share."""
    import resource  # there is none on Windows

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))

    picture(8, 8).save(tmp_path / "a.jpg")
    command = [sys.executable, "-m", "leapsr", "upscale", str(tmp_path / "a.jpg")]
    ended = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit)
    assert ended.returncode == 1
    assert "not enough memory" in only_sentence(ended.stderr)


def start(*arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "leapsr", *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=_hear_interrupts
    )


def _hear_interrupts() -> None:
    """A shell starts what runs in its background deaf to Ctrl-C, and children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def interrupt(
    process: "subprocess.Popen[str]", ready: Callable[[], bool], by: signal.Signals = signal.SIGINT
) -> str:
    """Press Ctrl-C, or what is said, once it is ready, and return what it says on standard error."""
    until = time.monotonic() + 60
    while not ready() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(by)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    return err


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupting_a_batch(tiny_model: Path, tmp_path: Path, by: signal.Signals) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for i in range(200):
        picture(200, 200).save(source / f"{i:03}.png")
    err = interrupt(start("upscale", source, "-o", out, "-n", tiny_model), (out / "001_x4.png").exists, by)
    done = names(out)
    said = re.search(r"^(\d+) done, (\d+) left", err, re.MULTILINE)
    assert said is not None, err
    assert int(said[1]) + int(said[2]) == 200
    assert int(said[1]) in (len(done), len(done) - 1)  # one may just be in its place
    assert done == [f"{i:03}_x4.png" for i in range(len(done))]
    for name in done:
        with Image.open(out / name) as image:
            image.load()


def test_what_is_ignored_stays_ignored() -> None:
    """nohup lets a process live when its terminal is closed."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible():
            signal.raise_signal(signal.SIGHUP)
        with pytest.raises(KeyboardInterrupt), interruptible():
            signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_second_signal_does_not_disturb_the_end() -> None:
    with pytest.raises(KeyboardInterrupt), interruptible():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGHUP)


def test_interrupting_a_training(photos: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    many = ("--set", "steps=1000000", "--set", "log_every=1", *QUICK[2:])
    err = interrupt(start("train", "teacher_tiny", photos, "-o", run, *many), (run / "log.jsonl").exists)
    assert f"Model: {run / 'model'}" in err
    assert names(run / "model") == ["README.md", "config.json", "model.safetensors"]
    [state] = (run / "checkpoints").iterdir()
    assert json.loads((state / "progress.json").read_text())["step"] > 0


def test_a_pipe_that_ends_early() -> None:
    process = start("--help")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait() in (0, 1)
    assert err == ""


def test_a_link_to_itself_is_one_bad_file(leapsr):
    Path("in").mkdir()
    picture().save("in/a.png")
    Path("in/x.jpg").symlink_to("x.jpg")
    code, _, err = leapsr("upscale", "in")
    assert code == 1
    assert "x.jpg" in err
    assert names("in") == ["a.png", "a_x4.png"]


@pytest.mark.parametrize(
    "arguments",
    [("-o", "n" * 300 + ".png"), ("-n", "./" + "n" * 300), ("-m", "n" * 300)],
    ids=["output", "model", "models"],
)
def test_names_too_long_for_the_file_system(leapsr, arguments):
    picture().save("a.png")
    code, _, err = leapsr("upscale", "a.png", *arguments)
    assert code != 0
    assert "nnn" in only_sentence(err)
    assert names() == ["a.png"]


def test_a_model_that_does_not_fit_on_the_device(leapsr, monkeypatch):
    def fail(*given: object, **named: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(Upscaler, "from_pretrained", fail)
    picture().save("a.png")
    code, _, err = leapsr("upscale", "a.png")
    assert code == 1
    assert "not enough memory" in only_sentence(err)


def test_a_bug_is_no_sentence(leapsr, monkeypatch):
    def fail(*given: object, **named: object) -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(Upscaler, "from_pretrained", fail)
    picture().save("a.png")
    with pytest.raises(RuntimeError, match="mat1"):
        leapsr("upscale", "a.png")
