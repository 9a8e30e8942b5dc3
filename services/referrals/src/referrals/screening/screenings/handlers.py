"""Moves screenings with their case to a new holder, who can conclude them, or erases them with the case."""

import sqlalchemy as sa
from common.http.answers import forget_answers
from common.messaging import forget_persons
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.happenings import CaseErased, CaseHandedOver
from referrals.screening.screenings import queries
from referrals.screening.screenings.content import reseal
from referrals.screening.screenings.models import Screening
from referrals.screening.screenings.service import announce_erased
from referrals.tables import COMMON


async def case_handed_over(session: AsyncSession, happening: CaseHandedOver) -> None:
    key = await happening.keys.of(happening.case_id)
    for screening in await queries.living_of_case(session, happening.case_id):
        reseal(key, key, screening, organisation=happening.new)
    await session.flush()


async def case_erased(session: AsyncSession, happening: CaseErased) -> None:
    living = await queries.of_case(session, happening.case_id)
    for screening_id, _events in living:
        await happening.keys.destroy(
            screening_id
        )  # the screening's own key, from before it had a case
        await forget_answers(session, COMMON, screening_id)
    ids = [screening_id for screening_id, _events in living]
    await session.execute(
        sa.update(Screening)
        .where(col(Screening.id).in_(ids))
        .values(
            answers=None,
            conclusion=None,
            attributes=None,
            area=None,
            judgement=None,
            stop_reason=None,
            status="erased",
            events=col(Screening.events) + 1,
        )
        .execution_options(synchronize_session=False)
    )
    await forget_persons(session, COMMON, ids)
    for screening_id, events in living:
        await announce_erased(session, screening_id, events + 1)
