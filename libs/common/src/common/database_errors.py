"""What an error of the database says, whichever layer told it: SQLAlchemy's, or asyncpg's alone."""

from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

OF_DATABASE = (
    DBAPIError,
    PoolTimeout,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""What a statement may end with: it was refused, or the database is not there."""


def chain(error: BaseException) -> list[Any]:
    """SQLAlchemy's error, asyncpg's inside it, and what caused that (an OSError, say)."""
    found: list[Any] = []
    seen: BaseException | None = error
    while seen is not None and seen not in found:
        found.append(seen)
        seen = getattr(seen, "orig", None) or seen.__cause__
    return found


def sqlstate(error: BaseException) -> str:
    """PostgreSQL's five characters (appendix A of its manual), or "" where it said none."""
    return next((str(e.sqlstate) for e in chain(error) if getattr(e, "sqlstate", None)), "")


def is_out_of_range(error: BaseException) -> bool:
    """A value cannot be stored, whenever it is tried again."""
    # asyncpg checks ranges and encodings itself: a DataError without a SQLSTATE, caused by these.
    return sqlstate(error).startswith("22") or any(
        isinstance(e, ValueError | OverflowError) for e in chain(error)
    )
