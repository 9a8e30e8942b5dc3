"""`/healthz` (the process is alive), `/readyz` (its dependencies), `/metrics`, as in every service."""

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from console.screens.routing import kit_of

health = APIRouter(include_in_schema=False)


@health.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@health.get("/readyz")
async def readyz(request: Request) -> Response:
    """Answer 200 always, because the console depends on nothing at its start. `degraded` means that the gateway is
    unavailable; pages then report each missing part."""
    there = await kit_of(request).gateway.answers()
    parts = {"gateway": "ok" if there else "unavailable"}
    return JSONResponse({"status": "ok" if there else "degraded", "parts": parts})


@health.get("/metrics")
async def metrics(request: Request) -> Response:
    registry = request.app.state.metrics.registry
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
