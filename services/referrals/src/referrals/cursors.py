"""Cursors whose keys are ids."""

from uuid import UUID

from common.errors import BAD_CURSOR
from common.paging import decode_cursor


def id_cursor(text: str | None) -> UUID | None:
    """The id that a page ended with; None for the first page; 400 for a forged cursor."""
    keys = decode_cursor(text, 1)
    if keys is None:
        return None
    try:
        return UUID(str(keys[0]))
    except ValueError as error:
        raise BAD_CURSOR.because("Take the cursor from 'next_cursor' unchanged.") from error
