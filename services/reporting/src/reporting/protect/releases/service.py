"""Closes, signs off and publishes releases. Never commits."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.errors import INVALID, NOT_FOUND
from common.events.reporting import ReleasePublished, ReleaseWithdrawn
from common.ids import new_id
from common.messaging.outbox import append
from common.two_people import is_alone, refuse_alone
from common.words.details import Detail
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.count.facts import queries as facts
from reporting.count.facts.service import lock_projection
from reporting.count.trafficking.cells import EVERY_KIND, IDENTIFYING
from reporting.count.trafficking.queries import contributors as identification_contributors
from reporting.count.trafficking.queries import identifications_by_person
from reporting.ground.periods import Period
from reporting.ground.programmes.definition import Measure, Population, Programme
from reporting.ground.protection.protected import Coordinates, ExpectedError
from reporting.ground.protection.rounding import protect, seed
from reporting.ground.rights import CONTRIBUTING, PUBLISHING
from reporting.protect.releases import queries
from reporting.protect.releases.cells import RULES
from reporting.protect.releases.errors import (
    ALREADY_PUBLISHED,
    PERIOD_CLOSED,
    PERIOD_CLOSED_APART,
    PERIOD_MAYBE_PUBLISHED,
    PERIOD_NOT_ENDED,
    SIGN_OFF_MISSING,
)
from reporting.protect.releases.joint import cell_of, placed, since, tilt
from reporting.protect.releases.models import (
    joint_cells,
    joint_cubes,
    publications,
    releases,
    sign_offs,
)
from reporting.protect.releases.queries import Release
from reporting.protect.releases.views import (
    JointCube,
    cells_hash,
    definition_of,
    expected_errors,
    seen,
    spanned,
    view_of,
)
from reporting.protect.withdrawals import service as withdrawals
from reporting.tables import COMMON


@dataclass(frozen=True)
class Order:
    """An order to close a period. Periods that ended before `lost_until` may have been published from a record that was
    later lost."""

    programme: Programme
    period: Period
    lost_until: date | None = None


async def close(session: AsyncSession, caller: Principal, order: Order, key: bytes) -> Release:
    """Count the programme's people in the period, round once and store the result permanently (R2, R4). Reuse a cube
    that another programme over the same people has closed. Raise 422 for a period of another kind, or 409
    `period_not_ended`, `period_closed`, `period_closed_apart` or `period_maybe_published`."""
    programme, period = order.programme, order.period
    if period.kind is not programme.period_kind:
        raise INVALID.because(
            "programme_closes_per",
            programme.id,
            programme.period_kind,
            period.id,
            period.kind,
            pointer="/period",
        )
    if not period.ended(clock.utc_day(clock.now())):
        raise PERIOD_NOT_ENDED.because("period_ends_on", period.id, period.end.isoformat())
    # Nothing may be recorded between counting and closing, because it would not count in any period.
    await lock_projection(session)
    existing = await queries.release_of(session, programme.id, period.id)
    if existing is not None:
        raise PERIOD_CLOSED.because(
            "was_closed_before", programme.id, period.id, release_id=str(existing.id)
        )
    cube = await _joint(session, caller, order, key)
    release_id = await _write_release(session, caller, order, cube)
    await _ask_contributors(session, release_id, programme, period)
    return await required(session, caller, release_id)


async def _joint(session: AsyncSession, caller: Principal, order: Order, key: bytes) -> UUID:
    """Return the period's joint cube: the existing one, or a newly closed one."""
    population, period = order.programme.population, order.period
    known = await queries.joint_cube_of(session, population.id, period.id)
    if known is not None:
        return known
    if order.lost_until is not None and period.ended(order.lost_until):
        # A second rounding, from a different record, could be combined with the published one and so reveal people.
        raise PERIOD_MAYBE_PUBLISHED.because(
            "ended_before_when_record_began_again", period.id, order.lost_until.isoformat()
        )
    otherwise = await queries.rounded_otherwise(
        session, population.measure.value, period.start, period.end
    )
    if otherwise:
        raise PERIOD_CLOSED_APART.because(
            "same_people_were_closed_as_by_another", ", ".join(otherwise)
        )
    counts = await count(session, population, period)
    return await store(session, caller, population, period, counts, key)


async def store(
    session: AsyncSession,
    caller: Principal,
    population: Population,
    period: Period,
    counts: Mapping[Coordinates, int],
    key: bytes,
) -> UUID:
    """Round the counts and write the joint cube; never write a true count."""
    cells = await asyncio.to_thread(
        protect,
        counts,
        k=population.k,
        weights=population.weights,
        seed=seed(key, population.id, period.id, population.schema),
        tilt=tilt(population),
    )
    definition = definition_of(population)
    cube_id = await _write_cube(session, caller, population, period, cells, definition)
    await _close_spans(session, caller, population, period)
    return cube_id


