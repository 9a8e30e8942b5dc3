"""Closing, signing off and publishing a release. Never commits."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.errors import INVALID, NOT_FOUND
from common.events.reporting import ReleasePublished
from common.ids import new_id
from common.messaging.outbox import append
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.facts import queries as facts
from reporting.facts.service import lock_projection
from reporting.periods import Period
from reporting.programmes.catalogue import Catalogue
from reporting.programmes.definition import Measure, Programme
from reporting.releases import queries
from reporting.releases.accuracy import cells_hash, expected_errors
from reporting.releases.audit import LinkedCube, hits
from reporting.releases.counting import cell, classifier
from reporting.releases.errors import (
    ALREADY_PUBLISHED,
    LINKED_UNSAFE,
    PERIOD_CLOSED,
    PERIOD_NOT_ENDED,
    SIGN_OFF_MISSING,
)
from reporting.releases.models import (
    public_cells,
    public_tiers,
    publications,
    release_cells,
    releases,
    sign_offs,
)
from reporting.releases.protected import Coordinates, ExpectedError, ProtectedCube
from reporting.releases.queries import Release
from reporting.releases.rounding import protect, seed
from reporting.releases.tiers import public_tier
from reporting.tables import COMMON
from reporting.trafficking.counting import IDENTIFICATION_MEASURES, contributing
from reporting.trafficking.queries import contributors as identification_contributors
from reporting.trafficking.queries import identifications_by_person

DRAWS_AT_MOST = 64


@dataclass(frozen=True)
class Order:
    """What to close."""

    programme: Programme
    period: Period


@dataclass(frozen=True)
class Rounded:
    """What a closing writes: protected cells, never the counts."""

    cells: dict[Coordinates, int]
    expected: tuple[ExpectedError, ...]
    public: ProtectedCube | None = None


async def close(
    session: AsyncSession, principal: Principal, catalogue: Catalogue, order: Order, key: bytes
) -> Release:
    """Count the period, round it once and keep the result for ever (R2, R4).

    Problems: 422 for a period of another kind, 409 `period_not_ended`, 409 `period_closed`, 409
    `linked_unsafe`.
    """
    programme, period = order.programme, order.period
    if period.kind is not programme.period_kind:
        raise INVALID.because(
            f"{programme.id} closes per {programme.period_kind}, {period.id} is a {period.kind}.",
            pointer="/period",
        )
    if not period.ended(clock.now().date()):
        raise PERIOD_NOT_ENDED.because(f"{period.id} ends on {period.end.isoformat()}.")
    # Nothing may be recorded between counting and closing: it would be counted in no period.
    await lock_projection(session)
    existing = await queries.release_of(session, programme.id, period.id)
    if existing is not None:
        raise PERIOD_CLOSED.because(
            f"{programme.id} {period.id} was closed before.", release_id=str(existing.id)
        )
    counts = await count(session, programme, period)
    linked = await _linked(session, catalogue, order)
    release_id = await store(session, principal, order, counts, linked, key)
    await _ask_contributors(session, release_id, programme, period)
    return await _required(session, principal, release_id)


async def store(
    session: AsyncSession,
    principal: Principal,
    order: Order,
    counts: Counter[Coordinates],
    linked: Sequence[LinkedCube],
    key: bytes,
) -> UUID:
    """Round the counts and write the release; what is written holds no count."""
    rounded = await asyncio.to_thread(_round, order, counts, linked, key)
    return await _write(session, principal, order.programme, order.period, rounded)


async def count(
    session: AsyncSession, programme: Programme, period: Period
) -> Counter[Coordinates]:
    """The true counts of a period. They live in this transaction's memory only."""
    counts: Counter[Coordinates] = Counter()
    start, end = period.start, period.end
    if programme.measure is Measure.SEARCHES_WITHOUT_RESULT:
        for area, need, group, found in await facts.gap_increments(session, start, end):
            counts[cell(programme, {"area": area, "need": need, "group": group})] += found
    elif programme.measure in IDENTIFICATION_MEASURES:
        of_person = IDENTIFICATION_MEASURES[programme.measure]
        async for person in identifications_by_person(session, start, end):
            _count_one(counts, programme, of_person(person))
    else:
        of_steps = classifier(programme.measure)
        async for steps in facts.steps_by_person(session, start, end):
            _count_one(counts, programme, of_steps(steps))
    return counts


def _count_one(
    counts: Counter[Coordinates], programme: Programme, values: Mapping[str, str | None] | None
) -> None:
    if values is not None:
        counts[cell(programme, values)] += 1


async def sign_off(session: AsyncSession, principal: Principal, release_id: UUID) -> Release:
    """The caller's organisation agrees to the publication (R8); 404 if it contributes nothing."""
    release = await _required(session, principal, release_id)
    if principal.organisation not in {each.organisation_id for each in release.sign_offs}:
        raise NOT_FOUND.because("Your organisation contributes to no such release.")
    await _settle(
        session,
        release_id,
        principal.organisation,
        {"signed_at": clock.now(), "signed_by": principal.doer},
    )
    return await _required(session, principal, release_id)


async def waive(
    session: AsyncSession, principal: Principal, release_id: UUID, organisation: UUID, why: str
) -> Release:
    """The IM officer goes on without a contributor that does not answer, and says why."""
    release = await _required(session, principal, release_id)
    if organisation not in {each.organisation_id for each in release.sign_offs}:
        raise INVALID.because("It contributes nothing to this release.", pointer="/organisation_id")
    reason = {"waived_because": why, "signed_by": principal.doer}
    await _settle(session, release_id, organisation, reason)
    return await _required(session, principal, release_id)


