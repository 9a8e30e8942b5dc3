"""A stable pseudonym for each case, which only reporting can compute (R5). It represents the person."""

import hmac
from uuid import UUID

PSEUDONYM_BYTES = 16


def pseudonym(key: bytes, case_id: UUID) -> bytes:
    """Return the HMAC-SHA256 of the case id, which is never stored itself."""
    return hmac.digest(key, b"person\0" + case_id.bytes, "sha256")[:PSEUDONYM_BYTES]


def forgotten_mark(key: bytes, person: bytes) -> bytes:
    """Return the mark of an erased person. It lets reporting drop late events, but belongs to no fact."""
    return hmac.digest(key, b"forgotten\0" + person, "sha256")[:PSEUDONYM_BYTES]
