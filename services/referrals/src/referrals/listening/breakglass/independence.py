"""Who may open another organisation's case in an emergency. Pure.

The second person is independent of the first: they belong to the organisation that holds the case or coordinate its
area of responsibility. They never belong to the requesting organisation or to an implicated one.
"""

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from common.auth import Principal, Role
from common.words.places import Places


@dataclass(frozen=True)
class Sought:
    """The case in its current state, and the requester. `aors`: the case's areas of responsibility; if empty, a
    coordinator of any area may decide. `implicated`: the implicated organisations."""

    asking: UUID
    holder: UUID
    implicated: AbstractSet[UUID]
    aors: AbstractSet[str]
    area: str | None


def is_open(status: str, expires_at: datetime | None, now: datetime) -> bool:
    return status == "open" and expires_at is not None and expires_at > now


def may_decide(caller: Principal, sought: Sought) -> bool:
    """Return whether the caller's position makes them independent. The service checks that they are not the
    requester."""
    own = caller.organisation_id
    if own is None or own == sought.asking or own in sought.implicated:
        return False
    if Role.SUPERVISOR in caller.roles and own == sought.holder:
        return True
    return Role.COORDINATOR in caller.roles and _of_their_work(caller, sought)


def _of_their_work(caller: Principal, sought: Sought) -> bool:
    theirs = not sought.aors or any(caller.coordinates(aor) for aor in sought.aors)
    return theirs and _near(caller.areas, sought.area)


def _near(areas: Collection[str], area: str | None) -> bool:
    """Return whether the case is in the coordinator's areas; a case without an area matches everybody."""
    if not areas or area is None:
        return True
    return not {area, *Places.load().ancestors(area)}.isdisjoint(areas)


def may_be_opened(sought: Sought) -> bool:
    """Return whether the requesting organisation is neither implicated nor the holder."""
    return sought.asking not in sought.implicated and sought.asking != sought.holder


def case_aors(referred: Collection[str], *, screened: bool, minor: bool | None) -> frozenset[str]:
    """Return a case's AoRs: the AoRs of its referrals, TIP after a screening, CP for a child."""
    met = set(referred)
    if screened:
        met.add("TIP")
    if minor:
        met.add("CP")
    return frozenset(met)
