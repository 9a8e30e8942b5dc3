"""Late organisations for coordinators to call, without naming any referral."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from common import clock
from common.auth import Principal
from common.errors import FORBIDDEN, NOT_FOUND
from common.ids import new_id
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.ground.audit.service import record
from referrals.ground.directory.queries import shown_services
from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.notices.service import notify
from referrals.ground.row_security import acting_as_service
from referrals.ground.vocabulary.work_order import CLOCKS
from referrals.referral.escalations import queries
from referrals.referral.escalations.models import LateCall
from referrals.referral.escalations.schemas import (
    LateOrganisation,
    LateWith,
    NewCall,
    NotedCall,
    OverdueCount,
    ToCall,
)
from referrals.referral.referrals import list_queries
from referrals.referral.referrals.queries import SHARED

MANY = 11
"""Published figures use the same limit; a smaller number appears as "one or more"."""
_URGENCIES = list(CLOCKS)


async def overdue_in_aors(session: AsyncSession, caller: Principal) -> list[OverdueCount]:
    """Count overdue referrals in the caller's AoRs and areas, excluding cases that implicate their organisation."""
    async with acting_as_service(session):
        rows = await list_queries.overdue_counts(
            session, caller, clock.now(), "aor", "category", "urgency"
        )
    return [
        OverdueCount(aor=aor, category=category, urgency=urgency, count=count)
        for aor, category, urgency, count in rows
    ]


async def late_organisations(session: AsyncSession, caller: Principal) -> list[LateOrganisation]:
    """Return late organisations, most urgent first. Omit an organisation's name if the directory hides its service from
    the caller."""
    now = clock.now()
    by = ("aor", "urgency", "state", "to_organisation", "service_id")
    async with acting_as_service(session):
        rows = await list_queries.overdue_counts(session, caller, now, *by)
        calls = await queries.last_calls(session, caller.aors | {SHARED})
        shown = await shown_services(session, caller, {row.service_id for row in rows})
    late: dict[tuple[str, UUID | None], list[Any]] = {}
    for row in rows:
        named = row.to_organisation if row.service_id in shown else None
        late.setdefault((row.aor, named), []).append(row)
    found = [
        _late(aor, named, of_it, calls.get((aor, named)) if named else None, now)
        for (aor, named), of_it in late.items()
    ]
    return sorted(found, key=lambda one: _URGENCIES.index(one.urgency))


def _late(
    aor: str, organisation: UUID | None, rows: list[Any], call: LateCall | None, now: datetime
) -> LateOrganisation:
    """Summarise one organisation. A call counts until the response time for that urgency has passed."""
    numbers: dict[tuple[str, str], int] = {}
    for row in rows:
        numbers[row.urgency, row.state] = numbers.get((row.urgency, row.state), 0) + row.number
    open_ = {u for u, _ in numbers if call is None or call.called_at + CLOCKS[u] <= now}
    return LateOrganisation(
        organisation_id=organisation,
        aor=aor,
        urgency=_most_urgent(open_ or {urgency for urgency, _ in numbers}),
        late=[
            LateWith(urgency=urgency, state=state, at_least=MANY if number >= MANY else 1)
            for (urgency, state), number in sorted(
                numbers.items(), key=lambda one: (_URGENCIES.index(one[0][0]), one[0][1])
            )
        ],
        service_ids=sorted({row.service_id for row in rows}) if organisation else [],
        to_call=bool(open_),
        call=NotedCall.model_validate(call, from_attributes=True) if call else None,
    )


def _most_urgent(urgencies: Iterable[str]) -> str:
    return min(urgencies, key=_URGENCIES.index)


async def to_call(session: AsyncSession, caller: Principal) -> list[ToCall]:
    numbers: dict[tuple[str, str], int] = {}
    for one in await late_organisations(session, caller):
        if one.to_call:
            numbers[one.aor, one.urgency] = numbers.get((one.aor, one.urgency), 0) + 1
    return [ToCall(aor=aor, urgency=u, organisations=n) for (aor, u), n in numbers.items()]


async def read_late(session: AsyncSession, caller: Principal) -> list[LateOrganisation]:
    """Return late organisations, and audit the access."""
    found = await late_organisations(session, caller)
    await record(
        session, caller, "late.read", chain=caller.organisation, target_type="organisation"
    )
    return found


async def note_call(
    session: AsyncSession, caller: Principal, organisation: UUID, body: NewCall
) -> LateOrganisation:
    """Record a call and notify the organisation's supervisors, so that more people know than the one who answered."""
    if body.aor != SHARED and not caller.coordinates(body.aor):
        raise FORBIDDEN.because("you_do_not_coordinate", body.aor)
    sought = (organisation, body.aor)
    listed = await late_organisations(session, caller)
    if sought not in [(one.organisation_id, one.aor) for one in listed]:
        raise NOT_FOUND.because("no_organisation_that_is_late_has_this_id")
    call = LateCall(
        id=new_id(),
        organisation_id=organisation,
        aor=body.aor,
        outcome=body.outcome,
        called_at=clock.now(),
        called_by=caller.subject,
    )
    async with acting_as_service(session):
        session.add(call)
        await session.flush()
    await notify(
        session,
        [organisation],
        NoticeKind.LATE_CALLED,
        subject_type="late_call",
        subject_id=call.id,
        for_supervisor=True,
    )
    await record(
        session,
        caller,
        "late.called",
        chain=caller.organisation,
        target_id=organisation,
        target_type="organisation",
        detail={"aor": body.aor, "outcome": body.outcome},
    )
    listed = await late_organisations(session, caller)
    return next(one for one in listed if (one.organisation_id, one.aor) == sought)
