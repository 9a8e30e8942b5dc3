"""Queries for earlier facts about the events in a batch."""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reporting.count.facts.progress import ReferralFact
from reporting.count.facts.queries import forgotten_among, referrals_among
from reporting.protect.releases.queries import closed_periods


class Known(NamedTuple):
    """Earlier facts. `closed`: populations with the first and last days of their closed periods. `forgotten`: the marks
    of erased people. `referrals`: the facts by id."""

    closed: Sequence[tuple[str, date, date]]
    forgotten: AbstractSet[bytes]
    referrals: Mapping[UUID, ReferralFact]


async def known(
    session: AsyncSession, *, marks: Collection[bytes], referrals: Collection[UUID]
) -> Known:
    """Read the facts once for a batch; omit unknown marks and referrals."""
    return Known(
        closed=[(of, start, end) for of, start, end in await session.execute(closed_periods())],
        forgotten=await forgotten_among(session, marks),
        referrals=await referrals_among(session, referrals),
    )
