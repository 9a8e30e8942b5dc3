"""Persons as units: a stable pseudonym per case that only reporting can compute (R5)."""

import hmac
from uuid import UUID

PSEUDONYM_BYTES = 16


def pseudonym(key: bytes, case_id: UUID) -> bytes:
    """HMAC-SHA256 of the case id; the id itself is never stored."""
    return hmac.digest(key, b"person\0" + case_id.bytes, "sha256")[:PSEUDONYM_BYTES]


def forgotten_mark(key: bytes, person: bytes) -> bytes:
    """The mark of an erased person: enough to drop late events, attached to no fact."""
    return hmac.digest(key, b"forgotten\0" + person, "sha256")[:PSEUDONYM_BYTES]
