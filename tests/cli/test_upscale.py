import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from leapsr import memory
from leapsr.hub import catalog
from leapsr.upscaling.upscaler import Upscaler
from tests.cli.conftest import names
from tests.pictures.test_metadata import P3, camera_jpeg
from tests.pictures.test_picture import full_disk, png_of


def size(path):
    with Image.open(path) as image:
        return image.size


def test_one_picture(leapsr, photo):
    photo.save("a.png")
    code, out, err = leapsr("upscale", "a.png")
    assert (code, out) == (0, "")
    how, done = err.splitlines()
    assert how.startswith("tiny on cpu")
    assert done.startswith("1 done in")
    assert names() == ["a.png", "a_x4.png"]
    assert size("a_x4.png") == (148, 96)


@pytest.mark.parametrize(
    ("options", "result", "expected"),
    [
        (["-s", "2.5"], "a_x2.5.jpg", (93, 60)),
        (["--width", "100"], "a_100w.jpg", (100, 65)),
        (["--long-side", "111"], "a_111long.jpg", (111, 72)),
        (["--long_side", "111"], "a_111long.jpg", (111, 72)),
        (["--megapixels", "0.01"], "a_0.01mp.jpg", (124, 81)),
        (["-f", "webp", "-q", "50"], "a_x4.webp", (148, 96)),
        (["-f", "avif", "-q", "50"], "a_x4.avif", (148, 96)),
        (["-f", "tiff", "--bit-depth", "16"], "a_x4.tif", (148, 96)),
        (["-o", "new/b.png"], "new/b.png", (148, 96)),
        (["-o", "new"], "new/a_x4.jpg", (148, 96)),
        (
            ["--steps", "1", "--fidelity", "0", "--seed", "3", "--color-fix", "wavelet", "-t", "16"],
            "a_x4.jpg",
            (148, 96),
        ),
        (["--dtype", "fp32", "--device", "cpu", "-t", "0"], "a_x4.jpg", (148, 96)),
        (["--denoise", "auto"], "a_x4.jpg", (148, 96)),
    ],
)
def test_options(leapsr, photo, options, result, expected):
    photo.save("a.jpg")
    code, _, err = leapsr("upscale", "a.jpg", *options)
    assert code == 0, err
    assert names() == sorted(["a.jpg", result])
    assert size(result) == expected


def test_a_batch_goes_on_after_bad_files(leapsr, photo):
    folder = Path("in put")
    (folder / "dé[red]ep").mkdir(parents=True)
    photo.save(folder / "a.jpg")
    photo.save(folder / "dé[red]ep" / "z.png")
    photo.resize((1, 1)).save(folder / "one.png")
    (folder / "text.jpg").write_text("not a picture")
    (folder / "empty.png").touch()
    (folder / "cut.jpg").write_bytes((folder / "a.jpg").read_bytes()[:500])
    (folder / "Thumbs.db").touch()
    code, out, err = leapsr("upscale", folder, "missing.png", "-o", "out", "--recursive", "--json")
    assert code == 1
    assert names("out") == ["a_x4.jpg", "dé[red]ep/z_x4.png", "one_x4.png"]
    assert size("out/one_x4.png") == (4, 4)
    report = json.loads(out)
    assert report["counts"] == {"done": 3, "failed": 4}
    failed = {
        Path(item["source"]).name: item["message"] for item in report["results"] if item["status"] == "failed"
    }
    assert failed.keys() == {"text.jpg", "empty.png", "cut.jpg", "missing.png"}
    for name, message in failed.items():
        assert name in message
        assert f"error: {message}\n" in err
    assert "3 done, 4 failed" in err
    assert "Traceback" not in err


def test_a_second_run_does_no_work(leapsr, photo, monkeypatch):
    photo.save("a.png")
    assert leapsr("upscale", ".")[0] == 0
    before = Path("a_x4.png").stat()
    monkeypatch.setattr(Upscaler, "upscale", None)
    code, _, err = leapsr("upscale", ".", "--skip-existing")
    assert code == 0
    assert "1 skipped" in err
    assert "a_x4.png: left out, because leapsr made it" in err
    assert Path("a_x4.png").stat() == before
    assert names() == ["a.png", "a_x4.png"]


def test_results_that_are_there(leapsr, photo):
    photo.save("a.png")
    Path("a_x4.png").write_text("precious")
    code, _, err = leapsr("upscale", "a.png")
    assert code == 1
    assert "--overwrite or --skip-existing" in err
    assert Path("a_x4.png").read_text() == "precious"
    assert leapsr("upscale", "a.png", "--overwrite")[0] == 0
    assert size("a_x4.png") == (148, 96)


