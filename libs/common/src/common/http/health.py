"""Endpoints `/healthz` (the process is alive; checks nothing else), `/readyz` (its dependencies) and `/metrics`."""

import time
from typing import Any

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from common import clocks
from common.db import durability
from common.db.errors import remedy
from common.db.key_checks import KeysAway, WrongKeys
from common.db.migrations.state import Schema
from common.http.context import ServiceContext, context_of
from common.http.key_gate import key_gate_of

health = APIRouter(include_in_schema=False)


@health.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@health.get("/readyz")
async def readyz(request: Request) -> Response:
    """Answer 503 without the database, or while the keys do not match its data, and `degraded` while NATS is away
    (events wait). Only processes that use the broker report it."""
    context, gate = context_of(request), key_gate_of(request.app)
    parts: dict[str, Any] = {"database": "ok"}
    if context.broker.is_used:
        parts["broker"] = "ok" if context.broker.connected else "unavailable"
    try:
        seconds, settings = await context.database.told()
        ours = time.time()
        context.metrics.clock_apart.set(ours - seconds)
        clock = clocks.compared(ours, seconds, "the database")
        if context.revisions is not None:
            parts["schema"] = await context.revisions.compare(context.database)
        await gate.look()
    except (WrongKeys, KeysAway) as error:
        state = "wrong" if isinstance(error, WrongKeys) else "unavailable"
        parts |= {"keys": state, "remedy": str(error)}
        return JSONResponse({"status": "unavailable", "parts": parts}, status_code=503)
    except Exception as error:  # noqa: BLE001 - whatever it is, we are not ready
        parts |= {"database": "unavailable", **remedy(error)}
    if parts["database"] == "ok":
        parts["clock"] = await _beside_the_broker(context) if clock == clocks.OK else clock
        parts["durability"] = durability.promised(settings)
        parts |= _remedy(parts)
    if context.settings.step_up_minutes == 0:
        parts["step_up"] = "off"
    if parts.get("schema") == Schema.BEHIND:
        parts["remedy"] = "run the migration of this release"
    elif gate.shut and parts["database"] == "ok":
        parts["keys"] = "not compared yet"
    if parts["database"] != "ok" or parts.get("schema") == Schema.BEHIND or gate.shut:
        return JSONResponse({"status": "unavailable", "parts": parts}, status_code=503)
    needed = ("broker", "clock", "durability")
    well = all(parts.get(part, "ok") == "ok" for part in needed)
    status = "ok" if well else "degraded"
    return JSONResponse({"status": status, "parts": parts})


def _remedy(parts: dict[str, Any]) -> dict[str, str]:
    remedies = {"clock": clocks.REMEDY, "durability": durability.REMEDY}
    said = [text for part, text in remedies.items() if parts[part] != "ok"]
    return {"remedy": "; ".join(said)} if said else {}


async def _beside_the_broker(context: ServiceContext) -> str:
    if not context.broker.connected:
        return clocks.OK
    told = await context.broker.seconds(f"RUTA_{context.settings.service.upper()}")
    return clocks.compared(time.time(), told or time.time(), "the broker")


@health.get("/metrics")
async def metrics(request: Request) -> Response:
    registry = context_of(request).metrics.registry
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
