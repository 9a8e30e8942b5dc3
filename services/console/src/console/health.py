"""`/healthz` (the process lives), `/readyz` (its parts), `/metrics`: as every service has them."""

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
    """Always 200: it holds nothing that could be missing. `degraded` while the gateway is away, for then
    pages say so themselves, part by part."""
    there = await kit_of(request).gateway.answers()
    parts = {"gateway": "ok" if there else "unavailable"}
    return JSONResponse({"status": "ok" if there else "degraded", "parts": parts})


@health.get("/metrics")
async def metrics(request: Request) -> Response:
    registry = request.app.state.metrics.registry
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
