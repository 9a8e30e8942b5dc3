"""Recording: every command and every read of disclosed data leaves one entry."""

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
    """Append one entry to `chain` (the case; without a case, the organisation). Call this last: it locks the chain's
    head.

    The target is the chain's subject, of the type that the action's name begins with, unless given. `detail`: ids and
    codes only. A command's stored answer is kept under what the command records.
    """
    target_id = target_id or chain
    target_type = target_type or action.partition(".")[0]
    answer_is_about(session, Subject(chain, target_type, target_id))
    await session.flush()
    await session.execute(
        # Without sequence and hash: the trigger sets them.
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
