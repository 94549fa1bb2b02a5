"""The examples for programs that use leapsr work as they stand."""

import io
import re
import sys

import pytest
from PIL import Image

from tests.conftest import REPOSITORY, picture_array


@pytest.fixture
def examples(monkeypatch):
    monkeypatch.syspath_prepend(REPOSITORY / "examples")
    yield
    for name in ("web_service", "task_queue"):
        sys.modules.pop(name, None)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_web_service(examples, photo):
    for needed in ("fastapi", "python_multipart", "httpx"):
        pytest.importorskip(needed, reason=f"the example for web services needs {needed}")
    from fastapi.testclient import TestClient
    from web_service import MOST_PIXELS, app

    file = io.BytesIO()
    photo.save(file, "PNG", dpi=(300, 300))
    with TestClient(app) as client:

        def post(data: bytes, **asked: object):
            return client.post("/upscale", files={"photo": ("a.png", data)}, params=asked)

        answer = post(file.getvalue(), fidelity=1)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
        with Image.open(io.BytesIO(answer.content)) as result:
            assert (result.format, result.size) == ("PNG", (148, 96))
            assert result.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        with Image.open(io.BytesIO(post(file.getvalue(), file_format="jpeg").content)) as result:
            assert (result.format, result.size) == ("JPEG", (148, 96))
        for data, asked, words in (
            (b"no picture", {}, "not a picture"),
            (file.getvalue(), {"file_format": "docx"}, "no format"),
        ):
            answer = post(data, **asked)
            assert answer.status_code == 422
            assert words in answer.json()["detail"]
        assert post(file.getvalue(), fidelity=2).status_code == 422
        large = io.BytesIO()
        Image.new("1", (3000, MOST_PIXELS // 3000 + 1)).save(large, "PNG")
        assert "at most 4,000,000 are accepted" in post(large.getvalue()).json()["detail"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_queue(examples, tmp_path, monkeypatch):
    pytest.importorskip("celery", reason="the example for task queues needs celery")
    monkeypatch.setenv("BROKER", "memory://")
    import task_queue

    import leapsr

    task_queue.app.conf.update(task_always_eager=True, task_store_eager_result=False, result_backend=None)
    Image.fromarray(picture_array(10, 12)).save(tmp_path / "a.png")
    done = task_queue.upscale.delay(str(tmp_path / "a.png"), str(tmp_path / "b.jpg"), scale=3)
    assert done.get() == str(tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as result:
        assert (result.format, result.size) == ("JPEG", (36, 30))
    failed = task_queue.upscale.delay(str(tmp_path / "none.png"), str(tmp_path / "c.jpg"))
    with pytest.raises(leapsr.ImageError, match="does not exist"):
        failed.get()


def test_the_program_of_the_documents(tmp_path, monkeypatch, photo):
    monkeypatch.chdir(tmp_path)
    photo.resize((80, 60)).save("photo.jpg")
    text = (REPOSITORY / "docs" / "programs.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    found: dict[str, object] = {}
    exec(compile(code.replace("width=3000", "width=300"), "programs.md", "exec"), found)
    found["upload"].close()
    with Image.open(found["answer"]) as result:
        assert (result.format, result.size) == ("PNG", (300, 225))
