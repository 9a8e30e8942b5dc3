"""Where a copy stands. A position is a transaction id, not a time and not a sequence number: those
become visible out of order, while everything below the oldest running transaction is final."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from common.errors import BAD_CURSOR
from common.paging import decode_cursor, encode_cursor

from services_directory.errors import RESYNC_NEEDED

_NIL = UUID(int=0)


@dataclass(frozen=True)
class Position:
    """Everything before (`xid`, `after`) is in the copy."""

    xid: int
    after: UUID = _NIL

    def cursor(self, audience: str) -> str:
        """`audience` is the key of what the caller may see."""
        return encode_cursor(_mark(audience), str(self.xid), str(self.after))


def read(cursor: str, audience: str) -> Position:
    """400 for a made-up cursor; 410 if it was given to a caller who sees other documents."""
    keys = decode_cursor(cursor, 3)
    if keys is None:
        raise BAD_CURSOR.because("Take a snapshot first; it ends with a cursor.")
    try:
        position = Position(int(keys[1]), UUID(str(keys[2])))
    except (ValueError, TypeError):
        raise BAD_CURSOR.because("Take the cursor from the answer before, unchanged.") from None
    if not 0 <= position.xid < 2**63:
        raise BAD_CURSOR.because("Take the cursor from the answer before, unchanged.")
    if keys[0] != _mark(audience):
        raise RESYNC_NEEDED.because(
            "What you may see has changed since this cursor: take a new snapshot."
        )
    return position


def _mark(audience: str) -> str:
    return hashlib.sha256(audience.encode()).hexdigest()[:16]