async def _write_cube(
    session: AsyncSession,
    caller: Principal,
    population: Population,
    period: Period,
    cells: Mapping[Coordinates, int],
    definition: Mapping[str, Any],
) -> UUID:
    cube_id = new_id()
    await session.execute(
        joint_cubes.insert().values(
            id=cube_id,
            population=population.id,
            period=period.id,
            period_start=period.start,
            period_end=period.end,
            k=population.k,
            profile=population.profile,
            schema_fingerprint=population.schema,
            definition=definition,
            cells_hash=cells_hash(cells),
            closed_at=clock.now(),
            closed_by=caller.subject,
        )
    )
    rows = [
        {"cube_id": cube_id, "coordinates": list(at), "count": count}
        for at, count in sorted(cells.items())
    ]
    if rows:
        await session.execute(joint_cells.insert(), rows)
    return cube_id


async def _close_spans(
    session: AsyncSession, caller: Principal, population: Population, period: Period
) -> None:
    """Create the cube of each month, quarter or year whose last period has just closed: once, and only from the
    published cells of its parts (R4a). A span in which the definition changed has no cube."""
    shorter = population.period_kind
    for kind in population.spans:
        span = Period.containing(period.start, kind)
        parts = await _closed(session, population, span.parts(population.period_kind))
        if parts is None:
            continue
        inside = await _closed(session, population, span.parts(shorter))
        if inside is None or len({each.shape for each in parts}) > 1:
            return
        made = await asyncio.to_thread(spanned, parts, inside, span)
        beyond = [[*at, persons] for at, persons in made.beyond.items()]
        definition = definition_of(population) | {"periods": len(parts), "beyond": beyond}
        await _write_cube(session, caller, population, span, made.cells, definition)
        shorter = kind


async def _closed(
    session: AsyncSession, population: Population, periods: Sequence[Period]
) -> list[JointCube] | None:
    """Return the joint cubes of these periods or spans, or None if one does not exist."""
    found = []
    for each in periods:
        cube_id = await queries.joint_cube_of(session, population.id, each.id)
        if cube_id is None:
            return None
        found.append(await queries.joint(session, cube_id, internal=True))
    return found


async def count(
    session: AsyncSession, population: Population, period: Period
) -> Counter[Coordinates]:
    """Return a period's true counts, which exist only in this transaction's memory."""
    counts: Counter[Coordinates] = Counter()
    if population.measure is Measure.SEARCHES_WITHOUT_RESULT:
        for values, found in await facts.gap_increments(session, period.start, period.end):
            counts[placed(population, values)] += found
        return counts
    read: Mapping[Measure, Callable[..., AsyncIterator[Sequence[Any]]]] = {
        Measure.REFERRED_PERSONS: facts.steps_by_person,
        Measure.SCREENED_PERSONS: identifications_by_person,
    }
    rule, first = RULES[population.measure], since(population, period)
    async for person in read[population.measure](session, first, period.end):
        at = cell_of(population, period, rule, person)
        if at is not None:
            counts[at] += 1
    return counts


async def sign_off(session: AsyncSession, caller: Principal, release_id: UUID) -> Release:
    """Sign off the release for the caller's organisation (R8). Raise 404 if the organisation contributes nothing."""
    release = await required(session, caller, release_id)
    if caller.organisation not in {each.organisation_id for each in release.sign_offs}:
        raise NOT_FOUND.because("your_organisation_contributes_to_no_such_release")
    await agree(session, caller, [release_id])
    return await required(session, caller, release_id)


async def agree(session: AsyncSession, caller: Principal, release_ids: Collection[UUID]) -> None:
    """Sign off several drafts to which the caller's organisation contributes."""
    answer = {"signed_at": clock.now(), "signed_by": caller.subject}
    await _settle(session, release_ids, caller.organisation, answer)


async def waive(
    session: AsyncSession, caller: Principal, release_id: UUID, organisation: UUID, why: str
) -> Release:
    """Waive the sign-off of a contributor that does not respond; the IM officer gives the reason."""
    release = await required(session, caller, release_id)
    if organisation not in {each.organisation_id for each in release.sign_offs}:
        raise INVALID.because("it_contributes_nothing_to_this_release", pointer="/organisation_id")
    reason = {"waived_because": why, "signed_by": caller.subject}
    await _settle(session, [release_id], organisation, reason)
    return await required(session, caller, release_id)


