"""Ultra HDR: the picture grows, and an HDR screen shows what it did before.

Two encoders make the photos: libultrahdr (described by ISO 21496-1) and pyultrahdr (described by XMP).
libultrahdr and libvips read the results; neither shares code with what writes them.
"""

import io
import logging
import struct

import numpy as np
import pytest
import torch
from PIL import Image

from leapsr.pictures import gain_map
from leapsr.pictures.orientation import UPRIGHT, upright_array
from leapsr.pictures.picture import Picture, load
from leapsr.upscaling.settings import Settings
from leapsr.upscaling.sizes import Target
from tests.conftest import picture_array
from tests.pictures import photos

codecs = pytest.importorskip("imagecodecs", reason="Ultra HDR is made and read by imagecodecs")
if not codecs.ULTRAHDR.available:
    pytest.skip("this imagecodecs has no libultrahdr", allow_module_level=True)

HEIGHT, WIDTH = 64, 96


def by_libultrahdr() -> bytes:
    """A smooth picture with a light of eight times its white."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    linear = np.stack([x / WIDTH, y / HEIGHT, np.full(x.shape, 0.4)], -1) ** 2.2
    linear[16:40, 24:64] *= 8
    return codecs.ultrahdr_encode(
        np.concatenate([linear, np.ones((HEIGHT, WIDTH, 1))], -1).astype(np.float16)
    )


def by_pyultrahdr() -> bytes:
    made = pytest.importorskip("pyultrahdr", reason="the second encoder of Ultra HDR")
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    levels = np.stack([255 * x / WIDTH, 255 * y / HEIGHT, np.full(x.shape, 120)], -1).astype(np.uint8)
    gain = np.where((y > 15) & (y < 40) & (x > 23) & (x < 64), 2.0, 0.0)
    with np.errstate(all="ignore"):
        return made.build_ultra_hdr(levels, gain, 0.0, 2.0, 1000.0, 203.0)


def test_a_map_larger_than_any_cameras_is_not_decoded(monkeypatch):
    monkeypatch.setattr(gain_map, "LARGEST", 16)
    assert load(by_libultrahdr()).gain_map is None


ENCODERS = (by_libultrahdr, by_pyultrahdr)


def shown(data: bytes) -> np.ndarray:
    """What an HDR screen shows, (H, W, 3), linear."""
    return np.asarray(codecs.ultrahdr_decode(data), np.float32)[..., :3]


def reduced(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    planes = torch.from_numpy(image).permute(2, 0, 1)[None]
    return torch.nn.functional.interpolate(planes, size, mode="area")[0].permute(1, 2, 0).numpy()


def with_exif(data: bytes, orientation: int) -> bytes:
    """In front of all else, so that the distance from the list of pictures to the map stays."""
    exif = photos.camera_exif(orientation)
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    return data[:2] + segment + data[2:]


def saved(picture: Picture, file_format: str = "jpg") -> bytes:
    file = io.BytesIO()
    picture.save(file, file_format=file_format)
    return file.getvalue()


@pytest.mark.usefixtures("no_guard")
@pytest.mark.parametrize("asked", [{}, {"scale": 2.5}, {"width": 401}], ids=str)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_an_hdr_screen_shows_what_it_did(encoder, asked, upscaler):
    before = encoder()
    result = saved(upscaler.upscale(load(before), Target(**asked), Settings(fidelity=1.0)))
    source, found = shown(before), shown(result)
    assert found.shape[0] > 2 * HEIGHT
    difference = np.abs(reduced(found, (HEIGHT, WIDTH)) - source)
    assert np.median(difference) < 0.01
    assert difference.mean() < 0.02 * source.max()
    brightest = np.quantile(found, 0.98), np.quantile(source, 0.98)
    assert brightest[0] == pytest.approx(brightest[1], rel=0.1)
    assert brightest[1] > 1.05  # times white
    with Image.open(io.BytesIO(result)) as image:  # and other screens show the picture
        assert image.size == found.shape[1::-1]


@pytest.mark.parametrize("encoder", ENCODERS)
def test_libvips_reads_it(encoder):
    vips = pytest.importorskip("pyvips", reason="libvips is the second reader of Ultra HDR")
    source, result = encoder(), saved(load(encoder()))
    images = [vips.Operation.call("uhdrload_buffer", data) for data in (source, result)]
    names = [name for name in images[0].get_fields() if name.startswith("gainmap") and name != "gainmap-data"]
    assert len(names) > 5
    for name in names:
        assert images[0].get(name) == images[1].get(name)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("encoder", ENCODERS)
def test_it_is_turned_with_its_photo(encoder, orientation):
    data = encoder()
    expected = upright_array(shown(data), orientation)
    found = shown(saved(load(with_exif(data, orientation))))
    assert found.shape == expected.shape
    assert np.abs(found - expected).mean() < 0.02 * expected.max()


def test_it_stands_beside_all_that_a_photo_says_of_itself():
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    xmp += b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    xmp += b'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/jpeg"/>'
    xmp += b"</rdf:RDF></x:xmpmeta>"
    source = load(by_pyultrahdr())
    for packet in (xmp, None, xmp.replace(b"image/jpeg", b"x" * 66_000)):
        pixels = torch.from_numpy(picture_array(1400, 1000)).permute(2, 0, 1)  # written in several bands
        about = {"exif": photos.camera_exif(1), "iptc": b"\x1c\x02\x69\0\4Hill", "dpi": (300, 300)}
        result = saved(Picture(pixels, xmp=packet, gain_map=source.gain_map, **about))
        again = load(result)
        assert (again.gain_map, again.exif, again.iptc) == (source.gain_map, about["exif"], about["iptc"])
        assert (again.xmp is not None and b"dc:format" in again.xmp) == (packet is xmp)
        assert b"hdrgm:Version" in result
        assert shown(result).shape == (1400, 1000, 3)
        with Image.open(io.BytesIO(result)) as image:
            assert image.size == (1000, 1400)


@pytest.mark.parametrize("file_format", ["png", "webp", "avif", "tiff"])
def test_formats_without_a_place_for_it_say_so(file_format, caplog):
    with caplog.at_level(logging.WARNING):
        result = load(saved(load(by_libultrahdr()), file_format))
    assert "gain map for HDR screens has no place" in caplog.text
    assert result.gain_map is None
    assert result.size == (HEIGHT, WIDTH)


def test_a_detail_has_none(upscaler):
    from leapsr.upscaling.tiles import Box

    picture = load(by_libultrahdr())
    assert upscaler.upscale(picture).gain_map == picture.gain_map
    assert upscaler.upscale(picture, part=Box(8, 8, 24, 24)).gain_map is None


def test_nothing_private_stays_in_it():
    data = by_pyultrahdr()
    place = data.rindex(b"\xff\xd8\xff\xe1")
    exif = photos.camera_exif(1)
    inserted = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    longer = bytearray(data[: place + 2] + inserted + data[place + 2 :])
    size = len(data) - place
    entry = longer.index(size.to_bytes(4, "little"))
    longer[entry : entry + 4] = (size + len(inserted)).to_bytes(4, "little")
    found = load(bytes(longer)).gain_map
    assert found is not None
    assert b"Maker" not in found
    assert found == load(data).gain_map


@pytest.mark.filterwarnings("ignore:.*malformed MPO")
@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_damaged_list_or_map_is_no_reason_to_refuse_a_photo(encoder):
    data = encoder()
    expected = load(data).pixels
    place = data.index(b"MPF\0")
    second = data.rindex(b"\xff\xd8\xff")
    broken = [data[:-100], data[:second], data[:second] + bytes(len(data) - second)]
    broken += [data[: place + cut] + b"\xff" * 4 + data[place + cut + 4 :] for cut in range(4, 82, 4)]
    for each in broken:
        picture = load(each)
        assert torch.equal(picture.pixels, expected)
        saved(picture)


def test_a_stereo_photo_has_no_gain_map():
    frames = [Image.fromarray(picture_array(32, 48, seed)) for seed in (0, 1)]
    file = io.BytesIO()
    frames[0].save(file, "MPO", save_all=True, append_images=frames[1:])
    assert load(file.getvalue()).gain_map is None
    assert gain_map.read(b"no picture", UPRIGHT) is None


# Apple's own kind

OF_APPLE = (
    b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'>"
    b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about=''"
    b" xmlns:HDRGainMap='http://ns.apple.com/HDRGainMap/1.0/'><HDRGainMap:HDRGainMapVersion>65536"
    b"</HDRGainMap:HDRGainMapVersion></rdf:Description></rdf:RDF></x:xmpmeta>"
)


def by_an_iphone(orientation: int = 1) -> bytes:
    """Pillow's file of two pictures, the second with the description that Apple puts into its maps."""
    small = Image.fromarray(picture_array(HEIGHT // 4, WIDTH // 4)).convert("L")
    file = io.BytesIO()
    Image.fromarray(picture_array(HEIGHT, WIDTH)).save(
        file, "MPO", save_all=True, append_images=[small], exif=photos.camera_exif(orientation, thumbnail=b"")
    )
    data = file.getvalue()
    second = data.rindex(b"\xff\xd8\xff")
    segment = b"\xff\xe1" + (len(OF_APPLE) + 2).to_bytes(2, "big") + OF_APPLE
    before, after = (struct.pack("<I", len(data) - second + more) for more in (0, len(segment)))
    start = data[:second].replace(before, after)
    assert start != data[:second]
    return start + data[second : second + 2] + segment + data[second + 2 :]


@pytest.mark.parametrize("orientation", [1, 6])
def test_apples_map_in_a_jpeg_stays_with_its_description(orientation):
    source = by_an_iphone(orientation)
    picture = load(source)
    sides = (WIDTH // 4, HEIGHT // 4)
    with Image.open(io.BytesIO(picture.gain_map)) as small:
        assert small.size == (sides if orientation == 1 else sides[::-1])
    result = saved(picture)
    with Image.open(io.BytesIO(result)) as image:
        assert (image.format, image.n_frames) == ("MPO", 2)
        assert b"of the maker" in image.info["exif"]  # where Apple says how bright the map is
        image.seek(1)
        assert image.mode == "L"
    assert OF_APPLE in result
    assert b"hdrgm" not in result  # which would be a description of another kind
    assert b"Container" not in result


def heic_with(auxiliary: bytes) -> bytes:
    """A HEIC with a property that no reader uses, in the place of what a second picture in it has."""
    pytest.importorskip("pillow_heif", reason="HEIC needs pillow-heif").register_heif_opener()
    from tests.pictures.test_odd_files import with_properties

    file = io.BytesIO()
    Image.fromarray(picture_array(HEIGHT, WIDTH)).save(file, "HEIF")
    return with_properties(file.getvalue(), (b"auxC", bytes(4) + auxiliary + b"\0"), essential=False)


def test_a_map_that_cannot_be_kept_is_said(caplog):
    load(heic_with(b"urn:mpeg:hevc:2015:auxid:2"))  # of depth
    assert not caplog.text
    assert load(heic_with(b"urn:com:apple:photo:2020:aux:hdrgainmap")).gain_map is None
    assert "The gain map of the picture, for HDR screens, cannot be kept." in caplog.text


def test_the_standards_own_kind_of_map_is_known_by_its_brand():
    """(libavif opens no file of that brand without such a map, and nothing here writes one.)"""
    file = io.BytesIO()
    Image.fromarray(picture_array(HEIGHT, WIDTH)).save(file, "AVIF")
    data = file.getvalue()
    assert data[24:28] == b"miaf"
    assert not gain_map.is_left_out(data)
    assert gain_map.is_left_out(data[:24] + b"tmap" + data[28:])


@pytest.mark.parametrize(
    ("packet", "says"),
    [(b"<a>" + b"x" * 65_400 + b"</rdf:RDF></a>", "too long"), (b"<r:RDF></r:RDF>", "no place")],
)
def test_xmp_that_gives_way_to_the_map_is_told(packet, says, caplog):
    source = load(by_pyultrahdr())
    with caplog.at_level(logging.WARNING):
        saved(Picture(source.pixels, xmp=packet, gain_map=source.gain_map))
    assert "The XMP data" in caplog.text
    assert says in caplog.text
