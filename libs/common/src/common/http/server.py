"""Checks the keys of a service with a database at startup, and runs its operator commands."""

import asyncio
import json
import sys

from fastapi import FastAPI

from common.db.key_checks import WrongKeys
from common.http.context import ServiceContext
from common.http.key_gate import key_gate_of
from common.messaging.outbox import republish
from common.process.start import fail, say
from common.words.command_texts import said, told


def refuse_wrong_keys(app: FastAPI) -> None:
    """Exit with one line if the keys do not match the data. An unavailable database is ignored here."""
    try:
        asyncio.run(key_gate_of(app).look_once())
    except WrongKeys as error:
        fail(told(error))


async def _republish(context: ServiceContext) -> int:
    count = await republish(context.database, context.tables)
    name = context.settings.service
    say(said("{count} events of {service} are published again", count=count, service=name))
    return 0


async def _replay_dead_letters(context: ServiceContext) -> int:
    """Replay dead letters. Print failures to stdout (one JSON line each), and progress and totals to stderr. Return 1
    if any dead letter still fails."""
    failing = 0
    for consumer in context.consumers:
        replayed = await consumer.replay_dead_letters(_progress)
        for failure in replayed.failures:
            say(json.dumps(failure))
        failing += len(replayed.failures)
        text = "{consumer}: {resolved} resolved, {failing} still failing"
        counts = {"resolved": replayed.resolved, "failing": len(replayed.failures)}
        sys.stderr.write(f"{said(text, consumer=consumer.name, **counts)}\n")
    return 1 if failing else 0


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty() and (done % 50 == 0 or done == total):
        filled = 40 * done // total
        bar = "#" * filled + "." * (40 - filled)
        sys.stderr.write(f"\r[{bar}] {done}/{total}" + ("\n" if done == total else ""))
        sys.stderr.flush()


OPERATIONS = {"republish": _republish, "replay-dead-letters": _replay_dead_letters}
