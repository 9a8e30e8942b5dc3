"""Upstreams for the gateway benchmark: `service` verifies the internal token, and `bare` responds at once."""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from common.auth import JwksFile
from common.middleware import CallerMiddleware
from fastapi import FastAPI, HTTPException, Request
from starlette.responses import FileResponse, StreamingResponse

_DOCUMENTS = Path(os.environ["BENCH_DOCUMENTS"])
_ITEM = {"id": "0190a000-0000-7000-8000-000000000001", "name": "Servicio ficticio"}
_BODY = {"items": [_ITEM] * 8, "next_cursor": None}
_BYTES = b'{"items":[' + b'{"id":"0190a000-0000-7000-8000-000000000001"},' * 12 + b"{}]}"
_CHUNK = b"x" * 65536

app = FastAPI(openapi_url=None)


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/.well-known/jwks.json")
async def jwks() -> FileResponse:
    return FileResponse(_DOCUMENTS / "jwks.json")


@app.get("/internal/issuer/revocations")
async def revocations() -> dict[str, Any]:
    return {"clients": {}, "subjects": {}, "organisations": {}, "tokens": []}


@app.get("/directory/v1/services")
async def services(request: Request) -> dict[str, Any]:
    if request.state.principal is None:
        raise HTTPException(401)
    return _BODY


@app.get("/directory/v1/stream-100")
async def stream() -> StreamingResponse:
    return StreamingResponse((_CHUNK for _ in range(1600)), media_type="text/csv")


service = CallerMiddleware(
    app,
    keys=JwksFile(Path(os.environ["RUTA_INTERNAL_JWKS_FILE"])),
    issuer="ruta-gateway",
    audience="ruta-directory",
)


async def bare(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    """Return the fixed bytes for the measured path; handle other paths as `service` does."""
    if scope["type"] != "http" or scope["path"] != "/directory/v1/services":
        await service(scope, receive, send)
        return
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(_BYTES)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": _BYTES})
