"""Referral queries, always on behalf of one of the two parties."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal, Role
from common.errors import NOT_FOUND
from common.words.referral_states import OPEN, ReferralState
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.case.consents.decision import ENDING_AHEAD
from referrals.case.consents.queries import covers, ending_between, ends_at
from referrals.case.transfers.queries import took_over_under
from referrals.ground.directory.queries import works_queue
from referrals.ground.locking_queries import held, sending
from referrals.ground.search_queries import Searchable
from referrals.ground.vocabulary.disclosure import Item
from referrals.referral.referrals.due_queries import in_states
from referrals.referral.referrals.lifecycle import Party
from referrals.referral.referrals.models import Referral, Snapshot, Step
from referrals.referral.referrals.visibility import shown_instead, sides_of
from referrals.tables import Instant, Texts

ENDING, ENDED = "ending", "ended"
"""The notices about the end of a consent: before it, and after it."""
_TOLD_UNTIL = timedelta(days=30)
"""A worker that was down still sends these notices this long after the end."""


def addressed_to(caller: Principal) -> sa.ColumnElement[bool]:
    """Return the condition for referrals to those services of the caller's organisation whose queue the caller
    works."""
    addressed = sa.and_(
        col(Referral.to_organisation) == caller.organisation, col(Referral.sent_at).is_not(None)
    )
    if Role.SUPERVISOR in caller.roles:
        return addressed
    names = sa.literal([caller.subject], Texts())
    return sa.and_(addressed, works_queue(caller.organisation, col(Referral.service_id), names))


def concerns(caller: Principal) -> sa.ColumnElement[bool]:
    """Return the condition for referrals that the caller's organisation sent, or that are addressed to the caller."""
    return sa.or_(col(Referral.from_organisation) == caller.organisation, addressed_to(caller))


async def one(
    session: AsyncSession,
    caller: Principal,
    referral_id: UUID,
    *,
    case_id: UUID | None = None,
    lock: bool = False,
) -> Referral:
    """Return the referral, or raise 404 unless it concerns the caller (and belongs to `case_id`, if the URL contains
    one)."""
    statement = sa.select(Referral).where(col(Referral.id) == referral_id, concerns(caller))
    if case_id is not None:
        statement = statement.where(col(Referral.case_id) == case_id)
    if lock:
        statement = statement.where(held(col(Referral.case_id))).with_for_update()
        statement = statement.execution_options(populate_existing=True)
    referral: Referral | None = (await session.scalars(statement)).one_or_none()
    if referral is None:
        raise NOT_FOUND.because("no_such_that_concerns_you", "referral")
    return referral


async def draft_to_send(
    session: AsyncSession, caller: Principal, referral_id: UUID, case_id: UUID | None
) -> Referral:
    """Return the referral, locked. For a draft, also take the lock `sending`; the closing of its service waits for that
    lock."""
    draft = sa.select(col(Referral.id)).where(
        col(Referral.id) == referral_id,
        col(Referral.from_organisation) == caller.organisation,
        col(Referral.state) == ReferralState.DRAFT.value,
        held(col(Referral.case_id)),
        sending(),
    )
    await session.execute(draft.with_for_update())
    return await one(session, caller, referral_id, case_id=case_id, lock=True)


def _under(grant_id: Any) -> sa.ColumnElement[bool]:
    """Return the condition for referrals sent under this consent, or continued under it until a new consent replaced
    it."""
    former = col(Referral.former_grants).contains(array([sa.cast(grant_id, sa.Uuid)]))
    return sa.or_(col(Referral.grant_id) == grant_id, former)


async def sent_under(
    session: AsyncSession, grant_id: UUID | None, exception_id: UUID | None
) -> bool:
    """Return whether a referral was already sent under this consent or exception."""
    under = _under(grant_id) if grant_id is not None else col(Referral.exception_id) == exception_id
    return bool(await session.scalar(sa.select(sa.exists().where(under))))


