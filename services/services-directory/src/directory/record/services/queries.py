"""Records beside each other, for those who look for doubles."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from directory.record.organizations.queries import with_organization
from directory.record.records.queries import OFFERED_BY, readable_documents


async def compared(
    session: AsyncSession, caller: Principal, ids: Collection[UUID]
) -> Sequence[Any]:
    """`id`, `document`, `state` and the document of its `organization`, of those that the caller may read."""
    statement = with_organization(readable_documents(caller, ids), OFFERED_BY)
    found: Sequence[Any] = (await session.execute(statement)).all()
    return found
