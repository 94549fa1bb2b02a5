"""The queue, from a photo that is sent to a result that is taken."""

import asyncio
import base64
import io
import json
import time
import zipfile

import httpx
import pytest
from PIL import ExifTags, Image
from starlette.background import BackgroundTask
from typer.testing import CliRunner

from leapsr.cli.main import app
from leapsr.serve import routes_of_requests
from leapsr.serve.downloads import StoredFile
from leapsr.serve.problems import Problem
from leapsr.serve.processes import Cancelled
from tests.serve.conftest import SECONDS, decoded, encoded


def by_the_command_line(folder, model, data, name, *options):
    """The name and the bytes of what `leapsr upscale` makes."""
    source = folder / "in" / name
    source.parent.mkdir(exist_ok=True)
    source.write_bytes(data)
    out = folder / "out"
    out.mkdir()
    done = CliRunner().invoke(
        app, ["upscale", str(source), "-o", str(out), "-n", str(model), "--device", "cpu", *options]
    )
    assert done.exit_code == 0, done.output
    return {path.name: path.read_bytes() for path in out.iterdir() if not path.name.startswith(".")}


def with_metadata(kind):
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Tester"
    exif[ExifTags.Base.Orientation] = 6
    return encoded(kind=kind, exif=exif, dpi=(300, 300))


@pytest.mark.parametrize(
    ("name", "kind", "fields", "options"),
    [
        ("photo.jpg", "JPEG", {}, ""),
        ("Photo.JPEG", "JPEG", {"scale": 2.5, "quality": 80}, "-s 2.5 -q 80"),
        ("a b.png", "PNG", {"width": 111, "fidelity": 0.2, "seed": 7}, "--width 111 --fidelity 0.2 --seed 7"),
        ("c.bmp", "BMP", {"long_side": 90, "format": "webp"}, "--long-side 90 -f webp"),
        ("d.tif", "TIFF", {"strip_metadata": True, "denoise": "auto"}, "--strip-metadata"),
    ],
)
def test_a_result_equals_that_of_the_command_line(served, tiny_model, tmp_path, name, kind, fields, options):
    data = encoded(kind=kind) if kind == "BMP" else with_metadata(kind)
    wanted = by_the_command_line(tmp_path, tiny_model, data, name, *options.split())
    status = served.done(data, name, **fields)
    assert status["status"] == "done", status
    result = served.http.get(f"/v1/requests/{status['id']}/result")
    assert wanted == {status["result"]["name"]: result.content}
    image = decoded(result.content)
    assert (status["result"]["width"], status["result"]["height"]) == image.size
    assert status["result"]["bytes"] == len(result.content)
    assert result.headers["content-type"] == f"image/{status['result']['format']}"


def test_samples_and_the_map_equal_those_of_the_command_line(served, tiny_model, tmp_path):
    data = encoded()
    wanted = by_the_command_line(
        tmp_path,
        tiny_model,
        data,
        "a.png",
        "--samples",
        "3",
        "--seed",
        "5",
        "--fidelity",
        "0",
        "--detail-map",
    )
    status = served.done(data, samples=3, seed=5, fidelity=0, detail_map=True)
    assert (status["result"]["samples"], status["result"]["detail_map"]) == (3, True)
    for sample in range(3):
        answer = served.http.get(f"/v1/requests/{status['id']}/result", params={"sample": sample})
        name = f"a_x4_s{5 + sample}.png"
        assert name in answer.headers["content-disposition"]
        assert answer.content == wanted[name]
    answer = served.http.get(f"/v1/requests/{status['id']}/result?sample=3")
    assert (answer.status_code, answer.json()["detail"]) == (404, "There are 3 results, counted from 0.")


