"""`ops.damage.of_pictures` in ONNX's operators, for a picture of any size.

Written here and not traced from torch, because how many patches there are, and how large, follows from the
size of the picture, which is only known when the graph runs. Nothing may be empty in a graph: what is sorted
gets one more value that comes last, and what is cut gets a few more rows.
"""

# The functions are read by onnxscript, which knows tensors only.
# mypy: ignore-errors
import math

from onnx import ModelProto, inliner, numpy_helper
from onnxscript import DOUBLE, FLOAT, INT64, optimizer, script
from onnxscript import opset18 as op

from ..ops.color import BT601
from ..ops.damage import FINEST, FLAT, FLAT_BIAS, GAUSSIAN_MEDIAN, PATCH, WINDOW, cosines, fine_cosines

OPSET = 18
_RED, _GREEN, _BLUE = BT601
_TENTH = round(1 / FLAT)
_DIVISOR = float(WINDOW**2 - 3)
_LAST = 1e9  # sorted behind everything that is measured
_FINE = numpy_helper.from_array(fine_cosines().numpy())
_FINEST = numpy_helper.from_array(cosines(FINEST)[:, None, None].numpy())
_DECIBELS = 20 / math.log(10)


@script()
def _places(length: INT64[1]):
    """The first pixel and the side of each patch along one side of the picture."""
    side = op.Min(length, PATCH)
    count = op.Min(op.Div(length + (PATCH - 1), PATCH), 8)
    steps = op.Range(0, op.Squeeze(count), 1) * (length - side)
    gaps = op.Cast(op.Max(count - 1, 1), to=DOUBLE.dtype)
    first = op.Cast(op.Round(op.Cast(steps, to=DOUBLE.dtype) / gaps), to=INT64.dtype)
    return op.Unsqueeze(first, [1]) + op.Range(0, op.Squeeze(side), 1), side


@script()
def _lowest(values: FLOAT["P", "N"], place: INT64[1]):
    """The value at a place of each sorted row."""
    sorted_values, _ = op.TopK(values, place + 1, largest=0)
    return op.Gather(sorted_values, place, axis=1)


@script()
def _diagonal_noise(planes: FLOAT["P", "C", "H", "W"]):
    columns = planes[:, :, :, 1:] - planes[:, :, :, :-1]
    detail = op.Flatten(op.Abs(columns[:, :, 1:] - columns[:, :, :-1]))
    count = op.Shape(detail, start=1)
    padded = op.Pad(detail, [0, 0, 0, 1], _LAST)
    median = _lowest(padded, op.Div(op.Max(count - 1, 0), 2))
    return op.Where(count > 0, median / (2.0 * GAUSSIAN_MEDIAN), 0.0)


@script()
def _flat_noise(luma: FLOAT["P", 1, "H", "W"]):
    """onnxscript wants WINDOW, 4, written out in lists."""
    shape = op.Shape(luma, start=2)
    counts = op.Max(op.Div(shape, WINDOW), 1)
    enough = op.Pad(luma, [0, 0, 0, 0, 0, 0, 3, 3])
    cut = op.Slice(enough, [0, 0], counts * WINDOW, [2, 3])
    patches = op.Shape(luma, end=1)
    split = op.Concat(patches, counts[0:1], [4], counts[1:2], [4], axis=0)
    windows = op.Transpose(op.Reshape(cut, split), perm=[0, 1, 3, 2, 4])
    # What is left of each window without its plane of best fit.
    flat = op.Reshape(windows, op.Concat(patches, [-1], [4, 4], axis=0))
    place = op.Constant(value_floats=[-1.0, -1.0 / 3, 1.0 / 3, 1.0])
    squares = 4.0 * 20.0 / 9.0
    mean = op.ReduceMean(flat, [2, 3])
    across = op.ReduceSum(flat * place, [2, 3]) / squares
    down = op.ReduceSum(flat * op.Unsqueeze(place, [1]), [2, 3]) / squares
    rest = flat - mean - across * place - down * op.Unsqueeze(place, [1])
    deviation = op.Sqrt(op.ReduceSumSquare(rest, [2, 3], keepdims=0) / _DIVISOR)
    beyond = op.Shape(deviation, start=1) - 1
    low = op.Div(beyond, _TENTH)
    share = op.Cast(op.Mod(beyond, _TENTH), to=FLOAT.dtype) / op.Cast(_TENTH, to=FLOAT.dtype)
    below = _lowest(deviation, low)
    above = _lowest(deviation, op.Min(low + 1, beyond))
    noise = (below + (above - below) * share) / FLAT_BIAS
    return op.Where(op.ReduceMin(shape) >= WINDOW, noise, _diagonal_noise(luma))


@script()
def _blocks(jumps: FLOAT["P", "N"]):
    count = op.Shape(jumps, start=1)
    groups = op.Max(op.Div(count, 8), 1)
    cut = op.Slice(op.Pad(jumps, [0, 0, 0, 8]), [0], groups * 8, [1])
    rows = op.Reshape(cut, op.Concat(op.Shape(jumps, end=1), groups, [8], axis=0))
    by_place = op.Reshape(op.Transpose(rows, perm=[0, 2, 1]), op.Concat([-1], groups, axis=0))
    whole = op.Reshape(_lowest(by_place, op.Div(groups - 1, 2)), [-1, 8])
    middle = _lowest(whole, op.Constant(value_ints=[3]))
    return op.Where(count >= 16, op.ReduceMax(whole, [1]) - middle, 0.0)


