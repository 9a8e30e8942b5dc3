"""Ids that a caller brings along.

If a free id were taken and a taken one turned away, an id would tell whether something hidden stands
under it. So the directory gives the ids: one that is brought along means an entry of the caller's
own organisation, under an id made from both, unless it is an entry whose record the caller may
read. The answer is the same whether the brought id is free or hidden. Only who may read every
record keeps new ids: from that caller nothing is hidden.
"""

from functools import lru_cache
from uuid import UUID, uuid5

from common.auth import Principal

from directory.ground.entries.states import reads_every_record


def own_id(caller: Principal, given: UUID) -> UUID:
    """The id of what the caller's organisation means by `given`."""
    return given if reads_every_record(caller) else _made(caller.organisation, given)


@lru_cache(maxsize=4_096)  # with each row of a file the same few are asked for several times
def _made(organisation: UUID, given: UUID) -> UUID:
    return uuid5(organisation, str(given))
