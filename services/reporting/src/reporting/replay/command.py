"""`python -m reporting replay` and `hash`, for the IM team, through `./ruta events replay`."""

import asyncio
import sys

from common.messaging import Broker
from common.messaging.connection import BrokerDown
from common.process.start import say
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from reporting.errors import HistoryIncompleteError, ReplayRunningError
from reporting.recording.service import Recorder
from reporting.replay.fingerprint import fingerprint
from reporting.replay.service import Rebuilt, replay
from reporting.settings import Settings
from reporting.spoken import said, told

_CONNECT_SECONDS = 30
_CARRIED_ON = "{count} events, added to what the projection already had from older events that are no longer kept"
_DIFFERENT = "DIFFERENT: the old projection is kept in a shadow copy"


def run_replay(settings: Settings) -> int:
    """Rebuild and swap. On failure, print one line and return exit status 1."""
    if settings.database_owner_url is None:
        return _refuse(
            said("RUTA_DATABASE_OWNER_URL is missing (a rebuild runs as the owner role)")
        )
    try:
        rebuilt = asyncio.run(_replay(settings, settings.database_owner_url.get_secret_value()))
    except (ReplayRunningError, HistoryIncompleteError, BrokerDown) as error:
        return _refuse(told(error))
    say(said(_CARRIED_ON if rebuilt.carried_on else "{count} events", count=rebuilt.events))
    say(said("before {digest}", digest=rebuilt.hash_before))
    say(said("after  {digest}", digest=rebuilt.hash_after))
    say(said("equal" if rebuilt.equal else _DIFFERENT))
    return 0


def run_hash(settings: Settings) -> int:
    """Print the hash of the live projection."""
    say(asyncio.run(_hash(settings)))
    return 0


async def _replay(settings: Settings, owner_url: str) -> Rebuilt:
    engine = create_async_engine(owner_url, poolclass=NullPool)
    broker = Broker(settings)
    await broker.start()
    try:
        await _connected(broker)
        recorder = Recorder(settings.pseudonym_key_bytes)
        return await replay(engine, broker.client(), recorder)
    finally:
        await broker.stop()
        await engine.dispose()


async def _connected(broker: Broker) -> None:
    for _ in range(_CONNECT_SECONDS * 10):
        if broker.connected:
            return
        await asyncio.sleep(0.1)
    raise BrokerDown("there is no connection to NATS")


async def _hash(settings: Settings) -> str:
    engine = create_async_engine(settings.session_url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            return await fingerprint(connection)
    finally:
        await engine.dispose()


def _refuse(message: str) -> int:
    sys.stderr.write(f"ruta: {message}\n")
    return 1


COMMANDS = {"replay": run_replay, "hash": run_hash}
