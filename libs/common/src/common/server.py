"""What every service with a database does beside serving: its keys are looked at, its operations run."""

import asyncio

from fastapi import FastAPI

from common.key_checks import WrongKeys
from common.messaging.outbox import republish
from common.start import fail, say
from common.web.context import ServiceContext
from common.web.key_gate import key_gate_of
from common.wording import said, told


def refuse_wrong_keys(app: FastAPI) -> None:
    """End with one line if the keys are not those of the data; an absent database says nothing."""
    try:
        asyncio.run(key_gate_of(app).look_once())
    except WrongKeys as error:
        fail(told(error))


async def _republish(context: ServiceContext) -> None:
    count = await republish(context.database, context.tables)
    name = context.settings.service
    say(said("{count} events of {service} go out again", count=count, service=name))


async def _replay_dead_letters(context: ServiceContext) -> None:
    for consumer in context.consumers:
        resolved, failing = await consumer.replay_dead_letters()
        text = "{consumer}: {resolved} resolved, {failing} still failing"
        say(said(text, consumer=consumer.name, resolved=resolved, failing=failing))


OPERATIONS = {"republish": _republish, "replay-dead-letters": _replay_dead_letters}
