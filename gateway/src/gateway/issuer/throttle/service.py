"""Slows down guessing, but only for the source that guesses. The database counts failures for all replicas.

A lock on the name alone would let anybody lock a partner out by guessing wrongly on purpose. Failures are therefore
counted per (name, source): the partner's own system, at another source, can still sign in. A source that tries many
names is slowed down by the sum of its failures at names where it did not get in.

Only somebody with the password can guess one-time codes. Codes are short and sources are cheap, so wrong codes are
counted across all sources.

A name also has a ceiling across all sources. Above it, the password is compared only if the second factor is correct.
"""

import hashlib
import math
from datetime import datetime, timedelta

import sqlalchemy as sa
from common import clock
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.throttle.models import failed_attempts

FREE_FAILURES = 5
FREE_FAILURES_OF_A_SOURCE = 30
CEILING_OF_A_NAME = 50
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=1)
_ANY_NAME = b"*"
_ANYWHERE = "anywhere"


def pause(failures: int, free: int) -> timedelta:
    """Return the pause after the last failure. It doubles with each further failure."""
    beyond = failures - free
    if beyond < 0:
        return timedelta(0)
    return LONGEST_PAUSE if beyond > 10 else min(FIRST_PAUSE * 2**beyond, LONGEST_PAUSE)


def wait(failures: int, last_at: datetime, now: datetime, free: int) -> timedelta:
    """Return the time to wait from `now`, or zero if an attempt is allowed."""
    if forgotten(last_at, now):
        return timedelta(0)
    return max(last_at + pause(failures, free) - now, timedelta(0))


def forgotten(last_at: datetime, now: datetime) -> bool:
    return now - last_at > FORGOTTEN_AFTER


async def take_turn(session: AsyncSession, name: str, source: str) -> None:
    """Wait until no other attempt of `source` at `name` is being counted. This slows down simultaneous guesses as much
    as consecutive ones. Other sources do not wait."""
    turn = int.from_bytes(_digest(f"{source} {name}")[:8], "big", signed=True)
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(turn)))


async def seconds_to_wait(session: AsyncSession, name: str, source: str) -> int:
    """Return the whole seconds until `source` may try `name` again, or 0 if it may try now."""
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
    await _count(session, _digest(name), source)
    await failed_here(session, source)


async def failed_here(session: AsyncSession, source: str) -> None:
    await _count(session, _ANY_NAME, source)


async def begin(session: AsyncSession, name: str, source: str) -> bool:
    """Count an attempt as a failure of this name until it succeeds. Return whether the name is above its ceiling across
    all sources. After a failure, also call `failed_here`. Only that call raises the source's sum, so that people who
    sign in at the same moment in one office do not block each other."""
    await _count(session, _digest(name), source)
    return await _count(session, _digest(name), _ANYWHERE) > CEILING_OF_A_NAME


async def must_wait_anywhere(session: AsyncSession, name: str) -> bool:
    """Return whether `name` is blocked for all sources (`failed_anywhere`)."""
    return await seconds_to_wait(session, name, _ANYWHERE) > 0


async def failed_anywhere(session: AsyncSession, name: str) -> bool:
    """Count a failure across all sources. Return whether this failure blocks the name."""
    return await _count(session, _digest(name), _ANYWHERE) == FREE_FAILURES


async def succeeded_anywhere(session: AsyncSession, name: str) -> None:
    await succeeded(session, name, _ANYWHERE)


async def _count(session: AsyncSession, digest: bytes, source: str) -> int:
    """Count a failure and return the new number."""
    now = clock.now()
    await session.execute(
        sa.delete(failed_attempts).where(failed_attempts.c.last_at < now - FORGOTTEN_AFTER)
    )
    counted = await session.execute(
        insert(failed_attempts)
        .values(name_digest=digest, source=source, failures=1, last_at=now)
        .on_conflict_do_update(
            index_elements=["name_digest", "source"],
            set_={"failures": failed_attempts.c.failures + 1, "last_at": now},
        )
        .returning(failed_attempts.c.failures)
    )
    return int(counted.scalar_one())


async def succeeded(session: AsyncSession, name: str, source: str, *, begun: int = 0) -> None:
    """Forget the failures of this name at this source, also in both sums, because the person had only mistyped.
    Failures at other names remain, so that nobody can reset them by signing in as themselves. `begun` is the number of
    attempts that are not yet in the source's sum."""
    table = failed_attempts.c
    of_source = table.source == source
    own = await session.scalar(
        sa.delete(failed_attempts)
        .where(of_source, table.name_digest == _digest(name))
        .returning(table.failures)
    )
    if own:
        for where, less in (
            (sa.and_(of_source, table.name_digest == _ANY_NAME), own - begun),
            (sa.and_(table.source == _ANYWHERE, table.name_digest == _digest(name)), own),
        ):
            values = {"failures": sa.func.greatest(table.failures - less, 0)}
            await session.execute(sa.update(failed_attempts).where(where).values(values))


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
