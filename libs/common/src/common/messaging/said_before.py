"""Reads a service's own events from its stream. An event that the outbox does not know proves that the database went
back in time (a standby was promoted too early, a volume was restored). Only the service may write to its stream,
which is stored apart from the database."""

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

# Events go out nearly in the order of their commits: so far before one that is known, others may not be.
_MARGIN = 1000
# What is nearly as old has ended in the outbox, and may lie in the stream for longer where it was published again.
_REMEMBERED = EVENTS_KEPT - timedelta(days=2)
_BATCH = 500


@dataclass(frozen=True)
class _Said:
    seq: int
    envelope: Envelope


class SaidBefore:
    """The events of one kind from one service."""

    def __init__(
        self, service: str, kind: type[Event], tables: CommonTables, broker: Broker
    ) -> None:
        self._stream, self._subject = stream_name(service), kind.SUBJECT
        self._outbox = tables.outbox
        self._broker = broker

    async def last(self) -> Envelope | None:
        """The most recent event, the first that a lost database forgets; None if there is none. BrokerDown."""
        said = await self._read(None)
        return None if said is None else said.envelope

    async def forgotten(self, session: AsyncSession, envelopes: Collection[Envelope]) -> set[UUID]:
        """Those of which the outbox does not know, though they have not ended in it."""
        since = clock.now() - _REMEMBERED
        ids = {each.id for each in envelopes if each.time > since}
        known = sa.select(self._outbox.c.id).where(
            self._outbox.c.id == sa.any_(sa.literal([*ids], sa.ARRAY(sa.Uuid)))
        )
        return ids - set(await session.scalars(known)) if ids else ids

    async def all_forgotten(self, session: AsyncSession) -> list[Envelope]:
        """In the order in which they were said."""
        seq = await self._first_in_doubt(session)
        found: list[Envelope] = []
        while batch := await self._from(seq):
            lost = await self.forgotten(session, [each.envelope for each in batch])
            found += [each.envelope for each in batch if each.envelope.id in lost]
            seq = batch[-1].seq + 1
        return found

    async def know_again(self, session: AsyncSession, envelopes: Sequence[Envelope]) -> None:
        """In the outbox as published: what they said is so again."""
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
        """Before it all are known: looked for from the end, in steps that double."""
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
        """The first at or after this place in the stream; without one the last of all."""
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
