from dataclasses import replace

import numpy as np
import torch

from leapsr.metrics.sheet import BACKGROUND, CELL, GAP, HEADER, sheet_size
from leapsr.pictures.picture import Picture
from leapsr.upscaling.contact_sheet import ContactSheet, differing_boxes
from tests.pictures.test_icc_profiles import P3


def flat(height: int, width: int, level: float = 0.5) -> Picture:
    return Picture(torch.full((3, height, width), level))


def changed(picture: Picture, top: int, left: int, amount: float = 0.3) -> Picture:
    rgb = picture.rgb.clone()
    rgb[:, top : top + 40, left : left + 40] += amount
    return picture.with_rgb(rgb)


def cell(sheet, column, row):
    left, top = column * (CELL + GAP), 2 * HEADER + row * (CELL + HEADER + GAP)
    return np.asarray(sheet)[top : top + CELL, left : left + CELL]


def test_the_places_are_where_the_samples_differ_most():
    base = flat(900, 1200)
    other = changed(changed(base, 100, 1000, 0.4), 700, 200, 0.2)
    boxes = differing_boxes(base, other)
    assert len(boxes) == 2
    for (left, top, right, bottom), (y, x) in zip(boxes, [(100, 1000), (700, 200)], strict=True):
        assert (right - left, bottom - top) == (CELL, CELL)
        assert left <= x
        assert right >= x + 40
        assert top <= y
        assert bottom >= y + 40
    (l1, t1, r1, b1), (l2, t2, r2, b2) = boxes
    assert r1 <= l2 or r2 <= l1 or b1 <= t2 or b2 <= t1


def test_one_large_difference_is_not_shown_twice():
    base = flat(300, 1500)
    rgb = base.rgb.clone()
    rgb[:, :, 500:1000] += 0.3
    first, second = differing_boxes(base, base.with_rgb(rgb))
    assert first[2] <= second[0] or second[2] <= first[0]


def test_a_sheet_has_a_column_for_the_source_and_each_seed():
    source = flat(150, 200, 0.2)
    sheet = ContactSheet(source)
    results = [changed(flat(600, 800), 50 + 100 * i, 300) for i in range(3)]
    for seed, result in enumerate(results, start=5):
        sheet.add(seed, result)
    drawn = sheet.draw()
    assert drawn is not None
    assert drawn.size == sheet_size(4, 3)
    left, top, right, bottom = differing_boxes(results[0], results[1])[0]
    for column, result in enumerate(results, start=1):
        pixels = (result.rgb[:, top:bottom, left:right] * 255).round().permute(1, 2, 0).numpy()
        assert np.array_equal(cell(drawn, column, 1), pixels.astype(np.uint8))
    assert (cell(drawn, 0, 1) == round(0.2 * 255)).all()  # the source, enlarged


def test_small_pictures_are_shown_whole_only():
    sheet = ContactSheet(flat(16, 16))
    for seed in (0, 1):
        sheet.add(seed, changed(flat(64, 64), 10 * seed, 10))
    drawn = sheet.draw()
    assert drawn is not None
    assert drawn.size == sheet_size(3, 1)
    assert (cell(drawn, 1, 0) != BACKGROUND).all(axis=-1).all()


def test_narrow_pictures():
    for size in ((3, 900), (900, 3), (300, 257)):
        sheet = ContactSheet(flat(1, 1))
        for seed in (0, 1, 2):
            sheet.add(seed, flat(*size, 0.1 * seed))
        assert sheet.draw() is not None


def test_nothing_to_choose_from():
    sheet = ContactSheet(flat(16, 16))
    assert sheet.draw() is None
    sheet.add(0, flat(64, 64))
    assert sheet.draw() is None


def test_colours_keep_their_profile_and_transparency_lies_on_grey():
    clear = torch.cat([torch.zeros(3, 64, 64), torch.zeros(1, 64, 64)])
    source = replace(flat(16, 16), icc=P3, pixels=torch.zeros(4, 16, 16))
    sheet = ContactSheet(source)
    for seed in (0, 1):
        sheet.add(seed, Picture(clear))
    drawn = sheet.draw()
    assert drawn is not None
    assert drawn.info["icc_profile"] == P3
    assert (cell(drawn, 1, 0) == 128).all()
