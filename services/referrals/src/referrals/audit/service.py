"""Recording: every command and every read of disclosed data leaves one entry."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.ids import new_id
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.audit.models import AuditEntry

SYSTEM_CLIENT = "ruta"


async def record(
    session: AsyncSession,
    caller: Principal | None,
    action: str,
    *,
    chain: UUID,
    target_type: str,
    target_id: UUID,
    detail: dict[str, Any] | None = None,
    sealed: bytes | None = None,
) -> None:
    """Append one entry to `chain` (the case; without a case, the organisation).

    `detail` holds codes and ids only. The chain's head stays locked until the transaction ends,
    so call this last.
    """
    await session.execute(
        _insert_values,
        {
            "chain": chain,
            "id": new_id(),
            "at": clock.now(),
            "organisation_id": caller.organisation_id if caller else None,
            "client": caller.subject if caller else SYSTEM_CLIENT,
            "action": action,
            "target_type": target_type,
            "target_id": target_id,
            "detail": detail or {},
            "sealed": sealed,
        },
    )


_table = AuditEntry.metadata.tables["audit_entries"]
# Core and without sequence and hash: the trigger sets them.
_insert_values = sa.insert(_table).inline()
