"""The server is killed while raters vote: what it acknowledged is there."""

from pathlib import Path

import pytest

pytest.importorskip("uvicorn", reason="needs leapsr[serve]")

from benchmarks import study as simulation


def test_no_vote_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    report = simulation.load(raters=4, votes=12, kills=1, root=tmp_path)
    assert report["votes"] == report["acknowledged"] == 48
    assert report["lost or changed"] == 0
    assert set(report["strengths"]) == set(simulation.STRENGTHS)
