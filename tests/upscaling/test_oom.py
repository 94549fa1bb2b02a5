import subprocess
import sys
from pathlib import Path

import pytest
import torch

from leapsr import memory
from leapsr.errors import ImageError
from leapsr.upscaling import oom
from leapsr.upscaling.tiles import Extent

GIB = 1 << 30
COLOURS = oom.Cost(3, 3)


def with_smaller_tiles(run, tile, longest):
    """run(tile), begun anew with half the tile each time memory does not suffice."""
    while True:
        try:
            return run(tile)
        except (RuntimeError, MemoryError) as error:
            tile = oom.half_tile(error, min(tile or longest, longest), oom.SMALLEST_TILE)


@pytest.mark.parametrize(
    "error", [MemoryError(), torch.OutOfMemoryError("x"), RuntimeError("MPS backend out of memory")]
)
def test_half_the_tile_each_time(error):
    tried = []

    def run(tile):
        tried.append(tile)
        if tile > 64:
            raise error
        return "done"

    assert with_smaller_tiles(run, 500, 1000) == "done"
    assert tried == [500, 250, 125, 62]


def test_from_the_whole_picture():
    tried = []

    def run(tile):
        tried.append(tile)
        if not tile or tile > 300:
            raise MemoryError
        return tile

    assert with_smaller_tiles(run, 0, 1000) == 250
    assert tried == [0, 500, 250]


def test_a_tile_larger_than_the_picture_is_not_tried_twice():
    tried = []

    def run(tile):
        tried.append(tile)
        raise MemoryError

    with pytest.raises(ImageError, match="smallest tiles"):
        with_smaller_tiles(run, 1024, 100)
    assert tried == [1024, 50]


def test_other_errors_rise():
    def run(tile):
        raise RuntimeError(f"shape mismatch in tile {tile}")

    with pytest.raises(RuntimeError, match="shape mismatch"):
        with_smaller_tiles(run, 64, 64)


def test_room_is_counted_with_numbers():
    with pytest.raises(
        ImageError, match=r"20000 x 20000 pixels to 80000 x 80000 needs \d+\.\d GiB .* 8\.0 GiB"
    ):
        oom.check_memory(COLOURS, (20_000, 20_000), (80_000, 80_000), 9, 8 * GIB)
    oom.check_memory(COLOURS, (8_000, 8_000), (32_000, 32_000), 9, 4 * GIB)
    oom.check_memory(COLOURS, (20_000, 20_000), (80_000, 80_000), 9, None)


def test_depth_and_transparency_count():
    sizes = (1_000, 1_000), (4_000, 4_000), 9
    deep, clear = oom.Cost(6, 6), oom.Cost(8, 8)
    assert oom.needed(deep, *sizes) - oom.needed(COLOURS, *sizes) == 3 * 17_000_000
    assert oom.needed(clear, *sizes) - oom.needed(deep, *sizes) == 2 * 17_000_000
    assert oom.needed(clear, *sizes[:2], 50) > oom.needed(clear, *sizes)


def test_what_is_finished_is_kept(monkeypatch):
    """Of 3 x 4 tiles the sixth is too large for the memory; what is left goes on with smaller ones."""
    done, seen = torch.zeros(48, 64, dtype=torch.int), []

    def do(core):
        if core.top >= 16 and core.left >= 16 and core.width > 8:
            raise MemoryError
        core.of(done).add_(1)

    monkeypatch.setattr(oom, "SMALLEST_TILE", 8)
    for attempt in oom.Tiles(Extent(48, 64).whole, 16, 4, lambda *counts: seen.append(counts)):
        with attempt as core:
            do(core)
    assert (done == 1).all()
    assert seen[:5] == [(i, 12) for i in range(1, 6)]
    assert seen[-1] == (5 + 7 * 4, 5 + 7 * 4)


def test_tiles_grow_with_the_memory():
    sides = [oom.auto_tile(free, 50) for free in (-1, 0, GIB, 4 * GIB, 1000 * GIB)]
    assert sides == sorted(sides)
    assert sides[0] == oom.SMALLEST_TILE
    assert sides[-1] == oom.LARGEST_TILE
    assert oom.auto_tile(None, 50) >= oom.SMALLEST_TILE


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells")
def test_a_limit_on_the_address_space_is_known():
    """What `ulimit -v` leaves a process, which the system's free memory says nothing of."""
    script = (
        "import resource, torch\n"
        "from pathlib import Path\n"
        "from leapsr import memory\n"
        "used = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 28), resource.RLIM_INFINITY))\n"
        "print(memory.available(torch.device('cpu')))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (1 << 27) < int(done.stdout) <= (1 << 28)


def test_available_memory_is_plausible():
    free = memory.available(torch.device("cpu"))
    assert free is None or 1 << 20 < free < 1 << 50


def test_a_container_limit_counts(tmp_path, monkeypatch):
    (tmp_path / "memory.max").write_text("3000\n")
    (tmp_path / "memory.current").write_text("1000\n")
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    assert memory.available(torch.device("cpu")) == 2000
    (tmp_path / "memory.stat").write_text("anon 500\nfile 400\ninactive_file 300\nactive_file 100\n")
    assert memory.available(torch.device("cpu")) == 2400  # cached files are given up
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available(torch.device("cpu")) != 2000
