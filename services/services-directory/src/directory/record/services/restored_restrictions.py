"""Restricts entries again after restoring a backup, at least as much as before the restore. Restrictions in the backup
remain, even if they were lifted later. An editor can lift them again."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from common import clock
from common.sight import PUBLIC
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.entries.history import record_history
from directory.ground.entries.offered import ENDED, is_withdrawn
from directory.ground.entries.states import EntryState
from directory.ground.hsds.restricted import Word, restricted, word_of
from directory.ground.hsds.visibility import level_of
from directory.record.documents.refresh import store
from directory.record.locations import service as places
from directory.record.records.service import KIND, change, locked, published_in_turn
from directory.record.services.drafts import locations_in, phones_in

REASON = "restored_backup"


async def restrict_again(session: AsyncSession, own: UUID, word: Word) -> int:
    """Restrict the entry again. Return 1 if this changed it, and 0 if it does not exist or was already as
    restricted."""
    row = await locked(session, own)
    if row is None:
        return 0
    if (row.restricted or {}).get("held", PUBLIC) >= word.get("held", PUBLIC):
        word = {
            **word,
            "held": PUBLIC,
        }  # readers do not see its place anyway; the record waits for its review
    document = restricted(row.document, word)
    approved = None if row.approved is None else restricted(row.approved, word)
    state = EntryState.WITHDRAWN.value if _withdraws(row, word) else row.state
    if (document, approved, state) == (row.document, row.approved, row.state):
        return 0
    values: dict[str, Any] = {
        "document": document,
        "approved": approved,
        "state": state,
        # If the draft needs a higher level than the published entry, that level applies.
        "visibility": max(level_of(approved or document), level_of(document)),
        "phone_digits": phones_in(document),
        "version": row.version + 1,
        "modified_at": clock.now(),
    }
    await change(session, own, **values)
    new = document if state == row.state else {**document, "state": state, "reason": REASON}
    await record_history(
        session, None, KIND, own, version=row.version + 1, old=row.document, new=new
    )
    touched = []
    if approved is not None:
        touched = await places.publish(session, own, row.managed_by, locations_in(approved))
    await store(session, [own, *touched])
    return 1


def _withdraws(row: Any, word: Word) -> bool:
    return bool(word.get("withdrawn")) and row.state not in ENDED


async def words_now(session: AsyncSession) -> AsyncIterator[tuple[UUID, Word]]:
    """Yield the announced restriction of each entry with hidden parts. An earlier release announced none."""
    async for row in published_in_turn(session):
        word = row.restricted
        if word is None:
            word = word_of(row.approved, withdrawn=is_withdrawn(row.state, None))
        if word:
            yield row.id, word
