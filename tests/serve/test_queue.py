"""Who is next, and what the store remembers."""

import asyncio
from dataclasses import replace

import pytest

from leapsr.errors import OutputError
from leapsr.serve.queue import FairQueue
from leapsr.serve.store import Entry, KeyUsed, Store


def filled(waiting):
    queue = FairQueue()
    for request_id in waiting:
        queue.put(request_id[0], request_id)
    return queue


def emptied(queue):
    return [asyncio.run(queue.get())[1] for _ in range(len(queue))]


def test_clients_take_turns():
    assert emptied(filled(["a1", "a2", "a3", "b1", "c1", "b2"])) == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_positions_are_those_that_come_true():
    waiting = ["a1", "a2", "a3", "b1", "c1", "b2", "c2", "c3"]
    for taken in range(4):
        queue = filled(waiting)
        for _ in range(taken):
            asyncio.run(queue.get())
        told = {each: queue.position(each[0], each) for each in waiting}
        for place, request_id in enumerate(emptied(queue)):
            assert told[request_id] == place


def test_one_that_is_removed_or_put_first():
    queue = filled(["a1", "a2", "b1"])
    queue.remove("a", "a1")
    queue.remove("b", "b9")
    queue.put("b", "b0", first=True)
    assert emptied(queue) == ["a2", "b0", "b1"]


@pytest.fixture
def store(tmp_path):
    opened = Store(tmp_path / "data")
    yield opened
    opened.close()


def entry(**values):
    return replace(Entry("owner", "127.0.0.1", {"seed": 0}, {"name": "a.png"}), **values)


def run(store, function, *arguments, **named):
    return asyncio.run(store.run(function, *arguments, **named))


def kept(store, *entries):
    for each in entries:
        store.place(each.id).mkdir()
        run(store, store.add, each)
    return entries


def test_an_entry_comes_back_as_it_was(store):
    (first,) = kept(store, entry(result={"width": 3}, held=True, webhook="https://example.com"))
    assert run(store, store.find, first.id) == first
    assert run(store, store.find, "nothing") is None


def test_a_second_server_is_refused(store):
    with pytest.raises(OutputError, match="another server works there"):
        Store(store.folder)


def test_recovering_puts_in_order_what_a_killed_server_left(store):
    waits, runs, done, held, lost = kept(
        store,
        entry(created=2.0),
        entry(status="running", created=1.0),
        entry(status="done"),
        entry(held=True),
        entry(),
    )
    store.place(lost.id).rmdir()
    (store.files / "stray").mkdir()
    assert [each.id for each in run(store, store.recover)] == [runs.id, waits.id]
    assert {path.name for path in store.files.iterdir()} == {waits.id, runs.id, done.id}
    for gone in (held, lost):
        assert run(store, store.find, gone.id) is None


def test_a_key_is_used_once(store):
    first = entry()
    run(store, store.add, first, "key", "print")
    with pytest.raises(KeyUsed) as used:
        run(store, store.add, entry(), "key", "other")
    assert (used.value.request_id, used.value.fingerprint) == (first.id, "print")
    run(store, store.add, entry(owner="somebody else"), "key", "print")
    assert run(store, store.counts) == {"queued": 2}


def test_a_change_happens_only_in_the_right_state(store):
    (one,) = kept(store, entry())
    assert run(store, store.begin, one.id).attempts == 1
    assert run(store, store.begin, one.id) is None
    assert run(store, store.update, one.id, ["queued"], status="cancelled") is None
    assert run(store, store.update, one.id, ["running"], status="done", ended=1.0).status == "done"


def test_what_ended_expires_by_age_then_by_size(store):
    old, large, small, waits = kept(
        store,
        entry(status="done", ended=1.0),
        entry(status="done", ended=2e10, bytes=60),
        entry(status="failed", ended=3e10, bytes=30),
        entry(bytes=50),
    )
    assert run(store, store.expire, 3600.0, 90, {old.id}) == []  # what waits does not count
    assert run(store, store.expire, 3600.0, 40) == [old.id, large.id]
    assert {path.name for path in store.files.iterdir()} == {small.id, waits.id}


def test_a_key_goes_with_its_request(store):
    (first,) = kept(store, entry())
    run(store, store.add, replace(first, id="keyed"), "key", "print")
    run(store, store.remove, "keyed")
    run(store, store.add, entry(), "key", "other")
    with pytest.raises(KeyUsed):
        run(store, store.add, entry(), "key", "other")


def test_each_end_is_told_once(store):
    (one,) = kept(store, entry(status="failed", ended=1.0, webhook="http://example.com"))
    assert [each.id for each in run(store, store.untold)] == [one.id]
    run(store, store.tell, one)
    assert run(store, store.untold) == []
    run(store, store.update, one.id, ["failed"], ended=2.0)
    run(store, store.tell, one)  # late, of the end before
    assert [each.ended for each in run(store, store.untold)] == [2.0]


def test_a_folder_of_an_older_server_is_taken_over(tmp_path):
    before = Store(tmp_path)
    run(before, before.add, entry(id="old"))
    run(before, lambda: before._database.execute("ALTER TABLE requests DROP COLUMN told"))
    (before.uploads / "left").write_bytes(b"x")
    before.close()
    now = Store(tmp_path)
    assert run(now, now.find, "old").told is None
    assert not list(now.uploads.iterdir())
    now.close()
