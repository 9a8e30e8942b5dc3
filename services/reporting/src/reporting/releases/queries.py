"""Every SELECT on releases. Readers get protected cubes; nothing here touches facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal, Role
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.releases.models import (
    public_cells,
    public_tiers,
    publications,
    release_cells,
    releases,
    sign_offs,
)
from reporting.releases.protected import Coordinates, Dimension, ExpectedError, ProtectedCube


@dataclass(frozen=True)
class SignOff:
    """One contributor's answer; neither signed nor waived means that it is still awaited."""

    organisation_id: UUID
    signed_at: datetime | None
    waived_because: str | None

    @property
    def settled(self) -> bool:
        return self.signed_at is not None or self.waived_because is not None


@dataclass(frozen=True)
class Release:
    """A closed period of a programme; ``published_at`` is None while it is a draft."""

    id: UUID
    programme: str
    period: str
    period_start: date
    period_end: date
    k: int
    profile: str
    closed_at: datetime
    published_at: datetime | None
    cells_hash: bytes
    public_k: int | None
    sign_offs: tuple[SignOff, ...] = ()

    @property
    def published(self) -> bool:
        return self.published_at is not None


@dataclass(frozen=True)
class PublishedRelease:
    """A release with its cube: what bulletins, exports and files are made of."""

    id: UUID
    programme: str
    period: str
    version: int
    published_at: datetime | None
    cube: ProtectedCube


async def release_of(session: AsyncSession, programme: str, period: str) -> Release | None:
    """The release of a period, published or not, for the service itself."""
    found = await _releases(session, releases.c.programme == programme, releases.c.period == period)
    return found[0] if found else None


async def closed_of(
    session: AsyncSession, programmes: Sequence[str], start: date, end: date
) -> list[Release]:
    """Releases of the programmes whose period overlaps the range, published or not."""
    return await _releases(
        session,
        releases.c.programme.in_(programmes),
        releases.c.period_start <= end,
        releases.c.period_end >= start,
    )


async def visible(
    session: AsyncSession,
    principal: Principal,
    *,
    release_id: UUID | None = None,
    programme: str | None = None,
    period: str | None = None,
    after: tuple[str, UUID] | None = None,
    limit: int | None = None,
) -> list[Release]:
    """The releases that the caller may see, newest period first.

    Published ones are for everyone; drafts for the IM role and the organisations that contribute.
    `after` is (period start, id) of the last one seen.
    """
    conditions: list[sa.ColumnElement[bool]] = [_may_see(principal)]
    if release_id is not None:
        conditions.append(releases.c.id == release_id)
    if programme is not None:
        conditions.append(releases.c.programme == programme)
    if period is not None:
        conditions.append(releases.c.period == period)
    if after is not None:
        conditions.append(
            sa.tuple_(releases.c.period_start, releases.c.id)
            < sa.tuple_(sa.literal(date.fromisoformat(after[0])), sa.literal(after[1], sa.Uuid))
        )
    return await _releases(session, *conditions, limit=limit)


async def published(
    session: AsyncSession,
    programme: str | None = None,
    until: date | None = None,
    since: date | None = None,
    *,
    internal: bool = False,
) -> list[PublishedRelease]:
    """Published releases with their public (or internal) cubes, newest period first: those that end within
    [since, until]."""
    conditions: list[sa.ColumnElement[bool]] = [publications.c.published_at.is_not(None)]
    if programme is not None:
        conditions.append(releases.c.programme == programme)
    if until is not None:
        conditions.append(releases.c.period_end <= until)
    if since is not None:
        conditions.append(releases.c.period_end >= since)
    found = await _releases(session, *conditions)
    return [await with_cube(session, each, internal=internal) for each in found]


async def published_release(session: AsyncSession, release_id: UUID) -> PublishedRelease | None:
    """One published release with its cube; None for a draft or an unknown id."""
    found = await _releases(
        session, releases.c.id == release_id, publications.c.published_at.is_not(None)
    )
    return await with_cube(session, found[0]) if found else None


async def with_cube(
    session: AsyncSession, release: Release, *, internal: bool = False
) -> PublishedRelease:
    cube = await cube_of(session, release.id, internal=internal)
    return PublishedRelease(
        release.id, release.programme, release.period, 1, release.published_at, cube
    )


