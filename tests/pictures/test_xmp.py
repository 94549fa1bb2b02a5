"""XMP of pictures that are turned, parted from what stood beside them, and enlarged."""

import io
import re

import pytest

from leapsr.pictures import xmp
from leapsr.pictures.orientation import UPRIGHT, Orientation
from leapsr.pictures.picture import load
from tests.pictures import photos

_NAMES = {
    "hdrgm": "http://ns.adobe.com/hdr-gain-map/1.0/",
    "GCamera": "http://ns.google.com/photos/1.0/camera/",
    "Container": "http://ns.google.com/photos/1.0/container/",
    "Item": "http://ns.google.com/photos/1.0/container/item/",
    "GDepth": "http://ns.google.com/photos/1.0/depthmap/",
    "HDRGainMap": "http://ns.apple.com/HDRGainMap/1.0/",
    "xmpNote": "http://ns.adobe.com/xmp/note/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    "stArea": "http://ns.adobe.com/xmp/sType/Area#",
    "stDim": "http://ns.adobe.com/xap/1.0/sType/Dimensions#",
    "MPReg": "http://ns.microsoft.com/photo/1.2/t/Region#",
    "GPano": "http://ns.google.com/photos/1.0/panorama/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "drone-dji": "http://www.dji.com/drone-dji/1.0/",
}


def packet(attributes="", inside=""):
    declared = " ".join(
        f'xmlns:{name}="{uri}"' for name, uri in _NAMES.items() if f"{name}:" in attributes + inside
    )
    return (
        "<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>"
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
        f"<rdf:Description rdf:about='' {declared} {attributes}>{inside}</rdf:Description></rdf:RDF>"
        "</x:xmpmeta><?xpacket end='w'?>"
    ).encode()


TITLE = '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Häfen &amp; more</rdf:li></rdf:Alt></dc:title>'


def regions(width, height, area):
    return (
        '<mwg-rs:Regions rdf:parseType="Resource">'
        f'<mwg-rs:AppliedToDimensions stDim:w="{width}" stDim:h="{height}" stDim:unit="pixel"/>'
        "<mwg-rs:RegionList><rdf:Bag><rdf:li><rdf:Description mwg-rs:Name='Anna' mwg-rs:Type='Face'>"
        f"<mwg-rs:Area {area} stArea:unit='normalized'/></rdf:Description></rdf:li></rdf:Bag>"
        "</mwg-rs:RegionList></mwg-rs:Regions>"
    )


AREA = 'stArea:x="0.25" stArea:y="0.1" stArea:w="0.2" stArea:h="0.05"'


def numbers(found, *names):
    text = found.decode()
    return [float(re.search(rf"{name}=\"([\d.]+)\"", text)[1]) for name in names]


@pytest.mark.parametrize(
    ("attributes", "inside"),
    [
        ('hdrgm:Version="1.0" hdrgm:GainMapMax="2.5"', ""),
        ('GCamera:MotionPhoto="1" GCamera:MicroVideoOffset="3000"', ""),
        ("", "<GCamera:MotionPhoto>1</GCamera:MotionPhoto>"),
        (
            "",
            '<Container:Directory><rdf:Seq><rdf:li><Container:Item Item:Semantic="GainMap"/></rdf:li>'
            "</rdf:Seq></Container:Directory>",
        ),
        ('GDepth:Mime="image/jpeg"', ""),
        ("", "<HDRGainMap:HDRGainMapVersion>65536</HDRGainMap:HDRGainMapVersion>"),
        ('xmpNote:HasExtendedXMP="0123456789ABCDEF"', ""),
    ],
)
def test_what_is_gone_is_not_promised(attributes, inside):
    prefix = re.match(r"<?(\w+):", attributes or inside)[1].encode()
    found = xmp.upright(packet(attributes, TITLE + inside), UPRIGHT)
    assert not re.search(rb"[< ]%s:\w" % prefix, found)
    assert "Häfen &amp; more".encode() in found
    assert "<?xpacket begin='\ufeff'".encode() in found
    assert found.endswith(b"<?xpacket end='w'?>")
    if prefix not in (b"GCamera", b"xmpNote"):  # their names are not looked for, other things have them too
        assert _NAMES[prefix.decode()].encode() not in found
    assert xmp.upright(found, UPRIGHT) == found


def test_what_a_camera_says_of_the_photo_itself_stays():
    found = xmp.upright(packet('GCamera:MotionPhoto="1" GCamera:SpecialTypeID="PANORAMA"'), UPRIGHT)
    assert b"MotionPhoto" not in found
    assert b'GCamera:SpecialTypeID="PANORAMA"' in found


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        (1, [0.25, 0.1, 0.2, 0.05]),
        (2, [0.75, 0.1, 0.2, 0.05]),
        (3, [0.75, 0.9, 0.2, 0.05]),
        (4, [0.25, 0.9, 0.2, 0.05]),
        (5, [0.1, 0.25, 0.05, 0.2]),
        (6, [0.9, 0.25, 0.05, 0.2]),
        (7, [0.9, 0.75, 0.05, 0.2]),
        (8, [0.1, 0.75, 0.05, 0.2]),
    ],
)
def test_faces_are_turned_with_the_photo(orientation, expected):
    size = (37, 24) if orientation >= 5 else (24, 37)
    found = xmp.upright(packet(inside=regions(370, 240, AREA)), Orientation(orientation, size))
    assert numbers(found, "stArea:x", "stArea:y", "stArea:w", "stArea:h") == pytest.approx(expected)
    assert numbers(found, "stDim:w", "stDim:h") == [size[1], size[0]]
    result = xmp.of_result(found, (4 * size[0], 4 * size[1]))
    assert numbers(result, "stDim:w", "stDim:h") == [4 * size[1], 4 * size[0]]
    assert numbers(result, "stArea:x", "stArea:y") == pytest.approx(expected[:2])


