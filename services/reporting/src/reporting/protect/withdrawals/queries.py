"""Queries for withdrawals."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.ground.rights import PREPARING
from reporting.protect.withdrawals.models import withdrawals
from reporting.protect.withdrawals.schemas import WithdrawalView


@dataclass(frozen=True)
class Withdrawal:
    """A withdrawal; `withdrawn_at` is None while the request is waiting for a second person."""

    subject: UUID
    reason: Mapping[str, str]
    asked_at: datetime
    asked_by: str
    withdrawn_at: datetime | None


def withdrawal_view(one: Withdrawal | None, caller: Principal) -> WithdrawalView | None:
    """Return the tombstone for everybody, but a request only for people who prepare publications."""
    if one is None or (one.withdrawn_at is None and not caller.may(*PREPARING)):
        return None
    return WithdrawalView.model_validate(vars(one))


def withdrawn_at(subject: sa.ColumnElement[UUID]) -> sa.ScalarSelect[Any]:
    """Select when the release or bulletin with this id was withdrawn; NULL if it was not."""
    return (
        sa.select(withdrawals.c.withdrawn_at)
        .where(withdrawals.c.subject == subject)
        .correlate_except(withdrawals)
        .scalar_subquery()
    )


async def of(
    session: AsyncSession, subjects: Iterable[UUID], *, hold: bool = False
) -> dict[UUID, Withdrawal]:
    """Return the withdrawals of these releases or bulletins, whether requested or done."""
    columns = (withdrawals.c[name] for name in Withdrawal.__dataclass_fields__)
    found = sa.select(*columns).where(withdrawals.c.subject.in_(list(subjects)))
    rows = await session.execute(found.with_for_update() if hold else found)
    return {row.subject: Withdrawal(*row) for row in rows}
