"""Persons as units: a stable pseudonym per case that only reporting can compute (R5)."""

import hashlib
import hmac
from uuid import UUID

PSEUDONYM_BYTES = 16


def pseudonym(key: bytes, case_id: UUID) -> bytes:
    """HMAC-SHA256 of the case id; the id itself is never stored."""
    return hmac.new(key, b"person\0" + case_id.bytes, hashlib.sha256).digest()[:PSEUDONYM_BYTES]


def forgotten_mark(key: bytes, person: bytes) -> bytes:
    """What remains of an erased person: enough to drop its late events, attached to no fact."""
    return hmac.new(key, b"forgotten\0" + person, hashlib.sha256).digest()[:PSEUDONYM_BYTES]
