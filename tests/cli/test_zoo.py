"""leapsr upscale | evaluate | models with other projects' upscalers, and fetching them from their release."""

import gc
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from PIL import Image

from leapsr.hub import releases
from leapsr.hub.releases import RELEASES, UNSTATED, licence_of
from tests import zoo as tiny
from tests.conftest import REPOSITORY, picture_array

CONTENT = b"weights " * 1000


@pytest.fixture
def release(monkeypatch):
    """A release on this computer, whose server gives CONTENT at its one address."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200 if self.path.endswith("/v1/w.pth") else 404)
            self.end_headers()
            self.wfile.write(CONTENT)

        def log_message(self, *parts): ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    page = f"http://127.0.0.1:{server.server_port}/a/b"
    known = releases.Release(
        "what", "BSD-3-Clause", page, "v1/w.pth", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT)
    )
    monkeypatch.setitem(RELEASES, "theirs", known)
    yield known, asked
    server.shutdown()
    server.server_close()


def test_a_release_is_fetched_once_with_its_licence_first(leapsr, release, tmp_path):
    known, asked = release
    code, out, err = leapsr("models", "download", "theirs")
    assert (code, out) == (0, "published/theirs/w.pth\n")
    assert err.splitlines()[0] == f"w.pth (0 MB): BSD-3-Clause, stated on {known.page}"
    assert "leapsr upscale photo.jpg -n published/theirs/w.pth" in err
    path = tmp_path / "published" / "theirs" / "w.pth"
    assert path.read_bytes() == CONTENT
    assert asked == ["/a/b/releases/download/v1/w.pth"]
    assert licence_of(path) == "BSD-3-Clause"
    assert leapsr("models", "download", "theirs")[0] == 0
    assert len(asked) == 1


def test_a_licence_that_asks_something_is_asked_for(leapsr, release, monkeypatch):
    known, asked = release
    monkeypatch.setitem(RELEASES, "theirs", known._replace(licence="CC-BY-4.0"))
    code, _, err = leapsr("models", "download", "theirs")
    assert (code, asked) == (2, [])
    assert "--accept-licence" in err
    assert leapsr("models", "download", "theirs", "--accept-licence", "--to", "there")[0] == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sha256": "0" * 64}, "is not the file that was published"),
        ({"place": "v2/w.pth"}, "404"),
        ({"page": "http://127.0.0.1:9/a/b"}, "refused"),
    ],
)
def test_what_cannot_be_fetched_is_3_and_leaves_nothing(leapsr, release, monkeypatch, tmp_path, change, said):
    known = release[0]._replace(**change)
    monkeypatch.setitem(RELEASES, "theirs", known)
    code, _, err = leapsr("models", "download", "theirs")
    assert code == 3
    assert said in err
    assert known.url in err
    assert [*(tmp_path / "published" / "theirs").iterdir()] == []
    gc.collect()  # an answer that is left open is told of now


def test_another_file_of_that_name_stays(leapsr, release, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "w.pth").write_bytes(b"mine")
    code, _, err = leapsr("models", "download", "theirs", "--to", "there")
    assert (code, release[1]) == (1, [])
    assert "move it away" in err
    assert (tmp_path / "there" / "w.pth").read_bytes() == b"mine"


def test_releases_are_whole_and_documented():
    text = (REPOSITORY / "docs" / "any-model.md").read_text(encoding="utf-8")
    for name, known in RELEASES.items():
        assert len(bytes.fromhex(known.sha256)) == 32
        assert f"| `{name}` | {known.what} | {known.licence} |" in text


def test_a_file_upscales_a_folder(leapsr, tmp_path):
    tiny.save(tmp_path, "compact")
    (tmp_path / "in").mkdir()
    for seed in range(2):
        Image.fromarray(picture_array(9, 14, seed)).save(tmp_path / "in" / f"{seed}.png", dpi=(300, 300))
    command = ("upscale", "in", "-o", "out", "-n", "compact.safetensors")
    code, _, err = leapsr(*command, "-v")
    assert code == 0, err
    assert f"the licence of its weights is {UNSTATED}" in err
    with Image.open("out/0_x4.png") as result:
        assert result.size == (56, 36)
        assert result.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert "2 skipped" in leapsr(*command, "--skip-existing")[2]
    assert "2 skipped" not in leapsr(*command, "--skip-existing", "--tile", 32)[2]
    code, _, err = leapsr("upscale", "in", "-o", "more", "-n", "compact.safetensors", "--fidelity", 0.5)
    assert code != 0
    assert "one step and no dial" in err
    assert "There is no file other.pth" in leapsr("upscale", "in", "-o", "more", "-n", "other.pth")[2]


def test_a_model_that_only_restores_keeps_the_size(leapsr, tmp_path):
    tiny.save(tmp_path, "dncnn")
    Image.fromarray(picture_array(9, 14)).save("photo.png")
    code, _, err = leapsr("upscale", "photo.png", "-n", "dncnn.safetensors")
    assert code == 0, err
    with Image.open("photo_x1.png") as result, Image.open("photo.png") as source:
        assert result.size == (14, 9)
        assert result.tobytes() != source.tobytes()


def test_a_file_is_a_row_of_an_evaluation(leapsr, tmp_path, tiny_model):
    tiny.save(tmp_path, "compact")
    for folder, side in (("LR", 12), ("HR", 48)):
        (tmp_path / "pairs" / folder).mkdir(parents=True)
        Image.fromarray(picture_array(side, side)).save(tmp_path / "pairs" / folder / "a.png")
    code, out, err = leapsr(
        "evaluate",
        "compact.safetensors",
        tiny_model,
        "--pairs",
        "pairs",
        "--metrics",
        "psnr_y",
        "--fidelity",
        "0,1",
    )
    assert code == 0, err
    scored = [line for line in out.splitlines() if "compact" in line and "." in line.split("safetensors")[1]]
    assert len(scored) == 1  # one step at 0, which is all that it has
    code, out, _ = leapsr("evaluate", "compact.safetensors", "--pairs", "pairs", "--metrics", "psnr_y")
    assert code == 0
    assert "compact.safetensors" in out


def test_info_says_what_a_file_is(leapsr, tmp_path):
    path = tiny.save(tmp_path, "swinir")
    code, out, _ = leapsr("models", "info", path)
    assert code == 0
    assert f"licence of the weights: {UNSTATED}" in out
    assert '"architecture":"SwinIR","scale":2' in out
    assert leapsr("models", "verify", path)[0] == 3


def test_what_a_file_says_of_its_licence_counts(tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "a.safetensors"
    save_file({"a": torch.zeros(1)}, path, {"modelspec.license": "MIT"})
    assert licence_of(path) == "MIT"
    save_file({"a": torch.zeros(1)}, path)
    assert licence_of(path) == UNSTATED


def test_recipes_that_take_any_upscaler_are_listed(leapsr):
    distilled, trained = (
        {line.split()[0] for line in leapsr(verb, "--list")[1].splitlines()} for verb in ("distill", "train")
    )
    assert {"dial_small", "oftsr_small"} <= distilled
    assert {"dial_small", "teacher_small"} <= trained
    assert "leapsr distill dial_small PHOTOS --teacher FILE" in leapsr("recipes", "dial_small")[1]
    assert "teacher_small" not in distilled
    assert "oftsr_small" not in trained
