"""How every service serves, and the operations that every service has."""

import asyncio
import gc
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI

from common.key_checks import WrongKeys
from common.messaging.outbox import republish
from common.settings import CoreSettings
from common.start import fail
from common.web.context import ServiceContext
from common.web.key_gate import key_gate_of


def refuse_wrong_keys(app: FastAPI) -> None:
    """End with one line if the keys are not those of the data; an absent database says nothing."""
    try:
        asyncio.run(key_gate_of(app).look_once())
    except WrongKeys as error:
        fail(str(error))


def serve(app: Any, settings: CoreSettings) -> None:
    """uvicorn with the choices that matter: httptools refuses smuggled requests, and nobody's
    X-Forwarded-For is believed."""
    # What imports left behind lives as long as the process: looking at it again with each
    # collection took a third of the time of large answers.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        proxy_headers=False,
        server_header=False,
        date_header=True,
        access_log=False,
        log_config=None,
        lifespan="on",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=settings.graceful_seconds,
    )


async def _republish(context: ServiceContext) -> None:
    count = await republish(context.database, context.tables)
    sys.stdout.write(f"{count} events of {context.settings.service} go out again\n")


async def _replay_dead_letters(context: ServiceContext) -> None:
    for consumer in context.consumers:
        resolved, failing = await consumer.replay_dead_letters()
        sys.stdout.write(f"{consumer.name}: {resolved} resolved, {failing} still failing\n")


OPERATIONS = {"republish": _republish, "replay-dead-letters": _replay_dead_letters}
