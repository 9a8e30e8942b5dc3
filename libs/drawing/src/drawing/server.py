"""The drawing server: one route per kind, on a socket in the pod's own folder. It has no port and no secrets."""

import asyncio
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from drawing.processes import KINDS, FailedDrawing, drawn_apart

MOST_BYTES = 32 * 1024 * 1024
"""The largest request; a bulletin with all its charts has one or two MB."""
_turn = asyncio.Semaphore(1)
"""Only one drawing at a time, because the container has memory for one."""


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
    """Serve until SIGTERM. Every process that can open the socket may send requests."""
    uvicorn.run(app, uds=str(place), log_level="warning")
