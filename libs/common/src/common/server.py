"""What every service with a database does beside serving: its keys are looked at, its operations run."""

import asyncio
import sys

from fastapi import FastAPI

from common.key_checks import WrongKeys
from common.messaging.outbox import republish
from common.start import fail
from common.web.context import ServiceContext
from common.web.key_gate import key_gate_of


def refuse_wrong_keys(app: FastAPI) -> None:
    """End with one line if the keys are not those of the data; an absent database says nothing."""
    try:
        asyncio.run(key_gate_of(app).look_once())
    except WrongKeys as error:
        fail(str(error))


async def _republish(context: ServiceContext) -> None:
    count = await republish(context.database, context.tables)
    sys.stdout.write(f"{count} events of {context.settings.service} go out again\n")


async def _replay_dead_letters(context: ServiceContext) -> None:
    for consumer in context.consumers:
        resolved, failing = await consumer.replay_dead_letters()
        sys.stdout.write(f"{consumer.name}: {resolved} resolved, {failing} still failing\n")


OPERATIONS = {"republish": _republish, "replay-dead-letters": _replay_dead_letters}