def test_a_large_enough_picture_is_copied_as_it_is(leapsr, photo):
    photo.save("a.jpg")
    code, _, err = leapsr("upscale", "a.jpg", "--width", "37")
    assert code == 0
    assert "only copied" in err
    assert Path("a_37w.jpg").read_bytes() == Path("a.jpg").read_bytes()


def private(path):
    """Everything that a file says beside its pixels and colours."""
    with Image.open(path) as image:
        data = ("exif", "xmp", "dpi", "photoshop", "comment", "Raw profile type iptc")
        return {name for name in data if image.info.get(name)} | {str(tag) for tag in image.getexif()}


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif"])
def test_metadata_are_kept_or_stripped(leapsr, suffix):
    camera_jpeg(Path("a.jpg"))
    assert leapsr("upscale", "a.jpg", "-f", suffix)[0] == 0
    assert "exif" in private(f"a_x4.{suffix}")
    assert leapsr("upscale", "a.jpg", "-f", suffix, "--strip-metadata", "--overwrite")[0] == 0
    assert private(f"a_x4.{suffix}") == set()
    with Image.open(f"a_x4.{suffix}") as image:
        assert image.size == (96, 148)  # upright all the same
        assert image.info["icc_profile"] == P3


def test_a_copy_is_stripped_too(leapsr):
    camera_jpeg(Path("a.jpg"))
    assert leapsr("upscale", "a.jpg", "--width", "24", "--strip-metadata")[0] == 0
    assert private("a_24w.jpg") == set()
    assert size("a_24w.jpg") == (24, 37)


def test_a_copy_in_another_format_is_upright_and_keeps_what_it_says(leapsr):
    camera_jpeg(Path("a.jpg"))
    assert leapsr("upscale", "a.jpg", "--width", "24", "-f", "png")[0] == 0
    assert size("a_24w.png") == (24, 37)
    with Image.open("a_24w.png") as image:
        assert image.getexif().get(0x0112) == 1
        assert image.getexif()[0x010F] == "Maker"
        assert image.getexif().get_ifd(0x8769)[0xA002] == 24


def test_sixteen_bits_can_be_asked_for(leapsr, photo):
    photo.save("a.png")
    for depth in ("auto", "8", "16"):
        assert leapsr("upscale", "a.png", "--bit-depth", depth, "--overwrite")[0] == 0
        assert Path("a_x4.png").read_bytes()[24] == (16 if depth == "16" else 8)


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_source_under_another_name_is_not_written_over(leapsr, photo, link):
    photo.save("a.png")
    link("a.png", "b.png")
    before = Path("a.png").read_bytes()
    code, _, err = leapsr("upscale", "a.png", "-o", "b.png", "--overwrite")
    assert code == 2
    assert "never written over" in err
    assert Path("a.png").read_bytes() == before


def test_dates_that_are_kept(leapsr, photo):
    """Also of what lies beside a result, and of a copy; other runs leave them as they are."""
    photo.save("a.png")
    os.utime("a.png", (1_000_000_000, 1_000_000_000))
    line = ("upscale", "a.png", "-o", "out/", "--detail-map", "--skip-existing")
    Path("out").mkdir()
    assert leapsr(*line, "--keep-dates")[0] == 0
    assert leapsr("upscale", "a.png", "-o", "copy.png", "--width", "37", "--keep-dates")[0] == 0
    for name in ("out/a_x4.png", "out/a_x4_detail.png", "copy.png"):
        assert Path(name).stat().st_mtime == 1_000_000_000
    assert "1 skipped" in leapsr(*line)[2]
    assert leapsr("upscale", "a.png", "-o", "new.png")[0] == 0
    assert Path("new.png").stat().st_mtime > 1_000_000_000
    assert "leave out --keep-dates" in leapsr("upscale", "a.png", "-o", "-", "--keep-dates")[2]


def test_a_date_that_cannot_be_kept_is_no_failure(leapsr, photo, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(1, "Operation not permitted")

    photo.save("a.png")
    monkeypatch.setattr(os, "utime", refused)
    code, _, err = leapsr("upscale", "a.png", "--keep-dates")
    assert code == 0
    assert "The date of a.png could not be kept: Operation not permitted." in err


def test_transparency_does_not_become_jpeg(leapsr, photo):
    photo.putalpha(100)
    photo.save("a.png")
    code, _, err = leapsr("upscale", "a.png", "-f", "jpg")
    assert code == 1
    assert "transparency" in err
    assert names() == ["a.png"]


def test_full_disk(leapsr, photo, monkeypatch):
    """Nothing is made of the many photos that are left, and nothing is left of those that were begun."""
    before = [f"{i:02}.png" for i in range(40)]
    for name in before:
        photo.save(name)
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full_disk)
        code, _, err = leapsr("upscale", ".")
    assert code == 1
    failed = err.count("The disk is full")
    assert 1 <= failed < 20
    assert f"{failed} failed, {40 - failed} left" in err
    assert names() == before