async def cube_of(
    session: AsyncSession, release_id: UUID, *, internal: bool = False
) -> ProtectedCube:
    """The protected cube of a release, read with the definition it was closed under: the public
    tier, or where there is none or `internal` is asked, the tier that was rounded from counts.

    A closed release never changes, so the cubes asked for last are kept in memory.
    """
    key = release_id, internal
    cube = _CUBES.pop(key, None) or await _read_cube(session, release_id, internal=internal)
    _CUBES[key] = cube  # the last in order is the one used last
    while len(_CUBES) > _CUBES_KEPT:
        del _CUBES[next(iter(_CUBES))]
    return cube


_CUBES: dict[tuple[UUID, bool], ProtectedCube] = {}
_CUBES_KEPT = 64


async def _read_cube(session: AsyncSession, release_id: UUID, *, internal: bool) -> ProtectedCube:
    row = (await session.execute(sa.select(releases).where(releases.c.id == release_id))).one()
    k, errors, table = row.k, row.expected_errors, release_cells
    if not internal:
        tier = await session.execute(
            sa.select(public_tiers).where(public_tiers.c.release_id == release_id)
        )
        if (public := tier.one_or_none()) is not None:
            k, errors, table = public.k, public.expected_errors, public_cells
    cells: dict[Coordinates, int] = {
        tuple(coordinates): count
        for coordinates, count in await session.execute(
            sa.select(table.c.coordinates, table.c.count).where(table.c.release_id == release_id)
        )
    }
    return ProtectedCube(
        programme=row.programme,
        period=row.period,
        k=k,
        profile=row.profile,
        dimensions=tuple(_dimension(each) for each in row.definition["dimensions"]),
        cells=cells,
        expected_errors=tuple(_expected(each) for each in errors),
    )


def _may_see(principal: Principal) -> sa.ColumnElement[bool]:
    allowed = publications.c.published_at.is_not(None)
    if Role.IM in principal.roles:
        return sa.true()
    if principal.organisation_id is None:
        return allowed
    contributes = sa.exists().where(
        sign_offs.c.release_id == releases.c.id,
        sign_offs.c.organisation_id == principal.organisation_id,
    )
    return sa.or_(allowed, contributes)


async def _releases(
    session: AsyncSession, *conditions: sa.ColumnElement[bool], limit: int | None = None
) -> list[Release]:
    statement = (
        sa.select(
            *(
                releases.c[name]
                for name in ("id", "programme", "period", "period_start", "period_end")
            ),
            releases.c.k,
            releases.c.profile,
            releases.c.closed_at,
            publications.c.published_at,
            releases.c.cells_hash,
            public_tiers.c.k.label("public_k"),
        )
        .select_from(
            releases.outerjoin(publications).outerjoin(
                public_tiers, public_tiers.c.release_id == releases.c.id
            )
        )
        .where(*conditions)
        .order_by(releases.c.period_start.desc(), releases.c.id.desc())
        .limit(limit)
    )
    rows = (await session.execute(statement)).all()
    answers = await _sign_offs(session, [row.id for row in rows])
    return [_release(row, answers.get(row.id, ())) for row in rows]


def _release(row: Sequence[Any], answers: Sequence[SignOff]) -> Release:
    values: list[Any] = [*row, tuple(answers)]
    return Release(*values)


async def _sign_offs(
    session: AsyncSession, release_ids: Sequence[UUID]
) -> Mapping[UUID, list[SignOff]]:
    found: dict[UUID, list[SignOff]] = {}
    rows = await session.execute(
        sa.select(sign_offs)
        .where(sign_offs.c.release_id.in_(release_ids))
        .order_by(sign_offs.c.organisation_id)
    )
    for row in rows:
        answer = SignOff(row.organisation_id, row.signed_at, row.waived_because)
        found.setdefault(row.release_id, []).append(answer)
    return found


def _dimension(entry: Mapping[str, Any]) -> Dimension:
    groups = {code: tuple(codes) for code, codes in entry["groups"].items()}
    return Dimension(entry["name"], tuple(entry["codes"]), groups)


def _expected(entry: Mapping[str, Any]) -> ExpectedError:
    relative = entry["relative"]
    return ExpectedError(
        entry["margin"],
        Decimal(entry["mean_absolute"]),
        None if relative is None else Decimal(relative),
    )
