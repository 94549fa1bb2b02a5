"""The page in a real browser: from a photo to a result that is compared, picked and downloaded."""

import io
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray
from PIL import Image

from ..conftest import REPOSITORY, picture_array

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium to drive the page")
playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright to drive the page")

PATIENCE = 180_000
"""Milliseconds for what takes a few seconds at most on a machine that does nothing else."""
MAKE, GPS = 271, 34853


class Server:
    """`leapsr serve` in a process of its own, which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "leapsr", "serve", "--port", str(self.port), "--device", "cpu"]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--data", str(self.folder / "data")],
                env=environment, cwd=self.folder, stdout=log, stderr=log,
            )  # fmt: skip
        for _ in range(PATIENCE // 100):
            if self.process.poll() is not None:
                break
            try:
                urllib.request.urlopen(f"{self.url}health").close()
                return
            except urllib.error.URLError:
                time.sleep(0.1)
        self.process.kill()
        raise AssertionError((self.folder / "log").read_text())

    def kill(self) -> None:
        """With all its processes, as a power cut would."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        for child in children:
            child.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE / 1000)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any, server: Server) -> Iterator[Any]:
    """A new visitor's. What the page's scripts or its security policy report as an error fails the test."""
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    context.set_default_timeout(PATIENCE)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if "Security" in said.text else None)
    page.goto(server.url)
    yield page
    context.close()
    assert not errors


def photo_file(name: str = "photo.jpg", width: int = 60, height: int = 40, seed: int = 0) -> dict[str, Any]:
    """A photo of a camera, with its maker and place, for set_input_files."""
    image, data = Image.fromarray(picture_array(height, width, seed)), io.BytesIO()
    exif = Image.Exif()
    exif[MAKE] = "Camera & Sons"
    exif[GPS] = {1: "N", 2: (52.0, 30.0, 0.0)}
    image.save(data, "JPEG", quality=95, exif=exif)
    return {"name": name, "mimeType": "image/jpeg", "buffer": data.getvalue()}


def add(page: Any, *photos: dict[str, Any]) -> None:
    page.set_input_files("#files", list(photos))
    page.wait_for_selector("#stage:visible")


def upscale(page: Any) -> None:
    page.click("#go")
    page.wait_for_selector("#caption-download:visible")


def turn_dial(page: Any, fidelity: float) -> None:
    page.eval_on_selector(
        "#fidelity",
        "(dial, value) => { dial.value = value; dial.dispatchEvent(new Event('input', {bubbles: true})); }",
        fidelity,
    )


def drawn(page: Any, left: float = 0.5, right: float = 1.0) -> NDArray[Any]:
    """Some pixels of what the picture area shows between two shares of its width."""
    values = page.eval_on_selector(
        "#stage canvas",
        """(canvas, [left, right]) => {
            const x = Math.round(canvas.width * left), width = Math.round(canvas.width * right) - x;
            const { data } = canvas.getContext("2d").getImageData(x, 0, width, canvas.height);
            return [...data].filter((_, index) => index % 31 === 0);
        }""",
        [left, right],
    )
    return np.array(values, float)


