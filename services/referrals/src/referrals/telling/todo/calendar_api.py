"""HTTP routes for the calendar: dates in the caller's cases, and appointments of referrals on both sides."""

from datetime import date, timedelta

from common import clock
from common.auth import Principal
from common.errors import INVALID
from common.http import Session, router
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases import queries as cases
from referrals.case.entries import queries as entries
from referrals.case.entries import service as entry_service
from referrals.ground.dependencies import CaseReader, Keys
from referrals.referral.referrals import waiting_queries as referrals
from referrals.telling.todo.schemas import CalendarRow

calendar = router("/referrals/v1/calendar", ["work"])
_MOST_DAYS = 62
MOST_DATES = 1000
_LAST_WEEK = date.max - timedelta(days=6)


@calendar.get("")
async def list_calendar(
    *,
    session: Session,
    caller: CaseReader,
    keys: Keys,
    start: date | None = None,
    end: date | None = None,
    mine: bool = False,
) -> list[CalendarRow]:
    """List follow-ups, appointments and reviews of your cases between two days (default: a week from today), in
    codes: no name and no place. At most 1000 of each: ask for fewer days if there are more. The reading is audited."""
    first = start or clock.today()
    last = end or min(first, _LAST_WEEK) + timedelta(days=6)
    if not 0 <= (last - first).days <= _MOST_DAYS:
        raise INVALID.because("from_day_to_62_days_later", pointer="/end")
    due = await entries.due_between(session, caller, first, last, mine=mine, limit=MOST_DATES)
    _refuse_too_many(len(due))
    times = await entry_service.times_of(session, caller, keys, due)
    known = await cases.by_ids(session, [entry.case_id for entry in due])
    rows = [
        CalendarRow(
            id=entry.id,
            kind=entry.kind,
            on=entry.due_on,
            clock=times.get(entry.id),
            case_id=entry.case_id,
            case_reference=known[entry.case_id].reference,
            word=known[entry.case_id].word,
        )
        for entry in due
        if entry.due_on is not None
    ]
    rows += await _of_referrals(session, caller, first, last)
    return sorted(rows, key=lambda row: (row.on, row.clock or "", row.id))


async def _of_referrals(
    session: AsyncSession, caller: Principal, first: date, last: date
) -> list[CalendarRow]:
    found = await referrals.appointments(
        session, caller, clock.begins(first), clock.ends(last), MOST_DATES
    )
    _refuse_too_many(len(found))
    return [
        CalendarRow(
            id=referral_id, kind="referral", on=clock.day_of(at), at=at, referral_id=referral_id
        )
        for referral_id, at in found
    ]


def _refuse_too_many(dates: int) -> None:
    """Refuse a period with more dates than one response can contain, so that no appointment goes missing unnoticed."""
    if dates > MOST_DATES:
        raise INVALID.because("span_has_more_dates_than", MOST_DATES, pointer="/end")
