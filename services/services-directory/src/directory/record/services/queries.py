"""SELECTs of records to compare when looking for duplicates."""

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
    """Return `id`, `document` and `state` of those given records that the caller may read, with the document of their
    `organization`."""
    statement = with_organization(readable_documents(caller, ids), OFFERED_BY)
    found: Sequence[Any] = (await session.execute(statement)).all()
    return found
