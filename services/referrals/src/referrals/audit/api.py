"""HTTP of the audit: for auditors, and for an organisation its own."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal, Role
from common.paging import CursorText, Limit, Page, encode_cursor, id_cursor
from common.web import Session, router
from pydantic import BaseModel
from sqlmodel import col

from referrals.audit.models import AuditEntry
from referrals.dependencies import Reader
from referrals.readable_queries import readable, readable_values

audit = router("/referrals/v1/audit", ["audit"])

_ENTRIES = AuditEntry.metadata.tables["audit_entries"]


class AuditEntryView(BaseModel):
    """`sequence` and `hash` are for auditors: a number in the chain of a case tells others how much
    happened to it."""

    id: UUID
    chain: UUID
    sequence: int | None
    at: datetime
    organisation_id: UUID | None
    client: str
    action: str
    target_type: str
    target_id: UUID
    detail: dict[str, Any]
    hash: str | None


@audit.get("")
async def list_entries(
    session: Session,
    caller: Reader,
    target_id: UUID | None = None,
    action: str | None = None,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[AuditEntryView]:
    """Who did and read what, newest first. Auditors see all, others what their own
    clients did, of what they would find one by one."""
    statement = sa.select(AuditEntry)
    if Role.AUDITOR not in caller.roles:
        statement = statement.where(
            col(AuditEntry.organisation_id) == caller.organisation,
            readable(caller, _ENTRIES.c.target_type, _ENTRIES.c.target_id, record=_ENTRIES.c.chain),
        )
    if target_id is not None:
        statement = statement.where(col(AuditEntry.target_id) == target_id)
    if action is not None:
        statement = statement.where(col(AuditEntry.action) == action)
    before = id_cursor(cursor)
    if before is not None:
        statement = statement.where(col(AuditEntry.id) < before)
    rows = (
        await session.scalars(
            statement.order_by(col(AuditEntry.id).desc()).limit(limit + 1), _values(caller)
        )
    ).all()
    more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
    audits = Role.AUDITOR in caller.roles
    return Page(items=[_view(row, audits=audits) for row in rows[:limit]], next_cursor=more)


def _values(caller: Principal) -> dict[str, Any]:
    return {} if Role.AUDITOR in caller.roles else readable_values(caller)


def _view(entry: AuditEntry, *, audits: bool) -> AuditEntryView:
    chained = ("sequence", "hash")
    values = {n: getattr(entry, n) for n in AuditEntryView.model_fields if n not in chained}
    return AuditEntryView(
        **values,
        sequence=entry.sequence if audits else None,
        hash=entry.hash.hex() if audits else None,
    )
