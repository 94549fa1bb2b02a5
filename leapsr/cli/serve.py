"""leapsr serve."""

import multiprocessing.util
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError, optional
from .shared import Device, Dtype
from .signals import interruptible

SECRET_VARIABLE = "LEAPSR_WEBHOOK_SECRET"

Host = Annotated[
    str, typer.Option(metavar="ADDRESS", help="Where to listen. 0.0.0.0: for other machines; use --tokens.")
]
Port = Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="0: one that is free.")]
Data = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Where requests and their files are kept; default: the user's."),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--tokens", metavar="FILE", help="Answer only who has a token; the hashes are in this file."
    ),
]
NewToken = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Make a token for a client, add its hash to --tokens, and stop."),
]
Names = Annotated[
    list[str] | None,
    typer.Option(
        "--name", metavar="NAME", help="A name that the server is reached by, such as a domain; * any."
    ),
]
WebhookHosts = Annotated[
    list[str] | None,
    typer.Option(
        "--webhook-host",
        metavar="HOST",
        help=f"A host that may be told when requests end, signed with ${SECRET_VARIABLE}.",
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="LIMIT=N", help="Change a limit, such as upload_bytes=50e6; see docs/serve.md."
    ),
]
Ray = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="A Ray cluster works on the queue; auto, or local for one here."),
]
Replicas = Annotated[
    int, typer.Option(min=1, metavar="N", help="With --ray: processes on the cluster, at most.")
]
Gpus = Annotated[
    float, typer.Option(min=0, metavar="N", help="With --ray: of each, such as 1 or 0.5; 0: CPUs.")
]
Workers = Annotated[int, typer.Option("--workers", min=1, metavar="N", help="Processes on each device.")]
Threads = Annotated[int | None, typer.Option(min=1, metavar="N", help="Threads of the CPU of each process.")]
ModelDir = Annotated[
    Path | None, typer.Option("-m", "--model-dir", metavar="FOLDER", help="Look for models here first.")
]


def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    data: Data = None,
    device: Device = "auto",
    workers: Workers = 1,
    threads: Threads = None,
    dtype: Dtype = "auto",
    model_dir: ModelDir = None,
    tokens: TokenFile = None,
    new_token: NewToken = None,
    names: Names = None,
    webhook_hosts: WebhookHosts = None,
    limits: Set = None,
    ray: Ray = None,
    replicas: Replicas = 2,
    gpus: Gpus = 0.0,
) -> None:
    """A page and an API for upscaling, on this machine; nothing leaves it."""
    for module in ("fastapi", "uvicorn", "python_multipart", "prometheus_client", "zipstream", "pyvips"):
        optional(module, "serve")
    from ..batch.workers import devices
    from ..serve.app import create_app
    from ..serve.config import LOOPBACK, Config, limits_of
    from ..serve.guard import Tokens
    from ..serve.on_ray import Cluster, RayPool
    from ..serve.server import Server

    if new_token is not None:
        if tokens is None:
            raise UsageError("--new-token needs --tokens FILE, where the hash of the token goes.")
        typer.echo(Tokens.add(tokens, new_token))
        return
    secret = os.environ.get(SECRET_VARIABLE, "")
    if webhook_hosts and len(secret) < 24:
        raise UsageError(f"--webhook-host needs a secret of 24 letters or more in ${SECRET_VARIABLE}.")
    config = Config(
        data or Path(typer.get_app_dir("leapsr"), "serve"),
        tuple(devices(device, workers)),
        dtype,
        threads,
        model_dir,
        (*LOOPBACK, host, *(names or ())),
        tuple(webhook_hosts or ()),
        secret.encode(),
        limits=limits_of(limits or ()),
    )
    known = None if tokens is None else Tokens.read(tokens)
    cluster = None if ray is None else RayPool(Cluster(ray, replicas, gpus=gpus))
    app = create_app(config, known, cluster)
    multiprocessing.util.get_temp_dir()  # its sockets stay where paths are short
    tempfile.tempdir = str(app.state.service.store.uploads)  # on the disk that is watched, for its owner only
    server = Server(app, host, port, lambda address: typer.echo(f"{address} (Ctrl-C ends it)", err=True))
    with suppress(KeyboardInterrupt), interruptible():
        server.run()
