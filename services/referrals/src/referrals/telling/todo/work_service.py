"""A single list of the caller's waiting work, with one statement per kind. Each capability chooses its rows; this
module decides which roles read which kinds."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import nsmallest
from operator import attrgetter
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal, Role
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases import queries as cases
from referrals.case.consents import queries as consents
from referrals.case.entries import queries as entries
from referrals.case.transfers import queries as transfers
from referrals.ground.tasks import queries as tasks
from referrals.ground.tasks.kinds import TaskKind
from referrals.ground.vocabulary.case_roles import CASE_ROLES
from referrals.ground.vocabulary.work_kinds import Whose, WorkKind
from referrals.ground.vocabulary.work_order import PLACES, Place, Rank, clock_of, place_of, rank_of
from referrals.ground.waiting_queries import Waiting, WorkRow
from referrals.listening.breakglass import service as breakglass
from referrals.listening.intake import queries as intake
from referrals.listening.line import handing_service
from referrals.listening.line import queries as line
from referrals.referral.referrals import waiting_queries as referrals
from referrals.screening.assistance import queries as assistance
from referrals.screening.training import queries as training
from referrals.telling.readable_queries import READING
from referrals.telling.todo.headings import WEEK, Bounds, Group, bounds

SUPERVISORS = frozenset({Role.SUPERVISOR})
COORDINATORS = frozenset({Role.COORDINATOR})
CERTIFICATES_AHEAD = timedelta(days=60)
RETENTION_AHEAD = timedelta(days=30)
_LOOKED_AT = 500
"""The most rows to check of kinds whose rule is not SQL; those kinds are rare."""


Key = tuple[Rank, datetime, WorkKind, UUID]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Filters for the list; an empty value means no filter. `after`: the key of the last row."""

    whose: Whose = "organisation"
    kinds: Collection[WorkKind] = ()
    urgencies: Collection[str] = ()
    aors: Collection[str] = ()
    person: str | None = None
    after: Key | None = None
    limit: int = 50


@dataclass(frozen=True)
class Load:
    """A person's work of one kind. If `person` is None, nobody has taken it yet."""

    kind: WorkKind
    person: str | None
    count: int
    overdue: int
    oldest: datetime


@dataclass(frozen=True)
class Found:
    """A row of work. `due` is the row's own deadline, or else the default for its kind."""

    kind: WorkKind
    rank: Rank
    due: datetime
    group: Group
    row: WorkRow

    @property
    def place(self) -> tuple[Place, UUID]:
        return _place(self.key)

    @property
    def key(self) -> Key:
        return self.rank, self.due, self.kind, self.row.id


async def listed(session: AsyncSession, caller: Principal, wanted: Wanted) -> list[Found]:
    """Return work in the order of `vocabulary.work_order`, up to one row more than a page."""
    now = clock.now()
    found: list[Found] = []
    for waiting in _asked(caller, now, wanted):
        ends = bounds(now, by_day=waiting.by_day)
        rows = await session.execute(_page(waiting, caller, wanted))
        for values in rows:
            row = waiting.shown(values)
            if waiting.urgency is not None:
                row = replace(row, urgency=values.own_urgency)
            rank, due = list(Rank)[values.rank_at], values.due_at
            found.append(Found(waiting.kind, rank, due, ends.group(due), row))
    found += [
        each
        async for each in _judged(session, caller, wanted, now)
        if wanted.after is None or each.place > _place(wanted.after)
    ]
    return nsmallest(wanted.limit + 1, found, key=attrgetter("place"))


async def counted(
    session: AsyncSession, caller: Principal, wanted: Wanted
) -> tuple[Counter[Group], Counter[WorkKind]]:
    """Count the work by group and by kind, also with one statement per kind."""
    now = clock.now()
    groups: Counter[Group] = Counter()
    kinds: Counter[WorkKind] = Counter()
    for waiting in _asked(caller, now, wanted):
        ends = bounds(now, by_day=waiting.by_day)
        rows = await session.execute(_count(waiting, caller, wanted, ends))
        numbers: dict[Group, int] = dict(zip(Group, tuple(rows.one()), strict=True))
        groups.update(numbers)
        kinds[waiting.kind] += sum(numbers.values())
    async for each in _judged(session, caller, wanted, now):
        groups[each.group] += 1
        kinds[each.kind] += 1
    return groups, kinds


