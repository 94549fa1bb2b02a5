"""What is refused, and that nothing of it stays."""

import asyncio
import base64
import errno
import hashlib
import hmac
import json
import random
import socket
import struct
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import unquote

import httpx
import pytest
from starlette.datastructures import UploadFile

from leapsr.errors import OutputError, UsageError
from leapsr.serve import work
from leapsr.serve.config import Limits, limits_of
from leapsr.serve.guard import HEADERS, Tokens
from leapsr.serve.server import Protocol
from leapsr.serve.uploads import clean_name
from tests.serve.conftest import SECONDS, encoded


def files_of(served):
    return {path.name for folder in ("files", "uploads") for path in (served.folder / folder).iterdir()}


@pytest.fixture(autouse=True)
def nothing_is_left(request):
    """Whatever a test sends that is refused leaves no file, and the server goes on."""
    if "served" not in request.fixturenames:
        yield
        return
    served = request.getfixturevalue("served")
    before = files_of(served)
    yield
    assert served.http.get("/health").json() == {"status": "ok"}
    until = time.monotonic() + 10
    while files_of(served) != before and time.monotonic() < until:  # some go after the answer
        time.sleep(0.02)
    assert files_of(served) == before


def problem(answer):
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert found["status"] == answer.status_code
    return found


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"scale": 0.5}, "scale is how many times larger"),
        ({"scale": 2, "width": 100}, "Give one size, not scale and width"),
        ({"fidelity": 1.5}, "fidelity is from 0 (most detail) to 1"),
        ({"model": "leap-large"}, "There is no model 'leap-large'"),
        ({"model": "../../etc"}, "There is no model '../../etc'"),
        ({"steps": 2}, "restores in one step"),
        ({"steps": 65}, "steps can be at most 64 here"),
        ({"steps": "x"}, "steps: "),
        ({"quality": 0}, "quality: "),
        ({"samples": 99}, "samples is from 1 to 8 here"),
        ({"denoise": 0.5}, "no control over noise"),
        ({"colour": "red"}, "colour: extra inputs are not permitted."),
        ({"format": "bmp"}, "format: "),
        ({"long_side": 40_000}, "at most 30000 a side"),
        ({"width": 29_000, "format": "webp"}, "WEBP ends at 16383"),
        ({"webhook": "http://localhost:9/"}, "there are none"),
        ({"seed": 10**30}, "seed: "),
    ],
)
def test_settings_that_cannot_work(served, fields, words):
    found = problem(served.post(encoded(), **fields))
    assert found["status"] in (413, 422)
    assert words in found["detail"]


def test_a_form_must_be_one(served):
    assert (
        problem(served.http.post("/v1/requests", data={"scale": "2"}))["detail"] == "image: field required."
    )
    assert problem(served.http.post("/v1/requests", content=b"x"))["status"] == 422
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    assert problem(served.http.post("/v1/requests", content=b"no boundary", headers=broken))["status"] in (
        400,
        422,
    )
    many = [("image", ("a.png", encoded())) for _ in range(2)]
    assert problem(served.http.post("/v1/requests", files=many))["status"] == 400
    long = {"model": "m" * 5000}
    assert problem(served.post(encoded(), **long))["status"] == 400


