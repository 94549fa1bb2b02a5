"""Our exported files for programs that read upscalers with spandrel: ComfyUI, chaiNNer and others.

    import leapsr.spandrel
    leapsr.spandrel.install()
    spandrel.ModelLoader().load_from_file("leap-small-f0.6.safetensors")

`leapsr export MODEL --format safetensors` writes such files.
"""

from collections.abc import Mapping

from torch import Tensor

from .errors import optional
from .networks.pixel.folded import FoldedUNet

ID = "leapsr"


def install() -> None:
    """Let spandrel's ModelLoader know our files, in this process. Calling it again changes nothing.

    Raises MissingExtra where spandrel is not installed.
    """
    spandrel = optional("spandrel", "zoo")

    class LeapsrArch(spandrel.Architecture):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__(id=ID, name="leapsr", detect=_is_ours)

        def load(self, state_dict: Mapping[str, Tensor]) -> object:
            network = FoldedUNet.from_weights(state_dict)
            return spandrel.ImageModelDescriptor(
                network,
                network.state_dict(),
                architecture=self,
                purpose="SR" if network.scale > 1 else "Restoration",
                tags=[f"x{network.scale}"],
                supports_half=True,
                supports_bfloat16=False,
                scale=network.scale,
                input_channels=3,
                output_channels=3,
                call_fn=lambda model, image: model(image).clamp(0, 1),
            )

    spandrel.MAIN_REGISTRY.add(spandrel.ArchSupport.from_architecture(LeapsrArch()), ignore_duplicates=True)


def _is_ours(weights: Mapping[str, object]) -> bool:
    """Whether these are the names of a FoldedUNet's weights."""
    return {
        "enlarge.weight",
        "limit",
        "head.weight",
        "tail.weight",
        "encoder.0.0.first.weight",
    } <= weights.keys()