def test_huge_pictures_end_with_a_sentence_before_any_work(leapsr, monkeypatch):
    Path("huge.png").write_bytes(png_of(20_000, 20_000))
    Path("larger.png").write_bytes(png_of(90_000, 90_000))
    monkeypatch.setattr(memory, "available", lambda _: 8 << 30)
    code, _, err = leapsr("upscale", ".")
    assert code == 1
    assert "80000 x 80000 needs" in err
    assert "at most 30000 a side" in err


def test_interrupted(leapsr, photo, monkeypatch):
    photo.save("a.png")
    photo.save("b.png")
    upscale, calls = Upscaler.upscale, iter(range(3))

    def interrupted_at_the_second(self, *arguments):
        if next(calls) == 1:
            raise KeyboardInterrupt
        return upscale(self, *arguments)

    monkeypatch.setattr(Upscaler, "upscale", interrupted_at_the_second)
    code, out, err = leapsr("upscale", ".", "--json")
    assert code == 130
    assert json.loads(out)["counts"] == {"done": 1}
    assert json.loads(out)["interrupted"]
    assert "1 done" in err
    assert names() == ["a.png", "a_x4.png", "b.png"]


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["-n", "tinny"], 2, "Did you mean 'tiny'"),
        (["-n", "./nowhere"], 3, "no model folder"),
        (["-n", "."], 3, "has no config.json"),
        (["-m", "nowhere"], 2, "no folder nowhere"),
        (["-m", ".", "-n", "other"], 2, "Known: tiny"),
        (["-s", "0"], 2, "more than 0"),
        (["-s", "4", "--width", "5"], 2, "Give one size"),
        (["-t", "-1"], 2, "--tile"),
        (["--fidelity", "2"], 2, "fidelity"),
        (["--steps", "0"], 2, "steps"),
        (["--device", "abacus"], 2, "no device"),
        (["--skip-existing", "--overwrite"], 2, "not both"),
        (["-o", "a.png"], 2, "never written over"),
        (["-f", "gif"], 2, "gif"),
        (["-q", "101"], 2, "quality"),
        (["--no-such-option"], 2, "No such option"),
    ],
)
def test_usage(leapsr, photo, options, code, says):
    photo.save("a.png")
    got, out, err = leapsr("upscale", "a.png", *options)
    assert got == code
    assert says in err
    assert "Traceback" not in err
    assert out == ""
    assert names() == ["a.png"]


def test_a_model_folder_can_be_given_with_m_alone(leapsr, photo, tiny_model, monkeypatch, tmp_path):
    monkeypatch.setattr(catalog, "PACKAGED", tmp_path / "none")
    photo.save("a.png")
    assert leapsr("upscale", "a.png")[0] == 3
    assert leapsr("upscale", "a.png", "-m", tiny_model)[0] == 0
    assert leapsr("upscale", "a.png", "-m", tiny_model.parent, "-n", "tiny", "--overwrite")[0] == 0


def test_a_damaged_model(leapsr, photo):
    photo.save("a.png")
    Path("model").mkdir()
    Path("model/config.json").write_text("{")
    Path("model/model.safetensors").write_text("")
    code, _, err = leapsr("upscale", "a.png", "-n", "./model")
    assert code == 3
    assert err.startswith("error: ")
    assert err.count("\n") == 1


def test_debug_shows_the_traceback(monkeypatch):
    from leapsr.cli.main import main
    from leapsr.errors import UsageError

    monkeypatch.setenv("LEAPSR_DEBUG", "1")
    monkeypatch.setattr(sys, "argv", ["leapsr", "upscale", "a.png", "-s", "0"])
    with pytest.raises(UsageError):
        main()


def test_models(leapsr, tiny_model):
    head, line = leapsr("models", "list")[1].splitlines()
    assert head == "  name  scale  dial  s/MP  for"
    assert re.fullmatch(rf"\* tiny  x4     0\.5 +oftsr, 0\.\d MB, {tiny_model}", line)
    assert '"method"' in leapsr("models", "info")[1]
    code, out, _ = leapsr("models", "verify")
    assert (code, out) == (0, "tiny: config.json, model.safetensors as recorded\n")
    assert leapsr("models", "info", "none")[0] == 2


@pytest.mark.parametrize(
    "arguments", [["--help"], ["-h"], ["upscale", "--help"], ["--version"], ["models", "list"]]
)
def test_help_does_not_import_torch(arguments):
    code = (
        "import sys; from leapsr.cli.main import main\n"
        f"sys.argv = ['leapsr', *{arguments}]\n"
        "try: main()\n"
        "finally: print('torch' in sys.modules, 'numpy' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stderr.strip().endswith("False False")


def test_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "leapsr", "--version"], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("leapsr ")
