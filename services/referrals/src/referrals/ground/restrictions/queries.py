"""Compares the last entries with the list: finds entries to append, and lines missing from the record."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.restrictions.models import Restriction
from referrals.ground.restrictions.words import OF_DIRECTORY, Kind, Succession, in_turn

UNTOLD = col(Restriction.told_at).is_(None)


def any_untold() -> sa.Exists:
    return sa.exists().where(UNTOLD)


async def not_said(
    session: AsyncSession, lines: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return lines of the list that the record lacks or contains only in an earlier form. A directory entry counts as
    known if a restore listed it."""
    ids = [UUID(line["id"]) for line in lines]
    asked = sa.select(Restriction).where(
        col(Restriction.subject_id) == sa.any_(sa.literal(ids, sa.ARRAY(sa.Uuid)))
    )
    rows = {(row.kind, str(row.subject_id)): row for row in await session.scalars(asked)}

    def is_said(line: Mapping[str, Any]) -> bool:
        row = rows.get((line["kind"], line["id"]))
        if row is None:
            return False
        same = line["kind"] in OF_DIRECTORY and row.word == line["word"]
        return same or row.at >= datetime.fromisoformat(line["at"])

    return [line for line in lines if not is_said(line)]


async def successions(session: AsyncSession) -> list[Succession]:
    """Return which organisation takes over from which, earliest first."""
    asked = sa.select(col(Restriction.word)).where(col(Restriction.kind) == Kind.SUCCESSION)
    return in_turn(Succession.of(word) for word in await session.scalars(asked))


async def ended_organisations(session: AsyncSession) -> set[UUID]:
    return {each.organisation for each in await successions(session) if each.ends}
