"""A round of messages: claim those that are due, deliver them, and store the results. `claim` first postpones the next
attempt (a lease). Therefore, two replicas do not send the same message, and a crash only delays it."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from common.db.due_rows import one_by_one
from common.db.session import Database
from common.messages.delivery import Handing, Result
from common.messages.retries import next_attempt, next_try

One = TypeVar("One")
Became = TypeVar("Became")
_log = structlog.get_logger(__name__)
_spread = random.Random()  # noqa: S311 - spreads retries; nothing secret


async def hand_round(
    database: Database,
    claim: Callable[[AsyncSession], Awaitable[tuple[int, Sequence[One]]]],
    hand_over: Callable[[One], Awaitable[Became | None]],
    settle: Callable[[AsyncSession, One, Became], Awaitable[None]],
) -> int:
    """Run one round and return how many messages `claim` examined. If `hand_over` fails or returns None, the message
    stays claimed and is retried after the lease. Each result has its own transaction, so that one failure does not
    cause other messages to be sent twice."""
    looked_at, claimed = await database.retried(claim)
    became = await asyncio.gather(*map(hand_over, claimed), return_exceptions=True)
    handed = []
    for one, what in zip(claimed, became, strict=True):
        if isinstance(what, BaseException):
            _log.error("not_handed_over", exc_info=what)
        elif what is not None:
            handed.append((one, what))

    async def settled(session: AsyncSession, of: tuple[One, Became]) -> int:
        await settle(session, *of)
        return 1

    await one_by_one("messages", database, handed, settled)
    return looked_at


def tried_again(handing: Handing, failures: int, now: datetime) -> datetime | None:
    """Return the time of the next attempt after this many failures. Return None if the attempt succeeded or no further
    attempt follows."""
    if handing.result is not Result.LATER:
        return None
    return next_attempt(failures, now, _spread.random(), handing.wait)


def repeated_at(handing: Handing, failures: int, now: datetime, *, urgent: bool) -> datetime:
    return next_try(failures, now, _spread.random(), handing.wait, urgent=urgent)
