"""Restores rights from a list outside the database.

A database can lose its latest changes when a lagging standby is promoted or an old volume is attached. The list still
contains the rights that have ended since then. It is a copy of the record of changes, each with the resulting state of
the person, client or organisation (`rights`). Changes that the database has lost are applied again before the issuer
serves requests, and within seconds while it runs.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import chained
from common.auth import Principal
from common.chained import Signer
from common.crypto import key_from_base64
from common.db.session import Database
from common.process.logs import get_logger
from common.process.telemetry import Metrics
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.changes import queries as changes
from gateway.issuer.changes import service as record
from gateway.issuer.changes.news import ITSELF
from gateway.issuer.clients import service as clients
from gateway.issuer.organisations import service as organisations
from gateway.issuer.people import service as people
from gateway.issuer.rights import Marks, Word
from gateway.issuer.secrets import SecretChecks
from gateway.issuer.settings import IssuerSettings
from gateway.issuer.sign_ins.service import end_every_one

REMEDY = (
    "the database went back to a moment that is past: rights that ended since have ended here again, and everybody signs"
    " in anew; give new credentials to whom changed theirs since (docs/operate.md, RutaRecordWentBack)"
)
_BATCH = 1000
_AT_ONCE = 5000
_SAID = ("change", "by_client", "by_subject", "what", "kind", "id", "word", "at")
_LOCK = sa.text("SELECT pg_try_advisory_xact_lock(hashtext('ruta-rights'))")
_ITSELF = Principal(client_id=ITSELF, subject=ITSELF)
_log = get_logger(__name__)
Line = Mapping[str, Any]


class Registry:
    """Compares the record with the list. It does nothing if the settings specify no list. `done` counts lost changes,
    including those restored at startup."""

    def __init__(
        self, settings: IssuerSettings, database: Database, metrics: Metrics, done: int = 0
    ) -> None:
        master = key_from_base64(settings.stored_result_key.get_secret_value())
        self._file = settings.rights_file
        self._signer, self._marks = Signer(master, b"ruta-rights", _SAID), Marks(master)
        self._secrets = SecretChecks()
        self._places = chained.places_of(settings.second_places)
        self._left: dict[Path, str] = {}
        self._places_away = metrics.gauge(
            "ruta_second_places_away", "Second places that the list of rights cannot be copied to."
        )
        self._database = database
        self._went_back = metrics.gauge(
            "ruta_record_went_back",
            "What this process erased, restricted or ended again because the record had forgotten it.",
        )
        self.done = done
        self._went_back.set(done)
        self._untold = metrics.gauge(
            "ruta_restrictions_untold",
            "Restrictions that are not in the list yet from which a restore restricts again.",
        )

    async def look(self) -> int:
        """Restore lost changes, then add new changes to the list and return their number. A comparison of the end of
        the list is enough, because a database loses its latest changes first."""
        if (file := self._file) is None:
            return 0
        if await asyncio.to_thread(chained.longer_copies, file, self._places):
            # This disk lost data: a copy of the list elsewhere is longer.
            await self._put_back(file)
        last = await asyncio.to_thread(chained.latest, file)
        async with self._database.transaction() as session:
            # Another process may already be doing this.
            if not await session.scalar(_LOCK):
                return 0
            if await changes.unknown(session, _changes(last)):
                await self._do_again(session, file)
        told = await self._tell(file)
        self._carry(await asyncio.to_thread(chained.carry_all, [file], self._places))
        return told

    async def _put_back(self, file: Path) -> None:
        async with self._database.transaction() as session:
            if await session.scalar(_LOCK):
                await asyncio.to_thread(chained.put_back_if_lost, file, self._places, self._signer)

    def _carry(self, left: Mapping[Path, str]) -> None:
        if left and left != self._left:
            said = {str(place): why for place, why in left.items()}
            _log.warning("second_places_behind", places=said)
        self._left = dict(left)
        self._places_away.set(len(left))

    async def _do_again(self, session: AsyncSession, file: Path) -> None:
        lines = (await asyncio.to_thread(chained.read, file, self._signer)).lines
        forgotten = await _forgotten(session, lines)
        last = {(line["kind"], line["id"]): line["word"] for line in lines}
        held = 0
        for kind, target in sorted({(line["kind"], line["id"]) for line in forgotten}):
            word = last[kind, target]
            if word and await self._hold(session, kind, target, word):
                held += 1
                await record.record(session, _ITSELF, "held to the list", kind, target)
        # Nobody knows which sign-ins have ended since then.
        await end_every_one(session)
        await record.put_back(session, [_change(line) for line in forgotten])
        self.done += len(forgotten)
        self._went_back.set(self.done)
        _log.error("record_went_back", changes=len(forgotten), held=held, remedy=REMEDY)

    async def _tell(self, file: Path) -> int:
        async with self._database.transaction() as session:
            if not await session.scalar(_LOCK):
                return 0
            if not await asyncio.to_thread(file.exists):
                await record.tell_all_anew(session)
            rows = await changes.untold(session, _BATCH)
            said = [await self._line(session, row) for row in rows]
            # A crash here repeats lines in the list, which is harmless.
            await asyncio.to_thread(chained.append, file, self._signer, said)
            if rows:
                await record.mark_told(session, [row["id"] for row in rows])
        return len(rows)

    async def measure(self) -> None:
        if self._file is not None:
            async with self._database.transaction() as session:
                self._untold.set(await changes.count_untold(session))

    async def _line(self, session: AsyncSession, row: sa.RowMapping) -> Line:
        kind, target = row["kind"], row["target"]
        return {
            "change": str(row["id"]),
            **{name: row[name] for name in ("by_client", "by_subject", "what", "kind")},
            "id": target,
            "word": await self._word(session, kind, target) or {},
            "at": row["at"].isoformat(),
        }

    async def _word(self, session: AsyncSession, kind: str, target: str) -> Word | None:
        match kind:
            case "person":
                return await people.standing(session, self._marks, UUID(target))
            case "client":
                return await clients.standing(session, self._marks, target)
            case "organisation":
                return await organisations.standing(session, UUID(target))
        return None

    async def _hold(self, session: AsyncSession, kind: str, target: str, word: Word) -> bool:
        match kind:
            case "person":
                return await people.hold_to(session, self._marks, UUID(target), word)
            case "client":
                return await clients.hold_to(session, self._marks, self._secrets, target, word)
            case "organisation":
                return await organisations.hold_to(session, UUID(target), word)
        return False


async def _forgotten(session: AsyncSession, lines: Sequence[Line]) -> list[Line]:
    """Return the lines that the record has lost, each once and in order."""
    lost: set[UUID] = set()
    ids = _changes(lines)
    for at in range(0, len(ids), _AT_ONCE):
        lost |= await changes.unknown(session, ids[at : at + _AT_ONCE])
    once = {line["change"]: line for line in lines}
    return [line for change, line in once.items() if UUID(change) in lost]


def _changes(lines: Collection[Line]) -> list[UUID]:
    return [UUID(line["change"]) for line in lines]


def _change(line: Line) -> Mapping[str, Any]:
    """Return the record row for a line of the list."""
    return {
        "id": UUID(line["change"]),
        "at": datetime.fromisoformat(line["at"]),
        **{name: line[name] for name in ("by_client", "by_subject", "what", "kind")},
        "target": line["id"],
    }
