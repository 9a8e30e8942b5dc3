"""Reads a service's own events back from its stream.

An event that the outbox does not contain proves that the database lost data (a standby promoted too early, a restored
volume). Only the service may write to its stream, which is stored apart from the database.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError
from sqlalchemy.ext.asyncio import AsyncSession

from common import clock
from common.db.endings import EVENTS_KEPT
from common.db.tables import CommonTables
from common.events.base import Event
from common.events.envelope import Envelope
from common.events.readers import stream_name
from common.messaging.connection import Broker

# Events are published nearly in commit order. Up to this many positions before a known event, some events may still
# be unknown.
_MARGIN = 1000
# Older events may have expired from the outbox, while the stream keeps republished events for longer.
_REMEMBERED = EVENTS_KEPT - timedelta(days=2)
_BATCH = 500


@dataclass(frozen=True)
class _Said:
    seq: int
    envelope: Envelope


class SaidBefore:
    """A service's events of one kind."""

    def __init__(
        self, service: str, kind: type[Event], tables: CommonTables, broker: Broker
    ) -> None:
        self._stream, self._subject = stream_name(service), kind.SUBJECT
        self._outbox = tables.outbox
        self._broker = broker

    async def last(self) -> Envelope | None:
        """Return the most recent event, which a database that lost data loses first. Return None if there is no event.
        Raise BrokerDown if the broker is unreachable."""
        said = await self._read(None)
        return None if said is None else said.envelope

    async def forgotten(self, session: AsyncSession, envelopes: Collection[Envelope]) -> set[UUID]:
        """Return the ids of these events that the outbox has lost. Expired events do not count."""
        since = clock.now() - _REMEMBERED
        ids = {each.id for each in envelopes if each.time > since}
        known = sa.select(self._outbox.c.id).where(
            self._outbox.c.id == sa.any_(sa.literal([*ids], sa.ARRAY(sa.Uuid)))
        )
        return ids - set(await session.scalars(known)) if ids else ids

    async def all_forgotten(self, session: AsyncSession) -> list[Envelope]:
        """Return all lost events in order."""
        seq = await self._first_in_doubt(session)
        found: list[Envelope] = []
        while batch := await self._from(seq):
            lost = await self.forgotten(session, [each.envelope for each in batch])
            found += [each.envelope for each in batch if each.envelope.id in lost]
            seq = batch[-1].seq + 1
        return found

    async def know_again(self, session: AsyncSession, envelopes: Sequence[Envelope]) -> None:
        """Restore the events in the outbox, marked as published."""
        if envelopes:
            now = clock.now()
            await session.execute(
                sa.insert(self._outbox),
                [
                    {
                        "id": each.id,
                        "aggregatetype": each.type,
                        "aggregateid": each.subject,
                        "type": each.type,
                        "payload": each.data,
                        "version": each.data.get("version", 0),
                        "traceparent": each.traceparent,
                        "occurred_at": each.time,
                        "published_at": now,
                    }
                    for each in envelopes
                ],
            )

    async def _first_in_doubt(self, session: AsyncSession) -> int:
        """Return a position before which all events are known. Search backwards from the end in steps that double."""
        newest = await self._read(None)
        seq, step = (1 if newest is None else newest.seq), 1
        while seq > 1:
            said = await self._read(seq)
            if said is not None and not await self.forgotten(session, [said.envelope]):
                break
            seq, step = max(1, seq - step), step * 2
        return max(1, seq - _MARGIN)

    async def _from(self, seq: int) -> list[_Said]:
        found: list[_Said] = []
        while len(found) < _BATCH and (said := await self._read(seq)) is not None:
            found.append(said)
            seq = said.seq + 1
        return found

    async def _read(self, seq: int | None) -> _Said | None:
        """Return the first event at or after this position, or the last event if there is none."""
        jetstream = await self._broker.jetstream()
        try:
            message = await _asked(jetstream, self._stream, self._subject, seq)
        except NotFoundError:
            return None
        return _Said(message.seq or 0, Envelope.model_validate_json(message.data or b""))


async def _asked(
    jetstream: JetStreamContext, stream: str, subject: str, seq: int | None
) -> RawStreamMsg:
    if seq is None:
        return await jetstream.get_last_msg(stream, subject)
    return await jetstream.get_msg(stream, seq=seq, subject=subject, next=True)
