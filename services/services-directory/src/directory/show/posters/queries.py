"""SELECTs of public documents by id."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

_DOCUMENTS = (
    sa.text(
        "SELECT service_id, document FROM service_documents WHERE level = 0 AND service_id = ANY(:ids)"
    )
    .bindparams(sa.bindparam("ids", type_=sa.ARRAY(sa.Uuid)))
    .columns(service_id=sa.Uuid, document=sa.JSON)
)


async def public_documents(
    session: AsyncSession, ids: Collection[UUID]
) -> dict[str, dict[str, Any]]:
    rows = await session.execute(_DOCUMENTS, {"ids": list(ids)})
    return {str(service_id): document for service_id, document in rows}
