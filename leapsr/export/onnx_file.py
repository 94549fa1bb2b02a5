"""ONNX files: made, checked against torch by ONNX Runtime, and only then put in their place."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..data.listing import picture_files
from ..errors import DataError, UsageError, optional
from ..files import atomic_write
from ..ops.damage import MEASURES
from ..pictures.picture import load
from ..upscaling import guard
from ..upscaling.model_input import model_input
from .dial import Dial
from .difference import Difference, Precision, pictures
from .model import Exported

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 18
CALIBRATION_PHOTOS, CALIBRATION_SIDE = 16, 128
DIAL = (1.0, 0.5, 0.0)
"""Positions at which a file with a dial is checked."""

Session = Any
"""onnxruntime.InferenceSession"""


def write(
    model: Exported, path: Path, precision: Precision = "fp32", calibration: Path | None = None
) -> Difference:
    """One position of the dial: `input`, (B, 3, H, W) in [0, 1], to `output`, (B, 3, scale H, scale W) in
    [0, 1], for any H, W.

    calibration: a folder of photos like those it will restore, for int8. Returns how far the file is from
    torch in fp32. Nothing is written where that is too far.

    Raises MissingExtra, UsageError, DataError, OutputError.
    """
    if (precision == "int8") != (calibration is not None):
        raise UsageError(
            "int8 is fitted to photos: give --precision int8 and --calibration FOLDER, or neither."
        )
    folded = model.folded()
    if precision == "fp16":
        folded = folded.half_trunk()
    graph = _traced(_Clamped(folded), {"input": next(pictures())}, model)
    crops = [] if calibration is None else list(_crops(calibration))
    with atomic_write(path) as part:
        _onnx().save(graph, part)
        if crops:
            _quantise(part, crops)
        session = _session(part)

        def difference(samples: Iterable[Tensor]) -> Difference:
            pairs = ((_run(session, {"input": each}), model.restore(each)) for each in samples)
            return Difference.of(pairs).checked(precision)

        found = difference(pictures())  # of int8 too: blank photos agree with themselves alone
        return min(found, difference(crops), key=lambda each: each.psnr) if crops else found


def write_dial(model: Exported, path: Path) -> Difference:
    """All positions of the dial, and what `leapsr upscale` does with a colour picture that it holds whole.

    Inputs: `input`, (1, 3, H, W) in [0, 1]; `fidelity`, (1,) in [0, 1]; `denoise`, (1,), see
    `ops.damage.told`; `measures`, (1, 7), of which negative ones are measured on the picture. Outputs:
    `output`, (1, 3, scale H, scale W) in [0, 1], kept near its source by the guard; and `measured`, (1, 7),
    what it was made with.

    As `write` otherwise; the largest difference counts.
    """
    if model.measures is None:
        raise UsageError(f"{model.name} is not told of damage: export it for one position of its dial.")
    optional("onnxscript", "onnx")
    from . import guard_graph, measures

    one = torch.ones(1)
    odd = list(pictures())[1]  # a trace of sides that need no padding would never pad
    example = {
        "input": odd,
        "fidelity": one.clone(),
        "denoise": one.clone(),
        "measured": torch.ones(1, len(MEASURES)),
    }
    network = _traced(Dial(model.restorer), example, model, "restored")
    graph = _joined(measures.graph(), network, guard_graph.graph())
    with atomic_write(path) as part:
        _onnx().save(graph, part)
        session, unknown = _session(part), -torch.ones(1, len(MEASURES))
        pairs = (
            (
                _run(
                    session, {"input": each, "fidelity": fidelity * one, "denoise": one, "measures": unknown}
                ),
                _upscaled(model, each, fidelity),
            )
            for each in pictures()
            for fidelity in DIAL
        )
        return Difference.of(pairs).checked("fp32")


class _Clamped(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return self.network(image).clamp(0, 1)


def _upscaled(model: Exported, image: Tensor, fidelity: float) -> Tensor:
    restored = replace(model, measures=None, denoise=1.0, fidelity=fidelity).restore(image)
    return guard.limited(restored[0], image[0], model.restorer.scale)[0][None]


def _onnx() -> Any:
    return optional("onnx", "onnx")


def _traced(
    network: nn.Module, example: dict[str, Tensor], model: Exported, output: str = "output"
) -> "ModelProto":
    """The graph of a network. example: its inputs by name; that named `input` may have any size."""
    onnx = _onnx()
    optional("onnxscript", "onnx")
    side = torch.export.Dim.DYNAMIC
    sizes = {"input": {0: side, 2: side, 3: side} if len(example) == 1 else {2: side, 3: side}}
    inputs = [
        torch.cat([each, each]) if sizes.get(name, {}).get(0) else each for name, each in example.items()
    ]
    with warnings.catch_warnings(action="ignore"), _quiet():
        program = torch.onnx.export(
            network.eval(),
            tuple(inputs),
            input_names=list(example),
            output_names=[output],
            dynamic_shapes=tuple(sizes.get(name, {}) for name in example),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    graph = program.model_proto
    onnx.helper.set_model_props(graph, model.facts)
    graph.producer_name = "leapsr"
    return graph


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """torch tells how far it is on the standard output, and onnxscript in the log."""
    logger = logging.getLogger("onnxscript")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logger.setLevel(before)


def _joined(measures: "ModelProto", network: "ModelProto", guarded: "ModelProto") -> "ModelProto":
    """One graph of three, whose inputs and outputs of one name are one value: what is measured goes into the
    network, and what it restored to the guard."""
    onnx = _onnx()
    keep = {"rename_inputs": False, "rename_outputs": False}
    parts = [
        onnx.compose.add_prefix(measures, "measures/", **keep),
        onnx.compose.add_prefix(network, "network/", **keep),
        guarded,  # add_prefix would lose what the branches of its If take from outside
    ]
    values = {each.name: each for part in parts for each in (*part.graph.input, *part.graph.output)}
    names = ("input", "fidelity", "denoise", "measures"), ("output", "measured")
    inputs, outputs = ([values[name] for name in some] for some in names)
    graph = onnx.helper.make_graph(
        [node for part in parts for node in part.graph.node],
        network.graph.name,
        inputs,
        outputs,
        [each for part in parts for each in part.graph.initializer],
    )
    model = onnx.helper.make_model(graph, opset_imports=network.opset_import, ir_version=network.ir_version)
    model.producer_name = network.producer_name
    model.metadata_props.extend(network.metadata_props)
    onnx.checker.check_model(model)
    return model


def _session(path: Path) -> Session:
    runtime = optional("onnxruntime", "onnx")
    return runtime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])


def _run(session: Session, feeds: dict[str, Tensor]) -> Tensor:
    return torch.from_numpy(session.run(["output"], {name: each.numpy() for name, each in feeds.items()})[0])


def _crops(folder: Path) -> Iterator[Tensor]:
    """(1, 3, h, w) in [0, 1]: the middles of the first photos. Raises DataError where there is none."""
    files = picture_files(folder)
    if not files:
        raise DataError(f"{folder} holds no photos to fit int8 to.")
    for file in islice(files, CALIBRATION_PHOTOS):
        image = model_input(load(file))
        top, left = (max(0, (side - CALIBRATION_SIDE) // 2) for side in image.shape[1:])
        yield image[None, :, top : top + CALIBRATION_SIDE, left : left + CALIBRATION_SIDE]


def _quantise(path: Path, samples: Sequence[Tensor]) -> None:
    """The convolutions between head and tail in 8 bits, in place. Those two read and write the picture."""
    quantization = optional("onnxruntime.quantization", "onnx")

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self.rest = iter(samples)

        def get_next(self) -> dict[str, Any] | None:
            image = next(self.rest, None)
            return None if image is None else {"input": image.numpy()}

    graph = _onnx().load(path)
    convolutions = [node.name for node in graph.graph.node if node.op_type in ("Conv", "ConvTranspose")]
    quantization.quantize_static(
        path,
        path,
        Reader(),
        quant_format=quantization.QuantFormat.QDQ,
        op_types_to_quantize=["Conv"],
        nodes_to_exclude=[*convolutions[:2], convolutions[-1]],
        per_channel=True,
        weight_type=quantization.QuantType.QInt8,
        activation_type=quantization.QuantType.QUInt8,
    )
