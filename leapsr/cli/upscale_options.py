"""The options of leapsr upscale, in the order and the panels of its help."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from .completion import model_names

SIZE, MODEL, LOOK, FILES = "Size", "Model", "Look", "Files"

Inputs = Annotated[
    list[Path], typer.Argument(metavar="IN", help="Pictures and folders of pictures; - is standard input.")
]
Out = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        help="File or folder of the results; beside the source by default; - is standard output.",
    ),
]
Scale = Annotated[
    float | None, typer.Option("-s", "--scale", help="Factor, such as 4 or 2.5.", rich_help_panel=SIZE)
]
Width = Annotated[int | None, typer.Option("--width", help="Pixels.", rich_help_panel=SIZE)]
Height = Annotated[int | None, typer.Option("--height", help="Pixels.", rich_help_panel=SIZE)]
LongSide = Annotated[int | None, typer.Option("--long-side", help="Pixels.", rich_help_panel=SIZE)]
ShortSide = Annotated[int | None, typer.Option("--short-side", help="Pixels.", rich_help_panel=SIZE)]
Megapixels = Annotated[float | None, typer.Option("--megapixels", help="Area.", rich_help_panel=SIZE)]
Model = Annotated[
    str | None,
    typer.Option(
        "-n",
        "--model",
        help="Name or folder of a model.",
        rich_help_panel=MODEL,
        autocompletion=model_names,
    ),
]
ModelDir = Annotated[
    Path | None,
    typer.Option("-m", "--model-dir", help="Folder of model folders, or one.", rich_help_panel=MODEL),
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        help="auto, cpu, mps, cuda:1; several as cuda:0,cuda:1, or all as cuda:all.",
        rich_help_panel=MODEL,
    ),
]
Workers = Annotated[
    int, typer.Option("--workers", min=1, help="Processes on each device.", rich_help_panel=MODEL)
]
Dtype = Annotated[
    Literal["auto", "fp32", "bf16", "fp16"], typer.Option("--dtype", help="Precision.", rich_help_panel=MODEL)
]
Tile = Annotated[
    str, typer.Option("-t", "--tile", help="auto, pixels, or 0 for the whole picture.", rich_help_panel=MODEL)
]
Steps = Annotated[int, typer.Option("--steps", help="Network evaluations.", rich_help_panel=LOOK)]
Fidelity = Annotated[
    float | None, typer.Option("--fidelity", help="0 most detail ... 1 most faithful.", rich_help_panel=LOOK)
]
Denoise = Annotated[
    str,
    typer.Option(
        "--denoise",
        metavar="auto|0..1",
        help="How much noise goes: 0 keeps grain and pores; auto measures the photo.",
        rich_help_panel=LOOK,
    ),
]
Guidance = Annotated[
    float | None,
    typer.Option(
        "--guidance",
        help="Of a teacher: 1 is none, more leads further from a bad picture.",
        rich_help_panel=LOOK,
    ),
]
Caption = Annotated[
    str | None,
    typer.Option(
        "--caption",
        metavar="TEXT|none",
        help="What is in the pictures, for models that read text.",
        rich_help_panel=LOOK,
    ),
]
Captioner = Annotated[
    Path | None,
    typer.Option(
        "--captioner",
        help="Folder of LLaVA 1.5 or Qwen2-VL, which says what is in each picture.",
        rich_help_panel=LOOK,
    ),
]
TextEncoder = Annotated[
    Path | None,
    typer.Option(
        "--text-encoder",
        help="Folder of the base model that reads captions; that of the model by default.",
        rich_help_panel=LOOK,
    ),
]
Offload = Annotated[
    bool,
    typer.Option(
        "--offload", help="Only what works is on the device: for small cards.", rich_help_panel=MODEL
    ),
]
Seed = Annotated[
    int, typer.Option("--seed", help="Another number, other invented detail.", rich_help_panel=LOOK)
]
Samples = Annotated[
    int,
    typer.Option(
        "--samples", min=1, help="Results from so many seeds, and a sheet to choose by.", rich_help_panel=LOOK
    ),
]
DetailMap = Annotated[
    bool,
    typer.Option(
        "--detail-map", help="Also draw where detail is invented, and tell how much.", rich_help_panel=LOOK
    ),
]
Consistency = Annotated[
    bool,
    typer.Option(
        "--consistency",
        help="Made small again, results equal their source; for clean sources.",
        rich_help_panel=LOOK,
    ),
]
Tolerance = Annotated[
    float | None,
    typer.Option(
        "--tolerance",
        help="Of --consistency, in grey levels of 255; 0.5 unless given.",
        rich_help_panel=LOOK,
    ),
]
ColorFix = Annotated[
    Literal["auto", "wavelet", "adain", "none"],
    typer.Option("--color-fix", help="Give the result the source's colours.", rich_help_panel=LOOK),
]
Seamless = Annotated[
    bool,
    typer.Option("--seamless", help="Of textures: the result goes on with itself.", rich_help_panel=LOOK),
]
Format = Annotated[
    Literal["auto", "png", "jpg", "webp", "avif", "tiff"],
    typer.Option("-f", "--format", help="auto keeps the source's.", rich_help_panel=FILES),
]
Quality = Annotated[
    int, typer.Option("-q", "--quality", min=1, max=100, help="Of JPEG, WebP, AVIF.", rich_help_panel=FILES)
]
BitDepth = Annotated[
    Literal["auto", "8", "16"],
    typer.Option("--bit-depth", help="auto keeps the source's.", rich_help_panel=FILES),
]
Strip = Annotated[
    bool,
    typer.Option("--strip-metadata", help="Keep the colour profile only.", rich_help_panel=FILES),
]
KeepDates = Annotated[
    bool,
    typer.Option("--keep-dates", help="Results are as old as their sources.", rich_help_panel=FILES),
]
Recursive = Annotated[bool, typer.Option("--recursive", help="Sub-folders too.", rich_help_panel=FILES)]
Skip = Annotated[
    bool, typer.Option("--skip-existing", help="Leave results that are there.", rich_help_panel=FILES)
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace results that are there.", rich_help_panel=FILES)
]
Shard = Annotated[
    str | None,
    typer.Option(
        "--shard", metavar="i/n", help="Only each n-th picture from the i-th on.", rich_help_panel=FILES
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Tell what would be done and do nothing.", rich_help_panel=FILES)
]
Json = Annotated[
    bool, typer.Option("--json", help="Report as JSON on standard output.", rich_help_panel=FILES)
]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Say more.", rich_help_panel=FILES)]
