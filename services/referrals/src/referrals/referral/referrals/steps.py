"""One referral step: state, history, event, notices, timer and audit. Every state change goes through `take`."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.errors import VERSION_CONFLICT
from common.events import referrals as events
from common.events.codes import ReportingAttributes
from common.messaging import append
from common.words.referral_states import TERMINAL, ReferralState
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.consents.statistics import countable
from referrals.errors import ERASED, ILLEGAL_TRANSITION, NOT_YOUR_STEP
from referrals.ground.audit.service import SYSTEM_CLIENT, record
from referrals.ground.keys.sealed_columns import seal_column
from referrals.ground.keys.store import CaseKeys, KeyDestroyed
from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.notices.service import notify
from referrals.ground.restrictions.service import remember_end
from referrals.ground.restrictions.words import Kind
from referrals.ground.timers.deadlines import Clock, is_late
from referrals.ground.timers.service import set_timer, stop_timer
from referrals.referral.referrals.due import act_by
from referrals.referral.referrals.lifecycle import (
    DECISIONS,
    SHARING_ENDS,
    Command,
    IllegalTransition,
    NotYours,
    Party,
    next_state,
)
from referrals.referral.referrals.models import Referral, Step
from referrals.referral.referrals.visibility import shown_instead, sides_of
from referrals.tables import COMMON


@dataclass(frozen=True)
class Taken:
    """A caller's command, and the parties on whose behalf it acts."""

    command: Command
    parties: frozenset[Party]
    reason: str | None = None
    outcome: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    expected_version: int | None = None


async def take(
    session: AsyncSession,
    keys: CaseKeys,
    caller: Principal | None,
    referral: Referral,
    taken: Taken,
) -> Referral:
    """Advance a locked referral; raise 410 if its details would have to be sealed for an erased person."""
    before = ReferralState(referral.state)
    if taken.expected_version not in (None, referral.version):
        raise VERSION_CONFLICT.because(
            "you_read_version_it_is_now",
            taken.expected_version,
            referral.version,
            version=referral.version,
            state=before.value,
        )
    after = state_after(referral, taken)
    counted = await countable(session, keys, referral.case_id)
    key = await key_of(keys, referral) if taken.detail else None
    now = clock.now()
    late = _is_late(referral, before, after, now)
    referral.state_before_hold = before.value if after is ReferralState.ON_HOLD else None
    referral.state = after.value
    referral.reason, referral.outcome = taken.reason, taken.outcome
    referral.late = referral.late or late
    referral.changed_at = now
    referral.version += 1
    if after is not ReferralState.WAITLISTED:
        referral.expected_on = None
    if after is not ReferralState.ON_HOLD:
        referral.review_on = None
        referral.act_by = act_by(after, referral.urgency, now)
        if after is not ReferralState.SCHEDULED:
            referral.appointment_at = None
    await session.flush()
    await write_step(
        session,
        caller,
        referral,
        command=taken.command.value,
        before=before.value,
        reason=taken.reason,
        outcome=taken.outcome,
        late=late,
        detail=taken.detail,
        key=key,
    )
    if after in SHARING_ENDS:
        await revoke_snapshot(session, referral, now)
    await announce(session, events.ENTERED[after], referral, before.value, late, counted)
    await _set_timer(session, referral, after)
    await tell_parties(session, caller, referral, NoticeKind(f"referral.{after}"))
    await _audit(session, caller, referral, taken)
    return referral


async def key_of(keys: CaseKeys, referral: Referral) -> bytes:
    try:
        return await keys.of(referral.case_id)
    except KeyDestroyed as error:
        raise ERASED.because("persons_data_was_erased") from error


def state_after(referral: Referral, taken: Taken) -> ReferralState:
    """Return the state after the command; raise 403 or 409 if the command is not allowed."""
    before = ReferralState(referral.state)
    held = ReferralState(referral.state_before_hold) if referral.state_before_hold else None
    try:
        return next_state(taken.command, before, taken.parties, held)
    except NotYours as error:
        raise NOT_YOUR_STEP.because(
            "step_is_for_role", error.command, " or the ".join(sorted(error.parties))
        ) from error
    except IllegalTransition as error:
        raise ILLEGAL_TRANSITION.because(
            "is_not_possible_while_referral_is",
            error.command,
            error.state,
            state=error.state.value,
            version=_version_for(referral, taken),
            legal_transitions=[command.value for command in error.legal],
        ) from error


def _version_for(referral: Referral, taken: Taken) -> int:
    return int(shown_instead(referral, taken.parties).get("version", referral.version))


def _is_late(
    referral: Referral, before: ReferralState, after: ReferralState, now: datetime
) -> bool:
    limits = [referral.clinical_deadline] if after is not ReferralState.SENT else []
    if before is ReferralState.SENT:
        limits.append(referral.acknowledge_by)
    if after in DECISIONS:
        limits.append(referral.decide_by)
    return is_late(now, *limits)