@script()
def _grid(luma: FLOAT["P", 1, "H", "W"]):
    shape = op.Shape(luma, start=2)
    blocks = op.Max(op.Div(shape - 7, 8), 1)
    fine = op.Conv(op.Pad(luma, [0, 0, 0, 0, 0, 0, 15, 15]), op.Constant(value=_FINE))
    zeros = op.ReduceMean(op.Cast(op.Abs(fine) < 1.0, to=FLOAT.dtype), [1])
    whole = op.Slice(zeros, [0, 0], blocks * 8, [2, 3])
    split = op.Concat(op.Shape(luma, end=1), blocks[0:1], [8], blocks[1:2], [8], axis=0)
    share = op.Flatten(op.ReduceMean(op.Reshape(whole, split), [1, 3], keepdims=0))
    middle = _lowest(share, op.Constant(value_ints=[31]))
    more = 100.0 * (op.ReduceMax(share, [1]) - middle)
    return op.Where(op.ReduceMin(shape) >= 16, more, 0.0)


@script()
def _compression(luma: FLOAT["P", 1, "H", "W"]):
    width = op.Shape(luma, start=3)
    blocks = op.Max(op.Div(width - 7, 8), 1)
    fine = op.Conv(op.Pad(luma, [0, 0, 0, 0, 0, 0, 0, 15]), op.Constant(value=_FINEST))
    whole = op.Slice(fine, [0], blocks * 8, [3])
    split = op.Reshape(whole, op.Concat(op.Shape(whole, end=3), blocks, [8], axis=0))
    strength = op.ReduceMean(op.Log(op.Abs(split) + 1.0), [1, 2, 3], keepdims=0) * _DECIBELS
    middle = _lowest(strength, op.Constant(value_ints=[3]))
    return op.Where(width >= 16, middle - op.ReduceMin(strength, [1]), 0.0)


@script()
def _mean(planes: FLOAT["P", 1, "H", "W"]):
    """(P, 1); 0 of nothing."""
    flat = op.Flatten(op.Abs(planes))
    count = op.Cast(op.Max(op.Shape(flat, start=1), 1), to=FLOAT.dtype)
    return op.ReduceSum(flat, [1]) / count


@script()
def _measured(input: FLOAT[1, 3, "H", "W"], measures: FLOAT[1, 7]) -> FLOAT[1, 7]:
    """measures: what a negative number stands in for is measured."""
    rows, tall = _places(op.Shape(input, start=2, end=3))
    columns, wide = _places(op.Shape(input, start=3))
    down, across = op.Shape(rows, end=1), op.Shape(columns, end=1)
    boxes = op.Gather(
        op.Gather(input * 255.0, op.Reshape(rows, [-1]), axis=2), op.Reshape(columns, [-1]), axis=3
    )
    split = op.Reshape(boxes, op.Concat([3], down, tall, across, wide, axis=0))
    levels = op.Reshape(op.Transpose(split, perm=[1, 3, 0, 2, 4]), op.Concat([-1, 3], tall, wide, axis=0))
    luma = levels[:, 0:1] * _RED + levels[:, 1:2] * _GREEN + levels[:, 2:3] * _BLUE
    row_jumps = op.Abs(luma[:, :, 1:] - luma[:, :, :-1])
    column_jumps = op.Abs(luma[:, :, :, 1:] - luma[:, :, :, :-1])
    near = _mean(row_jumps) + _mean(column_jumps)
    far = _mean(luma[:, :, 2:] - luma[:, :, :-2]) + _mean(luma[:, :, :, 2:] - luma[:, :, :, :-2])
    across_rows = op.Squeeze(op.ReduceMean(row_jumps, [3]), [1, 3])
    across_columns = op.Squeeze(op.ReduceMean(column_jumps, [2]), [1, 2])
    each = op.Concat(
        _diagonal_noise(luma),
        _flat_noise(luma),
        _diagonal_noise(levels - luma),
        op.Max(_blocks(across_rows), _blocks(across_columns)),
        (near + 0.5) / (far + 1.0),
        _grid(luma),
        op.Min(_compression(luma), _compression(op.Transpose(luma, perm=[0, 1, 3, 2]))),
        axis=1,
    )
    patches = op.Shape(each, end=1)
    median = op.Transpose(_lowest(op.Transpose(each), op.Div(patches - 1, 2)))
    measured = op.Where(measures < 0.0, median, measures)
    return measured


def graph() -> ModelProto:
    """`input`, (1, 3, H, W) in [0, 1], and `measures`, (1, 7), to `measured`, (1, 7): those of `measures`
    that are not negative, and the picture's own in the place of the others."""
    return optimizer.optimize(inliner.inline_local_functions(_measured.to_model_proto()))
