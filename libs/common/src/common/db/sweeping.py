"""Loops over due rows, each in a transaction of its own.

A case that cannot be opened, or a timer of a later release: one bad row does not keep the others from being erased or
escalated.
"""

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
    """What `work` returned for the rows, added up. A row that fails is logged as one of `what`, left as it is, and met
    again when its rows are next looked for.

    Raises what the database raises while it is not there: then no row is at fault, and all would fail.
    """
    done = 0
    for row in rows:
        try:
            done += await database.retried(partial(_on, work, row))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the others are not
            await database.told()
            _left(what, row, error)
    return done


def or_none(what: str, row: UUID, make: Callable[[], T]) -> T | None:
    """The result of `make` for a row; None if it fails, which is logged under `what`."""
    try:
        return make()
    except Exception as error:  # noqa: BLE001 - as above
        _left(what, row, error)
        return None


def _left(what: str, row: object, error: Exception) -> None:
    # Only an id: a message has an address in it.
    _log.error("row_left", work=what, row=str(row) if isinstance(row, UUID) else "", exc_info=error)


async def _on(
    work: Callable[[AsyncSession, T], Awaitable[int]], row: T, session: AsyncSession
) -> int:
    return await work(session, row)
