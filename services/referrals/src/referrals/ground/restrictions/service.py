"""Stores the last entry for each restriction, in the transaction that restricts. This module never commits."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.chained import Chained
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.restrictions.models import Restriction
from referrals.ground.restrictions.words import (
    OF_DIRECTORY,
    Kind,
    Word,
    WordSeal,
    last_words,
    merged,
    newer,
)

_TABLE = Restriction.metadata.tables["restrictions"]


async def remember_end(
    session: AsyncSession, kind: Kind, subject: UUID, case_id: UUID | None = None
) -> None:
    """Record the permanent end of a consent or an exception."""
    new = insert(_TABLE).values(_row(kind, subject, {}, case_id, 0, clock.now()))
    await session.execute(new.on_conflict_do_nothing())


async def remember_word(
    session: AsyncSession,
    kind: Kind,
    subject: UUID,
    word: Word,
    *,
    case_id: UUID | None = None,
    version: int = 0,
) -> None:
    """Store the last entry for a restriction that can change. Ignore an older `version`."""
    new = insert(_TABLE).values(_row(kind, subject, dict(word), case_id, version, clock.now()))
    await session.execute(
        new.on_conflict_do_update(
            index_elements=["kind", "subject_id"],
            set_={
                "word": new.excluded.word,
                "version": new.excluded.version,
                "at": new.excluded.at,
                "told_at": None,
            },
            where=_TABLE.c.version <= new.excluded.version,
        )
    )


def _row(
    kind: Kind, subject: UUID, word: Any, case_id: UUID | None, version: int, at: datetime
) -> Mapping[str, Any]:
    return {
        "kind": kind.value,
        "subject_id": subject,
        "word": word,
        "version": version,
        "case_id": case_id,
        "at": at,
    }


async def forget(session: AsyncSession, case_id: UUID) -> None:
    """Delete the last entries about an erased case."""
    await session.execute(sa.delete(Restriction).where(col(Restriction.case_id) == case_id))


async def forget_subject(session: AsyncSession, subject: UUID) -> None:
    """Delete the entries about a deleted item that has no case, such as a report on the anonymous line."""
    await session.execute(sa.delete(Restriction).where(col(Restriction.subject_id) == subject))


async def go_on_from(session: AsyncSession, known: Chained, seal: WordSeal) -> None:
    """After a restore, list again each entry that differs. For the directory, the stricter of the two entries
    counts."""
    listed = {kind: last_words(known.lines, kind) for kind in Kind}
    for row in (await session.execute(sa.select(_TABLE))).all():
        kind, word = Kind(row.kind), row.word
        last = listed[kind].get(row.subject_id)
        if kind in OF_DIRECTORY and last is not None:
            word = merged(word, last)
        elif kind is Kind.CONTACT and last is not None:
            word = dict(newer(word, last))
        if last != seal.listed(kind, row.subject_id, word):
            await session.execute(
                sa.update(_TABLE)
                .where(_TABLE.c.kind == row.kind, _TABLE.c.subject_id == row.subject_id)
                .values(word=word, told_at=None)
            )
