from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from leapsr import memory
from leapsr.batch import naming, pipeline, sidecars
from leapsr.batch.existing import ExistingPolicy
from leapsr.batch.jobs import Job, plan
from leapsr.batch.options import Options
from leapsr.errors import ImageError, OutputError, UsageError
from leapsr.metrics.fidelity import lr_psnr
from leapsr.pictures import result_metadata, save_file
from leapsr.pictures.picture import load
from leapsr.pictures.result_metadata import update_metadata
from leapsr.upscaling.upscaler import Settings
from tests.conftest import picture_array

DETAILED = Settings(fidelity=0.0, seed=7)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    Image.fromarray(picture_array(24, 37)).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def made(upscaler, source, **options):
    output = source.with_name("a_x4_s7.png" if options.get("samples") else "a_x4.png")
    settings = options.pop("settings", DETAILED)
    return sidecars.make(upscaler, load(source), output, Options(settings=settings, **options), None)


def beside(made_beside) -> list[str]:
    return [path.name for path in made_beside.paths]


def test_nothing_lies_beside_unless_it_is_asked_for(upscaler, fake_restorer, source):
    picture, made_beside = made(upscaler, source)
    assert made_beside == sidecars.NO_SIDECARS
    assert torch.equal(picture.pixels, upscaler.upscale(load(source), settings=DETAILED).pixels)
    assert len(fake_restorer.calls) == 2
    assert len(list(source.parent.iterdir())) == 1


def test_samples_lie_beside_the_first_with_a_sheet(upscaler, source):
    picture, made_beside = made(upscaler, source, samples=3)
    assert beside(made_beside) == ["a_x4_s8.png", "a_x4_s9.png", "a_x4_samples.png"]
    assert torch.equal(picture.pixels, upscaler.upscale(load(source), settings=DETAILED).pixels)
    other = upscaler.upscale(load(source), settings=Settings(fidelity=0.0, seed=9))
    assert np.array_equal(np.asarray(Image.open(made_beside.paths[1])), other.rows(0, other.size[0]))


def test_a_map_alone_leaves_no_samples(upscaler, fake_restorer, source):
    _, made_beside = made(upscaler, source, detail_map=True)
    assert beside(made_beside) == ["a_x4_detail.png"]
    assert made_beside.invented > 0.5
    assert len(fake_restorer.calls) == 4
    assert sorted(path.name for path in source.parent.iterdir()) == ["a.png", "a_x4_detail.png"]


def test_samples_serve_for_the_map_as_well(upscaler, fake_restorer, source):
    _, made_beside = made(upscaler, source, samples=5, detail_map=True)
    assert len(fake_restorer.calls) == 5
    assert len(made_beside.paths) == 4 + 2


def test_one_of_a_kind(upscaler, source):
    _, made_beside = made(
        upscaler, source, samples=3, detail_map=True, settings=Settings(fidelity=1.0, seed=7)
    )
    assert beside(made_beside) == ["a_x4_s7_detail.png"]
    assert made_beside.invented == 0


def test_every_sample_agrees_with_the_source(upscaler, source):
    clean = load(source)
    picture, made_beside = made(upscaler, source, samples=2, consistency=1.0)
    for result in (picture, load(made_beside.paths[0])):
        assert lr_psnr(result.rgb[None], clean.rgb[None]) > 45
    loose, _ = made(upscaler, source)
    assert lr_psnr(loose.rgb[None], clean.rgb[None]) < 35


@pytest.mark.parametrize(
    "options", [{"samples": 4, "detail_map": True}, {"samples": 2}, {"detail_map": True}]
)
def test_every_file_is_known_beforehand(upscaler, source, options):
    _, made_beside = made(upscaler, source, **options)
    output = source.with_name("a_x4_s7.png" if "samples" in options else "a_x4.png")
    known = sidecars.paths(output, Options(settings=DETAILED, **options))
    assert sorted(known) == sorted(made_beside.paths)
    assert all(result_metadata.made_by_leapsr(path) for path in known)
    with pytest.raises(OutputError, match="--overwrite"):
        ExistingPolicy("refuse").decide(Job(source, output), known)


def test_what_nobody_knows_beside_a_result_is_kept(upscaler, source):
    options = Options(settings=DETAILED, samples=3, detail_map=True)
    output = source.with_name("a_x4_s7.png")
    mine = source.with_name("a_x4_s8.png")
    mine.write_text("mine")
    _, made_beside = sidecars.make(upscaler, load(source), output, options, None, keep={mine})
    assert mine.read_text() == "mine"
    assert mine not in made_beside.paths
    assert len(made_beside.paths) == 3  # the third sample, their sheet and the map


