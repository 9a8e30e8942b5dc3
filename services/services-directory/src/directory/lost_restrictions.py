"""Restores restrictions that the database lost.

The event stream is stored separately from the database. A standby that was promoted before it caught up knows less than
the stream. Entries that were hidden, withdrawn or suspended are restricted again at once. Until then, everybody could
read a shelter's address.
"""

from collections.abc import Awaitable, Mapping
from typing import Protocol
from uuid import UUID

import sqlalchemy as sa
from common.events.directory import SightChanged
from common.events.envelope import Envelope
from common.http import ServiceContext
from common.messaging import SaidBefore
from common.messaging.connection import BrokerDown
from common.process.logs import get_logger
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.hsds.restricted import Word
from directory.record.organizations import service as organizations
from directory.record.services import restored_restrictions
from directory.show.information import service as information

REMEDY = (
    "the database went back to a moment that is past: what was hidden, withdrawn or closed since is so again here; look for"
    " the rest (docs/operate.md, RutaRecordWentBack)"
)
_LOCK = sa.text("SELECT pg_try_advisory_xact_lock(hashtext('ruta-holding'))")
_log = get_logger(__name__)


class _Again(Protocol):
    def __call__(self, session: AsyncSession, own: UUID, word: Word) -> Awaitable[int]: ...


AGAIN: Mapping[str, _Again] = {
    "service": restored_restrictions.restrict_again,
    "organisation": organizations.restrict_again,
    "risk_message": information.withdraw_again,
}
"""Restricts an entry again, by its kind; returns 1 if that changed it."""


class Holding:
    """Compares the database with the event stream and restores what is missing."""

    def __init__(self, context: ServiceContext) -> None:
        self._database = context.database
        self._said = SaidBefore(
            context.settings.service, SightChanged, context.tables, context.broker
        )
        self._went_back = context.metrics.gauge(
            "ruta_record_went_back",
            "What this process erased, restricted or ended again because the record had forgotten it.",
        )

    async def look(self) -> int:
        """Check whether the database lost the newest event, which every loss includes. Return 0."""
        try:
            last = await self._said.last()
            if last is not None:
                await self._hold([last])
        except BrokerDown:  # without the broker, this process cannot announce anything new either
            pass
        return 0

    async def _hold(self, last: list[Envelope]) -> None:
        async with self._database.transaction() as session:
            # Another worker may be restoring them.
            if await self._said.forgotten(session, last) and await session.scalar(_LOCK):
                await self._do_again(session)

    async def _do_again(self, session: AsyncSession) -> None:
        forgotten = await self._said.all_forgotten(session)
        events = [SightChanged.model_validate(each.data) for each in forgotten]
        words = {(event.entry, event.entry_id): event.word() for event in events}
        restricted = 0
        for (entry, own), word in words.items():
            if entry in AGAIN:  # other kinds of entries come from a newer release
                restricted += await AGAIN[entry](session, own=own, word=word)
        await self._said.know_again(session, forgotten)
        self._went_back.inc(len(forgotten))
        _log.error(
            "record_went_back", forgotten=len(forgotten), restricted=restricted, remedy=REMEDY
        )
