"""A short run of the fuzzer, and that it sees what it looks for. The long one: tests/fuzz/run.py --help."""

import sys
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

import pytest

from leapsr.pictures import picture as pictures
from leapsr.pictures.picture import load
from tests.fuzz import mutations, run, seeds, worker
from tests.fuzz.layouts import LAYOUTS
from tests.fuzz.worker import Batch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="watches its process through /proc")

SHORT = 120
SEVERAL = {(kind, "animated") for kind in seeds.MAKERS} | {("tiff", "pages"), ("dng", "without colours")}
"""Those that are refused: several pictures, or colours that nobody knows."""
WITHOUT_SIDES = "big"
"""A BigTIFF, of which the layout of a TIFF says little."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run.make_model(tmp_path_factory.mktemp("fuzz") / "model")


@pytest.fixture(scope="module")
def process(model: Path) -> Iterator[run.Worker]:
    started = run.Worker(model)
    yield started
    started.stop()


@pytest.mark.parametrize("kind", seeds.MAKERS)
def test_damaged_files(process: run.Worker, kind: str) -> None:
    found = run.fuzz(process, kind, SHORT, seed=0)
    assert found.failing == []
    assert found.files == SHORT
    assert found.counts["done"] + found.counts["copied"] > 5  # RAW photos are larger than what is asked for
    assert found.counts["failed"] > 20


@pytest.mark.parametrize("kind", seeds.MAKERS)
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_the_seeds_are_good_files(kind: str) -> None:
    for name, data in seeds.make(kind).items():
        if (kind, name) not in SEVERAL:
            assert load(data).size in ((8, 8), (24, 24), (32, 24), (24, 32), (48, 64)), name


@pytest.mark.parametrize("kind", seeds.MAKERS)
def test_the_layouts_know_their_files(kind: str) -> None:
    for name, data in seeds.make(kind).items():
        found = LAYOUTS[kind](data)
        assert b"".join(found.parts(data)) == data
        assert len(found.parts(data)) >= 2, name
        assert found.lengths, name
        assert name == WITHOUT_SIDES or any(number.of(data) for number in found.sides), name


def test_the_same_number_makes_the_same_files() -> None:
    whole = seeds.make("png")
    assert mutations.mutated("png", whole, Random(7)) == mutations.mutated("png", whole, Random(7))
    assert len({mutations.mutated("png", whole, Random(i))[0] for i in range(200)}) > 150


HARMFUL = b"# do this: "


def serve_harmfully(connection: Connection, model: Path) -> None:
    """As worker.serve, but a file that holds Python does it as soon as it is looked at."""
    measure = pictures.measure

    def obey(source: pictures.Source) -> tuple[int, int]:
        data = Path(str(source)).read_bytes()
        if data.startswith(HARMFUL):
            exec(data.removeprefix(HARMFUL))
        return measure(source)

    pictures.measure = obey
    worker.serve(connection, model)


@pytest.fixture(scope="module")
def harmed(model: Path) -> Iterator[run.Worker]:
    started = run.Worker(model, serve_harmfully)
    yield started
    started.stop()


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        ("import os; os.write(2, b'TIFFReadDirectory: Warning')", "a native library wrote"),
        ("raise RuntimeError('unforeseen')", "exit code RuntimeError('unforeseen')"),
        ("import sys; print('hello', file=sys.stderr)", "unexpected lines: ['hello']"),
        ("import warnings; warnings.warn('hello')", "unexpected lines"),
        ("import os; os.makedirs('out'); open('out/half', 'w').close()", "files that differ"),
        ("open('in/000001.png', 'w').close()", "was changed"),
        ("open('in/.part', 'w').close()", "other files beside the sources"),
        ("import os; os._exit(3)", "the process died with exit code 3"),
        ("while True: pass", "no answer within 2 s"),
        ("import time; time.sleep(60)", "no answer within 2 s"),
    ],
)
def test_what_goes_wrong_is_seen(
    harmed: run.Worker, monkeypatch: pytest.MonkeyPatch, harm: str, says: str
) -> None:
    good = seeds.make("png")["RGB"]
    assert harmed.run(Batch("png", ["000000.png"], [good])).problems == []
    monkeypatch.setattr(run, "PATIENCE", 2.0)
    monkeypatch.setattr(run, "ASLEEP", 2)
    batch = Batch("png", ["000000.png", "000001.png"], [HARMFUL + harm.encode(), good])
    assert says in "; ".join(harmed.run(batch).problems)
