"""Builds the event that announces the restrictions of an entry. The event stream keeps this event outside the
database."""

from uuid import UUID

from common.events.directory import HiddenPart, SightChanged
from common.messaging import append
from common.sight import NAMES
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.hsds.restricted import Word
from directory.tables import COMMON


def sight_of(entry: str, entry_id: UUID, version: int, word: Word) -> SightChanged:
    return SightChanged(
        version=version,
        entry_id=entry_id,
        entry=entry,
        withdrawn=word.get("withdrawn", False),
        closed=word.get("closed"),
        hidden=tuple(
            HiddenPart(id=part, visibility=NAMES[level])
            for part, level in word.get("hidden", {}).items()
        ),
        held=NAMES[held] if (held := word.get("held")) else None,
    )


async def tell_restricted(
    session: AsyncSession, entry: str, entry_id: UUID, version: int, word: Word
) -> None:
    event = sight_of(entry, entry_id, version, word)
    await append(session, COMMON, event)
