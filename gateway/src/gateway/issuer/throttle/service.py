"""Counts failed attempts in the database, so that every replica of the issuer knows them."""

import hashlib
import math
from datetime import timedelta

import sqlalchemy as sa
from common import clock
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.throttle.lockout import (
    FORGOTTEN_AFTER,
    FREE_FAILURES,
    FREE_FAILURES_OF_A_SOURCE,
    wait,
)
from gateway.issuer.throttle.models import failed_attempts

_ANY_NAME = b"*"


async def take_turn(session: AsyncSession, name: str, source: str) -> None:
    """Wait until nobody else at `source` tries `name`; nobody else may until the transaction ends. Whoever sends many
    guesses at once is slowed down, too: each knows what became of those before it."""
    digest = hashlib.sha256(_digest(name) + source.encode()).digest()
    turn = int.from_bytes(digest[:8], "big", signed=True)
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(turn)))


async def seconds_to_wait(session: AsyncSession, name: str, source: str) -> int:
    """Whole seconds until `source` may try `name` again; 0 if now."""
    now = clock.now()
    table = failed_attempts.c
    rows = await session.execute(
        sa.select(table.name_digest, table.failures, table.last_at).where(
            table.source == source, table.name_digest.in_([_digest(name), _ANY_NAME])
        )
    )
    longest = timedelta(0)
    for digest, failures, last_at in rows:
        free = FREE_FAILURES_OF_A_SOURCE if digest == _ANY_NAME else FREE_FAILURES
        longest = max(longest, wait(failures, last_at, now, free))
    return math.ceil(longest.total_seconds())


async def failed(session: AsyncSession, name: str, source: str) -> None:
    now = clock.now()
    await session.execute(
        sa.delete(failed_attempts).where(failed_attempts.c.last_at < now - FORGOTTEN_AFTER)
    )
    for digest in (_digest(name), _ANY_NAME):
        statement = insert(failed_attempts).values(
            name_digest=digest, source=source, failures=1, last_at=now
        )
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=["name_digest", "source"],
                set_={"failures": failed_attempts.c.failures + 1, "last_at": now},
            )
        )


async def succeeded(session: AsyncSession, name: str, source: str) -> None:
    """Forget the failures of this name at this source; the source's own sum stays."""
    table = failed_attempts.c
    await session.execute(
        sa.delete(failed_attempts).where(table.source == source, table.name_digest == _digest(name))
    )


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
