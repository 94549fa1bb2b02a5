"""What is to be done, in folders, object stores and lists, and what is done already. Without Ray."""

import io
import json
import ntpath
import os
import uuid
from pathlib import Path, PureWindowsPath
from types import SimpleNamespace

import pytest
from PIL import Image

pytest.importorskip("fsspec", reason="needs Ray Data: pip install 'leapsr[ray]'")
pytest.importorskip("pandas", reason="needs Ray Data: pip install 'leapsr[ray]'")
pytest.importorskip("pyarrow", reason="needs Ray Data: pip install 'leapsr[ray]'")

import pandas
from fsspec.implementations.memory import MemoryFile

from leapsr.batch import sidecars
from leapsr.batch.options import Options
from leapsr.cluster import listing
from leapsr.cluster.ledger import Ledger, Result, described
from leapsr.cluster.listing import Photo, find
from leapsr.cluster.plan import DEFAULT, plan
from leapsr.cluster.store import Store, _stored, parse_options
from leapsr.errors import OutputError, UsageError
from tests.conftest import picture_array

RECIPE = {"model": "some", "scale": 4}


@pytest.fixture(params=["disk", "memory"])
def folder(request, tmp_path):
    """The address of an empty folder."""
    return str(tmp_path / "store") if request.param == "disk" else f"memory://{uuid.uuid4().hex}"


def fill(url, *names, content=b"x"):
    store = Store.open(url, {})
    for name in names:
        target = f"{store.root}/{name}"
        store.fs.makedirs(target.rpartition("/")[0], exist_ok=True)
        store.fs.pipe_file(target, content)
    return store


def photos(*arguments):
    return find(*arguments).photos


def names(found):
    return [photo.name for photo in found]


def test_photos_and_archives_of_a_folder(folder):
    fill(folder, "b.jpg", "a.PNG", "notes.pdf", ".hidden.png", "c.tar", "sub/d.webp", "@eaDir/e.jpg")
    assert names(photos([folder], False, None, {})) == ["a.PNG", "b.jpg", "c.tar"]
    assert names(photos([folder], True, None, {})) == ["a.PNG", "b.jpg", "c.tar", "sub/d.webp"]


def test_several_folders_keep_their_names(tmp_path):
    fill(str(tmp_path / "one"), "a.png")
    fill(str(tmp_path / "two"), "a.png")
    assert names(photos([str(tmp_path / "one"), str(tmp_path / "two")], False, None, {})) == [
        "one/a.png",
        "two/a.png",
    ]


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".txt"])
def test_a_list_names_photos_by_their_places(tmp_path, suffix):
    paths = ["x/1.jpg", str(tmp_path / "y" / "2.jpg")]
    file = tmp_path / f"list{suffix}"
    table = pandas.DataFrame({"id": [1, 2], "path": paths})
    if suffix == ".txt":
        file.write_text("\n".join(paths) + "\n")
    elif suffix == ".csv":
        table.to_csv(file)
    else:
        table.to_parquet(file)
    found = list(photos([str(file)], False, None, {}))
    assert names(found) == ["x/1.jpg", "y/2.jpg"]
    assert found[0].url == str(tmp_path / "x" / "1.jpg")


def test_a_list_without_the_column_says_which_there_are(tmp_path):
    pandas.DataFrame({"id": [1], "where": ["a.jpg"]}).to_csv(tmp_path / "list.csv", index=False)
    with pytest.raises(UsageError, match="no column path; --column takes one of id, where"):
        list(photos([str(tmp_path / "list.csv")], False, None, {}))
    assert names(photos([str(tmp_path / "list.csv")], False, "where", {})) == ["a.jpg"]


def test_what_cannot_be_read_is_told(folder):
    fill(folder, "a.png", "b.svg", "sub/c.psd")
    assert [path.as_posix() for path in find([folder], True, None, {}).unreadable] == ["b.svg", "sub/c.psd"]
    store = fill(f"{folder}/only", "b.svg")
    with pytest.raises(UsageError, match=r"holds no photos.*1 vector file left out \(b.svg\)"):
        find([store.url()], True, None, {})
    with pytest.raises(UsageError, match=r"b\.svg is of a kind that is not read"):
        find([store.url("b.svg")], True, None, {})