def test_what_a_request_tells(served):
    answer = served.post(encoded(), "holiday.png", scale=2)
    assert answer.status_code == 201
    first = answer.json()
    assert answer.headers["location"] == f"/v1/requests/{first['id']}"
    assert first["status"] in ("queued", "running")
    assert first["result"] is None
    assert first["source"] == {"name": "holiday.png", "width": 37, "height": 24, "bytes": len(encoded())}
    status = served.wait(first["id"])
    assert status["progress"] == 1
    assert status["settings"]["model"] == "tiny"
    assert status["settings"]["scale"] == 2
    assert status["created"] < status["expires"]
    assert served.http.get(f"/v1/requests/{first['id']}/source").content == encoded()
    assert first["id"] in [each["id"] for each in served.http.get("/v1/requests").json()["requests"]]


def test_prefer_wait_answers_when_it_is_done(served):
    answer = served.post(encoded(), headers={"Prefer": "respond-async, wait=50"})
    assert (answer.status_code, answer.json()["status"]) == (201, "done")
    assert answer.headers["preference-applied"] == "wait=50"


def test_an_idempotency_key_gives_the_first_request_again(served):
    headers = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    first = served.post(encoded(), headers=headers)
    again = served.post(encoded(), headers=headers)
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["idempotent-replayed"] == "true"
    other = served.post(encoded(), headers=headers, scale=3)
    assert (other.status_code, other.json()["code"]) == (422, "KeyReused")
    assert len(list((served.folder / "files").iterdir())) == len(
        {entry["id"] for entry in served.http.get("/v1/requests").json()["requests"]}
    )


def test_an_idempotency_key_goes_with_its_request(served):
    headers = {"Idempotency-Key": "once, then again"}
    first = served.post(encoded(), headers=headers).json()["id"]
    assert served.http.delete(f"/v1/requests/{first}").status_code == 204
    again = served.post(encoded(), headers=headers)
    assert again.status_code == 201
    assert again.json()["id"] != first
    assert "idempotent-replayed" not in again.headers


