"""Identifiers: UUIDv7, so that new rows sort last in an index, and codes for people."""

import secrets
from datetime import datetime
from uuid import UUID

import uuid_utils
from uuid_utils.compat import uuid7

# without letters that are easily misread or misheard (I L O U)
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BY_BYTE = bytes(ord(_CROCKFORD[byte % 32]) for byte in range(256))


def new_id() -> UUID:
    return uuid7()


def new_text() -> str:
    """Return a new id as text, at a seventh of the cost of formatting `new_id`."""
    return str(uuid_utils.uuid7())


def new_code(length: int) -> str:
    """Return random characters that are hard to confuse, with 5 bits each."""
    return secrets.token_bytes(length).translate(_BY_BYTE).decode()


def first_id_of(moment: datetime) -> UUID:
    """Return an id as a bound for a moment: ids from before it are lower, and ids from after it are higher."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
