"""What other programs for enlarging photos get wrong, each checked through the command line on files by real
encoders.

Here are checks 1 to 3, 5 to 10 and 12 of the twelve that the project set itself. Check 4, that tiles never
show, is in tests/test_packaged.py and tests/upscaling; check 11 is that of the web page. What a check has in
common with the tests of one module is tested there in detail: tests/pictures/test_metadata.py (1),
test_formats.py (2, 3), test_upscaler.py (7, 10), tests/cli/test_bad_input.py and test_upscale.py (6, 12).
"""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import metadata
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
import torch
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from PIL import ExifTags, Image
from torch import Tensor

from leapsr.hub import catalog
from leapsr.restorer import Restorer
from leapsr.upscaling.upscaler import Upscaler
from tests.cli.conftest import Leapsr, names
from tests.conftest import REPOSITORY, picture_array
from tests.pictures.test_metadata import P3, camera_jpeg

TAG = ExifTags.Base
DEFAULT = catalog.PACKAGED / catalog.DEFAULT
DRAWING = catalog.PACKAGED / "leap-small-smfsr"
"""A model whose result depends on its seed."""
"""The model that users get, where the tests of the command line have a tiny one in its place."""


def rgb(width: int, height: int) -> Image.Image:
    return Image.fromarray(picture_array(height, width))


