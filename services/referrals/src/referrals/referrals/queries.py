"""Reading referrals, always as one of the two parties."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import cache
from operator import attrgetter
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import paging
from common.auth import Principal, Role
from common.errors import NOT_FOUND
from common.paging import id_cursor, id_in, keys_in, moment_in
from common.reads import QuickStatement, split
from common.referral_states import OPEN, TERMINAL, ReferralState
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import col

from referrals.consents.models import GrantRecord
from referrals.consents.queries import HELD, covers
from referrals.directory.queries import works_queue
from referrals.locking_queries import held, sending
from referrals.referrals.lifecycle import Party
from referrals.referrals.models import Referral, Snapshot, Step
from referrals.referrals.seeing import covered
from referrals.tables import Texts
from referrals.vocabulary.disclosure import Item

_NOT_HERE = "There is no such referral that concerns you."
_OPEN_STATES = sorted(state.value for state in OPEN)
_CLOSED_STATES = sorted(state.value for state in TERMINAL)
_WAITING_STATES = (
    ReferralState.SENT.value,
    ReferralState.ACKNOWLEDGED.value,
    ReferralState.WAITLISTED.value,
)


# Statements are composed once for each kind of caller: it costs more than to send them.
_CALLER = sa.bindparam("caller_organisation", type_=sa.Uuid())
_NAMES = sa.bindparam("caller_names", type_=Texts())


def _as_recipient(supervisor: bool) -> sa.ColumnElement[bool]:
    """Addressed to the caller's organisation, and to a service whose queue the caller works in."""
    addressed = sa.and_(
        col(Referral.to_organisation) == _CALLER, col(Referral.sent_at).is_not(None)
    )
    if supervisor:
        return addressed
    return sa.and_(addressed, works_queue(_CALLER, col(Referral.service_id), _NAMES))


def _values(caller: Principal) -> dict[str, Any]:
    values: dict[str, Any] = {"caller_organisation": caller.organisation}
    if Role.SUPERVISOR not in caller.roles:
        values["caller_names"] = [caller.doer]
    return values


@cache
def _one(supervisor: bool, of_case: bool, lock: bool) -> sa.Select[Any]:
    statement = sa.select(Referral).where(
        col(Referral.id) == sa.bindparam("referral_id", type_=sa.Uuid()),
        sa.or_(col(Referral.from_organisation) == _CALLER, _as_recipient(supervisor)),
    )
    if of_case:
        statement = statement.where(
            col(Referral.case_id) == sa.bindparam("of_case", type_=sa.Uuid())
        )
    if lock:
        statement = statement.where(held(col(Referral.case_id))).with_for_update(of=Referral)
    return statement.execution_options(populate_existing=lock)


async def one(
    session: AsyncSession,
    caller: Principal,
    referral_id: UUID,
    *,
    case_id: UUID | None = None,
    lock: bool = False,
) -> Referral:
    """The referral, or 404 for everybody that it does not concern.

    `case_id`: the case that the URL names; a referral of another case is not found under it.
    """
    statement = _one(Role.SUPERVISOR in caller.roles, case_id is not None, lock)
    wanted = {"referral_id": referral_id, "of_case": case_id, **_values(caller)}
    referral: Referral | None = (await session.scalars(statement, wanted)).one_or_none()
    if referral is None:
        raise NOT_FOUND.because(_NOT_HERE)
    return referral


_COLUMNS = [col(getattr(Referral, name)) for name in Referral.model_fields]
_THE_DRAFT = (
    col(Referral.id) == sa.bindparam("referral_id", type_=sa.Uuid()),
    col(Referral.from_organisation) == _CALLER,
    col(Referral.state) == ReferralState.DRAFT.value,
)
_DRAFT = QuickStatement(
    sa.select(*_COLUMNS)
    .where(*_THE_DRAFT, held(col(Referral.case_id)), sending())
    .with_for_update(of=Referral)
)
# The consent holds the case, and its row is locked before the joined one is there to be locked.
_CONSENT = HELD.cte("consent")
_CONSENT_AND_DRAFT = QuickStatement(
    sa.select(*_CONSENT.c, *_COLUMNS)
    .where(*_THE_DRAFT, col(Referral.case_id) == _CONSENT.c.case_id, sending())
    .with_for_update(of=Referral)
)


