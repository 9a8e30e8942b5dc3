"""Recording: every command and every read of disclosed data leaves one entry."""

from typing import Any
from uuid import UUID

import orjson
from common import clock
from common.answers import Subject, answer_is_about
from common.auth import Principal
from common.ids import new_id
from common.writes import RowWriter, write_soon
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.audit.models import AuditEntry

SYSTEM_CLIENT = "ruta"


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
    """Append one entry to `chain` (the case; without a case, the organisation).

    Its target is what the chain is about, of the type that the action's name begins with, unless it
    says something else. `detail` holds codes and ids only. The chain's head stays locked from when
    the entry is sent until the transaction ends, so call this last. What a command records is what
    its stored answer is about: by that it is kept, and given again.
    """
    target_id = target_id or chain
    target_type = target_type or action.partition(".")[0]
    answer_is_about(session, Subject(chain, target_type, target_id))
    write_soon(
        session,
        _ENTRIES,
        {
            "chain": chain,
            "id": new_id(),
            "at": clock.now(),
            "organisation_id": caller.organisation_id if caller else None,
            "client": caller.subject if caller else SYSTEM_CLIENT,
            "action": action,
            "target_type": target_type,
            "target_id": target_id,
            "detail": orjson.dumps(detail or {}).decode(),
        },
    )


# Without sequence and hash: the trigger sets them.
_ENTRIES = RowWriter(
    AuditEntry.metadata.tables["audit_entries"],
    "chain",
    "id",
    "at",
    "organisation_id",
    "client",
    "action",
    "target_type",
    "target_id",
    "detail",
)
