"""What leaves the machine as it grows: the list of the erased and the audit's anchor."""

import asyncio

from common.crypto import key_from_base64
from common.database import Database
from common.logs import get_logger
from common.telemetry import Metrics

from referrals.audit.anchoring import anchor
from referrals.keys.store import CaseKeys
from referrals.keys.telling import carry_all, count_untold, put_back_if_lost, tell
from referrals.keys.tombstones import Head, Signer, end_of
from referrals.settings import Settings

_log = get_logger(__name__)


class Evidence:
    """Written by the worker; without a file for it in the settings nothing is written."""

    def __init__(
        self, settings: Settings, database: Database, keys: CaseKeys, metrics: Metrics
    ) -> None:
        self._anchor_file = settings.audit_anchor_file
        self._list = settings.tombstone_file
        self._places = settings.second_folders
        self._database = database
        self._keys = keys
        self._signer = Signer(key_from_base64(settings.blind_index_key.get_secret_value()))
        self._places_away = metrics.gauge(
            "ruta_second_places_away",
            "Second places that the list of the erased and the audit's anchor cannot be copied to.",
        )
        self._untold = metrics.gauge(
            "ruta_tombstones_untold", "Erasures that are not in the list of the erased yet."
        )

    async def anchor(self) -> int:
        """Append the heads of the audit that moved, and how far the list of the erased reaches."""
        if self._anchor_file is not None:
            await anchor(self._database, self._anchor_file, await self._erased())
        return 0

    async def tell(self) -> int:
        """Append what was erased, then bring the second places up to date; returns how many."""
        if self._list is None:
            return 0
        if await asyncio.to_thread(put_back_if_lost, self._list, self._places):
            _log.warning("tombstones_put_back", file=self._list.name)
        told = await tell(self._keys.database, self._list, self._signer)
        files = [file for file in (self._list, self._anchor_file) if file is not None]
        away = await asyncio.to_thread(carry_all, files, self._places)
        self._places_away.set(len(away))
        return told

    async def measure(self) -> None:
        self._untold.set(await count_untold(self._keys.database))

    async def _erased(self) -> Head | None:
        if self._list is None:
            return None
        return await asyncio.to_thread(end_of, self._list, self._signer)
