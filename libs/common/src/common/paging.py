"""Cursor pages: lists that can be walked while they change."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Query
from pydantic import BaseModel

from common.errors import BAD_CURSOR

T = TypeVar("T")

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
        raise BAD_CURSOR.because(
            "Take the cursor from 'next_cursor' of the page before, unchanged."
        )
    return keys
