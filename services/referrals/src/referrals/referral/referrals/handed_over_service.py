"""Ends referrals whose service ended or moved to another organisation; the referrer asks the person again."""

from functools import partial
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.db.session import Database
from common.words.referral_states import OPEN
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.directory.queries import handed_over
from referrals.ground.keys.store import CaseKeys
from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.notices.service import notify
from referrals.ground.restrictions.queries import ended_organisations
from referrals.ground.sweeps import sweep
from referrals.ground.tasks.kinds import TaskKind
from referrals.ground.tasks.service import open_task
from referrals.referral.referrals import queries
from referrals.referral.referrals.lifecycle import Command, Party
from referrals.referral.referrals.models import Referral
from referrals.referral.referrals.steps import Taken, take

_AT_ONCE = 500


async def end_with_former(database: Database, keys: CaseKeys) -> int:
    """End these referrals; return their number."""
    return await sweep("services-handed-over", database, _with_former, partial(_end, keys))


async def _with_former(session: AsyncSession, referral_id: UUID | None = None) -> list[UUID]:
    """Return open referrals whose organisation has ended or no longer offers the service. Requires service rights."""
    now = handed_over()
    ended = await ended_organisations(session)
    found = (
        sa.select(col(Referral.id))
        .outerjoin(now, now.c.service_id == col(Referral.service_id))
        .where(
            col(Referral.sent_at).is_not(None),
            col(Referral.state).in_([state.value for state in OPEN]),
            sa.or_(
                col(Referral.to_organisation) != now.c.organisation_id,
                col(Referral.to_organisation).in_(ended),
            ),
        )
        .limit(_AT_ONCE)
    )
    if referral_id is not None:
        found = found.where(col(Referral.id) == referral_id)
    return list(await session.scalars(found))


async def _end(keys: CaseKeys, session: AsyncSession, referral_id: UUID) -> int:
    referral = await queries.one_held(session, referral_id)
    if referral is None or not await _with_former(session, referral_id):
        return 0
    taken = Taken(
        Command.RECALL, frozenset({Party.REFERRER}), reason=TaskKind.SERVICE_HANDED_OVER.value
    )
    await take(session, keys, None, referral, taken)
    await open_task(
        session,
        referral.from_organisation,
        TaskKind.SERVICE_HANDED_OVER,
        case_id=referral.case_id,
        referral_id=referral.id,
        due_on=clock.today(),
    )
    await notify(
        session,
        [referral.from_organisation],
        NoticeKind.CASE_RECONSENT_NEEDED,
        subject_type="case",
        subject_id=referral.case_id,
    )
    return 1
