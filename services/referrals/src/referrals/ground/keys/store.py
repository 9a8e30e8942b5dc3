"""The key store: wrapped case keys in a separate database, so that an old case backup cannot restore a destroyed
key."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa
from common import clock, crypto
from common.db import key_checks
from common.db.errors import OF_DATABASE
from common.db.key_checks import KeysAway
from common.db.migrations.runner import make_key_checks
from common.db.session import Database
from common.words.command_texts import Worded
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from referrals.ground.keys.ring import Keeper, KeyRing, KeyRingError, check_name

metadata = sa.MetaData()
case_keys = sa.Table(
    "case_keys",
    metadata,
    sa.Column("case_id", sa.Uuid, primary_key=True),
    sa.Column("key_id", sa.Text),
    sa.Column("wrapped", sa.LargeBinary),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("destroyed_at", sa.DateTime(timezone=True)),
    # When the worker wrote the tombstone to the list kept off the host.
    sa.Column("told_at", sa.DateTime(timezone=True)),
)
_EXPANSIONS = (
    "ALTER TABLE case_keys ADD COLUMN IF NOT EXISTS told_at timestamptz",
    "CREATE INDEX IF NOT EXISTS case_keys_untold ON case_keys (destroyed_at) WHERE told_at IS NULL",
)
_INSERT = "INSERT INTO case_keys (case_id, key_id, wrapped, created_at) VALUES ($1, $2, $3, $4)"
_SELECT = (
    "SELECT case_id, key_id, wrapped FROM case_keys"
    " WHERE case_id = ANY ($1::uuid[]) AND destroyed_at IS NULL"
)
# PostgreSQL plans a query with a list every time, but a query with a single id only once.
_SELECT_ONE = _SELECT.replace("= ANY ($1::uuid[])", "= $1")
_ONE_WRAPPED_BY = (
    "SELECT case_id, wrapped FROM case_keys WHERE key_id = $1 AND wrapped IS NOT NULL LIMIT 1"
)


class KeyDestroyed(Exception):
    """The case was erased, so its key no longer exists anywhere."""


class CaseKeys:
    """Creates, finds, destroys and rewraps case keys. Each call runs in its own transaction."""

    def __init__(
        self,
        database: Database,
        ring_file: Path,
        vault: Keeper | None = None,
        vault_seconds: float = 60,
    ) -> None:
        self.database = database
        self.vault = vault
        self._vault_seconds = vault_seconds
        self._ring_file = ring_file
        self._ring: KeyRing | None = None
        self._stamp = 0
        self._opened_at = 0.0

    async def verify(self) -> None:
        """Raise KeyRingError unless the file contains the ring that wrapped the case keys, or KeysAway if the store
        does not respond."""
        try:
            await self._current_ring()
            await self.database.once("SELECT 1")
        except KeysAway:
            raise
        except OF_DATABASE as error:
            raise KeysAway(
                "the key store is not responding (RUTA_KEY_STORE_URL): until it does, no case can be opened"
            ) from error

    async def _current_ring(self) -> KeyRing:
        """Return the ring that its file currently contains. Read it again after `vault_seconds`, so that sealing the
        Vault stops the use of its keys."""
        stamp = self._ring_file.stat().st_mtime_ns if self._ring_file.exists() else 0
        asked = time.monotonic()
        late = self.vault is not None and asked - self._opened_at >= self._vault_seconds
        if self._ring is None or stamp != self._stamp or late:
            ring = await KeyRing.opened(self._ring_file, self.vault)
            await self._compare(ring)
            self._ring, self._stamp, self._opened_at = ring, stamp, asked
        return self._ring

    async def read_ring(self) -> KeyRing:
        """Return the ring from the file for a rotation; raise KeyRingError or KeysAway."""
        return await KeyRing.opened(self._ring_file, self.vault)

    async def _compare(self, ring: KeyRing) -> None:
        """Raise KeyRingError unless `ring` contains every key in use, unchanged.

        Record new keys if they come with a known key (a rotation) or if no key was ever used (an installation). Older
        releases recorded no keys; for those, unwrap one case key per key instead.
        """
        values, known = ring.check_values(), await key_checks.recorded(self.database)
        used = {check_name(key_id) for key_id in await self.used_key_ids()}
        if other := sorted(
            name for name in values if known.get(name, values[name]) != values[name]
        ):
            raise self._wrong("these keys are not the earlier ones: {keys}", keys=", ".join(other))
        if missing := sorted(used - values.keys()):
            raise self._wrong("case keys are wrapped by {keys}", keys=", ".join(missing))
        if known and not known.keys() & values.keys():
            raise self._wrong("none of the keys in this file was ever used here")
        if not known and used:
            await self._open_one_of_each(ring)
        await key_checks.record(self.database, values)

    def _wrong(self, text: str, **values: str) -> KeyRingError:
        return KeyRingError(self._ring_file, Worded(text, **values))

    async def _open_one_of_each(self, ring: KeyRing) -> None:
        for key_id in await self.used_key_ids():
            (row,) = await self.database.once(_ONE_WRAPPED_BY, key_id)
            try:
                ring.unwrap(row["case_id"], key_id, row["wrapped"])
            except crypto.CannotOpen:
                text = "{key} does not open the keys that it wrapped"
                raise self._wrong(text, key=check_name(key_id)) from None

    async def create(self, case_id: UUID) -> bytes:
        """Create a key for a new case. If the case is then never written, its key remains unused."""
        ring = await self._current_ring()
        key = crypto.new_key()
        wrapped = ring.wrap(case_id, key)
        await self.database.once(_INSERT, case_id, ring.active, wrapped, clock.now())
        return key

    async def of(self, case_id: UUID) -> bytes:
        """Return the key of a case; raise KeyDestroyed after erasure."""
        found = await self.of_many([case_id])
        if case_id not in found:
            raise KeyDestroyed
        return found[case_id]

    async def of_many(self, case_ids: Sequence[UUID]) -> Mapping[UUID, bytes]:
        """Return keys by case, omitting cases with a destroyed key."""
        ring = await self._current_ring()
        if len(case_ids) == 1:
            rows = await self.database.once(_SELECT_ONE, case_ids[0])
        else:
            rows = await self.database.once(_SELECT, list(case_ids))
        if strange := sorted({r["key_id"] for r in rows} - ring.keys.keys()):
            # Another process is rotating and this file is out of date, or a key is lost.
            text = "case keys are wrapped by {keys}, which is not in this file"
            raise self._wrong(text, keys=", ".join(strange))
        return {r["case_id"]: ring.unwrap(r["case_id"], r["key_id"], r["wrapped"]) for r in rows}

    async def destroy(self, case_id: UUID) -> None:
        """Destroy the key and leave a tombstone. Repeating this changes nothing."""
        now = clock.now()
        statement = insert(case_keys).values(case_id=case_id, created_at=now, destroyed_at=now)
        async with self.database.transaction() as session:
            await session.execute(
                statement.on_conflict_do_update(
                    index_elements=["case_id"],
                    set_={
                        "wrapped": None,
                        "key_id": None,
                        "destroyed_at": sa.func.coalesce(case_keys.c.destroyed_at, now),
                    },
                )
            )

    async def destroyed(self) -> Mapping[UUID, datetime]:
        """Return all tombstones: cases that a restored backup must not bring back."""
        async with self.database.transaction() as session:
            rows = await session.execute(
                sa.select(case_keys.c.case_id, case_keys.c.destroyed_at).where(
                    case_keys.c.destroyed_at.is_not(None)
                )
            )
            return {row.case_id: row.destroyed_at for row in rows}

    async def rewrap_batch(self, size: int = 500) -> int:
        """Wrap up to `size` keys with the active key; return their number. 0 means that all keys use it."""
        ring = await self._current_ring()
        async with self.database.transaction() as session:
            rows = (
                await session.execute(
                    sa.select(case_keys)
                    .where(case_keys.c.destroyed_at.is_(None), case_keys.c.key_id != ring.active)
                    .limit(size)
                    .with_for_update(skip_locked=True)
                )
            ).all()
            for row in rows:
                key = ring.unwrap(row.case_id, row.key_id, row.wrapped)
                await session.execute(
                    case_keys.update()
                    .where(case_keys.c.case_id == row.case_id)
                    .values(key_id=ring.active, wrapped=ring.wrap(row.case_id, key))
                )
        return len(rows)

    async def known_key_ids(self) -> set[str]:
        """Return the keys that any process has ever read from its ring."""
        return {name.rpartition("/")[2] for name in await key_checks.recorded(self.database)}

    async def used_key_ids(self) -> set[str]:
        async with self.database.transaction() as session:
            found = await session.scalars(
                sa.select(case_keys.c.key_id).where(case_keys.c.wrapped.is_not(None)).distinct()
            )
            return {str(key_id) for key_id in found}

    async def close(self) -> None:
        await self.database.close()


async def create_tables(owner_url: str, role: str) -> None:
    """Create the key store's table and let `role` use it. Safe to repeat."""
    engine = create_async_engine(owner_url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
            for expansion in _EXPANSIONS:
                await connection.execute(sa.text(expansion))
            await connection.run_sync(make_key_checks, role)
            quoted = connection.dialect.identifier_preparer.quote(role)
            await connection.execute(sa.text(f"GRANT USAGE ON SCHEMA public TO {quoted}"))
            await connection.execute(
                sa.text(f"GRANT SELECT, INSERT, UPDATE ON case_keys TO {quoted}")
            )
    finally:
        await engine.dispose()
