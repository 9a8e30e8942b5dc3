"""SELECTs of webhooks, and whether there is something to tell."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from common.db.ended_rights import suspended
from common.errors import NOT_FOUND
from common.sight import PARTNERS, Audience
from sqlalchemy.ext.asyncio import AsyncSession

from directory.find.webhooks.models import webhooks
from directory.ground.access import visible
from directory.record.documents.models import service_changes
from directory.tables import ENDED_RIGHTS

_W = webhooks.c
HELD = suspended(ENDED_RIGHTS, _W.organisation_id, _W.kept_by)
# A change below this position is final: no earlier one can still appear (`find.sync.position`).
_FINAL = sa.func.pg_snapshot_xmin(sa.func.pg_current_snapshot())
# The time of a call reveals that something changed. So only changes count that every verified organisation sees, or
# that the webhook's own organisation sees as the owner.
_AUDIENCE = Audience(base=PARTNERS, organisation_id=cast("UUID", _W.organisation_id))


async def listed(session: AsyncSession, caller: Principal) -> Sequence[Any]:
    own = _W.organisation_id == caller.organisation
    found = sa.select(webhooks, HELD.label("held")).where(own).order_by(_W.id)
    return (await session.execute(found)).all()


async def one(session: AsyncSession, caller: Principal, webhook_id: UUID) -> Any:
    """Return the locked row. Raises 404 for a webhook of another organisation."""
    own = sa.and_(_W.id == webhook_id, _W.organisation_id == caller.organisation)
    found = sa.select(webhooks, HELD.label("held")).where(own).with_for_update()
    row = (await session.execute(found)).one_or_none()
    if row is None:
        raise NOT_FOUND.because("your_organisation_has_no_such_webhook")
    return row


def _changed() -> sa.Exists:
    c = service_changes.c
    return sa.exists().where(visible(c, _AUDIENCE), c.xid >= _W.told, c.xid < _FINAL)


async def due(session: AsyncSession, now: datetime, limit: int) -> Sequence[Any]:
    """Return webhooks to call, locked, each with the `position` up to which the call tells."""
    found = (
        sa.select(webhooks, sa.cast(_FINAL, sa.Text).label("position"))
        .where(
            _W.active,
            _W.next_attempt_at <= now,
            sa.not_(HELD),
            sa.or_(_W.told.is_(None), _changed()),
        )
        .order_by(_W.next_attempt_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.execute(found)).all()