async def write_step(
    session: AsyncSession,
    caller: Principal | None,
    referral: Referral,
    *,
    command: str,
    before: str | None,
    reason: str | None = None,
    outcome: str | None = None,
    late: bool = False,
    detail: dict[str, Any] | None = None,
    key: bytes | None = None,
) -> None:
    """Write one history line; `detail` is sealed for the two parties."""
    sealed = None
    if detail:
        if key is None:
            raise ValueError("a step with details needs the case key")
        sealed = seal_column(
            key,
            detail,
            organisation=referral.to_organisation,
            row=referral.id,
            column=f"step-{referral.version}",
        )
    session.add(
        Step(
            referral_id=referral.id,
            version=referral.version,
            command=command,
            from_state=before,
            to_state=referral.state,
            at=referral.changed_at,
            organisation_id=caller.organisation_id if caller else None,
            client=caller.subject if caller else SYSTEM_CLIENT,
            reason=reason,
            outcome=outcome,
            late=late,
            detail=sealed,
        )
    )
    await session.flush()


async def announce(
    session: AsyncSession,
    kind: type[events.ReferralData],
    referral: Referral,
    before: str | None,
    late: bool,
    counted: ReportingAttributes | None,
    **more: Any,
) -> None:
    """Write a step's event with only ids and codes; `counted` contains the attributes for statistics."""
    event = kind.model_validate(
        {
            "referral_id": referral.id,
            "case_id": referral.case_id,
            "version": referral.version,
            "state": referral.state,
            "previous_state": before,
            "from_organisation": referral.from_organisation,
            "to_organisation": referral.to_organisation,
            "service_id": referral.service_id,
            "category": referral.category,
            "aor": referral.aor,
            "area": referral.area,
            "urgency": referral.urgency,
            "occurred_at": referral.changed_at,
            "reason": referral.reason,
            "outcome": referral.outcome,
            "replaces": referral.replaces,
            "late": late,
            "attributes": counted,
            **more,
        }
    )
    await append(session, COMMON, event)


async def tell_parties(
    session: AsyncSession,
    caller: Principal | None,
    referral: Referral,
    kind: NoticeKind,
    *,
    recipient: bool | None = None,
) -> None:
    """Notify both sides. A draft notifies only its author, and an implicated recipient is notified only of its own
    actions. `recipient` overrides that."""
    sides = {referral.from_organisation: referral.version}
    if recipient_is_told(caller, referral) if recipient is None else recipient:
        receiver = referral.to_organisation
        seen = shown_instead(referral, sides_of(receiver, referral))
        sides[receiver] = seen.get("version", referral.version)
    for side, version in sides.items():
        await notify(
            session, [side], kind, subject_type="referral", subject_id=referral.id, version=version
        )


def recipient_is_told(caller: Principal | None, referral: Referral) -> bool:
    if referral.sent_at is None:
        return False
    own = caller is not None and caller.organisation_id == referral.to_organisation
    return own or referral.held_still is None


async def revoke_snapshot(session: AsyncSession, referral: Referral, now: datetime) -> None:
    """Revoke the snapshot: the recipient's reads fail from now on, even at the database level."""
    # Use service rights, because a declining recipient cannot see the row once it is revoked.
    await session.execute(sa.select(sa.func.revoke_snapshot(referral.id, now)))
    if referral.sent_at is not None:
        await remember_end(session, Kind.SHARING, referral.id, referral.case_id)


async def _set_timer(session: AsyncSession, referral: Referral, state: ReferralState) -> None:
    due: tuple[Clock, datetime] | None = None
    if state is ReferralState.SENT and referral.acknowledge_by:
        due = (Clock.ACKNOWLEDGE, referral.acknowledge_by)
    elif state is ReferralState.ACKNOWLEDGED and referral.decide_by:
        due = (Clock.DECIDE, referral.decide_by)
    elif state is ReferralState.INFO_REQUESTED and referral.decide_by:
        due = (Clock.REVIEW, referral.decide_by)
    elif state is ReferralState.WAITLISTED and referral.expected_on:
        due = (Clock.REVIEW, clock.begins(referral.expected_on))
    elif state is ReferralState.ON_HOLD and referral.review_on:
        due = (Clock.REVIEW, clock.begins(referral.review_on))
    if due is not None:
        await set_timer(session, referral.id, *due)
    elif referral.sent_at is not None or state in TERMINAL:
        await stop_timer(session, referral.id)


async def mark_escalated(
    session: AsyncSession, referral: Referral, step: str, now: datetime
) -> None:
    referral.version += 1
    referral.changed_at = now
    await session.flush()
    await write_step(session, None, referral, command=f"escalate-{step}", before=referral.state)


async def _audit(
    session: AsyncSession, caller: Principal | None, referral: Referral, taken: Taken
) -> None:
    await record(
        session,
        caller,
        f"referral.{referral.state}",
        chain=referral.case_id,
        target_id=referral.id,
        detail={
            "command": taken.command.value,
            "version": referral.version,
            **({"reason": taken.reason} if taken.reason else {}),
            **({"outcome": taken.outcome} if taken.outcome else {}),
        },
    )
