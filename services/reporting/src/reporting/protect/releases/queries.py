"""Queries for releases. Readers get protected cubes; nothing here reads facts."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal, Role
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.ground.periods import Period
from reporting.ground.protection.protected import ExpectedError, ProtectedCube
from reporting.protect.releases.models import (
    joint_cells,
    joint_cubes,
    publications,
    releases,
    sign_offs,
)
from reporting.protect.releases.views import (
    JointCube,
    View,
    joint_cube,
    seen,
    stored_view,
)
from reporting.protect.withdrawals import queries as withdrawals
from reporting.protect.withdrawals.queries import Withdrawal
from reporting.tables import beyond, equal


@dataclass(frozen=True)
class SignOff:
    """One contributor's sign-off, which is signed, waived or missing."""

    organisation_id: UUID
    signed_at: datetime | None
    waived_because: str | None

    @property
    def settled(self) -> bool:
        return self.signed_at is not None or self.waived_because is not None


@dataclass(frozen=True)
class Release:
    """A programme's closed period; ``published_at`` is None while it is a draft."""

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
    sign_offs: tuple[SignOff, ...] = ()
    withdrawal: Withdrawal | None = None

    @property
    def published(self) -> bool:
        """Return whether the release was ever published; a withdrawn release cannot be published again."""
        return self.published_at is not None

    @property
    def withdrawn(self) -> bool:
        return self.withdrawal is not None and self.withdrawal.withdrawn_at is not None


@dataclass(frozen=True)
class PublishedRelease:
    """A release with its cube, which bulletins, exports and files use as input."""

    id: UUID
    programme: str
    period: str
    version: int
    published_at: datetime | None
    cube: ProtectedCube
    seen: tuple[View, JointCube] | None = None
    """The view and its joint cube, which counts over several periods need."""
    spans: Mapping[str, JointCube] = field(default_factory=dict)
    """By name, the cubes of the months, quarters and years that end with it and whose parts are all available."""


_PUBLIC = publications.c.published_at.is_not(None) & withdrawals.withdrawn_at(releases.c.id).is_(
    None
)
"""Published, and not withdrawn since."""


def closed_periods() -> sa.Select[Any]:
    """Return the population and the first and last day of each closed period."""
    return sa.select(joint_cubes.c.population, joint_cubes.c.period_start, joint_cubes.c.period_end)


async def joint_cube_of(session: AsyncSession, population: str, period: str) -> UUID | None:
    """Return the joint cube that closed this period, if there is one."""
    found: UUID | None = await session.scalar(
        sa.select(joint_cubes.c.id).where(
            joint_cubes.c.population == population, joint_cubes.c.period == period
        )
    )
    return found


async def rounded_otherwise(
    session: AsyncSession, measure: str, start: date, end: date
) -> list[str]:
    """Return the joint cubes of the same measure in overlapping periods."""
    name = joint_cubes.c.population + sa.literal(" ") + joint_cubes.c.period
    rows = await session.scalars(
        sa.select(name)
        .where(
            joint_cubes.c.definition["measure"].astext == measure,
            joint_cubes.c.period_start <= end,
            joint_cubes.c.period_end >= start,
        )
        .order_by(name)
    )
    return list(rows)


async def release_of(session: AsyncSession, programme: str, period: str) -> Release | None:
    """Return a period's release, published or not, for the service itself."""
    found = await _releases(session, releases.c.programme == programme, releases.c.period == period)
    return found[0] if found else None


async def programmes_closed(session: AsyncSession, period: str) -> set[str]:
    """Return the programmes for which this period is closed, published or not, for any caller."""
    rows = await session.scalars(sa.select(releases.c.programme).where(releases.c.period == period))
    return set(rows)


