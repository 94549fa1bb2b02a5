"""The page of `leapsr serve` in headless Chromium: times, memory, slow connections, axe-core, screenshots.

    python benchmarks/page.py                          all of it, as a table; --only large dial ... some of it
    python benchmarks/page.py --axe axe.min.js         also axe-core's rules, from `npm pack axe-core`
    python benchmarks/page.py --shots docs/images      also the screenshots of the documents

The photo is Chelsea the cat of scikit-image.
"""

import argparse
import io
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from skimage import data

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.serve.test_page import CHROMIUM, Server, add, settle, turn_dial

PATIENCE = 1_800_000
SLOW = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8}
"""Lighthouse's slow 4G: 1.6 Mbit/s down, 0.75 up, 150 ms."""
DESKTOP, PHONE = {"width": 1360, "height": 860}, {"width": 390, "height": 844}

ON_CHANGE = """async (change) => {
    const canvas = document.querySelector("#stage canvas");
    const context = canvas.getContext("2d");
    const look = () => context.getImageData(canvas.width * 0.75, canvas.height / 2, 24, 24).data.join();
    const before = look(), start = performance.now();
    change();
    while (look() === before) await new Promise(requestAnimationFrame);
    return (performance.now() - start) / 1000;
}"""
"""Seconds until the picture area is another one after a change."""
LAST_TILE = """(since) => (Math.max(...performance.getEntriesByType("resource")
    .filter((each) => each.name.includes("/tiles/")).map((each) => each.responseEnd)) - since) / 1000"""


def chelsea(width: int = 451, height: int = 300, name: str = "chelsea.jpg") -> dict[str, Any]:
    file = io.BytesIO()
    Image.fromarray(data.chelsea()).resize((width, height), Image.Resampling.LANCZOS).save(
        file, "JPEG", quality=92
    )
    return {"name": name, "mimeType": "image/jpeg", "buffer": file.getvalue()}


def opened(browser: Browser, server: Server, size: dict[str, int] = DESKTOP, **options: Any) -> Page:
    context = browser.new_context(viewport=size, **options)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(server.url)
    return page


def slow(page: Page) -> None:
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", SLOW)


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def done(page: Page, count: int = 1) -> None:
    page.locator(".card[data-status=done]").nth(count - 1).wait_for()


def previewed(page: Page) -> None:
    page.locator("span.end:text-is('Preview')").wait_for()


def load(browser: Browser, server: Server, say: Callable[..., None]) -> None:
    """The first load."""
    for words, is_slow in (("loopback", False), ("slow connection", True)):
        page = browser.new_context().new_page()
        if is_slow:
            slow(page)
        sizes: list[int] = []
        page.on("requestfinished", lambda each, sizes=sizes: sizes.append(sum(
            each.sizes()[part] for part in ("responseBodySize", "responseHeadersSize"))))  # fmt: skip
        page.goto(server.url, wait_until="networkidle")
        shown = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd / 1000")
        say(f"first load, {words}", f"{shown:.2f} s, {sum(sizes) / 1000:.0f} kB in {len(sizes)} files")
        page.context.close()


def preview(browser: Browser, server: Server, say: Callable[..., None]) -> None:
    for words, photo in (("451 x 300", chelsea()), ("4000 x 3000", chelsea(4000, 3000))):
        page = opened(browser, server)
        start = time.perf_counter()
        add(page, photo)
        previewed(page)
        say(f"preview of {words}", f"{time.perf_counter() - start:.2f} s")
        page.context.close()


def dial(browser: Browser, server: Server, say: Callable[..., None]) -> None:
    """Of the part of a photo that is in view at 1:1, in a window of 1360 x 860."""
    page = opened(browser, server)
    add(page, chelsea())
    page.click("#go")
    done(page)
    page.click("#zoom-one")
    settle(page)
    for words, value in (("first", 0), ("next", 1), ("next", 0.2), ("next", 0.8)):
        move = f"() => {{ const dial = document.querySelector('#fidelity'); dial.value = {value};"
        move += " dial.dispatchEvent(new Event('input', {bubbles: true})); }"
        until_seen = page.evaluate(f"({ON_CHANGE})({move})")
        page.locator("#dial-note").wait_for(state="hidden")
        say(f"dial, {words} change", f"{until_seen:.2f} s until the new picture begins to show")
    page.context.close()


def large(browser: Browser, server: Server, say: Callable[..., None]) -> None:
    """A result of 12,000 x 9,000 pixels: zoom, pan, memory."""
    zoomed(browser, server, say, chelsea(300, 225), "12000", "12,000 x 9,000")


def wide(browser: Browser, server: Server, say: Callable[..., None]) -> None:
    """A result as wide as results may be, 30,000 x 2,000 pixels: the same."""
    zoomed(browser, server, say, chelsea(600, 40), "30000", "30,000 x 2,000")


def zoomed(
    browser: Browser, server: Server, say: Callable[..., None], photo: dict[str, Any], side: str, words: str
) -> None:
    """side: pixels of the longer side of the result."""
    page = opened(browser, server)
    page.evaluate("performance.setResourceTimingBufferSize(20000)")
    add(page, photo)
    page.select_option("[name=size_kind]", "long_side")
    page.fill("#size", side)
    page.click("#go")
    say(f"{words}, made", f"{seconds(lambda: done(page)):.0f} s")
    say(f"{words}, first whole view", f"{seconds(lambda: settle(page)):.1f} s (cuts all tiles)")
    page.reload()
    page.locator("#caption-download").wait_for()
    settle(page)
    page.locator("#stage").focus()
    start = page.evaluate("performance.now()")
    page.keyboard.press("1")
    settle(page)
    say(f"{words}, whole to 1:1", f"{page.evaluate(LAST_TILE, start):.2f} s until every tile is there")
    for _ in range(60):
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
        page.wait_for_timeout(30)
    settle(page)
    tiles = page.evaluate(
        "performance.getEntriesByType('resource').filter((e) => e.name.includes('/tiles/')).length"
    )
    renderers = [
        each for each in psutil.Process().children(recursive=True) if "--type=renderer" in each.cmdline()
    ]
    memory = max(each.memory_info().rss for each in renderers) / 2**20
    say(f"{words}, panned to a corner", f"{tiles} tiles loaded, {memory:.0f} MiB in the page's process")
    assert page.inner_text("#zoom-value") == "100 %"
    page.context.close()


