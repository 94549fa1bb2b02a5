"""leapsr serve."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import optional
from .shared import Device, Dtype

Host = Annotated[
    str, typer.Option(metavar="ADDRESS", help="Where to listen; others than this machine: 0.0.0.0.")
]
Port = Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="0 is one that is free.")]
Data = Annotated[Path | None, typer.Option(metavar="FOLDER", help="Where requests and files are kept.")]
TokenFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Ask for the tokens whose hashes are there.")
]


def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    data: Data = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    tokens: TokenFile = None,
) -> None:
    """A page and an API for upscaling, on this machine."""
    uvicorn = optional("uvicorn", "serve")
    optional("fastapi", "serve")
    from ..batch.workers import devices
    from ..serve.app import create_app
    from ..serve.config import Config
    from ..serve.guard import Tokens

    config = Config(data or Path("leapsr-data"), tuple(devices(device, 1)), dtype)
    app = create_app(config, None if tokens is None else Tokens.read(tokens))
    uvicorn.run(app, host=host, port=port, http="h11", ws="none", server_header=False)