async def visible(
    session: AsyncSession,
    caller: Principal,
    *,
    release_id: UUID | None = None,
    programme: str | None = None,
    period: str | None = None,
    status: str | None = None,
    after: tuple[date, UUID] | None = None,
    limit: int | None = None,
) -> list[Release]:
    """Return the releases that the caller may see, newest period first. Everyone sees published releases, and withdrawn
    ones as tombstones; the IM role and contributing organisations see drafts. `after` is (period start, id) of the last
    release on the previous page."""
    conditions = equal(releases, id=release_id, programme=programme, period=period)
    conditions += beyond(after, releases.c.period_start, releases.c.id, falling=True)
    if status is not None:
        draft = publications.c.published_at.is_(None)
        conditions.append({"draft": draft, "published": _PUBLIC}.get(status, ~(draft | _PUBLIC)))
    return await _releases(session, _may_see(caller), *conditions, limit=limit)


async def published(
    session: AsyncSession,
    programme: str | None = None,
    until: date | None = None,
    since: date | None = None,
    *,
    internal: bool = False,
) -> list[PublishedRelease]:
    """Return published releases that end within [since, until], with their public (or internal) cubes, newest period
    first. Omit withdrawn releases."""
    conditions = [_PUBLIC, *equal(releases, programme=programme)]
    if until is not None:
        conditions.append(releases.c.period_end <= until)
    if since is not None:
        conditions.append(releases.c.period_end >= since)
    found = await _releases(session, *conditions)
    releases_ = [await with_cube(session, each, internal=internal) for each in found]
    return await _with_spans(session, releases_, internal=internal)


async def _with_spans(
    session: AsyncSession, known: Sequence[PublishedRelease], *, internal: bool
) -> list[PublishedRelease]:
    """Add the spans whose parts are all published."""
    spans = await session.execute(
        sa.select(joint_cubes.c.id, joint_cubes.c.population, joint_cubes.c.period).where(
            joint_cubes.c.definition.has_key("periods")
        )
    )
    by_end: dict[tuple[str, date], list[tuple[Period, UUID]]] = {}
    for cube_id, population, period in spans:
        span = Period.parse(period)
        by_end.setdefault((population, span.end), []).append((span, cube_id))
    published_periods = {(each.programme, each.period) for each in known}
    found = []
    for each in known:
        own = Period.parse(each.period)
        population = each.seen[1].population if each.seen else ""
        cubes = {
            span.id: await joint(session, cube_id, internal=internal)
            for span, cube_id in by_end.get((population, own.end), ())
            if all((each.programme, p.id) in published_periods for p in span.parts(own.kind))
        }
        found.append(replace(each, spans=cubes))
    return found


async def published_of(session: AsyncSession, release_ids: Iterable[UUID]) -> dict[UUID, Release]:
    """Return those of these releases that are published and not withdrawn, by id."""
    found = await _releases(session, releases.c.id.in_(list(release_ids)), _PUBLIC)
    return {each.id: each for each in found}


async def newest_published(session: AsyncSession) -> dict[str, date]:
    """Return the last day of each programme's latest published period."""
    rows = await session.execute(
        sa.select(releases.c.programme, sa.func.max(releases.c.period_end).label("ends"))
        .select_from(releases.join(publications))
        .where(_PUBLIC)
        .group_by(releases.c.programme)
    )
    return {row.programme: row.ends for row in rows}


async def with_cube(
    session: AsyncSession, release: Release, *, internal: bool = False
) -> PublishedRelease:
    view, cube = await _view(session, release.id, internal=internal)
    return PublishedRelease(
        release.id, release.programme, release.period, 1, release.published_at, cube, view
    )


async def cube_of(
    session: AsyncSession, release_id: UUID, *, internal: bool = False
) -> ProtectedCube:
    """Return a release's protected counts, read with the definition at its closing. Small counts are pooled, unless
    `internal`."""
    return (await _view(session, release_id, internal=internal))[1]


async def joint(session: AsyncSession, cube_id: UUID, *, internal: bool) -> JointCube:
    """Return a joint cube. Closed cubes never change, so recently used cubes stay in memory."""
    return await _JOINT.get((cube_id, internal), lambda: _read_joint(session, cube_id, internal))


T = TypeVar("T")


