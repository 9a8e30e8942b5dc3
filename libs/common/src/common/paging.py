"""Cursor pages, for lists that may change while a client reads them."""

import base64
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from operator import attrgetter
from typing import Annotated, Any, Generic, TypeVar, overload
from uuid import UUID

import orjson
from fastapi import Query
from pydantic import BaseModel

from common.errors import BAD_CURSOR

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
R = TypeVar("R")
T = TypeVar("T")
Reader = Callable[[Any], T]


Limit = Annotated[int, Query(ge=1, le=500, description="How many items a page holds.")]
CursorText = Annotated[
    str | None,
    Query(max_length=1000, description="`next_cursor` of the page before; absent for the first."),
]


class Page(BaseModel, Generic[T]):
    """One page; `next_cursor` is absent on the last page."""

    items: list[T]
    next_cursor: str | None = None


def encode_cursor(*keys: Any) -> str:
    """Encode the sort keys of the last item (JSON values, UUIDs, datetimes) as an opaque cursor."""
    return base64.urlsafe_b64encode(orjson.dumps(keys, default=str)).rstrip(b"=").decode()


@overload
def keys_in(cursor: str | None, one: Reader[A], /) -> tuple[A] | None: ...
@overload
def keys_in(cursor: str | None, one: Reader[A], two: Reader[B], /) -> tuple[A, B] | None: ...
@overload
def keys_in(
    cursor: str | None, one: Reader[A], two: Reader[B], three: Reader[C], /
) -> tuple[A, B, C] | None: ...
@overload
def keys_in(
    cursor: str | None, one: Reader[A], two: Reader[B], three: Reader[C], four: Reader[T], /
) -> tuple[A, B, C, T] | None: ...


def keys_in(cursor: str | None, /, *readers: Reader[Any]) -> tuple[Any, ...] | None:
    """Return the last keys of the previous page, each converted by its reader, or None for the first page. Raise 400
    `bad_cursor` if the cursor cannot be decoded or has other keys, or if a reader rejects one."""
    if cursor is None:
        return None
    try:
        keys = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return tuple(read(key) for read, key in zip(readers, keys, strict=True))
    except (ValueError, TypeError, LookupError, OverflowError):
        raise BAD_CURSOR.because("take_cursor_of_page_before_unchanged") from None


def id_cursor(cursor: str | None) -> UUID | None:
    """Return the last id of the previous page, or None for the first page."""
    keys = keys_in(cursor, id_in)
    return None if keys is None else keys[0]


def next_cursor(
    rows: Sequence[R], limit: int, key: Callable[[R], Any] = attrgetter("id")
) -> str | None:
    """Return the cursor of the next page, or None if there are no more rows than `limit`. `key` returns a row's sort
    key or keys."""
    if len(rows) <= limit:
        return None
    last = key(rows[limit - 1])
    return encode_cursor(*last) if isinstance(last, tuple) else encode_cursor(last)


def page_of(
    rows: Sequence[R],
    limit: int,
    shown: Callable[[R], T],
    key: Callable[[R], Any] = attrgetter("id"),
) -> Page[T]:
    """Return a page of rows that were queried with a limit of `limit` + 1."""
    return Page(
        items=[shown(row) for row in rows[:limit]], next_cursor=next_cursor(rows, limit, key)
    )


# Readers for `keys_in`.


def id_in(value: Any) -> UUID:
    return UUID(str(value))


def number_in(value: Any) -> int:
    if not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise ValueError(value)
    return value


def numeral_in(value: Any) -> str:
    """Parse a PostgreSQL number that exceeds JSON's range (`xid8`, `bigint`), written as digits."""
    if not 0 <= int(value) < 2**63:
        raise ValueError(value)
    return str(int(value))


def day_in(value: Any) -> date:
    return date.fromisoformat(str(value))


def moment_in(value: Any) -> datetime:
    moment = datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