async def load(session: AsyncSession, caller: Principal, wanted: Wanted) -> list[Load]:
    """Return how much work of each kind each person has, and since when the oldest item has been waiting."""
    now = clock.now()
    found: list[Load] = []
    for waiting in _asked(caller, now, wanted):
        late = bounds(now, by_day=waiting.by_day).late
        since = waiting.since if waiting.told is None else waiting.told
        each = (
            waiting.what.where(*_narrowed(waiting, caller, wanted))
            .with_only_columns(
                sa.cast(waiting.has_it, sa.Text).label("person"),
                since.label("since"),
                waiting.due_at.label("due_at"),
            )
            .subquery()
            .c
        )
        rows = await session.execute(
            sa.select(
                each.person,
                sa.func.count(),
                sa.func.count().filter(each.due_at < late),
                sa.func.min(each.since),
            ).group_by(each.person)
        )
        found += [Load(waiting.kind, *row) for row in rows]
    return sorted(found, key=lambda one: (PLACES[one.kind], one.person or ""))


def _asked(caller: Principal, now: datetime, wanted: Wanted) -> Iterable[Waiting]:
    """Return the kinds that the caller's roles may list and that the filters allow."""
    for roles, made in _kinds(caller, now):
        if not roles & caller.roles:
            continue
        for waiting in made():
            if wanted.kinds and waiting.kind not in wanted.kinds:
                continue
            if wanted.urgencies and waiting.urgency is None:
                continue
            if wanted.aors and waiting.aor is None:
                continue
            yield waiting


def _kinds(
    caller: Principal, now: datetime
) -> Sequence[tuple[AbstractSet[Role], Callable[[], Iterable[Waiting]]]]:
    today = clock.day_of(now)
    return (
        (CASE_ROLES, lambda: referrals.waiting(caller)),
        (
            CASE_ROLES,
            lambda: [tasks.waiting(caller, READING, cases.owner_of, {TaskKind.CASE_REVIEW})],
        ),
        (CASE_ROLES, lambda: [assistance.waiting_reviews(caller, today + WEEK)]),
        (CASE_ROLES, lambda: [entries.waiting(caller, today + WEEK)]),
        (CASE_ROLES, lambda: [assistance.waiting_matches(caller)]),
        (CASE_ROLES, lambda: [transfers.waiting(caller)]),
        (CASE_ROLES, lambda: [line.waiting_handed(caller)]),
        (SUPERVISORS, lambda: consents.waiting(caller, referrals.drafted)),
        (SUPERVISORS, lambda: [training.waiting(caller, today, today + CERTIFICATES_AHEAD)]),
        (SUPERVISORS, lambda: [intake.waiting(caller)]),
        (SUPERVISORS, lambda: [assistance.waiting_looks(caller)]),
        (SUPERVISORS, lambda: [cases.waiting_for_erasure(caller, today + RETENTION_AHEAD)]),
        (COORDINATORS, lambda: [line.waiting_at_desk(caller)]),
    )


def _page(waiting: Waiting, caller: Principal, wanted: Wanted) -> sa.Select[*tuple[Any, ...]]:
    rank, due = waiting.rank_at, waiting.due_at
    urgency = sa.null() if waiting.urgency is None else waiting.urgency
    statement = waiting.what.add_columns(
        rank.label("rank_at"), due.label("due_at"), urgency.label("own_urgency")
    ).where(*_narrowed(waiting, caller, wanted))
    if wanted.after is not None:
        (at, moment, place), last = _place(wanted.after)
        last_of = [sa.literal(at), sa.literal(moment, sa.DateTime(timezone=True))]
        # Compare kinds here, by position, because this code merges the pages of all kinds.
        if PLACES[waiting.kind] < place:
            statement = statement.where(sa.tuple_(rank, due) > sa.tuple_(*last_of))
        elif PLACES[waiting.kind] > place:
            statement = statement.where(sa.tuple_(rank, due) >= sa.tuple_(*last_of))
        else:
            row = sa.tuple_(rank, due, waiting.id)
            statement = statement.where(row > sa.tuple_(*last_of, sa.literal(last, sa.Uuid)))
    return statement.order_by(sa.text("rank_at"), sa.text("due_at"), waiting.id).limit(
        wanted.limit + 1
    )