class _Kept(Generic[T]):
    """A cache of the most recently used values."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[tuple[UUID, bool], T] = {}

    async def get(self, key: tuple[UUID, bool], read: Callable[[], Awaitable[T]]) -> T:
        known = self._kept.pop(key, None)
        if known is None:
            known = await read()
        self._kept[key] = known  # the last entry is the most recently used
        while len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]
        return known


_JOINT: _Kept[JointCube] = _Kept(64)
_VIEWS: _Kept[tuple[tuple[View, JointCube], ProtectedCube]] = _Kept(128)


async def _view(
    session: AsyncSession, release_id: UUID, *, internal: bool
) -> tuple[tuple[View, JointCube], ProtectedCube]:
    return await _VIEWS.get(
        (release_id, internal), lambda: _read_view(session, release_id, internal=internal)
    )


async def _read_view(
    session: AsyncSession, release_id: UUID, *, internal: bool
) -> tuple[tuple[View, JointCube], ProtectedCube]:
    row = (await session.execute(sa.select(releases).where(releases.c.id == release_id))).one()
    view = stored_view(row.programme, row.definition)
    cube = await joint(session, row.cube_id, internal=internal)
    errors = tuple(_expected(each) for each in row.expected_errors)
    return (view, cube), replace(seen(view, cube), expected_errors=errors)


async def _read_joint(session: AsyncSession, cube_id: UUID, internal: bool) -> JointCube:
    row = (await session.execute(sa.select(joint_cubes).where(joint_cubes.c.id == cube_id))).one()
    cells = await session.execute(
        sa.select(joint_cells.c.coordinates, joint_cells.c.count).where(
            joint_cells.c.cube_id == cube_id
        )
    )
    return joint_cube(
        row.population,
        row.period,
        k=row.k,
        profile=row.profile,
        definition=row.definition,
        cells={tuple(coordinates): count for coordinates, count in cells},
        public=not internal,
    )


_PREPARING = frozenset({"reports:read", "reports:publish"})
"""Without one of these scopes, an application sees only what everybody sees, whatever the user's role."""


def _may_see(caller: Principal) -> sa.ColumnElement[bool]:
    allowed = publications.c.published_at.is_not(None)
    if not _PREPARING & caller.scopes:
        return allowed
    if Role.IM in caller.roles:
        return sa.true()
    if caller.organisation_id is None:
        return allowed
    contributes = sa.exists().where(
        sign_offs.c.release_id == releases.c.id,
        sign_offs.c.organisation_id == caller.organisation_id,
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
        )
        .select_from(releases.join(joint_cubes).outerjoin(publications))
        .where(*conditions)
        .order_by(releases.c.period_start.desc(), releases.c.id.desc())
        .limit(limit)
    )
    rows = (await session.execute(statement)).all()
    answers = await _sign_offs(session, [row.id for row in rows])
    taken_back = await withdrawals.of(session, [row.id for row in rows])
    return [
        Release(
            **row._mapping,  # noqa: SLF001 - SQLAlchemy's documented mapping
            sign_offs=tuple(answers.get(row.id, ())),
            withdrawal=taken_back.get(row.id),
        )
        for row in rows
    ]


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


async def who_stood_for(
    session: AsyncSession, release_ids: Collection[UUID]
) -> dict[UUID, list[str]]:
    """Return by release the person who closed it, and the people who signed it off for a contributor. A waiver does not
    count as a contributor's agreement."""
    closed = sa.select(releases.c.id, releases.c.closed_by).where(releases.c.id.in_(release_ids))
    signed = sa.select(sign_offs.c.release_id, sign_offs.c.signed_by).where(
        sign_offs.c.release_id.in_(release_ids), sign_offs.c.signed_at.is_not(None)
    )
    found: dict[UUID, list[str]] = {}
    for release_id, person in await session.execute(sa.union_all(closed, signed)):
        found.setdefault(release_id, []).append(person)
    return found


def _expected(entry: Mapping[str, Any]) -> ExpectedError:
    relative = entry["relative"]
    return ExpectedError(
        entry["margin"],
        Decimal(entry["mean_absolute"]),
        None if relative is None else Decimal(relative),
    )