def test_faces_that_somebody_has_turned_already():
    found = xmp.upright(packet(inside=regions(24, 37, AREA)), Orientation(6, (37, 24)))
    assert numbers(found, "stArea:x", "stArea:y") == [0.25, 0.1]


def test_faces_of_another_cut_of_the_photo():
    found = xmp.upright(packet(inside=TITLE + regions(100, 100, AREA)), Orientation(1, (24, 37)))
    assert b"mwg-rs:Area" not in found
    assert b"dc:title" in found


def test_faces_of_windows():
    inside = '<rdf:li MPReg:Rectangle="0.1, 0.2, 0.3, 0.4" MPReg:PersonDisplayName="Anna"/>'
    found = xmp.upright(packet(inside=inside), Orientation(6, (37, 24))).decode()
    corner = [float(part) for part in re.search(r'Rectangle="(.*?)"', found)[1].split(",")]
    assert corner == pytest.approx([0.4, 0.1, 0.4, 0.3])
    assert xmp.upright(packet(inside=inside), UPRIGHT) == packet(inside=inside)


def test_a_part_of_a_sphere():
    said = (
        'GPano:FullPanoWidthPixels="1000" GPano:FullPanoHeightPixels="500" GPano:CroppedAreaLeftPixels="300"'
        ' GPano:CroppedAreaTopPixels="100" GPano:CroppedAreaImageWidthPixels="400"'
        ' GPano:CroppedAreaImageHeightPixels="200" GPano:ProjectionType="equirectangular"'
    )
    names = [name.split("=")[0] for name in said.split()[:6]]
    found = xmp.of_result(packet(said), (800, 1600))
    assert numbers(found, *names) == [4000, 2000, 1200, 400, 1600, 800]
    assert b"equirectangular" in found
    unknown = xmp.of_result(packet('GPano:FullPanoWidthPixels="1000"'), (800, 1600))
    assert b"FullPano" not in unknown


def test_other_places_in_pixels_go():
    said = 'drone-dji:CalibratedFocalLength="3666.6" drone-dji:RelativeAltitude="+20.1"'
    area = "<exif:SubjectArea><rdf:Seq><rdf:li>12</rdf:li><rdf:li>9</rdf:li></rdf:Seq></exif:SubjectArea>"
    frame = (
        "<Iptc4xmpExt:ImageRegion><rdf:Bag><rdf:li rdf:parseType='Resource'><Iptc4xmpExt:RegionBoundary"
        " Iptc4xmpExt:rbUnit='{}' Iptc4xmpExt:rbX='0.5'/></rdf:li></rdf:Bag></Iptc4xmpExt:ImageRegion>"
    )
    found = xmp.of_result(packet(said, TITLE + area + frame.format("pixel")), (80, 60))
    assert not any(word in found for word in (b"FocalLength", b"SubjectArea", b"ImageRegion"))
    assert b'drone-dji:RelativeAltitude="+20.1"' in found
    assert b"ImageRegion" in xmp.of_result(packet(inside=frame.format("relative")), (80, 60))


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b"no XML hdrgm http://ns.adobe.com/hdr-gain-map/1.0/",
        packet('hdrgm:Version="1.0"')[:-80],
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + packet('hdrgm:Version="1.0"', "&a;"),
        packet(inside=regions("x", "y", AREA)),
    ],
)
def test_odd_packets_pass(odd):
    assert isinstance(xmp.upright(odd, Orientation(6, (37, 24))), bytes)
    assert isinstance(xmp.of_result(odd, (40, 30)), bytes)


def test_an_ordinary_packet_keeps_every_other_byte():
    found = xmp.upright(photos.XMP, UPRIGHT)
    assert found == photos.XMP.replace(b'tiff:Orientation="6"', b'tiff:Orientation="1"')
    result = xmp.of_result(found, (148, 96))
    assert len(result) == len(found) + 1  # 37 has become 148


@pytest.mark.parametrize("number", ["inf", "nan", "1e999"])
def test_numbers_without_an_end_pass(number):
    for whole, part in ((number, "1"), ("1", number), (number, number), ("1e308", "1")):
        said = f'GPano:FullPanoWidthPixels="{whole}" GPano:CroppedAreaImageWidthPixels="{part}"'
        assert isinstance(xmp.of_result(packet(said), (800, 1600)), bytes)
    assert isinstance(xmp.upright(packet(inside=regions(number, "4", AREA)), Orientation(6, (37, 24))), bytes)


def test_the_further_packet_of_a_jpeg_is_missed_aloud(photo, caplog):
    file = io.BytesIO()
    photo.save(file, "JPEG", xmp=packet('xmpNote:HasExtendedXMP="ABC"', TITLE))
    assert b"HasExtendedXMP" not in load(file).xmp
    assert "further XMP data of the picture" in caplog.text
