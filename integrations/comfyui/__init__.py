"""leapsr in ComfyUI: a node with the dial, and our exported files in ComfyUI's own "Load Upscale Model".

Put this folder into ComfyUI/custom_nodes as `leapsr-nodes`, and `pip install leapsr[zoo]` into its Python.
"""

from functools import lru_cache

import comfy.utils
import torch
from comfy_api.latest import ComfyExtension, io

import leapsr
import leapsr.spandrel

leapsr.spandrel.install()


@lru_cache(maxsize=2)
def loaded(name: str) -> leapsr.Upscaler:
    return leapsr.Upscaler.from_pretrained(name)


class LeapsrUpscale(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LeapsrUpscale",
            display_name="Upscale Image (leapsr)",
            category="image/upscaling",
            description="Larger and clean in one step. fidelity: 1 is the safest guess, 0 the sharpest. "
            "Models without a dial leave it out, and those that are not told of noise leave denoise out.",
            inputs=[
                io.Image.Input("image"),
                io.Combo.Input("model", options=leapsr.Upscaler.models(), default="leap-small"),
                io.Float.Input("fidelity", default=0.7, min=0.0, max=1.0, step=0.05),
                io.Float.Input(
                    "denoise",
                    default=1.0,
                    min=0.0,
                    max=3.0,
                    step=0.05,
                    tooltip="0 keeps grain, 2 or 3 cleans harder.",
                ),
                io.Int.Input("seed", default=0, min=0, max=0xFFFFFFFF, control_after_generate=False),
            ],
            outputs=[io.Image.Output()],
        )

    @classmethod
    def execute(
        cls, image: torch.Tensor, model: str, fidelity: float, denoise: float, seed: int
    ) -> io.NodeOutput:
        """image: (B, H, W, 3) in [0, 1], as ComfyUI has pictures; a fourth channel, transparency, goes."""
        bar = comfy.utils.ProgressBar(len(image))
        upscaler = loaded(model)
        restorer = upscaler.restorer
        larger = upscaler(
            image[..., :3].movedim(-1, 1).contiguous(),
            fidelity=min(fidelity, restorer.most_faithful),
            denoise=denoise if restorer.reads_damage else "auto",
            seed=seed,
            progress=lambda done, total: bar.update_absolute(done, total),
        )
        return io.NodeOutput(larger.movedim(1, -1).contiguous())


class LeapsrExtension(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [LeapsrUpscale]


async def comfy_entrypoint() -> LeapsrExtension:
    return LeapsrExtension()
