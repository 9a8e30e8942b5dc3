"""Orders for all programmes of a period at once. An order writes tasks. The worker performs them (`running`), each
programme in its own transaction, with the use cases for single releases."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.errors import INVALID, NOT_FOUND, PROBLEMS
from common.ids import new_id
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.errors import OutsideProgrammeError
from reporting.ground.asked_tasks import asked
from reporting.ground.periods import Period
from reporting.ground.programmes.catalogue import Catalogue
from reporting.ground.programmes.definition import Programme
from reporting.protect.closings import queries
from reporting.protect.closings.models import closing_steps, closings
from reporting.protect.closings.progress import StepState, Task
from reporting.protect.closings.queries import Closing
from reporting.protect.releases import service as releases
from reporting.protect.releases.errors import PERIOD_NOT_ENDED, outside
from reporting.protect.releases.queries import Release

CLOSING_AT_WORK = PROBLEMS["closing_at_work"]


@dataclass(frozen=True)
class Wanted:
    """A period and some of its programmes; None means all programmes."""

    period: Period
    programmes: Sequence[str] | None


async def close(
    session: AsyncSession, caller: Principal, wanted: Wanted, catalogue: Catalogue
) -> Closing:
    """Order the closing of an ended period's programmes. There is one closing per period: a repeated order adds missing
    programmes and retries those not yet closed. Raise 422 for a programme with another kind of period, or 409
    `period_not_ended`."""
    period = wanted.period
    chosen = _chosen(wanted, catalogue)
    if not period.ended(clock.utc_day(clock.now())):
        raise PERIOD_NOT_ENDED.because("period_ends_on", period.id, period.end.isoformat())
    closing_id = await _once(session, caller, period)
    known = {each.programme: each for each in (await _seen(session, caller, closing_id)).steps}
    places = {each.id: place for place, each in enumerate(catalogue)}
    for programme in chosen:
        if programme.id not in known:
            await session.execute(
                closing_steps.insert().values(
                    closing_id=closing_id,
                    programme=programme.id,
                    position=places[programme.id],
                    task="close",
                    **asked(caller),
                )
            )
    again = [
        each.id
        for each in chosen
        if each.id in known and known[each.id].state is StepState.NOT_CLOSED
    ]
    await _ask(session, caller, closing_id, again, "close")
    return await _seen(session, caller, closing_id)


async def sign_off(session: AsyncSession, caller: Principal, closing_id: UUID) -> Closing:
    """Sign off each draft to which the caller's organisation contributes (R8). Raise 404 if there is none, or 409
    `closing_at_work` while more drafts may follow."""
    closing = await _at_rest(session, caller, closing_id)
    mine = [
        release.id
        for release in (each.release for each in closing.steps)
        if release is not None and _contributes(release, caller)
    ]
    if not mine:
        raise NOT_FOUND.because("your_organisation_contributes_to_no_draft")
    await releases.agree(session, caller, mine)
    return await _seen(session, caller, closing_id)


async def publish(session: AsyncSession, caller: Principal, closing_id: UUID) -> Closing:
    """Order the publication of everything that is closed. A programme without all sign-offs will be refused without
    blocking the others. Raise 409 `closing_at_work` while a closing is still in progress."""
    closing = await _at_rest(session, caller, closing_id)
    waiting = {StepState.CLOSED, StepState.NOT_PUBLISHED}
    drafts = [each.programme for each in closing.steps if each.state in waiting]
    await _ask(session, caller, closing_id, drafts, "publish")
    return await _seen(session, caller, closing_id)


def legal(
    caller: Principal, closing: Closing, stood: Mapping[UUID, Collection[str]], *, alone: bool
) -> list[str]:
    """Return the steps that the caller can take now with at least one draft of the closing. `stood` names by release
    the people who closed it or signed it off."""
    drafts = [] if closing.busy else [each.release for each in closing.steps if each.release]
    possible = {
        step
        for release in drafts
        for step in releases.legal(caller, release, stood.get(release.id, ()), alone=alone)
    }
    return sorted(possible & {"sign_off", "publish"})


def _contributes(release: Release, caller: Principal) -> bool:
    contributors = {each.organisation_id for each in release.sign_offs}
    return not release.published and caller.organisation in contributors


def _chosen(wanted: Wanted, catalogue: Catalogue) -> list[Programme]:
    period = wanted.period
    if wanted.programmes is None:
        found = [each for each in catalogue if each.period_kind is period.kind]
        if not found:
            kinds = sorted({each.period_kind.value for each in catalogue})
            raise INVALID.because(
                "no_programme_closes_by_are_those",
                period.kind,
                ", ".join(kinds),
                pointer="/period",
            )
        return found
    chosen = []
    for place, name in enumerate(wanted.programmes):
        try:
            programme = catalogue.get(name)
        except OutsideProgrammeError as error:
            raise outside(error, f"/programmes/{place}") from None
        if programme.period_kind is not period.kind:
            raise INVALID.because(
                "programme_closes_per",
                name,
                programme.period_kind,
                period.id,
                period.kind,
                pointer=f"/programmes/{place}",
            )
        if programme in chosen:
            raise INVALID.because("is_named_twice", pointer=f"/programmes/{place}")
        chosen.append(programme)
    return chosen


async def _once(session: AsyncSession, caller: Principal, period: Period) -> UUID:
    """Return the period's closing, creating it if necessary, and lock it until the transaction ends."""
    await session.execute(
        pg.insert(closings)
        .values(
            id=new_id(),
            period=period.id,
            period_start=period.start,
            period_end=period.end,
            asked_at=clock.now(),
            asked_by=caller.subject,
        )
        .on_conflict_do_nothing(constraint="closings_once")
    )
    found: UUID = (
        await session.execute(
            sa.select(closings.c.id).where(closings.c.period == period.id).with_for_update()
        )
    ).scalar_one()
    return found


async def _ask(
    session: AsyncSession,
    caller: Principal,
    closing_id: UUID,
    programmes: Sequence[str],
    task: Task,
) -> None:
    await session.execute(
        closing_steps.update()
        .where(
            closing_steps.c.closing_id == closing_id,
            closing_steps.c.programme.in_(programmes),
            closing_steps.c.due_at.is_(None),
        )
        .values(task=task, **asked(caller))
    )


async def _at_rest(session: AsyncSession, caller: Principal, closing_id: UUID) -> Closing:
    if not await queries.held(session, closing_id):
        raise NOT_FOUND.because("no_such_closing")
    closing = await _seen(session, caller, closing_id)
    if closing.busy:
        raise CLOSING_AT_WORK.because("is_not_closed_for_every_programme_yet", closing.period)
    return closing


async def _seen(session: AsyncSession, caller: Principal, closing_id: UUID) -> Closing:
    return (await queries.visible(session, caller, closing_id=closing_id))[0]