def test_files_come_in_parts_and_only_when_new(served):
    path = f"/v1/requests/{served.done(encoded())['id']}/result"
    whole = served.http.get(path)
    size, etag = len(whole.content), whole.headers["etag"]
    head = served.http.head(path)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(size))
    part = served.http.get(path, headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, whole.content[5:10])
    assert served.http.get(path, headers={"Range": "lines=1-2"}).content == whole.content
    beyond = served.http.get(path, headers={"Range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.json()["code"]) == (416, "RangeNotSatisfiable")
    assert beyond.headers["content-range"] == f"bytes */{size}"
    stale = served.http.get(path, headers={"Range": f"bytes={size}-", "If-Range": '"x"'})
    assert (stale.status_code, stale.content) == (200, whole.content)
    known = served.http.get(path, headers={"If-None-Match": f'"x", W/{etag}'})
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", etag)
    assert served.http.get(path, headers={"If-None-Match": '"x"'}).status_code == 200
    assert served.http.head("/health").status_code == 200


def test_what_was_removed_meanwhile_is_not_there(served):
    request_id = served.done(encoded())["id"]
    (served.folder / "files" / request_id / "result.png").unlink()
    for path in (f"/v1/requests/{request_id}/result", f"/v1/archive?ids={request_id}"):
        answer = served.http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "NotFound")


def test_what_is_being_downloaded_does_not_expire(start):
    with start() as served:
        request_id = served.done(encoded())["id"]
        large = bytes(64 << 20)  # more than the buffers of any connection
        (served.folder / "files" / request_id / "result.png").write_bytes(large)

        def expire():
            asyncio.run(served.service.expire(keep=0.0))
            return served.http.get(f"/v1/requests/{request_id}").status_code

        with served.http.stream("GET", f"/v1/archive?ids={request_id}") as answer:
            parts = answer.iter_bytes(1000)
            data = next(parts)
            assert expire() == 200
            data += b"".join(parts)
        assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
        until(lambda: expire() == 404)


def test_an_archive_keeps_its_requests_before_it_begins(start, monkeypatch):
    with start() as served:
        service, find = served.service, served.service.find
        ids = [served.done(encoded())["id"] for _ in range(2)]

        async def found(*arguments):
            entry = await find(*arguments)
            await service.expire(keep=0.0)
            return entry

        monkeypatch.setattr(service, "find", found)
        assert served.http.get(f"/v1/archive?ids={ids[0]},{ids[1]}:0").status_code == 200
        assert served.http.get(f"/v1/archive?ids={ids[0]},none").status_code == 404
        until(lambda: not service._taken)


def test_events_tell_every_state_until_the_end(served):
    request_id = served.post(encoded(200, 200)).json()["id"]
    seen = []
    with served.http.stream("GET", f"/v1/requests/{request_id}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        kind = ""
        for line in answer.iter_lines():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                assert kind == "status"
                seen.append(json.loads(line.removeprefix("data: ")))
    assert seen[-1]["status"] == "done"
    assert seen[-1] == served.http.get(f"/v1/requests/{request_id}").json()
    assert [each["progress"] for each in seen] == sorted(each["progress"] for each in seen)


def test_cancel_retry_and_delete(served):
    slow = served.post(encoded(700, 700)).json()["id"]
    waits = served.post(encoded()).json()
    served.wait(slow, "running")
    for request_id in (waits["id"], slow):
        answer = served.http.put(f"/v1/requests/{request_id}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert served.http.get(f"/v1/requests/{slow}/result").status_code == 409
    assert served.http.post(f"/v1/requests/{waits['id']}/retry").json()["status"] in ("queued", "running")
    assert served.wait(waits["id"])["status"] == "done"
    for call in (served.http.put, served.http.post):
        verb = "cancel" if call == served.http.put else "retry"
        assert call(f"/v1/requests/{waits['id']}/{verb}").status_code == 409
    for request_id in (waits["id"], slow):
        assert served.http.delete(f"/v1/requests/{request_id}").status_code == 204
        assert served.http.get(f"/v1/requests/{request_id}").status_code == 404
        assert not (served.folder / "files" / request_id).exists()


def test_a_running_request_can_be_deleted(served):
    slow = served.post(encoded(700, 700)).json()["id"]
    served.wait(slow, "running")
    assert served.http.delete(f"/v1/requests/{slow}").status_code == 204
    time.sleep(0.3)
    assert not (served.folder / "files" / slow).exists()


def until(condition):
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_one_that_is_cancelled_as_it_begins_is_not_worked_on(start, monkeypatch):
    with start() as served:
        made, begin = [], served.service.store.begin
        monkeypatch.setattr(served.service, "_learn", lambda *_: made.append(1))

        def slow(request_id):
            entry = begin(request_id)
            time.sleep(0.5)
            return entry

        monkeypatch.setattr(served.service.store, "begin", slow)
        request_id = served.post(encoded(300, 300)).json()["id"]
        answer = served.http.put(f"/v1/requests/{request_id}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
        until(lambda: not served.service.running)
        assert served.done(encoded())["status"] == "done"
        assert made == [1]
        assert served.wait(request_id)["status"] == "cancelled"


def gives_up(served, path, height, width, **fields):
    """Send a photo, and go before the answer comes."""
    with pytest.raises(httpx.ReadTimeout), httpx.Client(base_url=served.address, timeout=SECONDS) as http:
        files = {"image": ("a.png", encoded(height, width))}
        timeout = httpx.Timeout(SECONDS, read=1.0)
        http.post(
            path, files=files, data={name: str(value) for name, value in fields.items()}, timeout=timeout
        )


def test_work_that_nobody_waits_for_any_more_ends(start, monkeypatch):
    with start() as served:
        ends, dial = [], served.service.instant.dial

        def watched(pool):
            call = pool.call

            async def called(*arguments, **how):
                try:
                    return await call(*arguments, **how)
                except BaseException as error:
                    ends.append(type(error))
                    raise

            monkeypatch.setattr(pool, "call", called)

        for pool in (dial, served.service.workers[0]):
            watched(pool)
        gives_up(served, "/v1/images/upscale", 900, 900)
        until(lambda: ends == [Cancelled])
        until(lambda: not list((served.folder / "files").iterdir()))
        gives_up(served, "/v1/preview", 900, 900, screen_width="8192", screen_height="8192")
        until(lambda: ends == [Cancelled] * 2)
        assert served.post(encoded(), path="/v1/preview").status_code == 200
        assert not list((served.folder / "files").iterdir())


def test_one_who_gives_up_a_preview_ends_no_process(start, monkeypatch):
    monkeypatch.setattr("leapsr.serve.processes.SECONDS_TO_CANCEL", 0.0)
    with start() as served:
        dial = served.service.instant.dial
        assert served.post(encoded(), path="/v1/preview").status_code == 200
        before = dial.pids
        gives_up(served, "/v1/preview", 900, 900, screen_width="8192", screen_height="8192")
        assert served.post(encoded(), path="/v1/preview").status_code == 200
        assert (dial.pids, dial.deaths) == (before, 0)


def test_a_broken_photo_is_refused_at_once_or_fails(served):
    answer = served.post(b"no picture", "a.jpg")
    assert answer.status_code == 422
    assert "a.jpg is not a picture that can be read" in answer.json()["detail"]
    cut = encoded(200, 200, "PNG")[:-3000]
    status = served.done(cut, "cut.png")
    assert status["status"] == "failed"
    assert status["error"]["detail"].startswith("cut.png is damaged or incomplete")
    assert status["error"]["status"] == 422


def test_an_archive_of_all_results(served):
    ids = [served.done(encoded(seed=seed), "same.png")["id"] for seed in (1, 2)]
    answer = served.http.get("/v1/archive", params={"ids": ",".join(ids)})
    assert int(answer.headers["content-length"]) == len(answer.content)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["same_x4.png", "same_x4 (2).png"]
        assert archive.read("same_x4.png") == served.http.get(f"/v1/requests/{ids[0]}/result").content
    assert served.http.get("/v1/archive", params={"ids": f"{ids[0]},nothing"}).status_code == 404


def as_webp(image):
    file = io.BytesIO()
    image.save(file, "WEBP", quality=90, method=0)
    return file.getvalue()


def test_a_region_has_the_pixels_of_the_whole(served):
    data = encoded(60, 80)
    whole = decoded(served.http.get(f"/v1/requests/{served.done(data, fidelity=0.3)['id']}/result").content)
    other = served.done(data)
    part = {"left": 8, "top": 4, "width": 20, "height": 16, "fidelity": 0.3}
    answer = served.http.post(f"/v1/requests/{other['id']}/region", json=part)
    assert answer.headers["content-type"] == "image/webp"
    assert answer.content == as_webp(whole.crop((32, 16, 112, 80)))
    answer = served.http.post(f"/v1/requests/{other['id']}/region", json=part | {"left": 70})
    assert (answer.status_code, "80 x 60 pixels" in answer.json()["detail"]) == (422, True)


@pytest.mark.parametrize(("screen", "size"), [((100, 100), (100, 65)), ((1000, 1000), (148, 96))])
def test_a_preview_fits_the_screen(served, screen, size):
    before = list((served.folder / "files").iterdir())
    fields = {"screen_width": screen[0], "screen_height": screen[1]}
    answer = served.post(encoded(), path="/v1/preview", **fields)
    assert decoded(answer.content).size == size
    assert list((served.folder / "files").iterdir()) == before


def test_nothing_but_the_photo_is_previewed_where_it_is_large_enough(served):
    data, fields = encoded(60, 90), {"long_side": 50, "fidelity": 0}
    whole = served.post(data, path="/v1/preview", **fields)
    assert whole.content == as_webp(decoded(data))
    screen = {"screen_width": 45, "screen_height": 45}
    small = served.post(data, path="/v1/preview", **fields, **screen)
    reduced = decoded(data).resize((45, 30), Image.Resampling.BICUBIC, reducing_gap=3.0)
    assert small.content == as_webp(reduced)


def test_a_region_of_a_result_that_was_copied_is_that_part_of_it(served):
    data = encoded(60, 90)
    copy = served.done(data, long_side=50)
    assert (copy["result"]["width"], copy["result"]["height"]) == (90, 60)
    part = {"left": 20, "top": 10, "width": 40, "height": 30, "fidelity": 0}
    answer = served.http.post(f"/v1/requests/{copy['id']}/region", json=part)
    assert answer.content == as_webp(decoded(data).crop((20, 10, 60, 40)))


def test_requests_are_listed_in_several_answers(start, monkeypatch):
    monkeypatch.setattr(routes_of_requests, "LISTED", 2)
    with start() as served:
        ids = [served.done(encoded(seed=seed))["id"] for seed in range(5)]
        found, before = [], {}
        while before is not None:
            answer = served.http.get("/v1/requests", params=before).json()
            assert len(answer["requests"]) <= 2
            found += [each["id"] for each in answer["requests"]]
            before = answer["next"] and {"before": answer["next"]}
        assert found == ids[::-1]
        assert served.http.get("/v1/requests?before=none").status_code == 404


def test_an_archive_of_all_that_is_done(start):
    with start() as served:
        first = served.done(encoded(), "first.png", samples=2)["id"]
        served.done(encoded(), "second.png", samples=2)
        failed = served.done(encoded(200, 200)[:-3000], "cut.png")
        assert failed["status"] == "failed"
        answer = served.http.get("/v1/archive", params={"all_done": True, "ids": f"{first}:1"})
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.namelist() == ["first_x4_s1.png", "second_x4_s0.png", "second_x4_s1.png"]
        assert served.http.get("/v1/archive").status_code == 404


def test_a_client_that_waits(served):
    before = served.http.get("/v1/requests").json()
    answer = served.post(encoded(kind="JPEG"), "a.jpg", "/v1/images/upscale", scale=3)
    assert answer.headers["content-type"] == "image/jpeg"
    assert 'filename="a_x3.jpg"' in answer.headers["content-disposition"]
    assert decoded(answer.content).size == (111, 72)
    ranged = served.post(
        encoded(kind="JPEG"), "a.jpg", "/v1/images/upscale", scale=3, headers={"Range": "bytes=99999999-"}
    )
    assert (ranged.status_code, ranged.content) == (200, answer.content)
    asked = served.post(
        encoded(kind="JPEG"), "a.jpg", "/v1/images/upscale", scale=3, headers={"Accept": "application/json"}
    ).json()
    assert base64.b64decode(asked["data"]) == answer.content
    assert (asked["name"], asked["width"], asked["media_type"]) == ("a_x3.jpg", 111, "image/jpeg")
    cut = served.post(encoded(200, 200)[:-3000], "cut.png", "/v1/images/upscale")
    assert (cut.status_code, cut.headers["content-type"]) == (422, "application/problem+json")
    assert served.http.get("/v1/requests").json() == before


def test_what_is_held_goes_even_where_its_file_is_gone(tmp_path):
    removed = []
    answer = StoredFile(tmp_path / "none.png", background=BackgroundTask(lambda: removed.append(1)))
    with pytest.raises(Problem):
        asyncio.run(answer({"type": "http", "method": "POST", "headers": []}, None, None))
    assert removed == [1]


def test_models_and_state(served):
    (model, *_) = [each for each in served.http.get("/v1/models").json()["models"] if each["is_default"]]
    assert (model["name"], model["scale"]) == ("tiny", 4)
    assert served.http.get("/health").json() == {"status": "ok"}
    assert served.http.get("/ready").status_code == 200
    assert 'leapsr_requests{status="done"}' in served.http.get("/metrics").text


def test_a_raw_photo_is_known_by_its_content(served):
    pytest.importorskip("rawpy", reason="developing needs rawpy")
    from tests.pictures import raws

    for name in ("photo.dng", "photo.nef", "photo.jpg"):
        status = served.done(raws.dng(), name)
        assert status["status"] == "done", status
        assert status["result"]["name"] == "photo_x4.png"
