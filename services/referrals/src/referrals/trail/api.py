"""HTTP of the audit: for auditors, and for an organisation its own."""

from datetime import datetime
from typing import Any
from uuid import UUID

from common.auth import Principal, Role
from common.paging import CursorText, Limit, Page, id_cursor, page_of
from common.web import Session, router
from pydantic import BaseModel

from referrals.audit import queries as entries
from referrals.audit.models import AuditEntry
from referrals.dependencies import Reader
from referrals.readable_queries import readable, readable_values

audit = router("/referrals/v1/audit", ["audit"])


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
    audits = Role.AUDITOR in caller.roles
    rows = await entries.page(
        session,
        only=None if audits else _own(caller),
        target_id=target_id,
        action=action,
        before=id_cursor(cursor),
        limit=limit,
    )
    return page_of(rows, limit, lambda row: _view(row, audits=audits))


def _own(caller: Principal) -> entries.Only:
    """Of what the caller's organisation did, what they would find one by one."""
    which = readable(caller, entries.TARGET_TYPE, entries.TARGET_ID, record=entries.CHAIN)
    return entries.Only(caller.organisation, which, readable_values(caller))


def _view(entry: AuditEntry, *, audits: bool) -> AuditEntryView:
    chained = ("sequence", "hash")
    values = {n: getattr(entry, n) for n in AuditEntryView.model_fields if n not in chained}
    return AuditEntryView(
        **values,
        sequence=entry.sequence if audits else None,
        hash=entry.hash.hex() if audits else None,
    )
