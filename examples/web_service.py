"""A web service: POST a photo, get it back larger.

    pip install leapsr fastapi uvicorn python-multipart
    uvicorn --app-dir examples web_service:app
    curl -F photo=@small.jpg 'localhost:8000/upscale?fidelity=0.8' -o large.png

One model for all requests: they take turns at the network, and each waits in a thread of its own, so that the
server goes on answering. Several processes (`uvicorn --workers 2`) load one model each.
"""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, HTTPException, Query, Response, UploadFile

import leapsr

MOST_PIXELS = 4_000_000
"""Of a photo that is sent: larger ones are refused before they are decoded."""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The model is loaded before the first request."""
    app.state.upscaler = leapsr.Upscaler.from_pretrained("leap-small")
    yield


app = FastAPI(lifespan=lifespan)


@app.post("/upscale", response_class=Response)
def upscale(
    photo: UploadFile, fidelity: Annotated[float, Query(ge=0, le=1)] = 0.6, file_format: str = "png"
) -> Response:
    """A plain function: FastAPI runs it in a thread."""
    result = io.BytesIO()
    try:
        larger = app.state.upscaler(photo.file, fidelity=fidelity, max_pixels=MOST_PIXELS)
        larger.save(result, file_format=file_format)
    except leapsr.LeapsrError as error:  # a sentence for whoever sent the photo
        raise HTTPException(422, str(error)) from error
    return Response(result.getvalue(), media_type=f"image/{file_format}")
