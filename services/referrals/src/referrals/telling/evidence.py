"""Copies the growing lists off the host: erasures, restrictions, and the audit's anchor."""

import asyncio
from pathlib import Path

import sqlalchemy as sa
from common.chained import Head, Signer, carry_all, end_of, longer_copies, put_back_if_lost
from common.crypto import key_from_base64
from common.db.session import Database
from common.process.logs import get_logger
from common.process.telemetry import Metrics

from referrals.ground.audit.anchors import anchor, lost_entries
from referrals.ground.keys import tombstones
from referrals.ground.keys.store import CaseKeys
from referrals.ground.restrictions import export as restrictions
from referrals.ground.restrictions import words
from referrals.settings import Settings

_REMEDY = "mount the second place again; where it holds another list, see docs/operate.md, RutaSecondPlaceAway"
_log = get_logger(__name__)


class Evidence:
    """The worker's copies. It writes nothing if the settings name no file."""

    def __init__(
        self, settings: Settings, database: Database, keys: CaseKeys, metrics: Metrics
    ) -> None:
        secret = key_from_base64(settings.blind_index_key.get_secret_value())
        self._anchor_file = settings.audit_anchor_file
        self._erased = settings.tombstone_file
        self._restricted = settings.restriction_file
        self._places = settings.second_folders
        # For each list, the locations that could not be updated and the reasons.
        self._left: dict[Path, dict[Path, str]] = {}
        self._database = database
        self._keys = keys
        self._signer = tombstones.signer_of(secret)
        self._of_restrictions, self._seal = words.signer_of(secret), words.WordSeal(secret)
        self._places_away = metrics.gauge(
            "ruta_second_places_away",
            "Second places that the list of the erased and the audit's anchor cannot be copied to.",
        )
        self._untold = metrics.gauge(
            "ruta_tombstones_untold", "Erasures that are not in the list of the erased yet."
        )
        self._lost = metrics.gauge(
            "ruta_audit_lost",
            "Anchored audit entries that the database has lost, until a person has marked the loss.",
        )
        self._untold_restrictions = metrics.gauge(
            "ruta_restrictions_untold",
            "Restrictions that are not in the list yet from which a restore restricts again.",
        )

    @property
    def places_left(self) -> set[Path]:
        return set().union(*self._left.values())

    async def anchor(self) -> int:
        """Append changed audit heads, and the length of the lists."""
        if self._anchor_file is not None:
            erased = await _end(self._erased, self._signer)
            restricted = await _end(self._restricted, self._of_restrictions)
            await anchor(self._database, self._anchor_file, erased, restricted)
            self._lost.set(await asyncio.to_thread(lost_entries, self._anchor_file))
        return 0

    async def tell(self) -> int:
        """Append new erasures, then update the off-host copies; return the number of erasures."""
        if self._erased is None:
            return 0
        await self._put_back(self._erased, self._signer, self._keys.database, tombstones.LOCK)
        told = await tombstones.tell(self._keys.database, self._erased, self._signer)
        await self._carry(self._erased, self._anchor_file)
        return told

    async def tell_restrictions(self) -> int:
        if self._restricted is None:
            return 0
        signer = self._of_restrictions
        await self._put_back(self._restricted, signer, self._database, restrictions.LOCK)
        told = await restrictions.tell(self._database, self._restricted, signer, self._seal)
        await self._carry(self._restricted)
        return told

    async def _put_back(
        self, file: Path, signer: Signer, database: Database, lock: sa.TextClause
    ) -> None:
        if not await asyncio.to_thread(longer_copies, file, self._places):
            return
        async with database.transaction() as session:
            # Appending uses the same lock.
            if await session.scalar(lock) and await asyncio.to_thread(
                put_back_if_lost, file, self._places, signer
            ):
                _log.warning("list_put_back", file=file.name)

    async def _carry(self, list_file: Path, *beside: Path | None) -> None:
        files = [list_file, *(file for file in beside if file is not None)]
        left = await asyncio.to_thread(carry_all, files, self._places)
        if left and left != self._left.get(list_file):
            said = {str(place): why for place, why in left.items()}
            _log.warning("second_places_behind", places=said, remedy=_REMEDY)
        self._left[list_file] = left
        self._places_away.set(len(self.places_left))

    async def measure(self) -> None:
        self._untold.set(await tombstones.count_untold(self._keys.database))
        self._untold_restrictions.set(await restrictions.count_untold(self._database))


async def _end(file: Path | None, signer: Signer) -> Head | None:
    return None if file is None else await asyncio.to_thread(end_of, file, signer)