def _count(
    waiting: Waiting, caller: Principal, wanted: Wanted, ends: Bounds
) -> sa.Select[*tuple[Any, ...]]:
    due = waiting.what.where(*_narrowed(waiting, caller, wanted)).with_only_columns(
        waiting.due_at.label("due_at")
    )
    column = due.subquery().c.due_at
    counts: list[sa.ColumnElement[int]] = []
    before: sa.ColumnElement[bool] = sa.true()
    for _group, end in ends.ends():
        counts.append(sa.func.count().filter(column < end, before))
        before = column >= end
    counts.append(sa.func.count().filter(before))
    counts.append(sa.func.count().filter(column.is_(None)))
    return sa.select(*counts)


def _narrowed(
    waiting: Waiting, caller: Principal, wanted: Wanted
) -> Iterable[sa.ColumnElement[bool]]:
    yield waiting.of(wanted.whose, caller.subject)
    if wanted.urgencies:
        yield waiting.urgency.in_(wanted.urgencies)
    if wanted.aors:
        yield waiting.aor.in_(wanted.aors)
    if wanted.person is not None:
        yield sa.false() if waiting.has_it is None else waiting.has_it == wanted.person


async def _judged(
    session: AsyncSession, caller: Principal, wanted: Wanted, now: datetime
) -> AsyncIterator[Found]:
    """Yield rows of the kinds that are checked row by row. None of these kinds has a deadline, AoR or owner."""
    if wanted.aors or wanted.person is not None:
        return
    ends = bounds(now, by_day=False)
    for kind, roles, read in _JUDGED:
        if roles & caller.roles and (not wanted.kinds or kind in wanted.kinds):
            for row in await read(session, caller):
                if wanted.urgencies and row.urgency not in wanted.urgencies:
                    continue
                due = row.since + clock_of(kind, row.urgency)
                yield Found(kind, rank_of(kind, row.urgency), due, ends.group(due), row)


async def _accesses(session: AsyncSession, caller: Principal) -> list[WorkRow]:
    return [
        WorkRow(
            id=access.id,
            since=access.requested_at,
            ids={"access_id": access.id, "case_id": access.case_id},
            urgency="emergency",
            organisation_id=access.organisation_id,
        )
        for access in await breakglass.to_decide(session, caller, _LOOKED_AT)
    ]


async def _exceptions(session: AsyncSession, caller: Principal) -> list[WorkRow]:
    return [
        WorkRow(
            id=exception.id,
            since=exception.requested_at,
            ids={"exception_id": exception.id, "report_id": exception.report_id},
            urgency="emergency" if exception.basis == "vital_interest" else "urgent",
            about=exception.basis,
            organisation_id=exception.organisation_id,
        )
        for exception in await handing_service.exceptions_to_decide(session, caller, _LOOKED_AT)
    ]


_Read = Callable[[AsyncSession, Principal], Awaitable[list[WorkRow]]]
_JUDGED: tuple[tuple[WorkKind, AbstractSet[Role], _Read], ...] = (
    (WorkKind.BREAK_GLASS_TO_DECIDE, SUPERVISORS | COORDINATORS, _accesses),
    (WorkKind.LINE_EXCEPTION_TO_DECIDE, SUPERVISORS | COORDINATORS, _exceptions),
)


def _place(key: Key) -> tuple[Place, UUID]:
    rank, due, kind, last = key
    return place_of(kind, rank, due), last