async def publish(session: AsyncSession, principal: Principal, release_id: UUID) -> Release:
    """Let it leave the house, once every contributor agreed; tells the other services."""
    release = await _required(session, principal, release_id)
    if release.published:
        raise ALREADY_PUBLISHED.because(f"It was published on {release.published_at}.")
    missing = [str(each.organisation_id) for each in release.sign_offs if not each.settled]
    if missing:
        raise SIGN_OFF_MISSING.because(
            f"{len(missing)} contributors have not answered.", organisations=missing
        )
    await session.execute(
        publications.insert().values(
            release_id=release_id, published_at=clock.now(), published_by=principal.doer
        )
    )
    event = ReleasePublished(
        version=1, release_id=release_id, programme=release.programme, period=release.period
    )
    await append(session, COMMON, event, aggregate_id=release_id, aggregate_type="release")
    return await _required(session, principal, release_id)


async def _linked(session: AsyncSession, catalogue: Catalogue, order: Order) -> list[LinkedCube]:
    """The closed releases of other programmes over the same people in the same period (R1)."""
    found: list[LinkedCube] = []
    for other in catalogue.linked(order.programme):
        release = await queries.release_of(session, other.id, order.period.id)
        if release is not None:
            cube = await queries.cube_of(session, release.id, internal=True)
            found.append(LinkedCube(cube, other.part))
    return found


def _round(
    order: Order, counts: Counter[Coordinates], linked: Sequence[LinkedCube], key: bytes
) -> Rounded:
    """Round; where linked cubes together would prove something small, take the next draw.

    The attacker sees only what is published, and so does the audit: a rejected draw gives nothing
    away.
    """
    programme = order.programme
    for draw in range(DRAWS_AT_MOST):
        cells = protect(
            counts,
            k=programme.k,
            weights=programme.weights,
            seed=seed(key, programme.id, order.period.id, programme.schema, draw),
        )
        cube = ProtectedCube(
            programme=programme.id,
            period=order.period.id,
            k=programme.k,
            profile=programme.profile,
            dimensions=programme.cube_dimensions,
            cells=cells,
        )
        if next(hits([LinkedCube(cube, programme.part), *linked]), None) is None:
            errors = expected_errors(cells, cube.names, programme.k, programme.weights)
            return Rounded(cells, errors, _public(programme, cube, key))
    raise LINKED_UNSAFE.because(f"No safe draw among {DRAWS_AT_MOST}.")


def _public(programme: Programme, internal: ProtectedCube, key: bytes) -> ProtectedCube | None:
    """The tier for everybody, a function of the internal one; None where that is for everybody."""
    if programme.public_k is None:
        return None
    public = public_tier(internal, programme.public_k, key, programme.schema)
    errors = expected_errors(public.cells, public.names, public.k, programme.weights)
    return replace(public, expected_errors=errors)


async def _write(
    session: AsyncSession,
    principal: Principal,
    programme: Programme,
    period: Period,
    rounded: Rounded,
) -> UUID:
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
            schema_fingerprint=programme.schema,
            definition=_definition(programme),
            expected_errors=[_stored(each) for each in rounded.expected],
            cells_hash=cells_hash(rounded.cells),
            closed_at=clock.now(),
            closed_by=principal.doer,
        )
    )
    if rounded.cells:
        await session.execute(
            release_cells.insert(),
            [
                {"release_id": release_id, "coordinates": list(at), "count": count}
                for at, count in sorted(rounded.cells.items())
            ],
        )
    if rounded.public is not None:
        await _write_public(session, release_id, rounded.public)
    return release_id


async def _write_public(session: AsyncSession, release_id: UUID, public: ProtectedCube) -> None:
    await session.execute(
        public_tiers.insert().values(
            release_id=release_id,
            k=public.k,
            expected_errors=[_stored(each) for each in public.expected_errors],
        )
    )
    if public.cells:
        await session.execute(
            public_cells.insert(),
            [
                {"release_id": release_id, "coordinates": list(at), "count": count}
                for at, count in sorted(public.cells.items())
            ],
        )


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
    """Searches belong to nobody; what is counted otherwise belongs to those who recorded it."""
    if programme.measure is Measure.SEARCHES_WITHOUT_RESULT:
        return ()
    if programme.measure in IDENTIFICATION_MEASURES:
        kinds = contributing(programme.measure)
        return await identification_contributors(session, period.start, period.end, kinds)
    return await facts.contributors(session, period.start, period.end)


async def _settle(
    session: AsyncSession, release_id: UUID, organisation: UUID, answer: dict[str, Any]
) -> None:
    """Write the first answer; a repeated one changes nothing."""
    await session.execute(
        sign_offs.update()
        .where(
            sign_offs.c.release_id == release_id,
            sign_offs.c.organisation_id == organisation,
            sa.and_(sign_offs.c.signed_at.is_(None), sign_offs.c.waived_because.is_(None)),
        )
        .values(**answer)
    )


async def _required(session: AsyncSession, principal: Principal, release_id: UUID) -> Release:
    found = await queries.visible(session, principal, release_id=release_id)
    if not found:
        raise NOT_FOUND.because("There is no such release, or it is not published yet.")
    return found[0]


def _definition(programme: Programme) -> dict[str, Any]:
    return {
        "measure": programme.measure.value,
        "dimensions": [
            {
                "name": each.name,
                "codes": list(each.codes),
                "groups": {code: list(codes) for code, codes in each.groups.items()},
            }
            for each in programme.cube_dimensions
        ],
    }


def _stored(error: ExpectedError) -> dict[str, Any]:
    return {
        "margin": error.margin,
        "mean_absolute": str(error.mean_absolute),
        "relative": None if error.relative is None else str(error.relative),
    }
