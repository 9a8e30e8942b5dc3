"""Exceptions to consent or to a person's wish, in a case and on the anonymous line. One person submits a request with a
sealed rationale; another decides."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from common import clock
from common.auth import Principal
from common.two_people import refuse_same_person
from common.words.details import Detail

from referrals.errors import ALREADY_DECIDED
from referrals.ground.keys.sealed_columns import open_column
from referrals.ground.keys.store import CaseKeys


class Asked(Protocol):
    status: str
    requested_by: str
    decided_by: str | None
    decided_at: datetime | None


def decide(exception: Asked, caller: Principal, *, approve: bool) -> None:
    """Decide the request. Raise 409 if it is already decided, or 403 if the caller requested it."""
    if exception.status != "pending":
        raise ALREADY_DECIDED.because("its_status_is", exception.status)
    refuse_same_person(
        caller, exception.requested_by, because=Detail("you_asked_for_this_exception")
    )
    exception.status = "approved" if approve else "refused"
    exception.decided_by, exception.decided_at = caller.subject, clock.now()


async def rationale_of(
    keys: CaseKeys, sealed: bytes | None, *, under: UUID, organisation: UUID, row: UUID
) -> str | None:
    """Return the rationale; None if it or its sealing key no longer exists."""
    if sealed is None:
        return None
    key = (await keys.of_many([under])).get(under)
    if key is None:
        return None
    return str(open_column(key, sealed, organisation=organisation, row=row, column="rationale"))
