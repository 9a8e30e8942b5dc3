"""Where a copy stands. A position is a transaction id, not a time and not a sequence number: those
become visible out of order, while everything below the oldest running transaction is final."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from common.paging import encode_cursor, id_in, keys_in, numeral_in

from directory.errors import RESYNC_NEEDED

_NIL = UUID(int=0)


@dataclass(frozen=True)
class Position:
    """Everything before (`xid`, `after`) is in the copy."""

    xid: int
    after: UUID = _NIL

    def cursor(self, viewer: str) -> str:
        """`viewer`: who sees what, in which history (`queries.viewer`)."""
        return encode_cursor(_mark(viewer), str(self.xid), str(self.after))


def read(cursor: str, viewer: str) -> Position:
    """400 for a made-up cursor; 410 if it was given to a caller who sees other documents, or in another history."""
    keys = keys_in(cursor, str, numeral_in, id_in)
    if keys is None or keys[0] != _mark(viewer):
        raise RESYNC_NEEDED.because("what_you_may_see_has_changed_since")
    return Position(int(keys[1]), keys[2])


def _mark(viewer: str) -> str:
    return hashlib.sha256(viewer.encode()).hexdigest()[:16]
