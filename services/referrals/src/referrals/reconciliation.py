"""Compares the record with the erasure and restriction lists.

After a failover, a standby or volume may lack the newest entries. The worker compares at once, because until then
people see data that should be hidden.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import chained, clock
from common.crypto import key_from_base64
from common.db.session import Database
from common.process.logs import get_logger
from common.process.telemetry import Metrics

from referrals.case.cases.queries import not_erased
from referrals.ground.audit.anchors import remember_lost
from referrals.ground.keys import tombstones
from referrals.ground.keys.store import CaseKeys
from referrals.ground.keys.tombstones import not_destroyed
from referrals.ground.restrictions import words
from referrals.ground.restrictions.queries import not_said
from referrals.ground.row_security import act_as_service
from referrals.restoration_service import erase_forgotten, restrict_forgotten
from referrals.settings import Settings

REMEDY = (
    "the database went back to a moment that is past: what was erased and restricted since is so again here;"
    " look for the rest (docs/operate.md, RutaRecordWentBack)"
)
_LOCK = sa.text("SELECT pg_try_advisory_xact_lock(hashtext('ruta-holding'))")
_log = get_logger(__name__)


@dataclass(frozen=True)
class _Said:
    erased: Sequence[UUID]
    restricted: Sequence[Mapping[str, Any]]


class Holding:
    """One worker's comparison; it does nothing if the settings name no lists."""

    def __init__(
        self, settings: Settings, database: Database, keys: CaseKeys, metrics: Metrics
    ) -> None:
        secret = key_from_base64(settings.blind_index_key.get_secret_value())
        self._erased, self._restricted = settings.tombstone_file, settings.restriction_file
        self._signer, self._of_restrictions = tombstones.signer_of(secret), words.signer_of(secret)
        self._secret = secret
        self._database = database
        self._keys = keys
        self._went_back = metrics.gauge(
            "ruta_record_went_back",
            "What this process erased, restricted or ended again because the record had forgotten it.",
        )
        # Lines that were applied but did not change the record.
        self._done: set[int] = set()

    async def look(self) -> int:
        """Check the last lines first, because a record that lags loses its newest entries. Return 0."""
        if self._erased is None or self._restricted is None:
            return 0
        last = await self._said(self._erased, self._restricted, whole=False)
        if await self._forgot(last):
            async with self._database.transaction() as session:
                # Another worker may be running, so compare both lists in full again.
                if await session.scalar(_LOCK):
                    await self._do_again(
                        await self._said(self._erased, self._restricted, whole=True)
                    )
        return 0

    async def _said(self, erased: Path, restricted: Path, *, whole: bool) -> _Said:
        def read(path: Path, signer: chained.Signer) -> Sequence[Mapping[str, Any]]:
            return chained.read(path, signer).lines if whole else chained.latest(path)

        lines = await asyncio.to_thread(read, erased, self._signer)
        return _Said(
            [UUID(line["case"]) for line in lines],
            await asyncio.to_thread(read, restricted, self._of_restrictions),
        )

    async def _forgot(self, said: _Said) -> bool:
        if await not_destroyed(self._keys.database, said.erased):
            return True
        async with self._database.transaction() as session:
            await act_as_service(session)
            return bool(await not_erased(session, said.erased)) or bool(
                self._undone(await not_said(session, said.restricted))
            )

    def _undone(self, lines: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        return [line for line in lines if line["number"] not in self._done]

    async def _do_again(self, said: _Said) -> None:
        erased = await erase_forgotten(self._database, self._keys, said.erased)
        async with self._database.transaction() as session:
            await act_as_service(session)
            forgotten = self._undone(await not_said(session, said.restricted))
        restricted = await restrict_forgotten(self._database, self._keys, forgotten, self._secret)
        # The item was erased with its case, so its entries can never appear in the record.
        self._done |= {line["number"] for line in forgotten}
        if erased or restricted:
            # The last entry was lost, but reads after the failover have later times.
            lost = [datetime.fromisoformat(line["at"]) for line in forgotten]
            async with self._database.transaction() as session:
                await act_as_service(session)
                await remember_lost(session, max(lost, default=clock.now()))
            self._went_back.inc(erased + restricted)
            _log.error("record_went_back", erased=erased, restricted=restricted, remedy=REMEDY)