def decoded(path: str | Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


# 1


def test_1_a_phones_photo_is_upright_and_keeps_profile_position_and_resolution(leapsr: Leapsr) -> None:
    """Orientation 6, Display P3, a position, 300 dots an inch."""
    camera_jpeg(Path("a.jpg"), orientation=6)
    assert leapsr("upscale", "a.jpg")[0] == 0
    with Image.open("a_x4.jpg") as image:
        tags = image.getexif()
        exposure = tags.get_ifd(ExifTags.IFD.Exif)
        assert image.size == (4 * 24, 4 * 37)
        assert tags[TAG.Orientation] == 1
        assert image.info["icc_profile"] == P3
        assert tags.get_ifd(ExifTags.IFD.GPSInfo) == {1: "N", 2: (60.0, 10.0, 30.0)}
        assert image.info["dpi"] == (300, 300)
        assert (exposure[TAG.ExifImageWidth], exposure[TAG.ExifImageHeight]) == image.size


# 2


def write_png(path: Path, values: np.ndarray) -> None:
    path.write_bytes(imagecodecs.png_encode(values))


def read_png(path: Path) -> np.ndarray:
    return imagecodecs.png_decode(path.read_bytes())


def write_tiff(path: Path, values: np.ndarray) -> None:
    tifffile.imwrite(path, values, photometric="rgb", compression="zlib")


@pytest.mark.parametrize(
    ("name", "write", "read"),
    [("a.png", write_png, read_png), ("a.tif", write_tiff, tifffile.imread)],
    ids=["png", "tiff"],
)
def test_2_sixteen_bits_stay_sixteen_bits(
    leapsr: Leapsr,
    name: str,
    write: Callable[[Path, np.ndarray], None],
    read: Callable[[Path], np.ndarray],
) -> None:
    """A gradient so soft that 8 bits would make eight bands of it."""
    ramp = np.linspace(30_000, 32_000, 48).astype(np.uint16)[None].repeat(32, 0)
    source = np.stack([ramp, ramp + 500, ramp - 500], -1)
    write(path := Path(name), source)
    assert leapsr("upscale", path, "-n", DEFAULT, "--fidelity", "1")[0] == 0
    result = read(path.with_stem("a_x4"))
    assert result.shape == (128, 192, 3)
    assert result.dtype == np.uint16
    assert len(np.unique(result)) > 256
    assert np.abs(result[::4, ::4] / 65_535 - source / 65_535).max() < 0.02


# 3


def soft_alpha() -> Image.Image:
    image = rgb(24, 16)
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


def constant_alpha() -> Image.Image:
    image = rgb(24, 16)
    image.putalpha(77)
    return image


def transparent_palette() -> Image.Image:
    image = rgb(24, 16).quantize(8)
    image.info["transparency"] = 3
    return image


def sixteen_bit_grey() -> Image.Image:
    return Image.fromarray(np.asarray(rgb(24, 16).convert("L")).astype(np.uint16) * 257)


MODES: dict[str, tuple[str, Callable[[], Image.Image], str]] = {
    "grey": ("a.png", lambda: rgb(24, 16).convert("L"), "L"),
    "grey JPEG": ("a.jpg", lambda: rgb(24, 16).convert("L"), "L"),
    "16-bit grey": ("a.png", sixteen_bit_grey, "I;16"),
    "16-bit grey TIFF": ("a.tif", sixteen_bit_grey, "I;16"),
    "palette with transparency": ("a.png", transparent_palette, "RGBA"),
    "grey with alpha": ("a.png", lambda: soft_alpha().convert("LA"), "LA"),
    "CMYK": ("a.jpg", lambda: rgb(24, 16).convert("CMYK"), "RGB"),
    "black and white": ("a.png", lambda: rgb(24, 16).convert("1", dither=Image.Dither.NONE), "L"),
    "constant alpha": ("a.png", constant_alpha, "RGBA"),
    "soft alpha": ("a.webp", soft_alpha, "RGBA"),
}


def as_eight_bits(image: Image.Image) -> np.ndarray:
    """(H, W, 4) float, the colours premultiplied by alpha."""
    if image.mode == "I;16":
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    values = np.asarray(image.convert("RGBA")).astype(float)
    return np.concatenate((values[..., :3] * values[..., 3:] / 255, values[..., 3:]), -1)


@pytest.mark.parametrize("kind", MODES)
def test_3_every_kind_of_picture_comes_out_as_that_kind(leapsr: Leapsr, kind: str) -> None:
    name, make, mode = MODES[kind]
    make().save(name, **({"lossless": True} if name.endswith("webp") else {}))
    code, _, err = leapsr("upscale", name, "-n", DEFAULT, "--fidelity", "1")
    assert code == 0, err
    path = Path(name).with_stem("a_x4")
    with Image.open(name) as source, Image.open(path) as result:
        assert (result.mode, result.size) == (mode, (96, 64))
        shrunk = as_eight_bits(result).reshape(16, 4, 24, 4, 4).mean((1, 3))
        assert np.abs(shrunk - as_eight_bits(source)).mean() < 12
        if kind == "constant alpha":
            assert result.getchannel("A").getextrema() == (77, 77)
        if kind == "soft alpha":
            assert np.abs(shrunk - as_eight_bits(source))[..., 3].max() < 12


# 5


@pytest.mark.parametrize("size", [(1, 1), (7, 13), (3, 4000), (4000, 3), (127, 131)])
def test_5_any_size_comes_out_exactly_four_times_as_large(leapsr: Leapsr, size: tuple[int, int]) -> None:
    rgb(*size).save("a.png")
    assert leapsr("upscale", "a.png")[0] == 0
    assert decoded("a_x4.png").shape == (4 * size[1], 4 * size[0], 3)


# 6


def test_6_a_folder_as_people_have_them(leapsr: Leapsr, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is killed leaves no half file either: see the tests of batches."""
    folder = Path("in put")
    (folder / "sub folder" / "deeper").mkdir(parents=True)
    long = "n" * 240
    for name in ("a.jpg", "a.png", "Größe 日本 [x].png", f"{long}.png", "sub folder/deeper/b.webp"):
        rgb(20, 12).save(folder / name)
    (folder / "text.jpg").write_text("not a picture")
    (folder / "cut.jpg").write_bytes((folder / "a.jpg").read_bytes()[:-200])
    (folder / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")

    code, out, err = leapsr("upscale", folder, "-o", "out", "--recursive", "--json")
    assert code == 1
    failed = [row for row in json.loads(out)["results"] if row["status"] == "failed"]
    assert {Path(row["source"]).name for row in failed} == {"text.jpg", "cut.jpg"}
    assert err.count("error: ") == 2
    expected = ["a_x4.jpg", "a_x4.png", "Größe 日本 [x]_x4.png", f"{long}_x4.png"]
    assert names("out") == sorted([*expected, "sub folder/deeper/b_x4.webp"])

    before = {name: (Path("out") / name).stat() for name in names("out")}
    monkeypatch.setattr(Upscaler, "upscale", None)
    code, out, _ = leapsr("upscale", folder, "-o", "out", "--recursive", "--json", "--skip-existing")
    assert code == 1
    assert json.loads(out)["counts"] == {"skipped": 5, "failed": 2}
    assert {name: (Path("out") / name).stat() for name in names("out")} == before


# 7


@pytest.fixture
def restore(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have something happen in the place of every call of the network."""

    def replace(happen: Callable[[Restorer, Tensor, Callable[[], Tensor]], Tensor]) -> None:
        real = Restorer.restore

        def instead(self: Restorer, lr: Tensor, noise: Tensor, **options: object) -> Tensor:
            return happen(self, lr, lambda: real(self, lr, noise, **options))  # type: ignore[arg-type]

        monkeypatch.setattr(Restorer, "restore", instead)

    return replace


def test_7_memory_that_runs_out_at_the_first_tile(leapsr: Leapsr, restore: Callable[..., None]) -> None:
    rgb(90, 70).save("a.png")
    assert leapsr("upscale", "a.png", "-t", "0", "-o", "whole.png")[0] == 0

    def out_of_memory(restorer: Restorer, lr: Tensor, run: Callable[[], Tensor]) -> Tensor:
        if lr.shape[-1] > 80:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return run()

    restore(out_of_memory)
    code, _, err = leapsr("upscale", "a.png", "-t", "0", "-o", "tiles.png")
    assert code == 0, err
    assert "Out of memory" in err
    difference = np.abs(decoded("tiles.png").astype(int) - decoded("whole.png"))
    assert difference.max() <= 1


@pytest.mark.parametrize("dtype", ["fp16", "bf16"])
def test_7_numbers_that_are_none_in_half_precision(
    leapsr: Leapsr, restore: Callable[..., None], dtype: str
) -> None:
    rgb(24, 16).save("a.png")
    assert leapsr("upscale", "a.png", "--dtype", "fp32", "-o", "full.png")[0] == 0

    def overflowing(restorer: Restorer, lr: Tensor, run: Callable[[], Tensor]) -> Tensor:
        result = run()
        return result if restorer.dtype == torch.float32 else result * torch.nan

    restore(overflowing)
    code, _, err = leapsr("upscale", "a.png", "--dtype", dtype, "-o", "half.png")
    assert code == 0, err
    assert "working in fp32" in err
    difference = np.abs(decoded("half.png").astype(int) - decoded("full.png"))
    assert difference.max() <= 1  # the weights were stored as fp16, of which bf16 keeps fewer bits
    assert decoded("half.png").std() > 1


# 8

NO_NETWORK = """
import sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        print("the network was asked for:", event, arguments, file=sys.stderr)
        raise OSError("there is no network")
sys.addaudithook(refuse)
from leapsr.cli.main import main
main()
"""


def without_network(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command in a process of its own, where every attempt to reach another machine fails and is told."""
    return subprocess.run(
        [sys.executable, "-c", NO_NETWORK, *arguments],
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_8_the_packaged_model_works_without_a_network(tmp_path: Path) -> None:
    rgb(24, 16).save(tmp_path / "a.png")
    done = without_network("upscale", str(tmp_path / "a.png"), "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert "the network was asked for" not in done.stderr
    assert decoded(tmp_path / "a_x4.png").shape == (64, 96, 3)


@pytest.mark.parametrize(
    ("model", "code", "says"),
    [
        ("no-such-model", 2, f"Known: {', '.join(sorted(catalog.names()))}"),
        ("./no-such-folder", 3, "There is no model folder"),
        (".", 3, "has no config.json"),
    ],
)
def test_8_a_model_that_is_not_there_is_told_at_once(
    tmp_path: Path, model: str, code: int, says: str
) -> None:
    rgb(24, 16).save(tmp_path / "a.png")
    done = without_network("upscale", str(tmp_path / "a.png"), "-n", model)
    assert done.returncode == code
    assert says in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


# 9


def test_9_help_loads_little() -> None:
    """What takes time is importing: the standard library, and what draws the help."""
    code = (
        "import sys, leapsr.cli.main as cli\ntry: cli.main()\nfinally: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stderr.split()} - set(sys.stdlib_module_names)
    heavy = {
        "torch",
        "numpy",
        "PIL",
        "pydantic",
        "safetensors",
        "huggingface_hub",
        "scipy",
        "tifffile",
        "requests",
    }
    assert "leapsr" in loaded
    assert not loaded & heavy
    assert len(done.stderr.split()) < 700


def test_9_every_python_from_3_11_to_3_14_may_install_it_with_the_newest_libraries() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for allowed in (project["requires-python"], metadata("leapsr")["Requires-Python"]):
        assert all(SpecifierSet(allowed).contains(f"3.{minor}.0") for minor in (11, 12, 13, 14))
    required = {found.name: found for found in map(Requirement, project["dependencies"])}
    assert required["pillow"].specifier.contains("12.0.0")
    for found in required.values():
        assert found.specifier.contains("999.0"), f"{found} shuts newer versions out"


# 10


def test_10_the_same_seed_gives_the_same_bytes(leapsr: Leapsr) -> None:
    """Whichever pictures go before it; another tile may round a pixel in ten thousand the other way."""
    for i in range(3):
        Image.fromarray(picture_array(50, 70, seed=i)).save(f"{i}.png")
    options = ("-n", DRAWING, "--fidelity", "0", "--seed", "5")
    for out, sources in (("one", ["0.png"]), ("two", ["2.png", "1.png", "0.png"])):
        assert leapsr("upscale", *sources, "-o", out, *options)[0] == 0
    assert Path("one/0_x4.png").read_bytes() == Path("two/0_x4.png").read_bytes()
    assert leapsr("upscale", "0.png", "-o", "tiles", *options, "-t", "32")[0] == 0
    difference = np.abs(decoded("tiles/0_x4.png").astype(int) - decoded("one/0_x4.png"))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-4
    assert leapsr("upscale", "0.png", "-o", "other", *options[:-1], "6")[0] == 0
    assert np.abs(decoded("other/0_x4.png").astype(int) - decoded("one/0_x4.png")).max() > 1


# 12


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
def test_12_a_picture_that_is_large_enough_is_copied_byte_for_byte(leapsr: Leapsr, name: str) -> None:
    rgb(40, 30).save(name)
    before = Path(name).read_bytes()
    code, _, err = leapsr("upscale", name, "--width", "40", "-o", "out")
    assert code == 0
    assert "already has 40 x 30 pixels and was only copied" in err
    assert Path("out", name).with_stem("a_40w").read_bytes() == before


@pytest.mark.parametrize("options", [(), ("--overwrite",), ("--width", "40", "--overwrite")])
def test_12_the_source_is_never_written_over(leapsr: Leapsr, options: tuple[str, ...]) -> None:
    rgb(40, 30).save("a.png")
    before = Path("a.png").read_bytes()
    code, _, err = leapsr("upscale", "a.png", "-o", "a.png", *options)
    assert code == 2
    assert "never written over" in err
    assert Path("a.png").read_bytes() == before


def test_12_a_result_that_is_there_is_not_written_over_unasked(leapsr: Leapsr) -> None:
    rgb(40, 30).save("a.png")
    Path("a_x4.png").write_text("precious")
    assert leapsr("upscale", "a.png")[0] == 1
    assert Path("a_x4.png").read_text() == "precious"
