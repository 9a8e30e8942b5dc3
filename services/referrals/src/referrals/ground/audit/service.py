"""Writes the audit: one entry for every command and every read of disclosed data."""

from typing import Any
from uuid import UUID

from common import clock
from common.auth import Principal
from common.http.answers import Subject, answer_is_about
from common.ids import new_id
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.ground.audit.models import AuditEntry

SYSTEM_CLIENT = "ruta"
_ENTRIES = AuditEntry.metadata.tables["audit_entries"]


async def record(
    session: AsyncSession,
    caller: Principal | None,
    action: str,
    *,
    chain: UUID,
    target_id: UUID | None = None,
    target_type: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Append one entry to `chain` (the case, or the organisation if there is no case).

    Call this last, because it locks the chain's head. The default target is the chain's subject; the first part of the
    action's name is the target's type. `detail` contains only ids and codes. A command's stored response belongs to
    this subject.
    """
    target_id = target_id or chain
    target_type = target_type or action.partition(".")[0]
    answer_is_about(session, Subject(chain, target_type, target_id))
    await session.flush()
    await session.execute(
        # A trigger sets the sequence and the hash.
        _ENTRIES.insert().values(
            chain=chain,
            id=new_id(),
            at=clock.now(),
            organisation_id=caller.organisation_id if caller else None,
            client=caller.subject if caller else SYSTEM_CLIENT,
            action=action,
            target_type=target_type,
            target_id=target_id,
            detail=detail or {},
        )
    )
