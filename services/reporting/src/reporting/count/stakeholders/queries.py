"""Queries for stakeholders. Only people who prepare reports see entries linked to the directory, because others may not
be allowed to see the organisation there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.count.stakeholders.models import stakeholders
from reporting.count.stakeholders.schemas import StakeholderBody
from reporting.ground.rights import PREPARING
from reporting.tables import equal

FIELDS = tuple(StakeholderBody.model_fields)


@dataclass(frozen=True)
class Stakeholder:
    id: UUID
    version: int
    changed_at: datetime
    body: StakeholderBody

    @property
    def code(self) -> str:
        return self.body.code


def _stakeholder(row: Any) -> Stakeholder:
    body = StakeholderBody.model_validate({field: getattr(row, field) for field in FIELDS})
    return Stakeholder(row.id, row.version, row.changed_at, body)


async def visible(
    session: AsyncSession,
    caller: Principal,
    *,
    stakeholder_id: UUID | None = None,
    sector: str | None = None,
    type_: str | None = None,
    areas: Sequence[str] = (),
    after: str | None = None,
    limit: int | None = None,
) -> list[Stakeholder]:
    """Return entries that the caller may see, by code. With `areas`, return only entries present in any of these
    areas."""
    conditions = equal(stakeholders, id=stakeholder_id, type=type_)
    if not PREPARING.roles & caller.roles:
        conditions.append(stakeholders.c.organisation_id.is_(None))
    if sector is not None:
        conditions.append(stakeholders.c.sectors.contains([sector]))
    if areas:
        conditions.append(stakeholders.c.presence.overlap(list(areas)))
    if after is not None:
        conditions.append(stakeholders.c.code > after)
    statement = (
        sa.select(stakeholders).where(*conditions).order_by(stakeholders.c.code).limit(limit)
    )
    return [_stakeholder(row) for row in await session.execute(statement)]


async def printable(session: AsyncSession) -> list[StakeholderBody]:
    """Return entries that may appear in public print, by code."""
    rows = await session.execute(
        sa.select(stakeholders).where(stakeholders.c.in_bulletin).order_by(stakeholders.c.code)
    )
    return [_stakeholder(row).body for row in rows]


async def of_codes(session: AsyncSession, codes: Iterable[str]) -> dict[str, Stakeholder]:
    """Lock and return the entries with these codes."""
    statement = (
        sa.select(stakeholders)
        .where(stakeholders.c.code.in_(list(codes)))
        .order_by(stakeholders.c.code)
        .with_for_update()
    )
    return {row.code: _stakeholder(row) for row in await session.execute(statement)}


async def locked(session: AsyncSession, stakeholder_id: UUID) -> Stakeholder | None:
    statement = sa.select(stakeholders).where(stakeholders.c.id == stakeholder_id).with_for_update()
    row = (await session.execute(statement)).one_or_none()
    return _stakeholder(row) if row else None
