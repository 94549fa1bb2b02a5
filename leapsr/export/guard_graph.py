"""`upscaling.guard` in ONNX's operators, whose pooling and resizing make it several times as short and fast
as a trace of the slices that torch is fastest with.
"""

# The functions are read by onnxscript, which knows tensors only.
# mypy: ignore-errors

from onnx import ModelProto, inliner
from onnxscript import FLOAT, optimizer, script
from onnxscript import opset18 as op

from ..ops.color import BT601
from ..upscaling import guard

_RED, _GREEN, _BLUE = BT601
_KNEE = guard.KNEE
_RANGE, _RANGE_PER_CONTRAST = guard.RANGE / 255, guard.RANGE_PER_CONTRAST
_CHROMA, _CHROMA_PER_CONTRAST = guard.CHROMA / 255, guard.CHROMA_PER_CONTRAST
_MEAN, _MEAN_PER_CONTRAST = guard.MEAN / 255, guard.MEAN_PER_CONTRAST
_AROUND, _AROUND_PER_CONTRAST = guard.AROUND / 255, guard.AROUND_PER_CONTRAST
_AROUND_EACH, _AROUND_EACH_PER_CONTRAST = guard.AROUND_EACH / 255, guard.AROUND_EACH_PER_CONTRAST
_MOST, _MOST_EACH = guard.MOST_CONTRAST / 255, guard.MOST_CONTRAST_EACH / 255
_SLACK = guard.SLACK


@script()
def _greatest(planes: FLOAT[1, "C", "H", "W"]):
    """Of the 5 x 5 pixels around each: guard.SEEN."""
    return op.MaxPool(planes, kernel_shape=[5, 5], pads=[2, 2, 2, 2])


@script()
def _greatest_of_neighbours(planes: FLOAT[1, "C", "H", "W"]):
    return op.MaxPool(planes, kernel_shape=[3, 3], pads=[1, 1, 1, 1])


@script()
def _greatest_of_49(planes: FLOAT[1, "C", "H", "W"]):
    """guard.RADIUS on each side."""
    return op.MaxPool(planes, kernel_shape=[7, 7], pads=[3, 3, 3, 3])


@script()
def _mean_of_49(planes: FLOAT[1, "C", "H", "W"]):
    return op.AveragePool(op.Pad(planes, [0, 0, 3, 3, 0, 0, 3, 3], mode="edge"), kernel_shape=[7, 7])


@script()
def _chroma(image: FLOAT[1, 3, "H", "W"]):
    red, green, blue = op.Split(image, axis=1, num_outputs=3)
    luma = red * _RED + green * _GREEN + blue * _BLUE
    return op.Concat(red - luma, blue - luma, axis=1)


@script()
def _range_bounds(source: FLOAT[1, "C", "H", "W"]):
    least, greatest = op.Neg(_greatest(op.Neg(source))), _greatest(source)
    margin = (greatest - least) * _RANGE_PER_CONTRAST + _RANGE
    return least - margin, greatest + margin


@script()
def _chroma_bounds(source: FLOAT[1, "C", "H", "W"]):
    least, greatest = op.Neg(_greatest(op.Neg(source))), _greatest(source)
    margin = (greatest - least) * _CHROMA_PER_CONTRAST + _CHROMA
    return least - margin, greatest + margin


@script()
def _mean_limits(source: FLOAT[1, "C", "H", "W"]):
    contrast = _greatest(source) + _greatest(op.Neg(source))
    each = contrast * _MEAN_PER_CONTRAST + _MEAN
    together = _mean_of_49(op.Min(contrast, op.Constant(value_float=_MOST))) * _AROUND_PER_CONTRAST + _AROUND
    on_average = (
        _mean_of_49(op.Min(contrast, op.Constant(value_float=_MOST_EACH))) * _AROUND_EACH_PER_CONTRAST
        + _AROUND_EACH
    )
    return each, together, on_average


@script()
def _soft(values: FLOAT[1, "C", "H", "W"], limit: FLOAT[1, "C", "H", "W"]):
    knee = limit * _KNEE
    rest = limit - knee
    size = op.Abs(values)
    beyond = op.Max(size - knee, 0.0)
    return (op.Min(size, knee) - (op.Exp(op.Neg(beyond / rest)) - 1.0) * rest) * op.Sign(values)


@script()
def _share(values: FLOAT[1, "C", "H", "W"], limit: FLOAT[1, "C", "H", "W"]):
    allowed = _soft(values, limit)
    return op.Where(values == allowed, 1.0, allowed / values)


@script()
def _near_zero(error: FLOAT[1, "C", "H", "W"], source: FLOAT[1, "C", "H", "W"]):
    each, together, on_average = _mean_limits(source)
    limited = _soft(error, each)
    first, second = _share(_mean_of_49(limited), together), _share(_mean_of_49(op.Abs(limited)), on_average)
    return limited * op.Neg(_greatest_of_49(op.Neg(op.Min(first, second))))


@script()
def _any(found):
    return op.Cast(op.ReduceMax(op.Cast(found, to=1), keepdims=0), to=9)