def readable(caller: Principal, referral_id: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    """Return the SQL condition that `one` would find this referral for the caller. It filters other lists that name
    referrals."""
    found = sa.select(sa.literal(1)).where(col(Referral.id) == referral_id, concerns(caller))
    return found.exists()


def sharing_ended_after(
    caller: Principal, referral_id: sa.ColumnElement[UUID], moment: sa.ColumnElement[datetime]
) -> sa.ColumnElement[bool]:
    """Return the SQL condition that sharing with the caller ended after `moment`; never true for the sender. Requires
    service rights, because row security hides revoked content from the recipient."""
    ended = sa.select(sa.literal(1)).where(
        col(Referral.id) == referral_id,
        col(Referral.from_organisation) != caller.organisation,
        col(Snapshot.referral_id) == col(Referral.id),
        col(Snapshot.revoked_at) > moment,
    )
    return ended.exists()


def searchable(caller: Principal) -> Searchable:
    """Return the referrals that `one` finds for the caller, with the values that `seen_by` shows."""
    mine = col(Referral.from_organisation) == caller.organisation
    still = col(Referral.held_still)
    columns: dict[str, Any] = {
        name: col(getattr(Referral, name))
        for name in ("id", "case_id", "service_id", "category", "state", "urgency", "created_at")
    }
    columns["to_organisation"] = col(Referral.to_organisation)
    columns["from_organisation"] = _as_shown(
        mine, sa.cast(still["from_organisation"].astext, sa.Uuid()), col(Referral.from_organisation)
    )
    columns["changed_at"] = _as_shown(
        mine, sa.cast(still["changed_at"].astext, Instant()), col(Referral.changed_at)
    )
    return Searchable(sa.select(Referral).where(concerns(caller)), columns)


def _as_shown(
    mine: sa.ColumnElement[bool], still: sa.ColumnElement[Any], own: Any
) -> sa.ColumnElement[Any]:
    return sa.case((mine, own), else_=sa.func.coalesce(still, own))


class _Uses:
    """Referrals and transfers that use a grant or an exception (`consents.queries.Uses`)."""

    def grant(self, grant_id: Any) -> sa.ColumnElement[bool]:
        return sa.or_(sa.exists().where(_under(grant_id)), took_over_under(grant_id))

    def exception(self, exception_id: Any) -> sa.ColumnElement[bool]:
        return sa.exists().where(col(Referral.exception_id) == exception_id)


USES = _Uses()


async def told_the_contact(session: AsyncSession, case_id: UUID) -> list[tuple[UUID, UUID, int]]:
    """Return referral, recipient and version for each recipient who may have read the caregiver's contact. Requires
    service rights."""
    statement = (
        sa.select(col(Referral.id), col(Referral.to_organisation), col(Referral.version))
        .join(Snapshot, col(Snapshot.referral_id) == col(Referral.id))
        .where(
            col(Referral.case_id) == case_id,
            col(Referral.held_still).is_(None),
            col(Snapshot.revoked_at).is_(None),
            covers(
                Item.CAREGIVER_CONTACT.value,
                col(Referral.grant_id),
                col(Referral.exception_id),
                col(Referral.former_grants),
            ),
        )
        .order_by(col(Referral.id))
    )
    return [(row[0], row[1], row[2]) for row in await session.execute(statement)]


def cases_meant(meant: Callable[[Any], sa.ColumnElement[bool]]) -> sa.Select[Any]:
    return sa.select(col(Referral.case_id)).where(meant(col(Referral.id)))


def ids_of_case(case_id: UUID) -> sa.Select[Any]:
    return sa.select(col(Referral.id)).where(col(Referral.case_id) == case_id)


def parties_of(caller: Principal, referral: Referral) -> frozenset[Party]:
    return sides_of(caller.organisation, referral)


def seen_by(
    caller: Principal, referral: Referral, granted: Collection[str] | None = frozenset()
) -> Referral:
    """Return the referral as the caller's side may see it, for display only. `granted`: see `shown_instead`."""
    instead = shown_instead(referral, parties_of(caller, referral), granted)
    return Referral(**{**referral.model_dump(), **instead})


async def snapshot_of(session: AsyncSession, referral_id: UUID) -> Snapshot | None:
    return await session.get(Snapshot, referral_id)


async def steps_of(session: AsyncSession, referral_id: UUID) -> Sequence[Step]:
    rows = await session.scalars(
        sa.select(Step).where(col(Step.referral_id) == referral_id).order_by(col(Step.version))
    )
    return rows.all()


async def one_held(session: AsyncSession, referral_id: UUID) -> Referral | None:
    """Return the referral with its case locked. Requires service rights."""
    which = col(Referral.id) == referral_id, held(col(Referral.case_id))
    found = await session.scalars(sa.select(Referral).where(*which).with_for_update())
    return found.one_or_none()


async def sharing(session: AsyncSession, ids: Collection[UUID]) -> set[UUID]:
    """Return sent referrals that are open or whose snapshot is not revoked. Requires service rights."""
    shared = sa.exists().where(
        col(Snapshot.referral_id) == col(Referral.id), col(Snapshot.revoked_at).is_(None)
    )
    those = (
        col(Referral.id).in_(ids),
        col(Referral.sent_at).is_not(None),
        sa.or_(col(Referral.state).in_([state.value for state in OPEN]), shared),
    )
    return set(await session.scalars(sa.select(col(Referral.id)).where(*those)))


async def unrevoked(session: AsyncSession, ids: Collection[UUID]) -> set[UUID]:
    """Return which of these ids have a snapshot that is not revoked. Requires service rights."""
    asked = sa.select(col(Snapshot.referral_id)).where(
        col(Snapshot.referral_id).in_(ids), col(Snapshot.revoked_at).is_(None)
    )
    return set(await session.scalars(asked))


async def open_under_grant(
    session: AsyncSession, *, grant_id: UUID | None = None, exception_id: UUID | None = None
) -> Sequence[Referral]:
    """Return referrals under a grant or exception, locked in id order."""
    statement = sa.select(Referral).order_by(col(Referral.id)).with_for_update()
    if grant_id is not None:
        statement = statement.where(_under(grant_id))
    else:
        statement = statement.where(col(Referral.exception_id) == exception_id)
    return (await session.scalars(statement)).all()


async def open_beside(session: AsyncSession, referral: Referral) -> Sequence[UUID]:
    """Return other sent, open referrals of the same person to the same service."""
    rows = await session.scalars(
        sa.select(col(Referral.id)).where(
            col(Referral.case_id) == referral.case_id,
            col(Referral.service_id) == referral.service_id,
            col(Referral.id) != referral.id,
            col(Referral.sent_at).is_not(None),
            col(Referral.state).in_(sorted(state.value for state in OPEN)),
        )
    )
    return rows.all()


async def services_tried(session: AsyncSession, referral: Referral) -> Sequence[UUID]:
    """Return services to which the person was already referred for the same need."""
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
    """Return the areas of responsibility of the case's referrals. Returning all of them requires service rights."""
    return set(
        await session.scalars(
            sa.select(col(Referral.aor)).where(col(Referral.case_id) == case_id).distinct()
        )
    )


async def flagged_services(session: AsyncSession) -> list[UUID]:
    """Return services with open referrals that are flagged as unavailable. Requires service rights."""
    found = sa.select(col(Referral.service_id)).where(
        col(Referral.service_flag).is_not(None), col(Referral.state).in_(sorted(OPEN))
    )
    return list(await session.scalars(found.distinct()))


async def to_be_told(session: AsyncSession, now: datetime, limit: int) -> list[UUID]:
    """Return open referrals whose consent ends soon or has ended, and whose sides have not been notified. Requires
    service rights."""
    ends, told = ends_at(col(Referral.grant_id)), col(Referral.consent_told)
    soon = ending_between(now - _TOLD_UNTIL, now + ENDING_AHEAD)
    found = sa.select(col(Referral.id)).where(
        col(Referral.grant_id).in_(soon),
        col(Referral.sent_at).is_not(None),
        col(Referral.state).in_(sorted(OPEN)),
        sa.or_(told.is_(None), sa.and_(told == ENDING, ends <= now)),
    )
    return list(await session.scalars(found.limit(limit)))


async def near_appointments(
    session: AsyncSession, *, now: datetime, until: datetime, limit: int
) -> list[UUID]:
    """Return referrals with an appointment in this period and no reminder of it yet. Requires service rights."""
    at = col(Referral.appointment_at)
    found = sa.select(col(Referral.id)).where(
        in_states([ReferralState.SCHEDULED]),
        at > now,
        at <= until,
        col(Referral.reminded_of).is_distinct_from(at),
    )
    return list(await session.scalars(found.limit(limit)))


async def of_case(
    session: AsyncSession, case_id: UUID, *, open_only: bool = False
) -> Sequence[Referral]:
    """Return all referrals of a case, locked in id order."""
    statement = (
        sa.select(Referral)
        .where(col(Referral.case_id) == case_id)
        .order_by(col(Referral.id))
        .with_for_update()
    )
    if open_only:
        statement = statement.where(col(Referral.state).in_([state.value for state in OPEN]))
    return (await session.scalars(statement)).all()


async def hold_if_free(session: AsyncSession, referral_id: UUID) -> Referral | None:
    """Return the referral with its case locked; None while another transaction holds the lock. Requires service
    rights."""
    found = await session.scalars(
        sa.select(Referral)
        .where(col(Referral.id) == referral_id, held(col(Referral.case_id), wait=False))
        .with_for_update()
    )
    return found.one_or_none()


async def by_id(session: AsyncSession, referral_id: UUID) -> Referral | None:
    """Return a referral by id. Requires service rights."""
    return await session.get(Referral, referral_id)


@dataclass(frozen=True)
class Outline:
    """The organisations, service, urgency and version of a referral."""

    from_organisation: UUID
    to_organisation: UUID
    service_id: UUID
    urgency: str
    version: int


async def outlines(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Outline]:
    """Return outlines by id. Requires service rights."""
    if not ids:
        return {}
    names = [f.name for f in fields(Outline)]
    rows = await session.execute(
        sa.select(col(Referral.id), *(col(getattr(Referral, name)) for name in names)).where(
            col(Referral.id).in_(ids)
        )
    )
    return {found: Outline(*values) for found, *values in rows}


Reached = Callable[[Any, Any], sa.ColumnElement[bool]]
"""Whether a notice of a referral reached the recipient, from the ids of both."""
_SENT = col(Referral.state) == ReferralState.SENT.value
_EMERGENCY = col(Referral.urgency) == "emergency"
SHARED = "MULTI"
"""Health and other sectors without an area of responsibility: every coordinator sees their unheard emergencies."""
UNHEARD = sa.and_(_SENT, col(Referral.unheard_at).is_not(None))


async def emergencies_unreached(
    session: AsyncSession,
    since: datetime,
    until: datetime,
    reached: Reached,
    only: UUID | None = None,
) -> Sequence[UUID]:
    """Return unmarked emergencies sent in this period for which no notice reached the recipient. Requires service
    rights."""
    which = sa.and_(_EMERGENCY, col(Referral.sent_at).between(since, until))
    if only is not None:
        which = sa.and_(which, col(Referral.id) == only)
    return await _unreached(session, which, reached)


async def unreached_among(
    session: AsyncSession, ids: Collection[UUID], reached: Reached
) -> Sequence[UUID]:
    """Return which of these referrals reached nobody, whatever their urgency."""
    return await _unreached(session, col(Referral.id).in_(ids), reached)


async def _unreached(
    session: AsyncSession, which: sa.ColumnElement[bool], reached: Reached
) -> Sequence[UUID]:
    rows = await session.scalars(
        sa.select(col(Referral.id)).where(
            _SENT,
            col(Referral.unheard_at).is_(None),
            which,
            sa.not_(reached(col(Referral.id), col(Referral.to_organisation))),
        )
    )
    return rows.all()


async def reached_since(session: AsyncSession, reached: Reached) -> Sequence[UUID]:
    """Return referrals marked as unheard for which a notice has since reached the recipient. Requires service
    rights."""
    rows = await session.scalars(
        sa.select(col(Referral.id)).where(
            UNHEARD, reached(col(Referral.id), col(Referral.to_organisation))
        )
    )
    return rows.all()


async def count_unheard(session: AsyncSession) -> tuple[int, int]:
    """Count waiting emergencies and other waiting referrals for which no notice reached anybody. Requires service
    rights."""
    row = (
        await session.execute(
            sa.select(
                sa.func.count().filter(_EMERGENCY), sa.func.count().filter(sa.not_(_EMERGENCY))
            ).where(UNHEARD)
        )
    ).one()
    return row[0], row[1]