@pytest.mark.parametrize("options", [{"samples": 2}, {"detail_map": True}, {"consistency": 0.5}])
def test_what_needs_too_much_memory_is_not_begun(upscaler, fake_restorer, source, options, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda device: 148 * 96 * memory.LOOKED_AT)
    with pytest.raises(ImageError, match="memory"):
        made(upscaler, source, **options)
    assert not fake_restorer.calls


def test_names_that_the_user_gave():
    assert naming.sample_path(Path("x/b.jpg"), 0, 1) == Path("x/b_s1.jpg")
    assert naming.contact_sheet_path(Path("x/b.jpg"), 0) == Path("x/b_samples.png")
    assert naming.sample_path(Path("a_x4_s-2.jpg"), -2, -1) == Path("a_x4_s-1.jpg")


def test_names_do_not_grow_too_long():
    output = Path(naming.output_name(Path("ä" * 124 + ".jpg"), "x4_s0", None))
    found = sidecars.paths(output, Options(samples=3, detail_map=True))
    assert len(set(found)) == 4
    assert all(len(path.name.encode()) <= naming.LONGEST_NAME for path in found)


@pytest.mark.parametrize("name", ["a_x4_s7.png", "a_x4_s-7.png", "a_x4_detail.png", "a_x2.5_s0_detail.png"])
def test_they_are_known_as_our_own(source, name):
    save_file.save(update_metadata(load(source)), source.with_name(name))
    found = plan([source.parent], None, "x4")
    assert [path.name for path in found.own_results] == [name]
    assert [job.source for job in found.jobs] == [source]


def test_pictures_that_differ_in_their_suffix_have_maps_of_their_own(source):
    source.with_name("a.jpg").touch()
    jobs = plan([source.parent], None, "x4", has_sidecars=True).jobs
    maps = {path for job in jobs for path in sidecars.paths(job.output, Options(detail_map=True))}
    assert {path.name for path in maps} == {"a.jpg_x4_detail.png", "a.png_x4_detail.png"}


def test_a_source_under_another_name_is_never_written_over(source):
    source.with_name("photo.png").write_bytes(b"a source")
    source.with_name("b_s1.png").hardlink_to(source.with_name("photo.png"))
    jobs = [Job(source.with_name("photo.png"), source.with_name("b.png"))]
    with pytest.raises(UsageError, match=r"b_s1\.png is one of the sources and is never written over"):
        sidecars.refuse_sources(jobs, Options(samples=2))


def test_a_source_is_never_written_over(source):
    jobs = [Job(source.with_name("b_s1.png"), source.with_name("b.png"))]
    with pytest.raises(UsageError, match="never written over"):
        sidecars.refuse_sources(jobs, Options(samples=2))
    sidecars.refuse_sources(jobs, Options())


@pytest.mark.parametrize("error", [OutputError("no"), KeyboardInterrupt()])
def test_a_run_that_fails_leaves_nothing_in_the_way_of_the_next(upscaler, source, monkeypatch, error):
    """The contact sheet, which comes last, cannot be made."""

    def fail(sheet):
        assert (source.parent / "a_x4_s8.png").exists()
        raise error

    with monkeypatch.context() as broken, pytest.raises(type(error)):
        broken.setattr("leapsr.upscaling.contact_sheet.ContactSheet.draw", fail)
        made(upscaler, source, samples=2, detail_map=True)
    assert names(source) == ["a.png"]


@pytest.mark.parametrize("options", [{"samples": 2}, {"detail_map": True}])
def test_a_result_that_cannot_be_written_takes_its_sidecars_along(upscaler, source, monkeypatch, options):
    def fail(*_):
        raise OutputError("no")

    job = Job(source, source.with_name("a_x4.png"))
    wanted = Options(settings=DETAILED, **options)
    with monkeypatch.context() as broken:
        broken.setattr("leapsr.batch.stages.write", fail)
        (outcome,) = pipeline.run([job], upscaler, wanted)
    assert (outcome.status, outcome.sidecars.paths) == ("failed", ())
    assert names(source) == ["a.png"]
    (outcome,) = pipeline.run([job], upscaler, wanted)
    assert outcome.status == "done"


def names(source):
    return [path.name for path in source.parent.iterdir()]
