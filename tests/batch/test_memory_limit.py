import threading

import pytest

from leapsr.batch.memory_limit import MemoryLimit


def entered(limit, size):
    """Whether somebody who comes now gets in at once; a thread waits on otherwise."""
    result = []
    thread = threading.Thread(target=lambda: result.append(limit.acquire(size)))
    thread.start()
    thread.join(0.1)
    return thread, result


def test_bytes_are_bounded():
    limit = MemoryLimit(count=10, size=100)
    assert limit.acquire(60)
    waiting, result = entered(limit, 60)
    assert result == []
    limit.release(60)
    waiting.join(5)
    assert result == [True]


def test_places_are_bounded():
    limit = MemoryLimit(count=2, size=100)
    assert limit.acquire(1)
    assert limit.acquire(1)
    waiting, result = entered(limit, 1)
    assert result == []
    limit.release(1)
    waiting.join(5)
    assert result == [True]


def test_one_that_is_too_large_has_the_room_to_itself():
    limit = MemoryLimit(count=10, size=100)
    assert limit.acquire(1)
    waiting, result = entered(limit, 1000)
    assert result == []
    limit.release(1)
    waiting.join(5)
    assert result == [True]


@pytest.mark.parametrize("before", [True, False])
def test_closing_sends_everybody_away(before):
    limit = MemoryLimit(count=1, size=100)
    assert limit.acquire(1)
    if before:
        limit.close()
    waiting, result = entered(limit, 1)
    limit.close()
    waiting.join(5)
    assert result == [False]
