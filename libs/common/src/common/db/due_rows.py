"""Processes due rows, each in its own transaction. A bad row (a case that cannot be opened, a timer from a later
release) does not prevent the others from being erased or escalated."""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TypeVar
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from common.db.session import Database

T = TypeVar("T")
_log = structlog.get_logger(__name__)


async def one_by_one(
    what: str,
    database: Database,
    rows: Iterable[T],
    work: Callable[[AsyncSession, T], Awaitable[int]],
) -> int:
    """Run `work` for each row and return the sum of its results. A row that fails is logged under `what` and retried in
    the next sweep. Raise the database's error while the database is unavailable, because then all rows would fail."""
    done = 0
    for row in rows:
        try:
            done += await database.retried(partial(_on, work, row))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the others are not
            await database.told()
            _left(what, row, error)
    return done


def or_none(what: str, row: UUID, make: Callable[[], T]) -> T | None:
    """Return the result of `make` for a row. If `make` fails, log the error under `what` and return None."""
    try:
        return make()
    except Exception as error:  # noqa: BLE001 - as above
        _left(what, row, error)
        return None


def _left(what: str, row: object, error: Exception) -> None:
    # log only ids, because a message contains an address
    _log.error("row_left", work=what, row=str(row) if isinstance(row, UUID) else "", exc_info=error)


async def _on(
    work: Callable[[AsyncSession, T], Awaitable[int]], row: T, session: AsyncSession
) -> int:
    return await work(session, row)
