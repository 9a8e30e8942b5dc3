"""Cursors whose keys are ids, or a moment and an id."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from common.errors import BAD_CURSOR
from common.paging import decode_cursor

_UNCHANGED = "Take the cursor from 'next_cursor' unchanged."


def id_cursor(text: str | None) -> UUID | None:
    """The id that a page ended with; None for the first page; 400 for a forged cursor."""
    keys = decode_cursor(text, 1)
    return None if keys is None else id_in(keys[0])


def id_in(value: Any) -> UUID:
    try:
        return UUID(str(value))
    except ValueError as error:
        raise BAD_CURSOR.because(_UNCHANGED) from error


def moment_in(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise BAD_CURSOR.because(_UNCHANGED) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