def queue(browser: Browser, server: Server, say: Callable[..., None], is_slow: bool = False) -> None:
    """20 photos, one of them broken."""
    page, words = opened(browser, server), "slow connection, queue" if is_slow else "queue"
    if is_slow:
        slow(page)
    photos = [chelsea(120 + number, 80, f"photo-{number:02}.jpg") for number in range(20)]
    photos[7]["buffer"] = photos[7]["buffer"][:300]
    add(page, *photos)
    page.click("#go")
    until_done = seconds(lambda: done(page, 19))
    say(f"{words} of 20, one broken", f"{until_done:.1f} s, {page.inner_text('#summary')}")
    assert page.locator(".card[data-status=failed]").count() == 1
    with page.expect_download() as download:
        begun = time.perf_counter()
        page.click("#download-all")
    with zipfile.ZipFile(download.value.path()) as archive:
        took = time.perf_counter() - begun
        assert archive.testzip() is None
        say(f"{words}, their archive", f"{took:.1f} s, {len(archive.namelist())} files")
    page.context.close()


def throttled(browser: Browser, server: Server, say: Callable[..., None]) -> None:
    page = opened(browser, server)
    slow(page)
    photo = chelsea()
    say("slow connection, preview", f"{seconds(lambda: (add(page, photo), previewed(page))):.1f} s")
    page.click("#go")
    say(
        "slow connection, sent and made",
        f"{seconds(lambda: done(page)):.1f} s ({len(photo['buffer']) / 1000:.0f} kB)",
    )
    page.locator("#stage").focus()
    page.keyboard.press("1")
    say("slow connection, tiles of 1:1", f"{seconds(lambda: settle(page)):.1f} s")
    turn_dial(page, 0)
    say(
        "slow connection, dial",
        f"{seconds(lambda: page.wait_for_event('response', lambda got: 'region' in got.url)):.1f} s",
    )
    page.context.close()


def throttled_queue(browser: Browser, server: Server, say: Callable[..., None]) -> None:
    queue(browser, server, say, is_slow=True)


def finished(page: Page) -> None:
    """Three versions of Chelsea from a model that guesses, with their map."""
    add(page, chelsea(name="chelsea.jpg"), chelsea(225, 150, "small.jpg"))
    page.fill("#samples", "3")
    page.click("summary")
    page.select_option("#model", "leap-small-smfsr")
    page.check("[name=detail_map]")
    turn_dial(page, 0)
    page.click("#go")
    done(page, 2)
    settle(page)


def axe(browser: Browser, server: Server, say: Callable[..., None], script: Path) -> None:
    for size, words in ((DESKTOP, "desktop"), (PHONE, "phone")):
        page = opened(browser, server, size, bypass_csp=True)
        page.add_script_tag(path=script)
        found: dict[str, set[str]] = {}

        def look(where: str, page: Page = page, found: dict[str, set[str]] = found) -> None:
            for theme in ("dark", "light"):
                page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
                for each in page.evaluate("axe.run()")["violations"]:
                    targets = {str(node["target"]) for node in each["nodes"]}
                    found.setdefault(f"{each['impact']}: {each['id']}", set()).update(
                        f"{where}, {theme}: {target}" for target in targets
                    )

        look("welcome")
        finished(page)
        look("versions")
        for mode in ("slider", "side"):
            page.click(f"label:has([value={mode}])")
            look(mode)
        page.click("#help")
        look("help")
        say(f"axe-core, {words}", "no violation" if not found else "; ".join(sorted(found)))
        for kind, places in found.items():
            print(kind, *sorted(places), sep="\n  ")
        page.context.close()


def shots(browser: Browser, server: Server, folder: Path) -> None:
    def save(page: Page, name: str) -> None:
        settle(page)
        Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(
            folder / f"{name}.webp", quality=82, method=6
        )

    for theme in ("dark", "light"):
        page = opened(browser, server, DESKTOP, color_scheme=theme)
        add(page, *(chelsea(name=f"{name}.jpg") for name in ("chelsea", "chelsea-2", "chelsea-3")))
        previewed(page)
        turn_dial(page, 0.2)
        page.click("#go")
        done(page, 3)
        save(page, f"page_slider_{theme}")
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        save(page, f"page_phone_{theme}")
        page.context.close()
    page = opened(browser, server, DESKTOP, color_scheme="dark")
    finished(page)
    save(page, "page_versions_dark")
    page.context.close()


PARTS = {
    each.__name__: each for each in (load, preview, dial, queue, throttled, throttled_queue, large, wide)
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="*", default=list(PARTS), choices=[*PARTS])
    parser.add_argument("--axe", type=Path)
    parser.add_argument("--shots", type=Path)
    arguments = parser.parse_args()

    def say(what: str, figure: str) -> None:
        print(f"| {what} | {figure} |", flush=True)

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        server = Server(Path(folder))
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            for name in arguments.only:
                PARTS[name](browser, server, say)
            if arguments.axe:
                axe(browser, server, say, arguments.axe)
            if arguments.shots:
                shots(browser, server, arguments.shots)
        finally:
            browser.close()
            server.stop()


if __name__ == "__main__":
    main()
