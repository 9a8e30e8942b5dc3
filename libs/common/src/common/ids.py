"""Identifiers: UUIDv7, so that rows of a table arrive in index order; codes for people."""

import secrets
from datetime import datetime
from uuid import UUID

import uuid_utils
from uuid_utils.compat import uuid7

# Without letters that are misread on paper or misheard (I L O U).
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BY_BYTE = bytes(ord(_CROCKFORD[byte % 32]) for byte in range(256))


def new_id() -> UUID:
    return uuid7()


def new_text() -> str:
    """A new id as it is written: a seventh of what writing `new_id` takes."""
    return str(uuid_utils.uuid7())


def new_code(length: int) -> str:
    """Random characters that are hard to confuse, of 5 bits each."""
    return secrets.token_bytes(length).translate(_BY_BYTE).decode()


def first_id_of(moment: datetime) -> UUID:
    """Ids made before it are lower, ids made after it are higher."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
