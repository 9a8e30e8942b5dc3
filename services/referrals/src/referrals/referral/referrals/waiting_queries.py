"""Referrals that are waiting for the caller, in the queues of the caller's services and among sent referrals."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from common.words.referral_states import ReferralState
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from referrals.case.cases.queries import open_held_by, owner_of
from referrals.case.consents.queries import ends_at, ends_soon
from referrals.ground.directory.queries import works_queue, works_with
from referrals.ground.vocabulary.work_kinds import WorkKind
from referrals.ground.vocabulary.work_order import CLOCKS
from referrals.ground.waiting_queries import Waiting, WorkRow
from referrals.referral.referrals.due_queries import DUE
from referrals.referral.referrals.list_queries import UNCONFIRMED, UNDER_CONSENT, unreplaced
from referrals.referral.referrals.models import Referral, Step
from referrals.referral.referrals.queries import addressed_to, concerns, seen_by

_RECEIVED: dict[WorkKind, frozenset[ReferralState]] = {
    WorkKind.REFERRAL_TO_ACKNOWLEDGE: frozenset({ReferralState.SENT}),
    WorkKind.REFERRAL_TO_DECIDE: frozenset({ReferralState.ACKNOWLEDGED, ReferralState.WAITLISTED}),
    WorkKind.REFERRAL_TO_START: frozenset({ReferralState.ACCEPTED, ReferralState.SCHEDULED}),
    WorkKind.REFERRAL_TO_CLOSE: frozenset({ReferralState.IN_SERVICE}),
    WorkKind.REFERRAL_ON_HOLD: frozenset({ReferralState.ON_HOLD}),
}
_SENT: dict[WorkKind, frozenset[ReferralState]] = {
    WorkKind.REFERRAL_ASKED_BACK: frozenset({ReferralState.INFO_REQUESTED}),
    WorkKind.REFERRAL_APPOINTMENT: frozenset({ReferralState.SCHEDULED}),
    WorkKind.REFERRAL_DRAFT: frozenset({ReferralState.DRAFT}),
    WorkKind.REFERRAL_UNMET: frozenset({ReferralState.DECLINED, ReferralState.EXPIRED}),
    WorkKind.REFERRAL_TO_CONFIRM: UNCONFIRMED,
    WorkKind.REFERRAL_CONSENT_ENDING: UNDER_CONSENT,
}


def waiting(caller: Principal) -> Iterator[Waiting]:
    yield from received(caller)
    yield from sent(caller)


def received(caller: Principal) -> Iterator[Waiting]:
    """Yield received referrals. Each belongs to the person who took the recipient's last step, and initially to
    nobody."""
    addressed = addressed_to(caller)
    works = works_queue(
        sa.literal(caller.organisation, sa.Uuid),
        col(Referral.service_id),
        sa.literal([caller.subject], sa.ARRAY(sa.Text)),
    )
    for kind, states in _RECEIVED.items():
        yield _of(
            kind, states, caller, addressed,
            works=works, has_it=_taken_by(caller), told=col(Referral.sent_at),
        )  # fmt: skip


def sent(caller: Principal) -> Iterator[Waiting]:
    """Yield sent referrals. Each belongs to the caseworker of its case."""
    owner = owner_of(Referral.case_id)
    own = col(Referral.from_organisation) == caller.organisation
    for kind, states in _SENT.items():
        asked = [own, open_held_by(caller, Referral.case_id)]
        if kind is WorkKind.REFERRAL_UNMET:
            asked.append(unreplaced())
        if kind is WorkKind.REFERRAL_TO_CONFIRM:
            asked.append(col(Referral.feedback_confirmed_at).is_(None))
        due = DUE
        if kind is WorkKind.REFERRAL_CONSENT_ENDING:
            due = ends_at(col(Referral.grant_id))
            asked.append(ends_soon(col(Referral.grant_id)))
        works = works_with(caller, owner)
        yield _of(kind, states, caller, *asked, works=works, has_it=owner, due=due)


async def appointments(
    session: AsyncSession, caller: Principal, first: datetime, last: datetime, limit: int
) -> Sequence[tuple[UUID, datetime]]:
    """Return referrals on either side with an appointment in this period, up to `limit` + 1."""
    at = col(Referral.appointment_at)
    rows = await session.execute(
        sa.select(col(Referral.id), at)
        .where(
            concerns(caller),
            col(Referral.state) == ReferralState.SCHEDULED,
            at >= first,
            at < last,
        )
        .order_by(at, col(Referral.id))
        .limit(limit + 1)
    )
    return [(name, moment) for name, moment in rows if moment is not None]


def _of(
    kind: WorkKind,
    states: frozenset[ReferralState],
    caller: Principal,
    *asked: sa.ColumnElement[bool],
    works: sa.ColumnElement[bool],
    has_it: Any,
    due: Any = DUE,
    told: Any = None,
) -> Waiting:
    return Waiting(
        kind=kind,
        told=told,
        what=sa.select(Referral).where(
            *asked, col(Referral.state).in_(sorted(state.value for state in states))
        ),
        id=col(Referral.id),
        since=col(Referral.changed_at),
        due=due,
        ends_by_day=kind is WorkKind.REFERRAL_ON_HOLD,
        has_it=has_it,
        works=works,
        urgency=col(Referral.urgency),
        aor=col(Referral.aor),
        shown=lambda row: _row(caller, row[0]),
    )


def drafted(case_id: Any, service_id: Any) -> sa.ColumnElement[Any]:
    """Select the highest urgency among the case's drafts to the service; NULL without a draft."""
    urgency = col(Referral.urgency)
    return (
        sa.select(urgency)
        .where(
            col(Referral.case_id) == case_id,
            col(Referral.service_id) == service_id,
            col(Referral.state) == ReferralState.DRAFT.value,
        )
        .order_by(sa.case({code: place for place, code in enumerate(CLOCKS)}, value=urgency))
        .limit(1)
        .scalar_subquery()
    )


def _taken_by(caller: Principal) -> Any:
    later = aliased(Step)
    own = sa.select(sa.func.max(col(later.version))).where(
        col(later.referral_id) == col(Referral.id),
        col(later.organisation_id) == caller.organisation,
    )
    return (
        sa.select(col(Step.client))
        .where(
            col(Step.referral_id) == col(Referral.id),
            col(Step.version) == own.correlate(Referral).scalar_subquery(),
        )
        .correlate(Referral)
        .scalar_subquery()
    )


def _row(caller: Principal, referral: Referral) -> WorkRow:
    """Return a row as the caller's side sees it, without the other side's changes. For received referrals, also omit
    the place."""
    seen = seen_by(caller, referral)
    received = seen.to_organisation == caller.organisation and seen.sent_at is not None
    since = seen.sent_at if received and seen.sent_at is not None else seen.changed_at
    return WorkRow(
        id=seen.id,
        since=since,
        ids={"referral_id": seen.id, "case_id": seen.case_id, "service_id": seen.service_id},
        urgency=seen.urgency,
        about=seen.category,
        aor=seen.aor,
        area=seen.area,
        state=seen.state,
        organisation_id=seen.from_organisation if received else seen.to_organisation,
    )