def differ(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Visibly: a browser may draw the same on its GPU or without, with other roundings."""
    return float(np.abs(one - other).mean()) > 0.5


def settle(page: Any) -> None:
    """Wait until the picture area is drawn with all its tiles."""
    page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    page.wait_for_selector("#stage[aria-busy=false]")


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE / 1000
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def card(page: Any, name: str) -> Any:
    return page.locator(".card", has_text=name)


def wait_for_cards(page: Any, status: str, count: int) -> None:
    until(lambda: page.locator(f".card[data-status={status}]").count() == count)


def test_the_first_load_is_small_and_asks_no_other_host(browser, server):
    context = browser.new_context()
    page, sizes = context.new_page(), {}
    page.on("requestfinished", lambda request: sizes.update({request.url: request.sizes()}))
    page.goto(server.url, wait_until="networkidle")
    assert len(sizes) > 10
    assert all(url.startswith(server.url) for url in sizes)
    assert sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes.values()) < 100_000
    assert page.get_by_text("Make photos larger").is_visible()
    context.close()


def test_a_photo_is_previewed_made_compared_and_downloaded_with_its_exif(page):
    add(page, photo_file())
    page.locator(".labels .end", has_text=re.compile("^Preview$")).wait_for()
    assert "60 × 40 pixels" in page.inner_text("#caption-state")
    assert page.inner_text("#size-becomes").startswith("240 × 160")
    upscale(page)
    assert page.inner_text("#caption-state").startswith("240 × 160 pixels")
    assert page.text_content("#live") == "photo.jpg is done: 240 × 160."
    with page.expect_download() as download:
        page.click("#caption-download")
    assert download.value.suggested_filename == "photo_x4.jpg"
    with Image.open(download.value.path()) as result:
        assert result.size == (240, 160)
        assert result.getexif()[MAKE] == "Camera & Sons"
        assert result.getexif().get_ifd(GPS)[1] == "N"


def test_slider_zoom_and_dial(page):
    add(page, photo_file(width=150, height=100))
    upscale(page)
    settle(page)
    box = page.locator("#stage").bounding_box()
    page.locator(".divider").focus()
    page.keyboard.press("Home")
    until(lambda: page.get_attribute(".divider", "aria-valuenow") == "0")
    settle(page)
    after = drawn(page, 0, 1)
    page.keyboard.press("End")
    until(lambda: differ(drawn(page, 0, 1), after))
    page.keyboard.press("Home")
    until(lambda: not differ(drawn(page, 0, 1), after))
    page.mouse.move(box["x"] + 2, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 60, steps=3)
    page.mouse.up()
    until(lambda: page.get_attribute(".divider", "aria-valuenow") == "25")

    page.locator("#stage").focus()
    page.keyboard.press("1")
    assert page.inner_text("#zoom-value") == "100 %"
    page.keyboard.press("4")
    assert page.inner_text("#zoom-value") == "400 %"
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.wheel(0, -200)
    until(lambda: page.inner_text("#zoom-value") == "597 %")
    page.keyboard.press("0")
    assert page.inner_text("#zoom-value") == "113 %"  # the whole of this small result

    settle(page)
    before = drawn(page)
    assert page.is_disabled("#go")
    with page.expect_response(lambda answer: answer.url.endswith("/region")) as answer:
        turn_dial(page, 0)
    assert answer.value.ok
    until(lambda: differ(drawn(page), before) and not page.is_visible("#dial-note"))
    assert page.is_enabled("#go")
    turn_dial(page, 0.6)  # the model's own, as before
    until(lambda: not differ(drawn(page), before))


def test_several_versions_one_is_picked(page):
    add(page, photo_file("guess.jpg"), photo_file("other.jpg"))
    page.fill("#samples", "3")
    page.click("summary")
    page.select_option("#model", "leap-small-smfsr")
    page.check("[name=detail_map]")
    turn_dial(page, 0)
    upscale(page)
    assert page.is_checked("input[value=versions]")
    page.click("text=Pick version 3")
    page.get_by_text("Version 3, picked").wait_for()
    with page.expect_download() as download:
        page.click("#caption-download")
    assert download.value.suggested_filename == "guess_x4_s2.jpg"
    wait_for_cards(page, "done", 2)
    with page.expect_download() as download:
        page.click("#download-all")
    with zipfile.ZipFile(download.value.path()) as archive:
        others = ["other_x4_s0.jpg", "other_x4_s1.jpg", "other_x4_s2.jpg"]
        assert sorted(archive.namelist()) == ["guess_x4_s2.jpg", *others]
    page.reload()
    card(page, "guess.jpg").locator("[data-action=open]").click()
    page.click("label:has([value=after])")
    page.locator(".labels span", has_text="Version 3").wait_for()
    settle(page)
    plain = drawn(page)
    page.check("#overlay")
    until(lambda: differ(drawn(page), plain))


def test_a_queue_with_a_broken_file_goes_on_and_comes_as_one_archive(page):
    broken = {"name": "broken.jpg", "mimeType": "image/jpeg", "buffer": b"\xff\xd8\xff\xe0 not a photo"}
    add(page, photo_file("a.jpg"), broken, photo_file("b.jpg", seed=1), photo_file("c.jpg", seed=2))
    page.get_by_text("Upscale 4 photos").click()
    wait_for_cards(page, "done", 3)
    assert card(page, "broken.jpg").locator(".state").inner_text() == "failed"
    card(page, "broken.jpg").locator("[data-action=open]").click()
    page.wait_for_selector("#caption-retry:visible")
    assert "broken.jpg" in page.inner_text("#caption-state")
    assert page.inner_text("#summary") == "3 done · 1 failed"
    with page.expect_download() as download:
        page.click("#download-all")
    with zipfile.ZipFile(download.value.path()) as archive:
        assert sorted(archive.namelist()) == ["a_x4.jpg", "b_x4.jpg", "c_x4.jpg"]
        with Image.open(archive.open("b_x4.jpg")) as result:
            assert result.getexif()[MAKE] == "Camera & Sons"


def test_work_is_cancelled_and_tried_again(page):
    add(page, photo_file("large.jpg", 900, 600), photo_file("next.jpg"))
    page.click("#go")
    wait_for_cards(page, "running", 1)
    page.locator("#caption-state", has_text=re.compile(r"^[1-9]\d? %")).wait_for()
    assert 0 < page.eval_on_selector("#caption-progress", "bar => bar.value") < 1
    page.click("#caption-cancel")
    page.wait_for_selector("#caption-retry:visible")
    wait_for_cards(page, "done", 1)
    page.click("#caption-retry")
    page.wait_for_selector("#caption-cancel:visible")
    page.click("#caption-cancel")
    page.wait_for_selector("#caption-retry:visible")


def test_a_reload_and_a_killed_server_lose_nothing(page, server):
    add(page, photo_file("long.jpg", 500, 400), photo_file("short.jpg"))
    page.click("#go")
    wait_for_cards(page, "running", 1)
    wait_for_cards(page, "queued", 1)
    page.reload()
    until(lambda: page.locator(".card").count() == 2)
    server.kill()
    page.wait_for_selector("#offline:visible")
    server.start()
    wait_for_cards(page, "done", 2)
    page.wait_for_selector("#offline", state="hidden")
    card(page, "long.jpg").locator("[data-action=open]").click()
    page.locator("#caption-state", has_text=re.compile("^2,000 × 1,600")).wait_for()


@pytest.mark.parametrize("late", [False, True])
def test_again_after_a_reload_takes_the_model_that_was_chosen(page, late):
    add(page, photo_file("chosen.jpg"))
    page.click("summary")
    page.select_option("#model", "leap-small-x2")
    page.fill("#size", "2")
    upscale(page)
    if late:  # the list of models comes after the photo is shown
        page.route("**/v1/models", lambda route: (time.sleep(1), route.continue_()))
    page.reload()
    card(page, "chosen.jpg").locator("[data-action=open]").click()
    page.wait_for_selector("#caption-download:visible")
    until(lambda: page.locator("#model option").count() > 3)
    assert page.input_value("#model") == "leap-small-x2"
    assert page.input_value("#size") == "2"
    assert page.is_disabled("#go")
    turn_dial(page, 0.3)
    with page.expect_response(lambda each: each.request.method == "POST" and each.status == 201) as made:
        page.click("#go")
    assert made.value.json()["settings"]["model"] == "leap-small-x2"


def posted(page: Any, status: int = 201) -> Any:
    """The next answer to a photo that is sent."""
    return page.expect_response(
        lambda each: (
            each.url.endswith("/v1/requests") and each.request.method == "POST" and each.status == status
        )
    )


def has_no_room(route: Any) -> None:
    """An answer of a full queue, in the place of the server's."""
    if route.request.method == "POST":
        route.fulfill(status=503, headers={"Retry-After": "600"}, body="{}")
    else:
        route.continue_()


def test_another_kind_of_size_is_asked_for_with_its_number(page):
    add(page, photo_file())
    page.select_option("[name=size_kind]", "long_side")
    assert page.input_value("#size") == "4000"
    with posted(page) as made:
        page.click("#go")
    assert made.value.json()["settings"]["long_side"] == 4000
    page.click("#caption-cancel")


def test_a_photo_that_is_large_enough_is_said_to_stay_as_it_is(page):
    add(page, photo_file())
    page.locator(".labels .end", has_text=re.compile("^Preview$")).wait_for()
    page.select_option("[name=size_kind]", "long_side")
    page.fill("#size", "30")
    until(lambda: page.inner_text("#size-becomes").startswith("60 × 40"))


def test_another_copy_that_was_cancelled_is_sent_as_it_is_shown(page):
    add(page, photo_file())
    upscale(page)
    turn_dial(page, 0.2)
    page.route("**/v1/requests", has_no_room)
    page.click("#go")
    page.click("#caption-cancel")  # while it waits for room
    page.locator("#go", has_text=re.compile("^Upscale$")).wait_for()
    assert page.inner_text("#fidelity-value") == "0.20"
    turn_dial(page, 0.35)
    page.unroute("**/v1/requests")
    with posted(page) as made:
        page.click("#go")
    assert made.value.json()["settings"]["fidelity"] == 0.35


def test_a_second_click_asks_for_no_second_copy(page):
    add(page, photo_file())
    upscale(page)
    page.reload()  # the photo has to come from the server now
    card(page, "photo.jpg").locator("[data-action=open]").click()
    page.wait_for_selector("#caption-download:visible")
    turn_dial(page, 0.2)
    page.locator("#go:enabled").wait_for()
    page.eval_on_selector("#go", "button => { button.click(); button.click(); }")
    wait_for_cards(page, "done", 2)
    assert page.locator(".card").count() == 2


def test_a_photo_that_is_cancelled_once_it_is_sent_whole_is_cancelled_on_the_server(page, server):
    workers = psutil.Process(server.process.pid).children(recursive=True)
    for worker in workers:
        worker.suspend()  # so that the server takes the photo and cannot answer
    try:
        add(page, photo_file("whole.jpg", 900, 600))
        page.click("#go")
        page.locator("#caption-state", has_text="sending, 100 %").wait_for()
        page.click("#caption-cancel")
    finally:
        for worker in workers:
            worker.resume()
    wait_for_cards(page, "cancelled", 1)
    for _ in range(2):  # the first may have been asked for before; with the second another card would come
        with page.expect_response("**/v1/requests") as listed:
            pass
    assert [each["status"] for each in listed.value.json()["requests"]] == ["cancelled"]
    assert page.locator(".card").count() == 1


def loses_the_answer(route: Any) -> None:
    if route.request.method == "POST":
        route.fetch()
        route.abort()
    else:
        route.continue_()


def test_a_photo_whose_answer_was_lost_is_one_card(page):
    page.route("**/v1/requests", loses_the_answer, times=1)
    add(page, photo_file(width=300, height=200))
    with posted(page, 201):
        page.click("#go")
    wait_for_cards(page, "done", 1)
    assert page.locator(".card").count() == 1


def test_a_photo_that_was_cancelled_is_sent_anew_with_other_settings(page):
    page.route("**/v1/requests", loses_the_answer)
    add(page, photo_file())
    page.click("#go")
    page.locator("#caption-state", has_text="The server does not answer.").wait_for()
    page.locator(".card[data-status=waiting] [data-action=cancel]").click()
    page.unroute("**/v1/requests")
    page.locator(".card[data-status=ready] [data-action=open]").click()
    turn_dial(page, 0.2)
    with posted(page) as made:
        page.click("#go")
    assert made.value.json()["settings"]["fidelity"] == 0.2


@pytest.mark.parametrize("button", ["#caption-retry", "#go"])
def test_a_refused_photo_is_sent_with_other_settings(page, button):
    add(page, photo_file())
    page.fill("#size", "2000")
    with posted(page, 413):
        page.click("#go")
    page.locator("#caption-state", has_text="The result would have 120000 x 80000 pixels").wait_for()
    page.fill("#size", "2")
    page.locator(f"{button}:enabled").wait_for(timeout=10_000)
    with posted(page) as made:
        page.click(button)
    assert made.value.json()["settings"]["scale"] == 2


def test_a_page_of_many_photos_has_all_and_downloads_all(page, server):
    add(page, photo_file("oldest.jpg"))
    upscale(page)
    data, no_tiles = server.folder / "data", shutil.ignore_patterns("tiles")
    database = sqlite3.connect(data / "requests.sqlite3", isolation_level=None)
    (one,) = database.execute("SELECT id FROM requests WHERE source LIKE '%oldest.jpg%'").fetchone()
    names = [row[1] for row in database.execute("PRAGMA table_info(requests)")]
    values = ", ".join({"id": "?", "created": "created + ?"}.get(name, name) for name in names)
    database.execute("BEGIN")
    for number in range(1, 701):  # more than one list
        other = f"{one}{number}"
        shutil.copytree(data / "files" / one, data / "files" / other, ignore=no_tiles)
        database.execute(
            f"INSERT INTO requests SELECT {values} FROM requests WHERE id = ?", (other, number, one)
        )
    database.execute("COMMIT")
    database.close()
    page.reload()
    until(lambda: page.inner_text("#summary") == "701 done")
    with page.expect_download() as download:
        page.click("#download-all")
    with zipfile.ZipFile(download.value.path()) as archive:
        assert len(archive.namelist()) == 701


RED = (255, 0, 0)


def all_red(page: Any) -> bool:
    values = page.eval_on_selector(
        "#stage canvas",
        """(canvas) => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const colours = [];
            for (let at = 0; at < data.length; at += 4 * 97) colours.push([...data.slice(at, at + 4)]);
            return colours;
        }""",
    )
    shown = [colour for *colour, alpha in values if alpha]
    return bool(shown) and all(red > 200 and blue < 60 for red, _, blue in shown)


def test_the_dial_says_whether_all_in_view_has_the_new_look(page):
    """A part that was made again is red here, so that the look before is seen to be gone."""
    red = io.BytesIO()
    Image.new("RGB", (64, 64), RED).save(red, "WEBP")
    asked = list[str]()

    def made_again(route: Any) -> None:
        asked.append(route.request.post_data)
        route.fulfill(body=red.getvalue(), content_type="image/webp")

    page.route("**/region", made_again)
    add(page, photo_file(width=11_500, height=60))  # 52 parts
    page.select_option("[name=size_kind]", "long_side")
    page.fill("#size", "11500")  # which it has, so that nothing has to be made
    upscale(page)
    page.click("label:has([value=after])")
    settle(page)
    turn_dial(page, 0)
    note, middle = page.locator("#dial-note"), "Only the middle shows the new look; zoom in for more."
    for parts in (24, 48):
        until(lambda parts=parts: note.inner_text() == middle and len(asked) >= parts)
        page.locator("#stage").focus()
        page.keyboard.press("0")  # all of it is in view already, but the page looks again at what is
    page.wait_for_timeout(2000)
    assert note.inner_text() == middle or all_red(page)
    page.keyboard.press("1")
    until(lambda: not note.is_visible() and all_red(page))


def test_photos_are_dropped_and_pasted_and_other_files_are_left_out(page):
    give = """([kind, names]) => {
        const given = new DataTransfer();
        for (const [name, type] of names) given.items.add(new File(["photo"], name, { type }));
        const how = { bubbles: true, cancelable: true, dataTransfer: given, clipboardData: given };
        document.body.dispatchEvent(new (kind === "drop" ? DragEvent : ClipboardEvent)(kind, how));
    }"""
    dropped = [["a.jpg", "image/jpeg"], ["scan.TIF", ""], ["notes.txt", "text/plain"], ["b.heic", ""]]
    page.evaluate(give, ["drop", dropped])
    until(lambda: page.locator(".card .name").all_inner_texts() == ["a.jpg", "scan.TIF", "b.heic"])
    page.evaluate(give, ["paste", [["image.png", "image/png"]]])
    until(lambda: page.locator(".card").count() == 4)
    card(page, "scan.TIF").locator("[data-action=remove]").click()
    until(lambda: page.locator(".card .name").all_inner_texts() == ["a.jpg", "b.heic", "image.png"])


def test_two_fingers_zoom_on_a_phone(browser, server):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(server.url)
    add(page, photo_file())
    page.locator(".labels .end", has_text=re.compile("^Preview$")).wait_for()
    box, touch = page.locator("#stage").bounding_box(), context.new_cdp_session(page)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 3
    zoom = page.text_content("#zoom-value")

    def fingers(kind: str, apart: float) -> None:
        points = (
            []
            if kind == "touchEnd"
            else [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
        )
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", 40)
    for apart in (60, 90, 120):
        fingers("touchMove", apart)
    fingers("touchEnd", 0)
    before, after = (int(words.removesuffix(" %")) for words in (zoom, page.text_content("#zoom-value")))
    assert 2.7 < after / before < 3.3
    assert page.evaluate("document.documentElement.scrollWidth") == 390  # nothing reaches beyond the screen
    context.close()
