"""Seals one column of one row under the case key."""

from typing import Any
from uuid import UUID

import orjson
from common import crypto


def _context(organisation: UUID, row: UUID | str, column: str) -> bytes:
    return f"{organisation}\n{row}\n{column}".encode()


def seal_column(
    key: bytes, value: Any, *, organisation: UUID, row: UUID | str, column: str
) -> bytes:
    """Encrypt a JSON value, bound to this column, row and organisation."""
    return crypto.seal(key, orjson.dumps(value), _context(organisation, row, column))


def open_column(
    key: bytes, sealed: bytes, *, organisation: UUID, row: UUID | str, column: str
) -> Any:
    """Return the JSON value; raise CannotOpen if the key, organisation, row or column differs."""
    return orjson.loads(crypto.open_sealed(key, sealed, _context(organisation, row, column)))
