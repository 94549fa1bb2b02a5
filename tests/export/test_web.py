"""The static page, in a real browser."""

import functools
import http.server
import os
import shutil
import threading
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, picture_array

WEB = os.environ.get("LEAPSR_ORT_WEB")
BROWSER = shutil.which("chromium")


@pytest.mark.skipif(
    not (WEB and BROWSER), reason="needs chromium, and onnxruntime-web's dist in $LEAPSR_ORT_WEB"
)
@pytest.mark.filterwarnings("ignore")
def test_a_browser_upscales_a_photo(tmp_path):
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    pytest.importorskip("onnxscript", reason="needs onnxscript: pip install 'leapsr[onnx]'")
    from PIL import Image

    import leapsr
    from leapsr.export import onnx_file
    from leapsr.export.model import Exported

    shutil.copy(REPOSITORY / "integrations" / "web" / "index.html", tmp_path)
    (tmp_path / "ort").symlink_to(Path(WEB or ""))
    onnx_file.write_dial(Exported.load("leap-small"), tmp_path / "model.onnx")
    Image.fromarray(picture_array(48, 64)).save(tmp_path / "photo.png")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        playwright.sync_playwright() as play,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = play.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(300_000)
        page.goto(f"http://127.0.0.1:{server.server_port}/index.html")
        page.set_input_files("#file", tmp_path / "photo.png")
        page.wait_for_function("document.getElementById('status').textContent.includes(' s.')")
        pixels = page.evaluate(
            "() => { const { width, height } = document.getElementById('result');"
            "const context = document.getElementById('result').getContext('2d');"
            "return [width, height, Array.from(context.getImageData(0, 0, width, height).data)]; }"
        )
        browser.close()
        server.shutdown()
    assert pixels[:2] == [256, 192]
    expected = leapsr.upscale(Image.fromarray(picture_array(48, 64)), fidelity=0.7).tobytes()
    found = bytes(value for number, value in enumerate(pixels[2]) if number % 4 != 3)
    differences = [abs(a - b) for a, b in zip(found, expected, strict=True)]
    assert sum(differences) / len(differences) < 0.5
    assert max(differences) <= 8
