"""Removes texts from import reports after an entry becomes restricted."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from directory.files.imports.models import IMPORT_ROWS
from directory.files.imports.outcomes.notes import nameless_plain
from directory.ground.happenings import DocumentsStored
from directory.record.records.queries import with_restricted_parts


async def documents_stored(session: AsyncSession, happening: DocumentsStored) -> None:
    """Remove the file's text about each restricted place from the reports."""
    r = IMPORT_ROWS.c
    closed = [row.id for row in await with_restricted_parts(session, happening.service_ids)]
    if not closed:
        return
    found = await session.execute(
        sa.select(r.import_id, r.number, r.notes).where(
            r.service_id == sa.any_(sa.literal(closed, sa.ARRAY(sa.Uuid)))
        )
    )
    for row in found.all():
        kept = nameless_plain(row.notes)
        if kept != row.notes:
            await session.execute(
                sa.update(IMPORT_ROWS)
                .where(r.import_id == row.import_id, r.number == row.number)
                .values(notes=kept)
            )
