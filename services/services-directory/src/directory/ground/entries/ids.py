"""Ids that a caller sends with an entry.

If the directory accepted free ids and rejected used ones, a rejection would reveal that a hidden entry has the id. So
an id in a request refers to an entry of the caller's own organisation. The entry is stored under an id derived from
both, unless the caller may read the record with that id. The response is the same for a free and a hidden id. Only a
caller who may read every record can choose new ids, because nothing is hidden from that caller.
"""

from functools import lru_cache
from uuid import UUID, uuid5

from common.auth import Principal

from directory.ground.entries.states import reads_every_record


def own_id(caller: Principal, given: UUID) -> UUID:
    """Return the id of the entry that the caller's organisation means by `given`."""
    return given if reads_every_record(caller) else _made(caller.organisation, given)


@lru_cache(maxsize=4_096)  # each row of a file needs the same few ids several times
def _made(organisation: UUID, given: UUID) -> UUID:
    return uuid5(organisation, str(given))
