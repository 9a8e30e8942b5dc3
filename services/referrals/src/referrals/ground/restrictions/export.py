"""Copies the last entries from their table to the list that is kept off the host."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import chained, clock
from common.chained import Signer
from common.db.session import Database

from referrals.ground.restrictions.models import Restriction
from referrals.ground.restrictions.queries import UNTOLD
from referrals.ground.restrictions.words import OF_DIRECTORY, Kind, Word, WordSeal, last_words

_BATCH = 1000
_TABLE = Restriction.metadata.tables["restrictions"]
_UNTOLD = (
    sa.select(_TABLE)
    .where(UNTOLD)
    .order_by(_TABLE.c.at, _TABLE.c.subject_id)
    .limit(_BATCH)
    .with_for_update()
)
_TOLD = sa.update(_TABLE).where(
    _TABLE.c.kind == sa.bindparam("of"), _TABLE.c.subject_id == sa.bindparam("subject")
)
LOCK = sa.text("SELECT pg_try_advisory_xact_lock(hashtext('ruta-restrictions'))")


async def tell(database: Database, path: Path, signer: Signer, seal: WordSeal) -> int:
    """Append restrictions missing from the list; return their number. Only one caller runs at a time, and a repeated
    line changes nothing."""
    told = _TABLE.c.told_at
    async with database.transaction() as session:
        if not await session.scalar(LOCK):
            return 0
        if not await asyncio.to_thread(path.exists):
            await session.execute(sa.update(_TABLE).where(told.is_not(None)).values(told_at=None))
        rows = (await session.execute(_UNTOLD)).all()
        said = [
            _said(
                row.kind,
                row.subject_id,
                seal.listed(Kind(row.kind), row.subject_id, row.word),
                row.at.isoformat(),
            )
            for row in rows
        ]
        await asyncio.to_thread(chained.append, path, signer, said)
        if rows:
            given = [{"of": row.kind, "subject": row.subject_id} for row in rows]
            await (await session.connection()).execute(_TOLD.values(told_at=clock.now()), given)
    return len(rows)


def tell_directory(path: Path, signer: Signer, words: Mapping[tuple[Kind, UUID], Word]) -> int:
    """Append entries that differ between the directory's own record and the list; return their number."""
    known = chained.read(path, signer)
    last = {kind: last_words(known.lines, kind) for kind in OF_DIRECTORY}
    now = clock.now().isoformat()
    said = [
        _said(kind, subject, word, now)
        for (kind, subject), word in words.items()
        if last[kind].get(subject, {}) != word
    ]
    chained.append(path, signer, said)
    return len(said)


def _said(kind: str, subject: UUID, word: Word, at: str) -> Mapping[str, Any]:
    return {"kind": kind, "id": str(subject), "word": dict(word), "at": at}


async def count_untold(database: Database) -> int:
    async with database.transaction() as session:
        return (
            await session.scalar(sa.select(sa.func.count()).select_from(_TABLE).where(UNTOLD)) or 0
        )