@script()
def _blocks(image: FLOAT[1, "C", "LH", "LW"], source: FLOAT[1, "D", "H", "W"]):
    """(1, C, H, scale, W, scale): the pixels made of each source pixel."""
    small, large = op.Shape(source, start=2), op.Shape(image, start=2)
    factor = op.Div(large, small)
    sides = op.Concat(op.Shape(image, end=2), small[0:1], factor[0:1], small[1:2], factor[1:2], axis=0)
    return op.Reshape(image, sides)


@script()
def _means(image: FLOAT[1, "C", "LH", "LW"], source: FLOAT[1, "D", "H", "W"]):
    return op.ReduceMean(_blocks(image, source), [3, 5], keepdims=0)


@script()
def _bilinear(planes: FLOAT[1, "C", "H", "W"], image: FLOAT[1, "D", "LH", "LW"]):
    """Enlarged to the size of the image."""
    sides = op.Concat(op.Shape(planes, end=2), op.Shape(image, start=2), axis=0)
    return op.Resize(planes, None, None, sides, mode="linear")


@script()
def _repeated(planes: FLOAT[1, "C", "H", "W"], image: FLOAT[1, "D", "LH", "LW"]):
    sides = op.Concat(op.Shape(planes, end=2), op.Shape(image, start=2), axis=0)
    return op.Resize(
        planes,
        None,
        None,
        sides,
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


@script()
def _leaves(planes, source, least, greatest):
    """Whether a pixel may lie outside of the bounds, which are interpolated: inside of those of all
    neighbours, it is inside."""
    blocks = _blocks(planes, source)
    below = op.ReduceMin(blocks, [3, 5], keepdims=0) < _greatest_of_neighbours(least)
    above = op.ReduceMax(blocks, [3, 5], keepdims=0) > op.Neg(_greatest_of_neighbours(op.Neg(greatest)))
    return op.Or(_any(below), _any(above))


@script()
def _within(planes, image, least, greatest):
    return op.Min(op.Max(planes, _bilinear(least, image)), _bilinear(greatest, image))


@script()
def _fall(image, source, means, least):
    room = op.Max(_means(image - least, source), 1e-6)
    return op.Min(op.Max(op.Neg(means), 0.0) / room, 1.0)


@script()
def _rise(image, source, means, greatest):
    room = op.Max(_means(greatest - image, source), 1e-6)
    return op.Min(op.Max(means, 0.0) / room, 1.0)


@script()
def _limited(restored, source):
    low, high = _range_bounds(source)
    image = _within(restored, restored, low, high)
    # Chroma within its range in the source; luma as it is, unless it must leave its bounds for that.
    chroma = _chroma(image)
    chroma_low, chroma_high = _chroma_bounds(_chroma(source))
    red, blue = op.Split(_within(chroma, image, chroma_low, chroma_high) - chroma, axis=1, num_outputs=2)
    green = (red * _RED + blue * _BLUE) / (-_GREEN)
    image = _within(image + op.Concat(red, green, blue, axis=1), image, low, high)
    # Means: smooth corrections, then by blocks what is left of them.
    shown = op.Clip(image, 0.0, 1.0)
    error = _means(shown, source) - source
    wanted = _near_zero(error, source)
    least = _bilinear(op.Clip(low, 0.0, 1.0), image)
    greatest = _bilinear(op.Clip(high, 0.0, 1.0), image)
    change = wanted - error
    fall, rise = _fall(shown, source, change, least), _rise(shown, source, change, greatest)
    smooth = shown - (shown - least) * _bilinear(fall, image) + (greatest - shown) * _bilinear(rise, image)
    left = _means(smooth, source) - source - wanted
    rest = op.Clip(left, -_SLACK, _SLACK) - left
    fall, rise = _fall(smooth, source, rest, least), _rise(smooth, source, rest, greatest)
    exact = smooth - (smooth - least) * _repeated(fall, image) + (greatest - smooth) * _repeated(rise, image)
    return op.Where(exact == shown, image, exact)


@script()
def _guarded(restored: FLOAT[1, 3, "LH", "LW"], input: FLOAT[1, 3, "H", "W"]) -> FLOAT[1, 3, "LH", "LW"]:
    low, high = _range_bounds(input)
    chroma_low, chroma_high = _chroma_bounds(_chroma(input))
    outside = op.Or(
        _leaves(restored, input, low, high), _leaves(_chroma(restored), input, chroma_low, chroma_high)
    )
    error = _means(op.Clip(restored, 0.0, 1.0), input) - input
    each, together, on_average = _mean_limits(input)
    far = op.Or(
        _any(op.Abs(error) > each * _KNEE),
        op.Or(
            _any(op.Abs(_mean_of_49(error)) > together * _KNEE),
            _any(_mean_of_49(op.Abs(error)) > on_average * _KNEE),
        ),
    )
    doubtful = op.Or(outside, far)
    if doubtful:
        kept = op.Clip(_limited(restored, input), 0.0, 1.0)
    else:
        kept = op.Clip(restored, 0.0, 1.0)
    output = op.Identity(kept)
    return output


def graph() -> ModelProto:
    """`restored`, (1, 3, scale H, scale W), and `input`, (1, 3, H, W) in [0, 1], to `output`, the restored
    picture within its limits, in [0, 1]. A good result costs no more than the check."""
    return optimizer.optimize(inliner.inline_local_functions(_guarded.to_model_proto()))
