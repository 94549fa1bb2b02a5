"""Colours that a file states without a profile: what viewers show of source and result is the same."""

import io
import struct
import zlib
from dataclasses import replace

import imagecodecs
import numpy as np
import pillow_heif
import pytest
import tifffile
from PIL import Image

from leapsr.errors import ImageError
from leapsr.pictures import colour_spaces, icc_profiles
from leapsr.pictures.colour_spaces import ADOBE_RGB, PRIMARIES, SRGB, ColourSpace, Tone
from leapsr.pictures.picture import load, measure
from leapsr.pictures.save_file import save
from tests.conftest import picture_array
from tests.pictures import photos
from tests.pictures.test_icc_profiles import seen
from tests.pictures.test_picture import encoded

MUTED = (picture_array(24, 32) // 3 + 80).astype(np.uint8)
"""Every colour of it lies inside of sRGB, whatever the primaries."""
D65 = (0.3127, 0.3290)
P3 = ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06))
REC_709 = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
REC_2020 = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
ADOBE = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))


def srgb_curve(values):
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def shown(values, primaries, decode):
    """uint8 RGB as sRGB, by the arithmetic of the standards; the white of both is D65."""

    def to_xyz(points):
        columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in points]).T
        white = np.array([D65[0] / D65[1], 1, (1 - D65[0] - D65[1]) / D65[1]])
        return columns * np.linalg.solve(columns, white)

    linear = decode(values / 255) @ (np.linalg.inv(to_xyz(REC_709)) @ to_xyz(primaries)).T
    linear = linear.clip(0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def gamma(exponent):
    return lambda values: values**exponent


def assert_shown_as(picture, primaries, decode):
    """By Little CMS, through the profile of the picture."""
    found = picture.numpy()
    assert np.abs(found.astype(int) - MUTED).max() <= 2  # nothing was converted
    assert np.abs(seen(Image.fromarray(found), picture.icc) - shown(found, primaries, decode)).max() < 1.7


# Spaces


@pytest.mark.parametrize("decode", [srgb_curve, gamma(1.0), gamma(1.8), gamma(2.6)])
@pytest.mark.parametrize("primaries", [P3, REC_2020, ADOBE, REC_709])
def test_profiles_are_what_another_engine_makes_of_them(primaries, decode):
    tone = Tone() if decode is srgb_curve else Tone(float(np.log(decode(0.5)) / np.log(0.5)))
    icc = ColourSpace(*primaries, tone=tone).profile(grey=False)
    assert (icc is None) == (primaries is REC_709 and decode is srgb_curve)
    assert np.abs(seen(Image.fromarray(MUTED), icc) - shown(MUTED, primaries, decode)).max() < 1.7
    if icc is not None:
        assert (icc_profiles.tone(icc) is None) == (decode is srgb_curve)


def test_the_primaries_of_known_profiles():
    """Colorants of Display P3 and Adobe RGB (1998), as their makers publish them."""
    adobe = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
    for space, expected in ((PRIMARIES[12], photos.P3_PRIMARIES), (ADOBE_RGB, adobe)):
        icc = space.profile(grey=False)
        assert icc is not None
        for name, colorant in zip((b"rXYZ", b"gXYZ", b"bXYZ"), expected, strict=True):
            place = struct.unpack(">I", icc[icc.index(name) + 4 : icc.index(name) + 8])[0]
            np.testing.assert_allclose(np.frombuffer(icc, ">i4", 3, place + 8) / 65_536, colorant, atol=3e-4)


@pytest.mark.parametrize("number", PRIMARIES)
def test_white_stays_white(number):
    icc = PRIMARIES[number].profile(grey=False)
    white = Image.new("RGB", (4, 4), "white")
    assert seen(white, icc).min() >= 254


def test_what_spans_no_space():
    for points in ([(0.3, 0.3)] * 3, [(0.64, 0), (0.3, 0.6), (0.15, 0.06)], [(np.nan, 0.3)] * 3):
        with pytest.raises(ValueError):
            ColourSpace(*points)
    with pytest.raises(ValueError):
        ColourSpace(tone=Tone(0.0))


# PNG


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def cicp(primaries, transfer, full=1):
    return chunk(b"cICP", bytes((primaries, transfer, 0, full)))


def gama(exponent):
    return chunk(b"gAMA", struct.pack(">I", round(100_000 / exponent)))


def chrm(primaries, white=D65):
    return chunk(
        b"cHRM", struct.pack(">8I", *(round(1e5 * v) for point in (white, *primaries) for v in point))
    )


def iccp(icc):
    return chunk(b"iCCP", b"x\0\0" + zlib.compress(icc))


SRGB_CHUNK = chunk(b"sRGB", b"\0")
LINEAR_ICC = photos.rgb_profile(photos.SRGB_PRIMARIES, photos.table())


def png(*chunks, values=MUTED):
    data = imagecodecs.png_encode(values)
    return data[:33] + b"".join(chunks) + data[33:]


STATED = {
    "gAMA, linear": ([gama(1.0)], REC_709, gamma(1.0)),
    "gAMA of a Macintosh": ([gama(1.8)], REC_709, gamma(1.8)),
    "gAMA and cHRM": ([gama(1.8), chrm(P3)], P3, gamma(1.8)),
    "gAMA 2.2 and cHRM": ([gama(2.2), chrm(REC_2020)], REC_2020, gamma(2.2)),
    "cHRM alone": ([chrm(ADOBE)], ADOBE, srgb_curve),
    "cICP, Display P3": ([cicp(12, 13)], P3, srgb_curve),
    "cICP, BT.2020": ([cicp(9, 14)], REC_2020, srgb_curve),
    "cICP, linear": ([cicp(1, 8)], REC_709, gamma(1.0)),
    "cICP, gamma 2.8": ([cicp(1, 5)], REC_709, gamma(2.8)),
    "cICP before all others": (
        [cicp(12, 13), iccp(LINEAR_ICC), gama(1.0), chrm(REC_2020)],
        P3,
        srgb_curve,
    ),
    "iCCP before gAMA and cHRM": ([iccp(LINEAR_ICC), gama(2.8), chrm(REC_2020)], REC_709, gamma(1.0)),
}
SRGB_ALIKE = {
    "sRGB before gAMA and cHRM": [SRGB_CHUNK, gama(1.0), chrm(P3)],
    "gAMA of sRGB": [gama(2.2)],
    "gAMA and cHRM of sRGB": [gama(2.2), chrm(REC_709)],
    "cICP of sRGB before iCCP": [cicp(1, 13), iccp(LINEAR_ICC)],
    "cICP of video": [cicp(1, 1)],
    "cICP, nothing said": [cicp(2, 2)],
}


@pytest.mark.parametrize("name", STATED)
def test_png_states_its_colours(name):
    chunks, primaries, decode = STATED[name]
    assert_shown_as(load(png(*chunks)), primaries, decode)


@pytest.mark.parametrize("name", SRGB_ALIKE)
def test_png_that_is_srgb(name):
    assert load(png(*SRGB_ALIKE[name])).icc is None


@pytest.mark.parametrize("values", [MUTED.astype(np.uint16) * 257, np.dstack((MUTED, MUTED[..., 0]))])
def test_deep_and_transparent_png(values):
    picture = load(png(gama(1.0), chrm(P3), values=values))
    assert np.array_equal(picture.numpy(), values)
    assert picture.icc == ColourSpace(*P3, tone=Tone(1.0)).profile(grey=False)


@pytest.mark.parametrize("values", [MUTED[..., 0], MUTED[..., :2]])
def test_grey_png(values):
    values = np.ascontiguousarray(values)
    picture = load(png(gama(1.0), chrm(P3), values=values))
    assert picture.grey
    assert icc_profiles.space(picture.icc) == b"GRAY"
    tone = icc_profiles.tone(picture.icc)
    assert tone is not None
    assert abs(tone.curves[0][32_768] - 0.7354) < 1e-3  # 0.5 of linear light in sRGB
    assert load(png(gama(2.2), values=values)).icc is None


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", ".avif"])
def test_results_are_shown_as_their_sources(upscaler, tmp_path, suffix):
    flat = np.full((8, 8, 3), (150, 90, 60), np.uint8)
    save(upscaler.upscale(load(png(gama(1.8), chrm(P3), values=flat))), path := tmp_path / f"a{suffix}", 100)
    with Image.open(path) as image:
        icc, found = image.info["icc_profile"], np.asarray(image.convert("RGB"))
    assert np.abs(found.astype(int) - flat[0, 0]).mean() < 8  # noise of the fake restorer
    assert icc == ColourSpace(*P3, tone=Tone(1.8)).profile(grey=False)


@pytest.mark.parametrize("take", [load, measure])
@pytest.mark.parametrize(
    ("chunks", "says"),
    [
        ([cicp(9, 16)], r"HDR picture \(PQ\)"),
        ([cicp(9, 18)], r"HDR picture \(HLG\)"),
        ([cicp(12, 16), iccp(LINEAR_ICC), SRGB_CHUNK], "HDR"),
        ([cicp(1, 13, full=0)], "narrow range"),
        ([cicp(10, 17)], "primaries 10, transfer 17"),
        ([cicp(77, 13)], "primaries 77"),
        ([cicp(1, 9)], "transfer 9"),
    ],
)
def test_png_that_is_refused(take, chunks, says):
    with pytest.raises(ImageError, match=says):
        take(png(*chunks))


@pytest.mark.parametrize(
    "chunks", [[chunk(b"gAMA", bytes(4))], [chrm([(0, 0)] * 3)], [chrm(P3, (0, 0))], [chrm([(0.3, 0.3)] * 3)]]
)
def test_png_that_states_nonsense(caplog, chunks):
    assert load(png(*chunks)).icc is None
    assert "makes no sense" in caplog.text


# AVIF and HEIC


def avif(primaries, transfer, bits=8):
    values = MUTED if bits == 8 else MUTED.astype(np.uint16) << (bits - 8)
    options = {"pixelformat": "444", "primaries": primaries, "transfer": transfer, "matrix": 1}
    return imagecodecs.avif_encode(values, level=100, bitspersample=bits, **options)


def heic(primaries, transfer, **options):
    pillow_heif.register_heif_opener()
    options = {"quality": -1, "chroma": 444, "matrix_coefficients": 1, "full_range_flag": 1} | options
    codes = {"color_primaries": primaries, "transfer_characteristics": transfer}
    return encoded(Image.fromarray(MUTED), "HEIF", **codes, **options)


@pytest.mark.parametrize("make", [avif, heic])
@pytest.mark.parametrize(
    ("codes", "primaries", "decode"),
    [
        ((12, 13), P3, srgb_curve),
        ((9, 14), REC_2020, srgb_curve),
        ((12, 8), P3, gamma(1.0)),
        ((1, 4), REC_709, gamma(2.2)),
        ((1, 5), REC_709, gamma(2.8)),
        ((1, 13), REC_709, srgb_curve),
        ((2, 2), REC_709, srgb_curve),
    ],
)
def test_code_points(make, codes, primaries, decode):
    assert_shown_as(load(make(*codes)), primaries, decode)


@pytest.mark.parametrize("take", [load, measure])
@pytest.mark.parametrize("make", [avif, heic])
@pytest.mark.parametrize(("codes", "says"), [((9, 16), "PQ"), ((9, 18), "HLG"), ((12, 16), "PQ")])
def test_hdr(make, codes, says, take):
    with pytest.raises(ImageError, match=says):
        take(make(*codes))


def test_deep_avif_states_its_colours():
    assert load(avif(12, 13, bits=10)).icc == PRIMARIES[12].profile(grey=False)
    with pytest.raises(ImageError, match="PQ"):
        load(avif(9, 16, bits=10))


@pytest.mark.parametrize("name", ["AVIF", "HEIF"])
def test_a_profile_counts_before_code_points(name):
    pillow_heif.register_heif_opener()
    data = encoded(Image.fromarray(MUTED), name, icc_profile=LINEAR_ICC)
    assert load(data).icc == LINEAR_ICC


def test_grey_avif():
    data = imagecodecs.avif_encode(MUTED[..., 0], level=100, primaries=12, transfer=8)
    assert icc_profiles.tone(load(data).icc) is not None


@pytest.mark.parametrize("part", range(1, 12))
def test_cut_avif(part):
    data = avif(12, 13)
    with pytest.raises(ImageError):
        load(data[: part * len(data) // 12])


# BMP


def bmp(kind, ends=(), gammas=(0, 0, 0), icc=b"", size=124):
    """Version 4 or 5. ends: of red, green and blue."""
    rows = np.ascontiguousarray(MUTED[::-1, :, ::-1]).tobytes()
    head = struct.pack("<IiiHHIIiiII", size, 32, 24, 1, 24, 0, len(rows), 2835, 2835, 0, 0) + bytes(16) + kind
    head += struct.pack("<9i", *(round(2**30 * value) for value in ends)) if ends else bytes(36)
    head += struct.pack("<3I", *(round(65_536 * value) for value in gammas))
    if size == 124:
        head += struct.pack("<IIII", 4, size + len(rows), len(icc), 0)
    return (
        struct.pack("<2sIHHI", b"BM", 14 + size + len(rows) + len(icc), 0, 0, 14 + size) + head + rows + icc
    )


def as_chromaticities(primaries):
    return [value for x, y in primaries for value in (x, y, 1 - x - y)]


def as_xyz(primaries):
    columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in primaries]).T
    white = np.array([D65[0] / D65[1], 1, (1 - D65[0] - D65[1]) / D65[1]])
    return list((columns * np.linalg.solve(columns, white)).T.ravel())


@pytest.mark.parametrize("size", [108, 124])
@pytest.mark.parametrize("ends", [as_chromaticities, as_xyz])
@pytest.mark.parametrize("power", [1.8, 1 / 1.8, 0, 2.2])
def test_bmp_states_its_colours(ends, size, power):
    decode = srgb_curve if not power else gamma(max(power, 1 / power))
    assert_shown_as(load(bmp(bytes(4), ends(P3), (power,) * 3, size=size)), P3, decode)


def test_bmp_with_three_gammas():
    icc = load(bmp(bytes(4), as_xyz(P3), (1.0, 1.8, 2.6))).icc
    assert icc is not None
    expected = shown(MUTED, P3, lambda values: values ** np.array([1.0, 1.8, 2.6]))
    assert np.abs(seen(Image.fromarray(MUTED), icc) - expected).max() < 1.7


def test_bmp_with_a_profile():
    assert load(bmp(b"DEBM", icc=LINEAR_ICC)).icc == LINEAR_ICC


@pytest.mark.parametrize("kind", [b"BGRs", b" niW", bytes(4), b"\1\0\0\0"])
def test_bmp_that_is_srgb(kind):
    for size in (108, 124):
        assert np.array_equal(load(bmp(kind, size=size)).numpy(), MUTED)
        assert load(bmp(kind, size=size)).icc is None


def test_bmp_with_a_profile_elsewhere():
    with pytest.raises(ImageError, match="another file"):
        load(bmp(b"KNIL", icc=b"C:\\x.icm\0"))


# TIFF


def tiff(values=MUTED, points=None, white=D65, table=None, **options):
    tags = []
    if points is not None:
        numbers = [n for point in points for v in point for n in (round(v * 10_000), 10_000)]
        tags += [(319, 5, 6, tuple(numbers), True)]
        tags += [(318, 5, 2, tuple(n for v in white for n in (round(v * 10_000), 10_000)), True)]
    if table is not None:
        tags += [(301, 3, table.size, tuple(int(v) for v in table.ravel()), True)]
    buffer = io.BytesIO()
    options = {"photometric": "rgb" if values.ndim == 3 else "minisblack", "metadata": None} | options
    tifffile.imwrite(buffer, values, extratags=tags, **options)
    return buffer.getvalue()


def table_of(decode, count=256):
    return (65_535 * decode(np.linspace(0, 1, count))).round()


@pytest.mark.parametrize("options", [{}, {"compression": "lzw"}, {"bigtiff": True}, {"byteorder": ">"}])
def test_tiff_states_its_primaries(options):
    assert_shown_as(load(tiff(points=P3, **options)), P3, srgb_curve)


def test_tiff_states_its_tone():
    assert_shown_as(load(tiff(table=table_of(gamma(1.8)))), REC_709, gamma(1.8))
    assert_shown_as(load(tiff(points=P3, table=table_of(gamma(1.0)))), P3, gamma(1.0))
    three = np.concatenate([table_of(gamma(power)) for power in (1.0, 1.8, 2.6)])
    expected = shown(MUTED, REC_709, lambda values: values ** np.array([1.0, 1.8, 2.6]))
    icc = load(tiff(table=three)).icc
    assert icc is not None
    assert np.abs(seen(Image.fromarray(MUTED), icc) - expected).max() < 1.7


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_deep_tiff_states_its_colours(dtype):
    values = MUTED.astype(np.uint16) * 257 if dtype == np.uint16 else MUTED / np.float32(255)
    picture = load(tiff(values, points=P3))
    assert picture.icc == PRIMARIES[12].profile(grey=False)
    if dtype == np.uint16:
        icc = load(tiff(values, table=table_of(gamma(1.8), 65_536))).icc
        assert np.abs(seen(Image.fromarray(MUTED), icc) - shown(MUTED, REC_709, gamma(1.8))).max() < 1.7


def test_grey_tiff_states_its_tone():
    picture = load(tiff(MUTED[..., 0], points=P3, table=table_of(gamma(1.0))))
    assert icc_profiles.space(picture.icc) == b"GRAY"
    assert icc_profiles.tone(picture.icc) is not None


@pytest.mark.parametrize(
    "said",
    [
        {"points": REC_709},
        {"table": table_of(srgb_curve)},
        {"table": table_of(gamma(2.2))},
        {"points": REC_709, "iccprofile": b""},
    ],
)
def test_tiff_that_is_srgb(said):
    assert load(tiff(**{key: value for key, value in said.items() if len(value)})).icc is None


def test_the_profile_of_a_tiff_counts_before_its_tags():
    assert load(tiff(points=P3, iccprofile=LINEAR_ICC)).icc == LINEAR_ICC


@pytest.mark.parametrize("said", [{"points": [(0.3, 0.3)] * 3}, {"table": table_of(gamma(1))[::-1]}])
def test_tiff_that_states_nonsense(caplog, said):
    assert load(tiff(**said)).icc is None
    assert "makes no sense" in caplog.text


# EXIF


def exif_of(space, index):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = space
    if index:
        exif.get_ifd(0x8769)[0xA005] = {1: index}
    return exif


@pytest.mark.parametrize("name", ["JPEG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize(("space", "index"), [(65_535, "R03"), (2, ""), (2, "R03")])
def test_adobe_rgb_of_cameras(name, mode, space, index):
    data = encoded(Image.fromarray(MUTED).convert(mode), name, quality=100, exif=exif_of(space, index))
    picture = load(data)
    assert picture.icc == ADOBE_RGB.profile(picture.grey)
    assert picture.exif is not None


@pytest.mark.parametrize(("space", "index"), [(1, "R98"), (65_535, "R98"), (65_535, ""), (1, "R03")])
def test_cameras_that_do_not_say_adobe_rgb(space, index):
    assert load(encoded(Image.fromarray(MUTED), "JPEG", exif=exif_of(space, index))).icc is None


def test_adobe_rgb_of_exif_in_tiff(tmp_path):
    picture = load(encoded(Image.fromarray(MUTED), "JPEG", exif=exif_of(65_535, "R03")))
    save(replace(picture, icc=None), tmp_path / "a.tif")
    assert load(tmp_path / "a.tif").icc == picture.icc == ADOBE_RGB.profile(grey=False)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("part", [0.2, 0.5, 0.8])
def test_damaged_exif_says_nothing(part):
    exif = exif_of(65_535, "R03").tobytes()
    damaged, plain = (
        load(encoded(Image.fromarray(MUTED), "JPEG", **about))
        for about in ({"exif": exif[: int(part * len(exif))]}, {})
    )
    assert (damaged.pixels == plain.pixels).all()


def test_a_profile_counts_before_exif():
    data = encoded(Image.fromarray(MUTED), "JPEG", exif=exif_of(65_535, "R03"), icc_profile=LINEAR_ICC)
    assert load(data).icc == LINEAR_ICC
    cmyk = encoded(Image.fromarray(MUTED).convert("CMYK"), "JPEG", exif=exif_of(65_535, "R03"))
    assert load(cmyk).icc is None


def test_spaces_by_name():
    assert SRGB.profile(grey=False) is None
    assert SRGB.profile(grey=True) is None
    assert colour_spaces.HDR_TONES.keys().isdisjoint(colour_spaces.TONES)


def test_damaged_profiles_are_told(caplog):
    assert load(png(chunk(b"iCCP", b"x\0\0not deflated"))).icc is None
    data = encoded(Image.fromarray(MUTED), "JPEG", icc_profile=LINEAR_ICC + bytes(100_000))
    second = data.index(b"ICC_PROFILE\0\2") - 4
    size = int.from_bytes(data[second + 2 : second + 4], "big")
    assert load(data[:second] + data[second + 2 + size :]).icc is None
    assert caplog.text.count("damaged and was left out") == 2
