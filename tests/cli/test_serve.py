"""leapsr serve: what it says before it listens."""

import pytest
from typer.testing import CliRunner

from leapsr.cli.main import app
from leapsr.errors import UnknownName, UsageError

for needed in ("fastapi", "uvicorn", "prometheus_client", "zipstream", "pyvips"):
    pytest.importorskip(needed, reason=f"the server needs {needed}")


def serve(*options):
    return CliRunner().invoke(app, ["serve", *map(str, options)])


def test_a_token_is_shown_once_and_its_hash_kept(tmp_path):
    path = tmp_path / "tokens.txt"
    tokens = [serve("--tokens", path, "--new-token", name).output.strip() for name in ("ann", "bob")]
    names = [line.partition(":")[0] for line in path.read_text().splitlines()]
    assert names == ["ann", "bob"]
    assert all(len(token) > 40 and token not in path.read_text() for token in tokens)
    assert isinstance(serve("--new-token", "ann").exception, UsageError)


def test_what_cannot_work_is_said_at_once(tmp_path, monkeypatch):
    monkeypatch.delenv("LEAPSR_WEBHOOK_SECRET", raising=False)
    for options, kind in (
        (["--set", "uplod_bytes=3"], UnknownName),
        (["--set", "upload_bytes=many"], UsageError),
        (["--webhook-host", "example.com"], UsageError),
        (["--tokens", tmp_path / "none"], UsageError),
        (["--device", "cuda:77"], UsageError),
    ):
        assert isinstance(serve("--data", tmp_path / "data", *options).exception, kind), options