async def draft_to_send(
    session: AsyncSession, caller: Principal, referral_id: UUID, case_id: UUID | None
) -> Referral:
    """The caller's draft, locked and read without mapping: `steps.take` writes it back.

    Anything else is what `one` says of it.
    """
    wanted = {"referral_id": referral_id, "caller_organisation": caller.organisation}
    row = await _DRAFT.first(session, wanted)
    if row is None or case_id not in (None, row["case_id"]):
        return await one(session, caller, referral_id, case_id=case_id, lock=True)
    return Referral(**row)


async def consent_and_draft_to_send(
    session: AsyncSession,
    caller: Principal,
    grant_id: UUID,
    referral_id: UUID,
    case_id: UUID | None,
) -> tuple[GrantRecord, Referral] | None:
    """Both at once, of one case, which is held; None if one of them is not what it should be."""
    row = await _CONSENT_AND_DRAFT.first(
        session,
        {
            "grant_id": grant_id,
            "organisation": caller.organisation,
            "referral_id": referral_id,
            "caller_organisation": caller.organisation,
        },
    )
    if row is None:
        return None
    (grant,), values = split(row, GrantRecord)
    referral = Referral(**dict(zip(Referral.model_fields, values, strict=True)))
    return (grant, referral) if case_id in (None, referral.case_id) else None


