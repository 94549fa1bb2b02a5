import threading

import pytest

from leapsr.batch.memory_limit import Room


def entered(room, size):
    """Whether somebody who comes now gets in at once; a thread waits on otherwise."""
    result = []
    thread = threading.Thread(target=lambda: result.append(room.enter(size)))
    thread.start()
    thread.join(0.1)
    return thread, result


def test_bytes_are_bounded():
    room = Room(places=10, size=100)
    assert room.enter(60)
    waiting, result = entered(room, 60)
    assert result == []
    room.leave(60)
    waiting.join(5)
    assert result == [True]


def test_places_are_bounded():
    room = Room(places=2, size=100)
    assert room.enter(1)
    assert room.enter(1)
    waiting, result = entered(room, 1)
    assert result == []
    room.leave(1)
    waiting.join(5)
    assert result == [True]


def test_one_that_is_too_large_has_the_room_to_itself():
    room = Room(places=10, size=100)
    assert room.enter(1)
    waiting, result = entered(room, 1000)
    assert result == []
    room.leave(1)
    waiting.join(5)
    assert result == [True]


@pytest.mark.parametrize("before", [True, False])
def test_closing_sends_everybody_away(before):
    room = Room(places=1, size=100)
    assert room.enter(1)
    if before:
        room.close()
    waiting, result = entered(room, 1)
    room.close()
    waiting.join(5)
    assert result == [False]