def bomb(height, width):
    """A PNG of a few bytes that says it is this large."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 10_000_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("height", "width"), [(2**31 - 1, 2**31 - 1), (40_000, 10), (20_000, 20_000), (0, 5)]
)
def test_giant_pictures_are_refused_by_their_header(served, height, width):
    found = problem(served.post(bomb(height, width)))
    assert found["status"] in (413, 422)
    assert str(served.folder) not in found["detail"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\win.ini", "win.ini"),
        ("/etc/cron.d/x.png", "x.png"),
        ("a\0b\r\nSet-Cookie: x=1.png", "abSet-Cookie x=1.png"),
        ("..", "photo"),
        ("", "photo"),
        (None, "photo"),
        ("née 東京.jpg", "née 東京.jpg"),
        ("C:evil<script>.png", "Cevilscript.png"),
    ],
)
def test_names_lose_what_no_file_name_holds(given, kept):
    assert clean_name(given) == kept


def test_long_names_are_cut():
    assert len(clean_name("ä" * 1000 + ".png").encode()) <= 200


@pytest.mark.parametrize(
    "name", ["../../../tmp/leapsr-evil.png", "..%2f..%2fevil.png", "x" * 5000 + ".png", "\u202egnp.exe"]
)
def test_a_name_leads_nowhere(served, name):
    answer = served.post(encoded(), name, path="/v1/images/upscale")
    if len(name) > 4096:  # longer than any part of a form may say
        assert problem(answer)["status"] == 400
        return
    assert answer.status_code == 200
    kept = unquote(answer.headers["content-disposition"])
    assert "/" not in kept.removeprefix("attachment; filename*=utf-8''")
    assert not kept.endswith(('"..', "''.."))
    assert kept.rstrip('"').endswith("_x4.png")


def test_a_type_is_known_by_content_not_by_name(served):
    answer = served.post(encoded(kind="JPEG"), "a.png", path="/v1/images/upscale")
    assert answer.headers["content-type"] == "image/jpeg"
    assert problem(served.post(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.png"))["status"] == 422
    assert problem(served.post(b"GIF89a", "a.gif"))["status"] == 422
    assert problem(served.post(b"", "a.gif"))["detail"] == "a.gif is empty (0 bytes); get it again."


def test_mutated_files_never_break_the_server(served):
    """A few of those of benchmarks/serve_load.py."""
    draw = random.Random(0)
    for kind in ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF"):
        data = bytearray(encoded(kind=kind))
        for _ in range(6):
            for _ in range(draw.randint(1, 8)):
                data[draw.randrange(len(data))] = draw.randrange(256)
            answer = served.post(bytes(data), f"a.{kind.lower()}", path="/v1/images/upscale")
            assert answer.status_code in (200, 413, 422), (kind, answer.text)
            if answer.status_code != 200:
                assert str(served.folder) not in problem(answer)["detail"]


def raw(served, data, seconds=10.0):
    """What a server answers to these bytes, until it closes."""
    host, port = served.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=seconds) as connection:
        for part in data:
            connection.sendall(part)
        found = b""
        while more := connection.recv(65536):
            found += more
    return found


HEAD = b"POST /v1/requests HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"


PART = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'


@pytest.mark.parametrize(
    "head",
    [
        HEAD
        + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /secret HTTP/1.1\r\n\r\n",
        HEAD + b"Content-Length: 4\r\nContent-Length: 40\r\n\r\nabcd",
        HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: +4\r\n\r\nabcd",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ],
)
def test_smuggled_and_broken_heads(served, head):
    found = raw(served, [head])
    assert found == b"" or found.startswith(
        (b"HTTP/1.1 400", b"HTTP/1.1 431", b"HTTP/1.1 404", b"HTTP/1.1 421")
    ), found
    assert found.count(b"HTTP/1.1") <= 1


def test_half_closed_and_dropped_connections(served):
    host, port = served.address.removeprefix("http://").split(":")
    body = PART + encoded()
    for end in (socket.SHUT_WR, None):
        connection = socket.create_connection((host, int(port)), timeout=10)
        connection.sendall(HEAD + b"Content-Length: 100000\r\n\r\n" + body)
        if end is not None:
            connection.shutdown(end)
            connection.settimeout(10)
            connection.recv(65536)
        connection.close()
    time.sleep(0.3)


def test_slow_clients_are_let_go(start):
    with start(idle_seconds=1, upload_seconds=2) as served:
        before = files_of(served)
        assert raw(served, [b"GET /health HTTP/1.1\r\nHost: loc"]) == b""  # no complete head
        found = raw(served, [HEAD + b"Content-Length: 1000\r\n\r\n--x"])
        assert b"HTTP/1.1 408" in found
        assert b"The upload is too slow" in found

        def drops(start):
            yield start
            for _ in range(50):  # a byte now and then does not help
                time.sleep(0.2)
                yield b"-"

        for head in (b"GET / HTTP/1.1\r\nX: ", HEAD + b"Content-Length: 1000\r\n\r\n" + PART, HEAD + b"\r\n"):
            begun = time.monotonic()
            with suppress(ConnectionError):
                raw(served, drops(head))
            assert time.monotonic() - begun < 9
        assert files_of(served) == before
        assert served.http.get("/health").status_code == 200


def test_uploads_that_are_too_large(start):
    with start(upload_bytes=100_000) as served:
        found = problem(served.post(b"x" * 200_000))
        assert (found["status"], found["code"]) == (413, "TooLarge")

        def chunks():
            yield PART
            for _ in range(30):
                yield b"x" * 10_000

        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        try:
            answer = served.http.post("/v1/requests", content=chunks(), headers=headers)
        except httpx.WriteError:  # it has closed already
            pass
        else:
            assert problem(answer)["status"] == 413
        request_id = served.done(encoded())["id"]
        large = {"left": 0, "top": 0, "width": 5, "height": 5, "model": "m" * 70_000}
        assert problem(served.http.post(f"/v1/requests/{request_id}/region", json=large))["status"] == 413


def test_a_full_queue(start):
    with start(waiting_of_client=3, waiting=5) as served:
        slow = [served.post(encoded(300, 300)).json()["id"] for _ in range(3)]
        answer = served.post(encoded())
        assert (problem(answer)["status"], answer.headers["retry-after"]) == (429, "30")
        for request_id in slow:
            served.http.delete(f"/v1/requests/{request_id}")
        assert served.done(encoded())["status"] == "done"


def test_trying_again_needs_room_too(start):
    with start(waiting_of_client=2) as served:
        first = served.post(encoded(900, 900)).json()["id"]
        served.http.put(f"/v1/requests/{first}/cancel")
        others = [served.post(encoded(900, 900)).json()["id"] for _ in range(2)]
        assert problem(served.http.post(f"/v1/requests/{first}/retry"))["status"] == 429
        for request_id in others:
            served.http.delete(f"/v1/requests/{request_id}")
        assert served.http.post(f"/v1/requests/{first}/retry").status_code == 200


def test_those_who_come_at_once_share_the_last_place(start):
    with start(waiting=2) as served, ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda _: served.post(encoded(600, 600)).status_code, range(12)))
        assert sorted(answers) == [201] * 2 + [503] * 10


def test_a_database_or_a_form_without_room_is_a_507(start, monkeypatch):
    with start() as served:
        store = served.service.store

        def limited(pages):
            asyncio.run(store.run(lambda: store._database.execute(f"PRAGMA max_page_count = {pages}")))

        limited(1)
        long = "x" * 100
        answers = [served.post(encoded(), f"{long}{n}.png", format="png") for n in range(40)]
        full = [problem(answer) for answer in answers if answer.status_code != 201]
        assert {(each["status"], each["code"]) for each in full} == {(507, "DiskFull")}
        limited(1 << 30)
        for each in served.http.get("/v1/requests").json()["requests"]:
            assert served.wait(each["id"])["status"] == "done"
        before = files_of(served)

        async def fails(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(UploadFile, "write", fails)
        found = problem(served.post(encoded()))
        assert (found["status"], found["code"]) == (507, "DiskFull")
        assert files_of(served) == before


def taken_after_a_pause(served, size):
    """Bytes that come of a result of that size to who takes none for longer than a client may."""
    request_id = served.done(encoded())["id"]
    (served.folder / "files" / request_id / "result.png").write_bytes(bytes(size))
    host, port = served.address.removeprefix("http://").split(":")
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(SECONDS)
        connection.connect((host, int(port)))
        path = f"/v1/requests/{request_id}/result"
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        time.sleep(4)
        taken = 0
        with suppress(ConnectionError):
            while more := connection.recv(1 << 20):
                taken += len(more)
    return taken


def test_a_client_that_takes_nothing_is_let_go(start):
    with start(idle_seconds=1) as served:
        size = 64 << 20  # more than the buffers of any connection
        assert taken_after_a_pause(served, size) < size


def test_a_client_that_takes_all_but_the_tail_is_let_go(start, monkeypatch):
    made = Protocol.connection_made

    def connected(self, transport):  # to buffers that hold less than the answer
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        made(self, transport)

    monkeypatch.setattr(Protocol, "connection_made", connected)
    with start(idle_seconds=1) as served:
        size = 60_000  # which the server need not wait to write
        assert 0 < taken_after_a_pause(served, size) < size


def test_a_full_disk_is_a_507_and_leaves_nothing(start, monkeypatch):
    with start() as served:
        request_id = served.done(encoded())["id"]
        before = files_of(served)
        monkeypatch.setattr(served.service.store, "free_bytes", lambda: 1000)
        found = problem(served.post(encoded()))
        assert (found["status"], found["code"]) == (507, "DiskFull")
        assert files_of(served) == before
        assert served.http.get(f"/v1/requests/{request_id}/result").status_code == 200


def test_ids_lead_to_nothing_else(served):
    for request_id in ("..", "%2e%2e", "..%2f..%2frequests.sqlite3", "a" * 24, "'; DROP TABLE requests; --"):
        answer = served.http.get(f"/v1/requests/{request_id}/result")
        assert answer.status_code in (404, 405), answer.text


def test_what_browsers_are_told(served):
    answer = served.http.get("/v1/models")
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert "access-control-allow-origin" not in answer.headers
    assert "server" not in answer.headers
    for headers in ({"Origin": "https://example.com"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        assert problem(served.http.get("/v1/requests", headers=headers))["code"] == "OtherOrigin"
    own = {"Origin": served.address, "Sec-Fetch-Site": "same-origin"}
    assert served.http.get("/v1/requests", headers=own).status_code == 200
    for host in ("example.com", "127.0.0.1.example.com:80", ""):
        assert served.http.get("/v1/models", headers={"Host": host}).status_code in (400, 421)


def test_browsers_see_their_own_requests(served):
    with httpx.Client(base_url=served.address, headers={"Sec-Fetch-Site": "same-origin"}) as browser:
        assert browser.get("/v1/requests").json() == {"requests": [], "next": None}
        assert "HttpOnly" in browser.get("/v1/requests", headers={"Cookie": ""}).headers.get(
            "set-cookie", "HttpOnly"
        )
        mine = browser.post("/v1/requests", files={"image": ("a.png", encoded())}).json()["id"]
        assert [each["id"] for each in browser.get("/v1/requests").json()["requests"]] == [mine]
        others = served.http.get("/v1/requests").json()["requests"]
        assert mine not in [each["id"] for each in others]
        browser.delete(f"/v1/requests/{mine}")


def test_tokens(start, tmp_path):
    path = tmp_path / "tokens"
    ann, bob = Tokens.add(path, "ann"), Tokens.add(path, "bob")
    assert ann not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    with start(tokens=Tokens.read(path)) as served:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {ann}"}):
            answer = served.http.get("/v1/requests", headers=headers)
            assert (problem(answer)["status"], answer.headers["www-authenticate"]) == (401, "Bearer")
        assert problem(served.post(b"x" * 1000))["status"] == 401
        both = b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\n"
        assert raw(served, [HEAD + both + b"Host: localhost\r\n\r\n"]).count(b"HTTP/1.1") == 1
        assert served.http.get("/health").status_code == 200
        as_ann, as_bob = ({"Authorization": f"Bearer {token}"} for token in (ann, bob))
        request_id = served.post(encoded(), headers=as_ann).json()["id"]
        assert served.http.get(f"/v1/requests/{request_id}", headers=as_ann).status_code == 200
        assert served.http.get(f"/v1/requests/{request_id}", headers=as_bob).status_code == 404
        assert served.http.get(f"/v1/archive?ids={request_id}", headers=as_bob).status_code == 404
        assert problem(served.http.post("/v1/session", json={"token": "wrong"}))["status"] == 401
        cookie = served.http.post("/v1/session", json={"token": ann}).headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert served.http.get(f"/v1/requests/{request_id}").status_code == 200
        served.http.cookies.clear()
        for _ in range(30):
            answer = served.http.get("/v1/requests", headers={"Authorization": "Bearer guess"})
        assert answer.status_code == 429
        assert served.http.post("/v1/session", json={"token": "guess"}).status_code == 429
        assert served.http.post("/v1/session", json={"token": bob}).status_code == 204
        served.http.cookies.clear()
        assert served.http.get("/v1/requests", headers=as_ann).status_code == 200  # from the same address


def test_a_full_queue_of_one_token_keeps_out_no_other(start, tmp_path):
    ann, bob = (Tokens.add(tmp_path / "tokens", name) for name in ("ann", "bob"))
    with start(tokens=Tokens.read(tmp_path / "tokens"), waiting_of_client=1) as served:
        as_ann, as_bob = ({"Authorization": f"Bearer {token}"} for token in (ann, bob))
        assert served.post(encoded(500, 500), headers=as_ann).status_code == 201
        assert served.post(encoded(), headers=as_ann).status_code == 429
        assert served.post(encoded(), headers=as_bob).status_code == 201


def test_names_of_the_server_in_any_spelling(start):
    with start(hosts=("Photos.Example.COM", "::1", "[fe80::A]")) as served:
        taken = "photos.example.com", "PHOTOS.example.com.:8000", "[::1]:80", "[0:0::1]", "[FE80::a]:1"
        for host in taken:
            assert served.http.get("/v1/limits", headers={"Host": host}).status_code == 200, host
        own = {"Host": "photos.example.com", "Origin": "https://PHOTOS.example.com"}
        assert served.http.get("/v1/requests", headers=own).status_code == 200
        for host in ("example.com", "[::2]", "photos.example.com.evil.org", "127.0.0.1"):
            assert problem(served.http.get("/v1/limits", headers={"Host": host}))["status"] == 421, host


def test_token_files_that_are_none(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        Tokens.read(tmp_path / "none")
    (tmp_path / "bad").write_text("ann:secret\n")
    with pytest.raises(UsageError, match="no name:hash"):
        Tokens.read(tmp_path / "bad")
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(UsageError, match="everybody would be let in"):
        Tokens.read(tmp_path / "empty")
    Tokens.add(tmp_path / "empty", "ann")
    assert Tokens.read(tmp_path / "empty")
    with pytest.raises(UsageError, match="A name is"):
        Tokens.add(tmp_path / "new", "a b")


def test_limits_by_name():
    assert limits_of(["upload_bytes=5e6", "keep_seconds=60"]) == Limits(
        upload_bytes=5_000_000, keep_seconds=60.0
    )
    for text, words in (
        ("uploads=3", "upload_bytes"),
        ("steps=x", "is a number"),
        ("steps=0", "more than 0"),
    ):
        with pytest.raises(UsageError, match=words):
            limits_of([text])


@contextmanager
def receiving(answers):
    """A webhook that answers with these, then with 204; its host, and the heads and bodies that it got."""
    told = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(answers.pop(0) if answers else 204)
            self.end_headers()
            told.append((self.headers, body))

        def log_message(self, *_):
            pass

    receiver = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=receiver.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{receiver.server_port}", told
    finally:
        receiver.shutdown()
        thread.join()
        receiver.server_close()


def until(condition):
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_webhook_is_signed(start):
    with (
        receiving([]) as (host, told),
        start(webhook_hosts=(host.replace("127", "LOCAL"), host), webhook_secret=b"secret") as served,
    ):
        for address in ("127.0.0.1:1/", f"{host}@example.com/", f"{host}/ä", f"{host}/ x"):
            other = f"http://{address}"
            assert problem(served.post(encoded(), webhook=other))["code"] == "WebhookRefused"
        status = served.done(encoded(), webhook=f"http://{host}/hook")
        until(lambda: told)
    ((headers, body),) = told
    found = json.loads(body)
    assert (found["type"], found["data"]["id"]) == ("request.done", status["id"])
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = base64.b64encode(hmac.digest(b"secret", signed, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{digest}"


def test_each_end_has_an_id_and_its_deliveries_keep_it(start, monkeypatch):
    monkeypatch.setattr("leapsr.serve.webhook.PAUSES", (0.0, 0.1, 0.1))
    with (
        receiving([500, 503]) as (host, told),
        start(webhook_hosts=(host,), webhook_secret=b"secret") as served,
    ):
        status = served.done(encoded(200, 200)[:-3000], "cut.png", webhook=f"http://{host}/")
        until(lambda: len(told) == 3)
        served.http.post(f"/v1/requests/{status['id']}/retry")
        until(lambda: len(told) == 4)
    ids = [headers["webhook-id"] for headers, _ in told]
    assert len(set(ids[:3])) == 1
    assert ids[3] != ids[0]
    assert len({body for _, body in told[:3]}) == 1
    assert {json.loads(body)["type"] for _, body in told} == {"request.failed"}


def test_errors_name_no_folder_of_the_server(tmp_path):
    output = tmp_path / "result.png"
    with pytest.raises(OutputError) as told, work._called("a.png", tmp_path / "source.png", output):
        raise OutputError(f"{tmp_path / 'result_s1.png'} cannot be written, beside {output}.")
    assert str(told.value) == "result_s1.png cannot be written, beside a.png."
