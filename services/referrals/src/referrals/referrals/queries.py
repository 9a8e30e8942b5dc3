"""Reading referrals, always as one of the two parties."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal, Role
from common.errors import NOT_FOUND
from common.reads import QuickStatement, split
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.consents.models import GrantRecord
from referrals.consents.queries import HELD
from referrals.directory.models import TeamMember
from referrals.locking_queries import held
from referrals.referrals.lifecycle import OPEN, Party, State
from referrals.referrals.models import Referral, Snapshot, Step
from referrals.referrals.seeing import covered
from referrals.tables import Texts

_NOT_HERE = "There is no such referral that concerns you."
_OPEN_STATES = sorted(state.value for state in OPEN)
_WAITING_STATES = (State.SENT.value, State.ACKNOWLEDGED.value, State.WAITLISTED.value)


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
    team = sa.select(sa.literal(1)).where(
        col(TeamMember.organisation_id) == _CALLER,
        col(TeamMember.service_id) == col(Referral.service_id),
    )
    member = team.where(col(TeamMember.client) == sa.any_(_NAMES))
    return sa.and_(addressed, sa.or_(~team.exists(), member.exists()))


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
    col(Referral.state) == State.DRAFT.value,
)
_DRAFT = QuickStatement(
    sa.select(*_COLUMNS)
    .where(*_THE_DRAFT, held(col(Referral.case_id)))
    .with_for_update(of=Referral)
)
# The consent holds the case, and its row is locked before the joined one is there to be locked.
_CONSENT = HELD.cte("consent")
_CONSENT_AND_DRAFT = QuickStatement(
    sa.select(*_CONSENT.c, *_COLUMNS)
    .where(*_THE_DRAFT, col(Referral.case_id) == _CONSENT.c.case_id)
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


async def received(
    session: AsyncSession,
    caller: Principal,
    *,
    states: Sequence[str],
    service_id: UUID | None,
    overdue_at: datetime | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Referral]:
    """The recipient's queue, newest first."""
    if service_id is not None and not states and overdue_at is None:
        await session.execute(_IN_INDEX_ORDER)
    statement = sa.select(Referral).where(_as_recipient(Role.SUPERVISOR in caller.roles))
    return await _listed(session, caller, statement, states, service_id, overdue_at, before, limit)


async def sent(
    session: AsyncSession,
    caller: Principal,
    *,
    states: Sequence[str],
    case_id: UUID | None,
    overdue_at: datetime | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Referral]:
    """What the caller's organisation refers, newest first, drafts included."""
    statement = sa.select(Referral).where(col(Referral.from_organisation) == caller.organisation)
    if case_id is not None:
        statement = statement.where(col(Referral.case_id) == case_id)
    return await _listed(session, caller, statement, states, None, overdue_at, before, limit)


async def _listed(
    session: AsyncSession,
    caller: Principal,
    statement: sa.Select[Referral],
    states: Sequence[str],
    service_id: UUID | None,
    overdue_at: datetime | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Referral]:
    if states:
        statement = statement.where(col(Referral.state).in_(states))
    if service_id is not None:
        statement = statement.where(col(Referral.service_id) == service_id)
    if overdue_at is not None:
        statement = statement.where(overdue(overdue_at))
    if before is not None:
        statement = statement.where(col(Referral.id) < before)
    statement = statement.order_by(col(Referral.id).desc()).limit(limit + 1)
    return (await session.scalars(statement, _values(caller))).all()


def overdue(now: datetime) -> sa.ColumnElement[bool]:
    """Waiting past a deadline of its state, or past its clinical deadline."""
    return sa.and_(
        col(Referral.state).in_(_OPEN_STATES),
        sa.or_(
            sa.and_(col(Referral.state) == State.SENT.value, col(Referral.acknowledge_by) < now),
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
    if state == State.SENT:
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