def readable(caller: Principal, referral_id: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    """Whether the caller would find this referral one by one (`one`): for lists of other things that
    name referrals. Its values are `readable_values`."""
    found = sa.select(sa.literal(1)).where(
        col(Referral.id) == referral_id,
        sa.or_(
            col(Referral.from_organisation) == _CALLER,
            _as_recipient(Role.SUPERVISOR in caller.roles),
        ),
    )
    return found.exists()


def readable_values(caller: Principal) -> dict[str, Any]:
    return _values(caller)


class _Uses:
    """What referrals were sent under (`consents.queries.Uses`)."""

    def grant(self, grant_id: Any) -> sa.ColumnElement[bool]:
        return sa.exists().where(col(Referral.grant_id) == grant_id)

    def exception(self, exception_id: Any) -> sa.ColumnElement[bool]:
        return sa.exists().where(col(Referral.exception_id) == exception_id)


USES = _Uses()


async def told_the_contact(session: AsyncSession, case_id: UUID) -> list[tuple[UUID, UUID, int]]:
    """Referral, recipient and version where the caregiver's contact may have been read; needs service
    rights."""
    statement = (
        sa.select(col(Referral.id), col(Referral.to_organisation), col(Referral.version))
        .join(Snapshot, col(Snapshot.referral_id) == col(Referral.id))
        .where(
            col(Referral.case_id) == case_id,
            col(Referral.held_still).is_(None),
            col(Snapshot.revoked_at).is_(None),
            covers(
                Item.CAREGIVER_CONTACT.value, col(Referral.grant_id), col(Referral.exception_id)
            ),
        )
        .order_by(col(Referral.id))
    )
    return [(row[0], row[1], row[2]) for row in await session.execute(statement)]


def ids_of_case(case_id: UUID) -> sa.Select[Any]:
    """For statements about what belongs to the case's referrals."""
    return sa.select(col(Referral.id)).where(col(Referral.case_id) == case_id)


def parties_of(caller: Principal, referral: Referral) -> frozenset[Party]:
    """Which sides of the referral the caller's organisation is."""
    parties = set()
    if referral.from_organisation == caller.organisation:
        parties.add(Party.REFERRER)
    if referral.to_organisation == caller.organisation and referral.sent_at is not None:
        parties.add(Party.RECIPIENT)
    return frozenset(parties)


def seen_by(caller: Principal, referral: Referral) -> Referral:
    """The referral as the caller's side sees it: to show, never to change."""
    instead = covered(referral, holder=Party.REFERRER in parties_of(caller, referral))
    return Referral(**{**referral.model_dump(), **instead}) if instead else referral


# PostgreSQL takes row security for far more selective than it is: it would fetch and sort all that
# a service ever received to find the newest page.
_IN_INDEX_ORDER = sa.text("SELECT set_config('enable_sort', 'off', true)")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a list is narrowed to, and how it is ordered; empty: not by this.

    `unreplaced`: no other referral of the case is instead of it. `unconfirmed`: an outcome that
    nobody confirmed. `by_deadline`: what is due first comes first, what has no deadline last.
    """

    states: Sequence[str] = ()
    urgencies: Sequence[str] = ()
    categories: Sequence[str] = ()
    service_id: UUID | None = None
    case_id: UUID | None = None
    overdue_at: datetime | None = None
    unreplaced: bool = False
    unconfirmed: bool = False
    closed_since: datetime | None = None
    by_deadline: bool = False
    cursor: str | None = None
    limit: int = 50

    @property
    def only_a_service(self) -> bool:
        return self.service_id is not None and self == Wanted(
            service_id=self.service_id, cursor=self.cursor, limit=self.limit
        )


async def received(session: AsyncSession, caller: Principal, wanted: Wanted) -> Sequence[Referral]:
    """The recipient's queue, one more than a page."""
    if wanted.only_a_service:
        await session.execute(_IN_INDEX_ORDER)
    statement = sa.select(Referral).where(_as_recipient(Role.SUPERVISOR in caller.roles))
    return await _listed(session, caller, statement, wanted, _CHANGED_FOR_RECIPIENT)


async def sent(session: AsyncSession, caller: Principal, wanted: Wanted) -> Sequence[Referral]:
    """What the caller's organisation refers, drafts included, one more than a page."""
    statement = sa.select(Referral).where(col(Referral.from_organisation) == caller.organisation)
    return await _listed(session, caller, statement, wanted, col(Referral.changed_at))


async def _listed(
    session: AsyncSession,
    caller: Principal,
    statement: sa.Select[Referral],
    wanted: Wanted,
    changed_at: sa.ColumnElement[Any] | Mapped[datetime],
) -> Sequence[Referral]:
    statement = statement.where(*_narrowed(wanted, changed_at))
    if wanted.by_deadline:
        after = keys_in(wanted.cursor, _instant_in, id_in)
        if after is not None:
            row = sa.tuple_(_DUE, col(Referral.id))
            statement = statement.where(row > sa.tuple_(after[0], sa.literal(after[1])))
        statement = statement.order_by(_DUE, col(Referral.id))
    else:
        before = id_cursor(wanted.cursor)
        if before is not None:
            statement = statement.where(col(Referral.id) < before)
        statement = statement.order_by(col(Referral.id).desc())
    return (await session.scalars(statement.limit(wanted.limit + 1), _values(caller))).all()


def _narrowed(
    wanted: Wanted, changed_at: sa.ColumnElement[Any] | Mapped[datetime]
) -> Iterator[sa.ColumnElement[bool]]:
    for column, values in (
        (Referral.state, wanted.states),
        (Referral.urgency, wanted.urgencies),
        (Referral.category, wanted.categories),
    ):
        if values:
            yield col(column).in_(values)
    if wanted.service_id is not None:
        yield col(Referral.service_id) == wanted.service_id
    if wanted.case_id is not None:
        yield col(Referral.case_id) == wanted.case_id
    if wanted.overdue_at is not None:
        yield overdue(wanted.overdue_at)
    if wanted.unreplaced:
        other = aliased(Referral)
        instead = sa.exists().where(
            col(other.case_id) == col(Referral.case_id), col(other.replaces) == col(Referral.id)
        )
        yield sa.not_(instead)
    if wanted.unconfirmed:
        yield col(Referral.state).in_(
            [ReferralState.COMPLETED.value, ReferralState.NOT_DELIVERED.value]
        )
        yield col(Referral.feedback_confirmed_at).is_(None)
    if wanted.closed_since is not None:
        yield col(Referral.state).in_(_CLOSED_STATES)
        yield changed_at >= wanted.closed_since


def _instant_in(key: Any) -> sa.ColumnElement[Any]:
    return _NEVER if key is None else sa.literal(moment_in(key), _INSTANT)


def next_cursor(rows: Sequence[Referral], wanted: Wanted) -> str | None:
    """Where the page after these begins; None if there is none."""
    key = (lambda row: (due(row), row.id)) if wanted.by_deadline else attrgetter("id")
    return paging.next_cursor(rows, wanted.limit, key)


_INSTANT = sa.DateTime(timezone=True)
# As `seen_by` shows it: what stands still in the recipient's eyes is not found by a later change.
_CHANGED_FOR_RECIPIENT: sa.ColumnElement[Any] = sa.func.coalesce(
    sa.cast(col(Referral.held_still)["changed_at"].astext, _INSTANT), col(Referral.changed_at)
)
_NEVER: sa.ColumnElement[Any] = sa.cast(sa.literal_column("'infinity'"), _INSTANT)
_DUE = sa.func.coalesce(
    sa.case(
        (
            col(Referral.state) == ReferralState.SENT.value,
            sa.func.least(
                col(Referral.acknowledge_by),
                col(Referral.decide_by),
                col(Referral.clinical_deadline),
            ),
        ),
        (
            col(Referral.state).in_(_WAITING_STATES),
            sa.func.least(col(Referral.decide_by), col(Referral.clinical_deadline)),
        ),
        (
            col(Referral.state) == ReferralState.ON_HOLD.value,
            sa.func.timezone("UTC", sa.cast(col(Referral.review_on), sa.DateTime())),
        ),
    ),
    _NEVER,
)


def due(referral: Referral) -> datetime | None:
    """By when the next step is to be taken, as `_DUE` says it; None: nothing says it."""
    limits: list[datetime | None] = []
    if referral.state in _WAITING_STATES:
        limits = [referral.decide_by, referral.clinical_deadline]
    if referral.state == ReferralState.SENT:
        limits.append(referral.acknowledge_by)
    if referral.state == ReferralState.ON_HOLD and referral.review_on is not None:
        limits = [datetime.combine(referral.review_on, time.min, UTC)]
    return min((limit for limit in limits if limit is not None), default=None)


def overdue(now: datetime) -> sa.ColumnElement[bool]:
    """Waiting past a deadline of its state, or past its clinical deadline."""
    return sa.and_(
        col(Referral.state).in_(_OPEN_STATES),
        sa.or_(
            sa.and_(
                col(Referral.state) == ReferralState.SENT.value, col(Referral.acknowledge_by) < now
            ),
            sa.and_(col(Referral.state).in_(_WAITING_STATES), col(Referral.decide_by) < now),
            sa.and_(
                col(Referral.state).in_(_WAITING_STATES), col(Referral.clinical_deadline) < now
            ),
            col(Referral.review_on) < now.date(),
        ),
    )


def is_overdue(referral: Referral, now: datetime) -> bool:
    """The same rule for one row that is at hand."""
    state = referral.state
    limits: list[datetime | None] = []
    if state == ReferralState.SENT:
        limits.append(referral.acknowledge_by)
    if state in _WAITING_STATES:
        limits += [referral.decide_by, referral.clinical_deadline]
    late_review = referral.review_on is not None and referral.review_on < now.date()
    return state in _OPEN_STATES and (
        late_review or any(limit is not None and limit < now for limit in limits)
    )


async def queue_counts(
    session: AsyncSession, caller: Principal, now: datetime
) -> tuple[dict[str, int], int]:
    by_state = await session.execute(
        sa.select(col(Referral.state), sa.func.count())
        .where(
            _as_recipient(Role.SUPERVISOR in caller.roles), col(Referral.state).in_(_OPEN_STATES)
        )
        .group_by(col(Referral.state)),
        _values(caller),
    )
    late = await session.scalar(
        sa.select(sa.func.count())
        .select_from(Referral)
        .where(_as_recipient(Role.SUPERVISOR in caller.roles), overdue(now)),
        _values(caller),
    )
    return {row[0]: row[1] for row in by_state.all()}, late or 0


async def snapshot_of(session: AsyncSession, referral_id: UUID) -> Snapshot | None:
    return await session.get(Snapshot, referral_id)


async def steps_of(session: AsyncSession, referral_id: UUID) -> Sequence[Step]:
    rows = await session.scalars(
        sa.select(Step).where(col(Step.referral_id) == referral_id).order_by(col(Step.version))
    )
    return rows.all()


async def open_under_grant(
    session: AsyncSession, *, grant_id: UUID | None = None, exception_id: UUID | None = None
) -> Sequence[Referral]:
    """Referrals under a grant or exception, locked in the order of their ids."""
    statement = sa.select(Referral).order_by(col(Referral.id)).with_for_update()
    if grant_id is not None:
        statement = statement.where(col(Referral.grant_id) == grant_id)
    else:
        statement = statement.where(col(Referral.exception_id) == exception_id)
    return (await session.scalars(statement)).all()


async def services_tried(session: AsyncSession, referral: Referral) -> Sequence[UUID]:
    """Services that the person of the referral was referred to for the same need."""
    rows = await session.scalars(
        sa.select(col(Referral.service_id))
        .where(
            col(Referral.case_id) == referral.case_id,
            col(Referral.category) == referral.category,
            col(Referral.sent_at).is_not(None),
        )
        .distinct()
    )
    return [*rows, referral.service_id]


async def aors_of_case(session: AsyncSession, case_id: UUID) -> set[str]:
    """Areas of responsibility of the case's referrals; needs service rights to see them all."""
    return set(
        await session.scalars(
            sa.select(col(Referral.aor)).where(col(Referral.case_id) == case_id).distinct()
        )
    )


async def of_case(
    session: AsyncSession, case_id: UUID, *, open_only: bool = False
) -> Sequence[Referral]:
    """All referrals of a case, locked in the order of their ids."""
    statement = (
        sa.select(Referral)
        .where(col(Referral.case_id) == case_id)
        .order_by(col(Referral.id))
        .with_for_update()
    )
    if open_only:
        statement = statement.where(col(Referral.state).in_(_OPEN_STATES))
    return (await session.scalars(statement)).all()


async def overdue_counts(
    session: AsyncSession, aors: Collection[str], now: datetime
) -> Sequence[Any]:
    """How many referrals of these AoRs wait past a deadline; needs service rights."""
    rows = await session.execute(
        sa.select(col(Referral.aor), col(Referral.category), col(Referral.urgency), sa.func.count())
        .where(overdue(now), col(Referral.aor).in_(aors))
        .group_by(col(Referral.aor), col(Referral.category), col(Referral.urgency))
        .order_by(col(Referral.aor), col(Referral.category), col(Referral.urgency))
    )
    return rows.all()


async def hold_if_free(session: AsyncSession, referral_id: UUID) -> Referral | None:
    """The referral with its case, held; None while somebody else holds it. Needs service rights."""
    found = await session.scalars(
        sa.select(Referral)
        .where(col(Referral.id) == referral_id, held(col(Referral.case_id), wait=False))
        .with_for_update()
    )
    return found.one_or_none()


async def by_id(session: AsyncSession, referral_id: UUID) -> Referral | None:
    """Needs service rights."""
    return await session.get(Referral, referral_id)