def legal(caller: Principal, release: Release, stood: Collection[str], *, alone: bool) -> list[str]:
    """Return the steps that the caller can take now. `stood` names the people who closed the release or signed it
    off."""
    im = caller.may(*PUBLISHING)
    waiting = {each.organisation_id for each in release.sign_offs if not each.settled}
    draft = not release.published
    steps = {
        "sign_off": draft and caller.may(*CONTRIBUTING) and caller.organisation in waiting,
        "waive": draft and im and waiting,
        "publish": draft and im and not waiting and (alone or not is_alone(caller, *stood)),
    }
    return [
        *(step for step, may in steps.items() if may),
        *withdrawals.legal(caller, release.withdrawal, published=not draft, alone=alone),
    ]


async def publish(
    session: AsyncSession, caller: Principal, release_id: UUID, *, alone: bool = False
) -> Release:
    """Publish the release once every contributor has signed off, and inform the other services. Another person must
    have closed it, or signed it off for a contributor; with `alone`, one person is enough."""
    release = await required(session, caller, release_id)
    if release.published:
        raise ALREADY_PUBLISHED.because("was_published_on", release.published_at)
    missing = [str(each.organisation_id) for each in release.sign_offs if not each.settled]
    if missing:
        raise SIGN_OFF_MISSING.because(
            "contributors_have_not_answered", len(missing), organisations=missing
        )
    if not alone:
        stood = (await queries.who_stood_for(session, [release_id]))[release_id]
        refuse_alone(caller, *stood, because=Detail("nobody_but_you_stands_for_it"))
    await session.execute(
        publications.insert().values(
            release_id=release_id, published_at=clock.now(), published_by=caller.subject
        )
    )
    event = ReleasePublished(
        version=1, release_id=release_id, programme=release.programme, period=release.period
    )
    await append(session, COMMON, event)
    return await required(session, caller, release_id)


async def withdraw(
    session: AsyncSession, caller: Principal, release_id: UUID, *, alone: bool = False
) -> Release:
    """Withdraw a mistaken publication with a second person's agreement, and inform the other services."""
    release = await required(session, caller, release_id)
    await withdrawals.agree(session, caller, release_id, alone=alone)
    event = ReleaseWithdrawn(
        version=1, release_id=release_id, programme=release.programme, period=release.period
    )
    await append(session, COMMON, event)
    return await required(session, caller, release_id)


async def _write_release(
    session: AsyncSession, caller: Principal, order: Order, cube_id: UUID
) -> UUID:
    programme, period, view = order.programme, order.period, view_of(order.programme)
    cube = seen(view, await queries.joint(session, cube_id, internal=True))
    errors = await asyncio.to_thread(expected_errors, cube)
    release_id = new_id()
    await session.execute(
        releases.insert().values(
            id=release_id,
            programme=programme.id,
            period=period.id,
            period_start=period.start,
            period_end=period.end,
            k=programme.k,
            profile=programme.profile,
            schema_fingerprint=programme.population.schema,
            definition=view.stored,
            cube_id=cube_id,
            expected_errors=[_stored(each) for each in errors],
            cells_hash=cells_hash(cube.cells),
            closed_at=clock.now(),
            closed_by=caller.subject,
        )
    )
    return release_id


async def _ask_contributors(
    session: AsyncSession, release_id: UUID, programme: Programme, period: Period
) -> None:
    organisations = await _contributors(session, programme, period)
    if organisations:
        await session.execute(
            sign_offs.insert(),
            [{"release_id": release_id, "organisation_id": each} for each in organisations],
        )


async def _contributors(
    session: AsyncSession, programme: Programme, period: Period
) -> Sequence[UUID]:
    """Return the contributors. Searches have no contributors; other counts belong to the organisations that recorded
    them."""
    match programme.population.measure:
        case Measure.SEARCHES_WITHOUT_RESULT:
            return ()
        case Measure.SCREENED_PERSONS:
            kinds = IDENTIFYING if programme.where else EVERY_KIND
            return await identification_contributors(session, period.start, period.end, kinds)
        case Measure.REFERRED_PERSONS:
            return await facts.contributors(session, period.start, period.end)


async def _settle(
    session: AsyncSession,
    release_ids: Collection[UUID],
    organisation: UUID,
    answer: dict[str, Any],
) -> None:
    """Record the first answer; ignore repeated ones."""
    await session.execute(
        sign_offs.update()
        .where(
            sign_offs.c.release_id.in_(release_ids),
            sign_offs.c.organisation_id == organisation,
            sa.and_(sign_offs.c.signed_at.is_(None), sign_offs.c.waived_because.is_(None)),
        )
        .values(**answer)
    )


async def required(session: AsyncSession, caller: Principal, release_id: UUID) -> Release:
    found = await queries.visible(session, caller, release_id=release_id)
    if not found:
        raise NOT_FOUND.because("no_such_release")
    return found[0]


def _stored(error: ExpectedError) -> dict[str, Any]:
    return {
        "margin": error.margin,
        "mean_absolute": str(error.mean_absolute),
        "relative": None if error.relative is None else str(error.relative),
    }
