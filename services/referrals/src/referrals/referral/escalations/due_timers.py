"""Fires due timers: each escalation once, even with several replicas and across restarts.

A replica locks the case, checks that the timer is still due, and writes escalation, event, notices and next timer in
one transaction. Another replica skips a locked case.
"""

from datetime import datetime
from functools import partial
from uuid import UUID

from common.db.session import Database
from common.events.referrals import EscalationRaised
from common.messaging import append
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases import queries as cases
from referrals.ground.audit.service import record
from referrals.ground.keys.store import CaseKeys
from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.notices.service import notify
from referrals.ground.sweeps import sweep
from referrals.ground.timers import queries as timers
from referrals.ground.timers.deadlines import (
    Clock,
    EscalationStep,
    after,
    calendar_of,
    never_expires,
    next_step,
    policy_of,
)
from referrals.ground.timers.service import overrides, set_timer, stop_timer
from referrals.referral.escalations.models import Escalation
from referrals.referral.referrals import queries as referrals
from referrals.referral.referrals.lifecycle import Command, Party
from referrals.referral.referrals.models import Referral
from referrals.referral.referrals.steps import Taken, mark_escalated, take
from referrals.tables import COMMON

_BATCH = 200


async def fire_due(database: Database, keys: CaseKeys, now: datetime, *, ends: bool = True) -> int:
    """Fire every timer that is due at `now`; return the number of escalations raised by this call. `ends` includes
    timers that end a referral."""
    due = partial(timers.due, now=now, limit=_BATCH, ends=ends)
    return await sweep("timers", database, due, partial(_fire, keys=keys, now=now))


async def _fire(session: AsyncSession, referral_id: UUID, *, keys: CaseKeys, now: datetime) -> int:
    referral = await referrals.hold_if_free(session, referral_id)
    timer = await timers.timer_of(session, referral_id)
    if referral is None or timer is None or timer.due_at > now:
        return 0
    clock, step = Clock(timer.clock), EscalationStep(timer.step)
    due_at = timer.due_at
    session.add(
        Escalation(referral_id=referral.id, clock=clock, step=step, due_at=due_at, fired_at=now)
    )
    await mark_escalated(session, referral, step.value, now)
    await _announce(session, referral, clock, step, due_at)
    await _move_on(session, keys, referral, clock, step, due_at)
    return 1


async def _announce(
    session: AsyncSession, referral: Referral, clock: Clock, step: EscalationStep, due_at: datetime
) -> None:
    """Notify the party for this step: the recipient, its supervisor or the referrer."""
    to_referrer = step in (EscalationStep.ALTERNATIVE, EscalationStep.EXPIRY) or (
        clock is Clock.REVIEW and referral.state == "info_requested"
    )
    addressee = referral.from_organisation if to_referrer else referral.to_organisation
    await append(
        session,
        COMMON,
        EscalationRaised(
            referral_id=referral.id,
            version=referral.version,
            step=step.value,
            due_at=due_at,
            organisation_id=addressee,
            category=referral.category,
            urgency=referral.urgency,
            area=referral.area,
        ),
    )
    await notify(
        session,
        [addressee],
        NoticeKind(f"referral.{step}"),
        subject_type="referral",
        subject_id=referral.id,
        version=referral.version,
        for_supervisor=step is EscalationStep.SUPERVISOR,
    )
    await record(
        session,
        None,
        f"escalation.{step}",
        chain=referral.case_id,
        target_type="referral",
        target_id=referral.id,
        detail={"clock": clock.value, "due_at": due_at.isoformat()},
    )


async def _move_on(
    session: AsyncSession,
    keys: CaseKeys,
    referral: Referral,
    clock: Clock,
    step: EscalationStep,
    due_at: datetime,
) -> None:
    if step is EscalationStep.EXPIRY:
        await take(session, keys, None, referral, Taken(Command.EXPIRE, frozenset({Party.SYSTEM})))
        return
    expires = not never_expires(
        referral.category, referral.clinical_deadline or referral.unshared_deadline
    )
    following = next_step(clock, step, expires=expires)
    if following is None:
        await stop_timer(session, referral.id)
        return
    base = referral.acknowledge_by if clock is Clock.ACKNOWLEDGE else referral.decide_by
    changed = await overrides(session, referral.aor, referral.urgency)
    policy = policy_of(referral.aor, referral.urgency, clock, changed)
    case = await cases.by_id(session, referral.case_id)
    calendar = calendar_of(case.country if case else "")
    next_due = after(base or due_at, policy.after(following), policy, calendar)
    await set_timer(session, referral.id, clock, next_due, following)
