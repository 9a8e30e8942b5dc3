"""Commands of an operator: migrations of both databases, key rotation, audit, retention."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import sqlalchemy as sa
from common import clock
from common.database import Database
from common.migrations import migrate
from common.start import fail
from sqlmodel import col

from referrals.audit.anchoring import BrokenAnchor, verify
from referrals.cases.models import Case
from referrals.cases.retention import reapply_tombstones
from referrals.keys.ring import add_key, drop_keys
from referrals.keys.store import CaseKeys, create_tables
from referrals.row_security import act_as_service
from referrals.settings import Settings


async def migrate_all(settings: Settings) -> None:
    """Bring the service's database and the key store to the newest revision."""
    if settings.database_owner_url is None or settings.key_store_owner_url is None:
        fail("RUTA_DATABASE_OWNER_URL and RUTA_KEY_STORE_OWNER_URL are needed to migrate")
    await create_tables(settings.key_store_owner_url.get_secret_value(), settings.key_store_role)
    await migrate(
        "referrals", settings.database_owner_url.get_secret_value(), settings.run_time_role
    )


def open_key_store(settings: Settings) -> CaseKeys:
    database = Database.at(
        settings.key_store_url.get_secret_value(),
        pool_size=4,
        via_pgbouncer=settings.database_via_pgbouncer,
        name="ruta-referrals-keys",
    )
    return CaseKeys(database, settings.key_encryption_keys_file)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


async def verify_audit(settings: Settings, database: Database, _keys: CaseKeys) -> int:
    """0 if every chain adds up and reaches its anchor, else 1."""
    try:
        count, findings = await verify(database, settings.audit_anchor_file)
    except BrokenAnchor as error:
        _say(f"the anchor file does not add up: {error}")
        return 1
    for finding in findings:
        _say(f"chain {finding.chain} entry {finding.sequence}: {finding.problem}")
    _say(f"{count} entries, {len(findings)} findings")
    return 1 if findings else 0


async def rotate_keys(settings: Settings, _database: Database, keys: CaseKeys) -> int:
    """A new key-encryption key; all case keys wrapped by it; unused ones removed from the ring."""
    active = add_key(settings.key_encryption_keys_file)
    total = 0
    while done := await keys.rewrap_batch():
        total += done
    before = await keys.used_key_ids()
    removed = drop_keys(settings.key_encryption_keys_file, keep=before)
    _say(f"active {active}; {total} case keys wrapped anew; removed {', '.join(removed) or 'none'}")
    return 0


async def report_retention(_settings: Settings, database: Database, _keys: CaseKeys) -> int:
    """How many cases each organisation will lose to retention now, by case code."""
    async with database.transaction() as session:
        await act_as_service(session)
        rows = await session.execute(
            sa.select(col(Case.organisation_id), col(Case.reference), col(Case.retain_until))
            .where(col(Case.status) == "closed", col(Case.retain_until) < clock.now().date())
            .order_by(col(Case.organisation_id), col(Case.retain_until))
        )
        for organisation, reference, until in rows:
            _say(f"{organisation} {reference} kept until {until}")
    return 0


async def apply_tombstones(_settings: Settings, database: Database, keys: CaseKeys) -> int:
    """After restoring a backup: erase again whatever had been erased."""
    _say(f"{await reapply_tombstones(database, keys)} cases erased again")
    return 0


def _command(
    work: Callable[[Settings, Database, CaseKeys], Awaitable[int]],
) -> Callable[[Any], int]:
    async def run(settings: Settings) -> int:
        database = Database.at(settings.session_url, name="ruta-operations")
        keys = open_key_store(settings)
        try:
            return await work(settings, database, keys)
        finally:
            await keys.close()
            await database.close()

    return lambda settings: asyncio.run(run(settings))


COMMANDS: dict[str, Callable[[Any], int]] = {
    "audit-verify": _command(verify_audit),
    "rotate-keys": _command(rotate_keys),
    "retention-report": _command(report_retention),
    "apply-tombstones": _command(apply_tombstones),
}