@pytest.fixture
def closed(monkeypatch):
    """A folder of that name may not be listed, not even by root."""
    scandir = os.scandir

    def refusing(path):
        if str(path).rstrip("/").endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)


def test_a_folder_that_may_not_be_listed_is_told(tmp_path, closed):
    fill(str(tmp_path), "a.png", "closed/b.png")
    found = find([str(tmp_path)], True, None, {})
    assert names(found.photos) == ["a.png"]
    assert [error.filename.rstrip("/") for error in found.closed] == [str(tmp_path / "closed")]


def test_a_pipe_is_no_photo(tmp_path):
    fill(str(tmp_path), "a.png")
    os.mkfifo(tmp_path / "endless.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "endless.png")
    (tmp_path / "b.png").symlink_to(tmp_path / "a.png")
    (tmp_path / "lost.png").symlink_to(tmp_path / "nothing.png")
    assert names(photos([str(tmp_path)], False, None, {})) == ["a.png", "b.png", "lost.png"]
    for pipe in ("endless.png", "link.png"):
        with pytest.raises(UsageError, match="is a pipe or a device"):
            find([str(tmp_path / pipe)], False, None, {})


def test_a_name_does_not_lead_out_of_the_destination():
    store = Store.open(f"memory://{uuid.uuid4().hex}", {})
    store.fs.store[f"{store.root}/x/../../../a.png"] = MemoryFile(
        store.fs, f"{store.root}/x/../../../a.png", b"x"
    )
    with pytest.raises(UsageError, match="lead out of -o"):
        find([store.url()], True, None, {})


@pytest.mark.parametrize("source", ["nothing/here", "notes.pdf"])
def test_a_source_that_is_none(tmp_path, source):
    (tmp_path / "notes.pdf").write_bytes(b"x")
    with pytest.raises(UsageError, match="is no folder, photo"):
        list(photos([str(tmp_path / source)], False, None, {}))


def test_an_empty_folder(folder):
    fill(folder, "sub/a.png")
    with pytest.raises(UsageError, match="holds no photos; --recursive"):
        list(photos([folder], False, None, {}))


def test_storage_options_are_an_object():
    assert parse_options('{"key": "a"}') == {"key": "a"}
    for wrong in ("[1]", "{", "key"):
        with pytest.raises(UsageError, match="JSON object"):
            parse_options(wrong)


def made(store, photo, *outputs, recipe=RECIPE, ended=True):
    """A result, what is beside it, and their line in the books, as a run leaves them."""
    books = Ledger(store, recipe)
    books.begin()
    fill(store.url(), *outputs)
    files = described(map(store.find, outputs))
    books.add([Result(outputs[0], photo.url, photo.version, "done", files=files)])
    books.flush()
    if ended:
        books.end()


def state(store, photo, options=DEFAULT, recipe=RECIPE):
    """done, to do, to do with care, or why it is refused."""
    todo = plan([photo], store, Ledger(store, recipe), "x4", None, overwrite=False, options=options)
    if todo.refused:
        return todo.refused[0].message
    return "done" if todo.done else "with care" if todo.tasks[0].is_doubtful else "to do"


def test_what_is_done_is_not_done_again(folder):
    photo, other = Photo("/in/a.png", "a.png", "v1"), Photo("/in/b.png", "b.png", "v1")
    store = Store.open(folder, {})
    made(store, photo, "a_x4.png")
    todo = plan([photo, other], store, Ledger(store, RECIPE), "x4", None, overwrite=False)
    assert ([task.output for task in todo.tasks], todo.done, todo.refused) == (["b_x4.png"], 1, [])


@pytest.mark.parametrize(
    ("version", "recipe"), [("v2", RECIPE), ("v1", {**RECIPE, "scale": 2})], ids=["photo", "recipe"]
)
def test_what_has_changed_is_done_again(folder, version, recipe):
    store = Store.open(folder, {})
    made(store, Photo("/in/a.png", "a.png", "v1"), "a_x4.png")
    changed = [Photo("/in/a.png", "a.png", version)]
    assert len(plan(changed, store, Ledger(store, recipe), "x4", None, overwrite=False).tasks) == 1


def test_a_result_that_was_taken_away_is_made_again(folder):
    photo, store = Photo("/in/a.png", "a.png", "v1"), Store.open(folder, {})
    made(store, photo, "a_x4.png")
    store.fs.rm_file(f"{store.root}/a_x4.png")
    assert len(plan([photo], store, Ledger(store, RECIPE), "x4", None, overwrite=False).tasks) == 1


def test_what_somebody_else_made_stays(folder):
    store, photo = fill(folder, "a_x4.png"), Photo("/in/a.png", "a.png", "v1")
    todo = plan([photo], store, Ledger(store, RECIPE), "x4", None, overwrite=False)
    assert not todo.tasks
    assert "a_x4.png is there, nobody knows how it was made" in todo.refused[0].message
    assert len(plan([photo], store, Ledger(store, RECIPE), "x4", None, overwrite=True).tasks) == 1


def test_a_photo_under_the_name_of_a_result_is_kept_after_a_run(folder):
    store, photo = Store.open(folder, {}), Photo("/in/a.png", "a.png", "v1")
    made(store, Photo("/in/b.png", "b.png", "v1"), "b_x4.png")
    fill(folder, "a_x4.png", content=b"of the user")
    assert "nobody knows how it was made; --overwrite" in state(store, photo)


def test_a_result_that_was_changed_by_someone_is_kept(folder):
    store, photo = Store.open(folder, {}), Photo("/in/a.png", "a.png", "v1")
    made(store, photo, "a_x4.png")
    fill(folder, "a_x4.png", content=b"retouched")
    assert "was changed by someone and is kept" in state(store, photo)
    assert "was changed by someone and is kept" in state(store, photo, recipe={**RECIPE, "scale": 2})


def test_a_file_beside_a_result_is_kept_too(folder):
    store, photo, two = Store.open(folder, {}), Photo("/in/a.png", "a.png", "v1"), Options(samples=2)
    fill(folder, "a_x4_s1.png", content=b"of the user")
    assert "a_x4_s1.png is there, nobody knows" in state(store, photo, two)
    made(store, photo, "a_x4.png", "a_x4_s1.png")
    assert state(store, photo, two) == "done"
    fill(folder, "a_x4_s1.png", content=b"of the user")
    assert "was changed by someone" in state(store, photo, two)


def test_a_result_of_another_photo_is_kept(folder):
    store = Store.open(folder, {})
    made(store, Photo("/in/a.png", "a.png", "v1"), "a_x4.png")
    assert "was made of another photo, not of /else/a.png" in state(
        store, Photo("/else/a.png", "a.png", "v2")
    )
    assert state(store, Photo("/in/a.png", "a.png")) == "done"  # of a list, which does not know


def test_a_photo_that_was_moved_is_known_by_the_tag_of_its_content_alone(tmp_path):
    store = Store.open(str(tmp_path / "out"), {})
    for source in ("one", "two"):
        fill(str(tmp_path / source), "a.png", content=source.encode())
        os.utime(tmp_path / source / "a.png", (1e9, 1e9))  # the size is the same too
    (one,), (two,) = (photos([str(tmp_path / source)], False, None, {}) for source in ("one", "two"))
    made(store, one, "a_x4.png")
    assert state(store, one) == "done"
    assert "was made of another photo" in state(store, two)
    tagged = _stored("b.png", {"size": 3, "ETag": '"abc"', "LastModified": 1e9}).version
    made(store, Photo("/in/b.png", "b.png", tagged), "b_x4.png")
    assert state(store, Photo("/moved/b.png", "b.png", tagged)) == "done"


def test_a_tag_is_the_same_with_and_without_quotes():
    versions = {_stored("a", {"size": 3, "ETag": tag}).version for tag in ('"abc"', "abc", 'W/"abc"')}
    assert len(versions) == 1


@pytest.mark.parametrize(
    "fewer", [Options(samples=2, detail_map=True), Options(samples=3), Options(samples=2)]
)
def test_other_files_beside_a_result_are_made_anew(folder, fewer):
    store, photo = Store.open(folder, {}), Photo("/in/a.png", "a.png", "v1")
    every = Options(samples=3, detail_map=True)
    written = ["a_x4.png", *(str(path) for path in sidecars.paths(Path("a_x4.png"), every))]
    made(store, photo, *written)
    assert state(store, photo, every) == "done"
    assert state(store, photo, fewer, recipe={**RECIPE, "samples": 2}) == "to do"
    made(store, photo, *written[:2], recipe={**RECIPE, "samples": 2})
    assert state(store, photo, every) == "to do"
    store.fs.rm_file(f"{store.root}/{written[1]}")
    assert state(store, photo, every, recipe={**RECIPE, "samples": 2}) == "to do"
    fill(folder, written[-1], content=b"of the user")
    assert f"{written[-1]} was changed by someone" in state(store, photo, every)


def test_a_file_of_the_user_under_the_name_of_a_new_sample_is_kept(folder):
    store, photo = Store.open(folder, {}), Photo("/in/a.png", "a.png", "v1")
    made(store, photo, "a_x4.png")
    fill(folder, "a_x4_s1.png", content=b"of the user")
    assert "a_x4_s1.png is there, nobody knows" in state(store, photo, Options(samples=2))


def test_a_destination_that_cannot_be_listed_is_refused(tmp_path, closed):
    store = fill(str(tmp_path), "closed/a_x4.png")
    books = Ledger(store, RECIPE)
    with pytest.raises(UsageError, match=r"closed cannot be listed: .*; choose another -o"):
        plan([Photo("/in/a.png", "closed/a.png")], store, books, "x4", None, overwrite=True)
    assert plan([Photo("/in/a.png", "open/a.png")], store, books, "x4", None, False).tasks


def test_the_end_of_a_run_leaves_the_marks_of_runs_with_other_sources(folder):
    store = Store.open(folder, {})
    Ledger(store, RECIPE, ["/in/a"]).begin()
    Ledger(store, RECIPE, ["/in/b"]).begin()
    other = Ledger(store, RECIPE, ["/in/b"])
    other.begin()
    other.end()
    assert Ledger(store, RECIPE).is_torn
    Ledger(store, RECIPE, ["/in/a"]).end()
    assert not Ledger(store, RECIPE).is_torn


def test_books_without_files_know_nothing(folder):
    store, table = Store.open(folder, {}), io.BytesIO()
    pandas.DataFrame({"output": ["a_x4.png"], "source": ["/in/a.png"]}).to_parquet(table)
    fill(folder, ".leapsr/results-1.parquet", content=table.getvalue())
    fill(folder, "a_x4.png")
    assert "nobody knows" in state(store, Photo("/in/a.png", "a.png", "v1"))


@pytest.mark.parametrize(
    ("content", "is_same"), [(b"x" * 9, True), (b"x" * 8 + b"y", False), (b"x" * 8, False)]
)
def test_files_are_compared_in_blocks(folder, tmp_path, monkeypatch, content, is_same):
    monkeypatch.setattr("leapsr.cluster.store.BLOCK", 4)
    (tmp_path / "here").write_bytes(content)
    assert fill(folder, "a.tar", content=b"x" * 9).holds("a.tar", tmp_path / "here") is is_same


def test_an_archive_of_which_some_photos_failed_is_made_again(folder):
    store, shard = Store.open(folder, {}), Photo("/in/a.tar", "a.tar", "v1")
    books = Ledger(store, RECIPE)
    fill(folder, "a.tar")
    books.add([Result("a.tar", shard.url, "v1", "failed", files=described([store.find("a.tar")]))])
    books.end()
    assert state(store, shard) == "to do"


def test_what_a_killed_run_has_not_written_down_is_done_with_care(folder):
    store, photo = Store.open(folder, {}), Photo("/in/a.png", "a.png", "v1")
    made(store, Photo("/in/b.png", "b.png", "v1"), "b_x4.png", ended=False)
    fill(folder, "a_x4.png", "c_x4.png")
    assert state(store, photo) == "with care"
    Ledger(store, RECIPE).end()
    assert "nobody knows" in state(store, photo)


def test_books_that_are_damaged_are_named(folder):
    store = fill(folder, ".leapsr/results-1.parquet")
    with pytest.raises(OutputError, match=r"results-1.parquet cannot be read: .* Remove it"):
        Ledger(store, RECIPE)


def test_what_a_killed_run_has_not_written_down_is_ours(tmp_path):
    store, photo = Store.open(str(tmp_path), {}), Photo("/in/a.png", "a.png", "v1")
    Ledger(store, RECIPE).begin()
    fill(str(tmp_path), "a_x4.png")
    todo = plan([photo], store, Ledger(store, RECIPE), "x4", None, overwrite=False)
    assert [task.output for task in todo.tasks] == ["a_x4.png"]


def test_names_are_distinct_below_each_folder(folder):
    found = [Photo(f"/in/{name}", name) for name in ("a.png", "a.bmp", "s/a.png", "s/t.tar")]
    todo = plan(found, Store.open(folder, {}), Ledger(Store.open(folder, {}), RECIPE), "x4", ".png", False)
    outputs = {task.photo.name: task.output for task in todo.tasks}
    assert len(set(outputs.values())) == 4
    assert (outputs["s/a.png"], outputs["s/t.tar"]) == ("s/a_x4.png", "s/t.tar")


def test_a_source_is_never_written_over(tmp_path):
    Image.fromarray(picture_array(8, 8)).save(tmp_path / "t.tar", "png")
    store = Store.open(str(tmp_path), {})
    with pytest.raises(UsageError, match="never written over"):
        plan(photos([str(tmp_path)], False, None, {}), store, Ledger(store, RECIPE), "x4", None, False)


def test_a_source_is_not_written_over_by_the_result_of_another_one(tmp_path):
    store = fill(str(tmp_path), "a_x4.png")
    found = [Photo("/in/a.png", "a.png"), Photo(store.url("a_x4.png"), "b.png")]
    with pytest.raises(UsageError, match=r"a_x4\.png is one of the sources"):
        plan(found, store, Ledger(store, RECIPE), "x4", None, overwrite=True)


def test_books_hold_what_a_reader_needs(folder):
    store = Store.open(folder, {})
    made(store, Photo("/in/a.png", "a.png", "v1"), "a_x4.png")
    file = next(each for each in store.fs.find(f"{store.root}/.leapsr") if each.endswith(".parquet"))
    with store.fs.open(file) as content:
        row = pandas.read_parquet(content).iloc[0]
    assert (row["output"], row["source"], row["status"]) == ("a_x4.png", "/in/a.png", "done")
    assert json.loads(row["recipe"]) == RECIPE


def test_results_may_lie_above_the_photos_but_not_among_them(folder):
    store, other = fill(f"{folder}/in", "a.png", "out/a_x4.png", "sub/b.png"), fill(f"{folder}/else", "c.png")
    above, own = Store.open(folder, {}).url(), store.url("out")
    assert names(photos([store.url()], False, None, {}, above)) == ["a.png"]
    assert names(photos([store.url()], True, None, {}, own)) == ["a.png", "sub/b.png"]
    with pytest.raises(UsageError, match="lie among the photos"):
        find([store.url(), other.url()], False, None, {}, above)  # those of in/ in the folder in/


def test_the_folder_of_results_is_known_by_another_name(tmp_path):
    fill(str(tmp_path / "in"), "a.png", "out/a_x4.png")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    source, link = str(tmp_path / "in"), str(tmp_path / "link")
    assert names(photos([source], True, None, {}, f"{link}/out")) == ["a.png"]
    with pytest.raises(UsageError, match="lie among the photos"):
        find([source], False, None, {}, link)


@pytest.mark.parametrize("protocol", ["", "file://"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_source_is_never_written_over_by_another_name(tmp_path, overwrite, protocol):
    fill(str(tmp_path / "in"), "t.tar")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    (tmp_path / "list.txt").write_text(f"{protocol}{tmp_path}/in/t.tar\n")
    found, store = (
        photos([str(tmp_path / "list.txt")], False, None, {}),
        Store.open(str(tmp_path / "link"), {}),
    )
    with pytest.raises(UsageError, match=r"t\.tar is one of the sources and is never written over"):
        plan(found, store, Ledger(store, RECIPE), "x4", None, overwrite)


def test_a_name_that_is_not_utf_8_is_refused_and_the_others_go_on(tmp_path):
    name = os.fsdecode(b"\xff.png")
    try:
        fill(str(tmp_path / "in"), name, "a.png")
    except OSError:
        pytest.skip("this file system has no such names")
    store = Store.open(str(tmp_path / "out"), {})
    found, books = photos([str(tmp_path / "in")], False, None, {}), Ledger(store, RECIPE)
    todo = plan(found, store, books, "x4", None, False)
    assert [task.output for task in todo.tasks] == ["a_x4.png"]
    (refused,) = todo.refused
    assert refused.message == rf"The name of {tmp_path}/in/\udcff.png is not UTF-8: rename it."
    books.add([refused, Result(f"t.tar/{name}", f"/in/t.tar/{name}", "", "failed", f"{name}: damaged")])
    books.flush()
    assert Ledger(store, RECIPE).is_torn is False


def test_a_list_without_a_heading_loses_no_photo(tmp_path):
    (tmp_path / "list.csv").write_text("photos/a.jpg\nphotos/b.jpg\n")
    with pytest.raises(UsageError, match=r"first line of .* is photos/a\.jpg, .* or call the list \.txt"):
        find([str(tmp_path / "list.csv")], False, None, {})
    (tmp_path / "list.csv").write_text("which\nphotos/b.jpg\n")
    assert names(photos([str(tmp_path / "list.csv")], False, None, {})) == ["b.jpg"]


def test_a_column_of_pictures_is_no_column_of_paths(tmp_path):
    table = pandas.DataFrame({"image": [{"bytes": b"x", "path": "a.jpg"}], "label": [1]})
    table.to_parquet(tmp_path / "list.parquet")
    with pytest.raises(UsageError, match=r"column image of .* holds dict, not paths"):
        find([str(tmp_path / "list.parquet")], False, None, {})
    with pytest.raises(UsageError, match=r"column label of .* holds int, not paths"):
        find([str(tmp_path / "list.parquet")], False, "label", {})


def test_a_list_at_the_root_of_the_file_system(tmp_path, monkeypatch):
    (tmp_path / "photos.txt").write_text("wrong.jpg\n")
    monkeypatch.chdir(tmp_path)
    fs = Store.open("memory://", {}).fs
    fs.pipe_file("/photos.txt", b"a.jpg\n")
    monkeypatch.setattr(Store, "is_local", True)
    monkeypatch.setattr(Store, "open", lambda url, options: Store(fs, url))
    assert photos(["/photos.txt"], False, None, {}) == [Photo("/a.jpg", "a.jpg")]


@pytest.mark.parametrize(
    ("urls", "called"),
    [
        (["/a.jpg", "/x/b.jpg"], ["a.jpg", "x/b.jpg"]),
        (["a.jpg", "../a.jpg"], ["here/a.jpg", "a.jpg"]),
        (["/x/a.jpg", "s3://y/b.jpg"], ["x/a.jpg", "y/b.jpg"]),
    ],
)
def test_names_of_a_list_are_what_differs(urls, called):
    assert names(listing._in_list(urls, "/in/here")) == called


def test_a_list_on_windows(monkeypatch):
    monkeypatch.setattr(listing, "os", SimpleNamespace(path=ntpath))
    monkeypatch.setattr(listing, "Path", PureWindowsPath)
    found = list(listing._in_list(["x\\1.jpg", "C:\\in\\y\\2.jpg"], "C:/in"))
    assert found == [Photo("C:/in/x/1.jpg", "x/1.jpg"), Photo("C:/in/y/2.jpg", "y/2.jpg")]
    assert names(listing._in_list(["C:\\1.jpg", "D:\\y\\2.jpg"], "C:/in")) == ["C/1.jpg", "D/y/2.jpg"]
