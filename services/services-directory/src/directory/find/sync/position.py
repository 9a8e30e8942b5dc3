"""The position of a copy in the change history. A position is a transaction id, because times and sequence numbers
become visible out of order. Changes older than the oldest running transaction are final."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from common.paging import encode_cursor, id_in, keys_in, numeral_in

from directory.errors import RESYNC_NEEDED

_NIL = UUID(int=0)


@dataclass(frozen=True)
class Position:
    """A position. The copy contains everything before (`xid`, `after`)."""

    xid: int
    after: UUID = _NIL

    def cursor(self, viewer: str) -> str:
        """Return the cursor. `viewer` identifies the audience and the database history (`queries.viewer`)."""
        return encode_cursor(_mark(viewer), str(self.xid), str(self.after))


def read(cursor: str, viewer: str) -> Position:
    """Read a cursor. Raise 400 if it is invalid, or 410 if it is for another audience or another database history."""
    keys = keys_in(cursor, str, numeral_in, id_in)
    if keys is None or keys[0] != _mark(viewer):
        raise RESYNC_NEEDED.because("what_you_may_see_has_changed_since")
    return Position(int(keys[1]), keys[2])


def _mark(viewer: str) -> str:
    return hashlib.sha256(viewer.encode()).hexdigest()[:16]
