"""Cursor pages: lists that can be walked while they change."""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import orjson
from fastapi import Query
from pydantic import BaseModel

from common.errors import BAD_CURSOR

T = TypeVar("T")
_UNCHANGED = "Take the cursor from 'next_cursor' of the page before, unchanged."

Limit = Annotated[int, Query(ge=1, le=500, description="How many items a page holds.")]
CursorText = Annotated[
    str | None,
    Query(max_length=1000, description="`next_cursor` of the page before; absent for the first."),
]


class Page(BaseModel, Generic[T]):
    """One page; `next_cursor` is absent on the last one."""

    items: Sequence[T]
    next_cursor: str | None = None


def encode_cursor(*keys: Any) -> str:
    """Make an opaque cursor of the sort keys of the last item (JSON values, UUIDs, datetimes)."""
    return base64.urlsafe_b64encode(orjson.dumps(keys, default=str)).rstrip(b"=").decode()


def decode_cursor(text: str | None, size: int) -> list[Any] | None:
    """The keys of a cursor, or None for the first page; `bad_cursor` unless it has `size` keys."""
    if text is None:
        return None
    try:
        keys = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        keys = None
    if not isinstance(keys, list) or len(keys) != size:
        raise BAD_CURSOR.because(_UNCHANGED)
    return keys


def id_cursor(text: str | None) -> UUID | None:
    """The id that a page ended with; None for the first page; `bad_cursor` for a forged one."""
    keys = decode_cursor(text, 1)
    return None if keys is None else id_in(keys[0])


# A key out of a cursor as what it is; `bad_cursor` if somebody made it up.


def id_in(value: Any) -> UUID:
    try:
        return UUID(str(value))
    except ValueError:
        raise BAD_CURSOR.because(_UNCHANGED) from None


def number_in(value: Any) -> int:
    if not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise BAD_CURSOR.because(_UNCHANGED)
    return value


def day_in(value: Any) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise BAD_CURSOR.because(_UNCHANGED) from None


def moment_in(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise BAD_CURSOR.because(_UNCHANGED) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
