"""An export as a use case: read what the caller sees, write it to a file, log restricted reads."""

import asyncio
from collections.abc import AsyncIterator

from common.auth import Principal
from sqlalchemy.ext.asyncio import AsyncSession

from directory.files.exports.abridged import Exported
from directory.files.exports.queries import Chosen, exported
from directory.files.exports.writing import ExportWriter
from directory.ground.reading.restricted_service import log_restricted

BATCH = 500


async def write_export(
    session: AsyncSession, caller: Principal, chosen: Chosen, writer: ExportWriter, route: str
) -> int:
    """The number of services written. The log of restricted reads is in the same transaction: no
    file without its log."""
    written = 0
    async for batch in _batches(exported(session, caller, chosen)):
        await asyncio.to_thread(writer.add, batch)
        sensitive = [each.service_id for each in batch if each.sensitive]
        await log_restricted(session, caller, route, sensitive)
        written += len(batch)
    await asyncio.to_thread(writer.finish)
    return written


async def _batches(rows: AsyncIterator[Exported]) -> AsyncIterator[list[Exported]]:
    batch: list[Exported] = []
    async for row in rows:
        batch.append(row)
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
