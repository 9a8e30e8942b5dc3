"""The container that draws: one road per kind on a socket of the pod's own folder. It has no port and no secret."""

import asyncio
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from drawing.errors import FailedDrawing
from drawing.kinds import KINDS
from drawing.processes import drawn_apart

MOST_BYTES = 32 * 1024 * 1024
"""Of a request: a bulletin with all its charts is one or two MB."""
_turn = asyncio.Semaphore(1)
"""One at a time: what the container may take of memory is for one."""


async def _draw(request: Request) -> Response:
    kind = request.path_params["kind"]
    if kind not in KINDS:
        return PlainTextResponse(f"no such kind: one of {', '.join(KINDS)}", 404)
    told = bytearray()
    async for part in request.stream():
        told += part
        if len(told) > MOST_BYTES:
            return PlainTextResponse(f"more than {MOST_BYTES} bytes", 413)
    async with _turn:
        try:
            return Response(await run_in_threadpool(drawn_apart, kind, bytes(told)))
        except FailedDrawing as error:
            return PlainTextResponse(str(error), 422)


app = Starlette(routes=[Route("/{kind}", _draw, methods=["POST"])])
app.router.redirect_slashes = False


def serve(place: Path) -> None:
    """Until it is told to end. Whoever may enter the socket's folder may ask."""
    uvicorn.run(app, uds=str(place), log_level="warning")
