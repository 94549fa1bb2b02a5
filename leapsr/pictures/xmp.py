"""Update the XMP of a picture that was turned, enlarged or taken out of a file with further pictures.

In most packets only numbers change and all other bytes stay. The others are parsed.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from math import isclose, isfinite
from xml.dom import minidom
from xml.parsers.expat import ExpatError

from .orientation import Orientation

_EXIF, _TIFF = "http://ns.adobe.com/exif/1.0/", "http://ns.adobe.com/tiff/1.0/"
_REGIONS = "http://www.metadataworkinggroup.com/schemas/regions/"
_AREA, _DIMENSIONS = "http://ns.adobe.com/xmp/sType/Area#", "http://ns.adobe.com/xap/1.0/sType/Dimensions#"
_WINDOWS_REGION = "http://ns.microsoft.com/photo/1.2/t/Region#"
_IPTC_EXTENSION = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_PANORAMA = "http://ns.google.com/photos/1.0/panorama/"
_DRONE = "http://www.dji.com/drone-dji/1.0/"
_CAMERA_RAW = "http://ns.adobe.com/camera-raw-settings/1.0/"
_DECLARATION = "http://www.w3.org/2000/xmlns/"

_OTHER_CONTENTS = (
    "http://ns.adobe.com/hdr-gain-map/",
    "http://ns.apple.com/HDRGainMap/",
    "http://ns.apple.com/depthBlurEffect/",
    "http://ns.apple.com/depthData/",
    "http://ns.apple.com/pixeldatainfo/",
    "http://ns.google.com/photos/1.0/audio/",
    "http://ns.google.com/photos/1.0/container/",
    "http://ns.google.com/photos/1.0/depthmap/",
    "http://ns.google.com/photos/1.0/image/",
    "http://ns.google.com/photos/dd/",
)
"""Namespaces of gain maps, depth, sound and other pictures in the same file, by their beginnings."""
_CAMERAS = re.compile(r"http://ns\.(google|oplus|xiaomi)\.com/photos/1\.0/camera/")
_MOTION = re.compile(r"MotionPhoto|MicroVideo|VideoLength|XMPMeta")
"""Properties for videos in the namespaces of cameras, and for all that Xiaomi appends."""
_FURTHER_PACKET = ("http://ns.adobe.com/xmp/note/", "HasExtendedXMP")

_IN_PIXELS = {
    _EXIF: ("SubjectArea", "SubjectLocation", "FocalPlaneXResolution", "FocalPlaneYResolution"),
    _DRONE: ("CalibratedFocalLength", "CalibratedOpticalCenterX", "CalibratedOpticalCenterY", "DewarpData"),
}
"""Copies of EXIF values and the optics of drones, in pixels of the source."""

Node = minidom.Attr | minidom.Element


def upright(packet: bytes, orientation: Orientation) -> bytes:
    """The packet of the upright picture, without what belongs to other pictures in the file."""
    packet = _with_numbers(packet, {b"tiff:Orientation": 1})

    def change(document: minidom.Document) -> None:
        _remove(document, _is_lost)
        _turn_regions(document, orientation)
        if orientation.value != 1:
            _remove(document, lambda uri, name: (uri, name) == (_IPTC_EXTENSION, "ImageRegion"))
            _remove(document, lambda uri, name: name in _IN_PIXELS.get(uri, ()))
        if orientation.swaps_sides:  # EXIF, or the file itself, has it too
            _remove(document, lambda uri, name: uri == _TIFF and name in ("XResolution", "YResolution"))

    lost = any(uri.encode() in packet for uri in (*_OTHER_CONTENTS, _FURTHER_PACKET[0]))
    lost = lost or bool(_CAMERAS.search(packet.decode("latin-1")))
    regions = _REGIONS.encode() in packet or _WINDOWS_REGION.encode() in packet
    return _changed(packet, change) if lost or regions or orientation.value != 1 else packet


def of_result(packet: bytes | None, size: tuple[int, int]) -> bytes | None:
    """The packet of an enlarged picture, with its sizes and positions. size: (height, width)."""
    if packet is None:
        return None
    sides = {b"tiff:ImageWidth": size[1], b"tiff:ImageLength": size[0]}
    packet = _with_numbers(
        packet, sides | {b"exif:PixelXDimension": size[1], b"exif:PixelYDimension": size[0]}
    )

    def change(document: minidom.Document) -> None:
        _remove(document, lambda uri, name: name in _IN_PIXELS.get(uri, ()))
        for applied in list(_named(document, _REGIONS, "AppliedToDimensions")):
            _write(applied, _DIMENSIONS, {"w": size[1], "h": size[0]})
        for region in list(_named(document, _IPTC_EXTENSION, "ImageRegion")):
            if any(_value(unit) == "pixel" for unit in _all(region, _IPTC_EXTENSION, "rbUnit")):
                _drop(region)
        _enlarge_panorama(document, size)

    known = (_REGIONS, _IPTC_EXTENSION, _PANORAMA, _DRONE)
    named = any(uri.encode() in packet for uri in known) or b"Subject" in packet or b"FocalPlane" in packet
    return _changed(packet, change) if named else packet


def without_development(packet: bytes) -> bytes:
    """The packet without the settings of a RAW converter, which it would apply to the result once more."""
    return _changed(packet, lambda document: _remove(document, lambda uri, _: uri == _CAMERA_RAW))


def _with_numbers(packet: bytes, values: Mapping[bytes, int]) -> bytes:
    """Replace the numbers of these attributes or elements."""
    for name, value in values.items():
        packet = re.sub(rb"(%s(?:\s*=\s*[\"']|>)\s*)\d+" % name, rb"\g<1>%d" % value, packet)
    return packet


def _changed(packet: bytes, change: Callable[[minidom.Document], None]) -> bytes:
    """A packet that cannot be parsed stays as it is."""
    if b"<!" in packet.replace(b"<![CDATA[", b"").replace(b"<!--", b""):  # declarations have no place in it
        return packet
    try:
        document = minidom.parseString(packet.rstrip(b"\0"))
        before = document.toxml()
        change(document)
    except (ExpatError, ValueError, ArithmeticError, LookupError, RecursionError):
        return packet
    if document.toxml() == before:
        return packet
    return "".join(node.toxml() for node in document.childNodes).encode()


def _is_lost(uri: str, name: str) -> bool:
    """Whether a property belongs to something else in the file of the picture."""
    if (uri, name) == _FURTHER_PACKET or uri.startswith(_OTHER_CONTENTS):
        return True
    return _CAMERAS.match(uri) is not None and _MOTION.match(name) is not None


def _turn_regions(document: minidom.Document, orientation: Orientation) -> None:
    """Faces and other regions, as fractions of the sides. Those of another crop of the photo are removed."""
    stored, size = orientation.stored_size, orientation.size
    if stored is None or size is None:
        return
    for regions in list(_named(document, _REGIONS, "Regions")):
        applied = next(_all(regions, _REGIONS, "AppliedToDimensions"), None)
        sides = None if applied is None else _numbers(applied, _DIMENSIONS, "wh")
        if sides is None or _alike(sides, stored):
            for area in list(_all(regions, _REGIONS, "Area")):
                _turn_area(area, orientation)
        elif not _alike(sides, size):  # else somebody wrote them for the upright picture
            _drop(regions)
            continue
        if applied is not None:
            _write(applied, _DIMENSIONS, {"w": size[1], "h": size[0]})
    for rectangle in list(_all(document, _WINDOWS_REGION, "Rectangle")):
        try:
            x, y, width, height = (float(part) for part in _value(rectangle).split(","))
        except ValueError:
            continue
        middle = orientation.to_upright(x + width / 2, y + height / 2)
        width, height = orientation.swapped(width, height)
        corner = middle[0] - width / 2, middle[1] - height / 2
        if orientation.value != 1:
            _set(rectangle, ", ".join(f"{number:.6f}" for number in (*corner, width, height)))


def _turn_area(area: Node, orientation: Orientation) -> None:
    """Its middle and, except for points and circles, its sides."""
    middle, sides = _numbers(area, _AREA, "xy"), _numbers(area, _AREA, "wh")
    if orientation.value != 1 and middle is not None:
        _write(area, _AREA, dict(zip("xy", orientation.to_upright(*middle), strict=True)))
        if sides is not None:
            _write(area, _AREA, dict(zip("wh", orientation.swapped(*sides), strict=True)))


def _alike(sides: tuple[float, float], size: tuple[int, int]) -> bool:
    """Whether (width, height) and (height, width) have one shape."""
    return isclose(sides[0] * size[0], sides[1] * size[1], rel_tol=0.01)


def _enlarge_panorama(document: minidom.Document, size: tuple[int, int]) -> None:
    """A part of a panorama: its position in the whole and the size of the whole, in pixels."""
    for end, name, side in (("Width", "Left", size[1]), ("Height", "Top", size[0])):
        whole = next(_all(document, _PANORAMA, f"CroppedAreaImage{end}Pixels"), None)
        before = _as_number(None if whole is None else _value(whole))
        lengths = f"CroppedAreaImage{end}Pixels", f"FullPano{end}Pixels", f"LargestValidInteriorRect{end}"
        for one in (*lengths, f"CroppedArea{name}Pixels", f"LargestValidInteriorRect{name}"):
            for node in list(_all(document, _PANORAMA, one)):
                number = _as_number(_value(node))
                if before and number is not None:
                    _set(node, str(round(number * side / before)))
                else:
                    _drop(node)


def _as_number(text: str | None) -> float | None:
    try:
        number = None if text is None else float(text)
    except ValueError:
        return None
    return number if number is not None and isfinite(number) else None


def _numbers(inside: Node, uri: str, names: str) -> tuple[float, float] | None:
    """Two numbers inside a property."""
    found = [next(_all(inside, uri, name), None) for name in names]
    first, second = (None if node is None else _as_number(_value(node)) for node in found)
    return None if first is None or second is None else (first, second)


def _write(inside: Node, uri: str, values: Mapping[str, float]) -> None:
    for name, value in values.items():
        for node in _all(inside, uri, name):
            _set(node, f"{value:.6g}" if isinstance(value, float) else str(value))


def _named(document: minidom.Document, uri: str, name: str) -> Iterator[minidom.Element]:
    return (node for node in _all(document, uri, name) if isinstance(node, minidom.Element))


def _all(inside: minidom.Document | Node, uri: str, name: str) -> Iterator[Node]:
    """The properties of that name: XMP has them as attributes or as elements."""
    if isinstance(inside, minidom.Attr):
        return
    own = [inside] if isinstance(inside, minidom.Element) else []
    for element in [*own, *inside.getElementsByTagName("*")]:
        if element is not inside and (element.namespaceURI, element.localName) == (uri, name):
            yield element
        attribute = element.getAttributeNodeNS(uri, name)
        if attribute is not None:
            yield attribute


def _remove(document: minidom.Document, unwanted: Callable[[str, str], bool]) -> None:
    """Properties, with all that is inside, and declarations of namespaces that have gone with them."""
    for element in list(document.getElementsByTagName("*")):
        if unwanted(element.namespaceURI or "", element.localName):
            _drop(element)
            continue
        for attribute in list(element.attributes.values()):
            declared = attribute.namespaceURI == _DECLARATION and attribute.value.startswith(_OTHER_CONTENTS)
            if declared or unwanted(attribute.namespaceURI or "", attribute.localName):
                element.removeAttributeNode(attribute)


def _drop(node: Node) -> None:
    if isinstance(node, minidom.Attr):
        if node.ownerElement is not None:
            node.ownerElement.removeAttributeNode(node)
    elif node.parentNode is not None:
        node.parentNode.removeChild(node)


def _value(node: Node) -> str:
    if isinstance(node, minidom.Attr):
        return node.value
    return "".join(child.data for child in node.childNodes if isinstance(child, minidom.Text)).strip()


def _set(node: Node, text: str) -> None:
    if isinstance(node, minidom.Attr):
        node.value = text
        return
    for child in list(node.childNodes):
        node.removeChild(child)
    document = node.ownerDocument
    assert document is not None
    node.appendChild(document.createTextNode(text))
