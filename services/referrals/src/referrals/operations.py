"""Commands of an operator: migrations of both databases, key rotation, audit, retention."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from common import clock
from common.crypto import key_from_base64
from common.database import Database
from common.migrations import migrate
from common.start import fail
from sqlmodel import col

from referrals.audit.anchoring import (
    BrokenAnchor,
    anchored_tombstones,
    mark_restored,
    restores,
    verify,
)
from referrals.cases.models import Case
from referrals.cases.retention import reapply_tombstones
from referrals.keys.ring import add_key, drop_keys
from referrals.keys.store import CaseKeys, create_tables
from referrals.keys.telling import newest, put_in_place
from referrals.keys.tombstones import BrokenList, Signer
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
        for restore in restores(settings.audit_anchor_file):
            _say(
                f"restored {restore.at} from {restore.source}: {restore.lost_entries} later entries"
                " were given up"
            )
    except BrokenAnchor as error:
        _say(f"the anchor file does not add up: {error}")
        return 1
    for finding in findings:
        _say(f"chain {finding.chain} entry {finding.sequence}: {finding.problem}")
    if settings.audit_anchor_file is None:
        _say("no anchor outside the database (RUTA_AUDIT_ANCHOR_FILE): a cut end would not show")
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


async def apply_tombstones(settings: Settings, database: Database, keys: CaseKeys) -> int:
    """After restoring a backup: erase again whatever had been erased; 1 if that cannot be shown.

    `--list` names copies of the list of the erased, `--anchor` anchors that say how far it has to
    reach; both may be repeated. `--accept-unproven` goes on with a list that is too short.
    """
    asked = _tombstone_arguments().parse_args(sys.argv[2:])
    signer = Signer(key_from_base64(settings.blind_index_key.get_secret_value()))
    own = [settings.tombstone_file] if settings.tombstone_file else []
    try:
        known = newest([*own, *asked.list], signer)
        anchors = [anchored_tombstones(path) for path in asked.anchor]
    except (BrokenList, BrokenAnchor) as error:
        _say(str(error))
        return 1
    beyond = [head for head in anchors if not known.reaches(head)]
    if beyond and not asked.accept_unproven:
        newest_anchor = max(beyond, key=lambda head: head.number)
        _say(
            f"the list of the erased ends at {known.head.number} ({known.head.at or 'empty'}), but at"
            f" {newest_anchor.at} it had {newest_anchor.number}: give the copy of a second place, or"
            " accept that who was erased in between comes back"
        )
        return 1
    if settings.tombstone_file is not None:
        await asyncio.to_thread(put_in_place, settings.tombstone_file, [*own, *asked.list], signer)
    for case_id in known.case_ids:
        await keys.destroy(case_id)
    erased = await reapply_tombstones(database, keys)
    _say(f"{erased} cases erased again")
    if beyond:
        _say("not proven: erasures are missing from the list that an anchor knows")
    _say(
        f"erasures after {known.head.at or 'the backup'} are not known here: was it the last list?"
    )
    return 0


def _tombstone_arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="apply-tombstones")
    parser.add_argument("--list", action="append", type=Path, default=[])
    parser.add_argument("--anchor", action="append", type=Path, default=[])
    parser.add_argument("--accept-unproven", action="store_true")
    return parser


async def mark_restored_audit(settings: Settings, database: Database, _keys: CaseKeys) -> int:
    """After restoring a backup, named by the next argument: what came after it is missing rightly."""
    if settings.audit_anchor_file is not None:
        source = sys.argv[2] if len(sys.argv) > 2 else "a backup"
        await mark_restored(database, settings.audit_anchor_file, source)
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
    "audit-mark-restored": _command(mark_restored_audit),
}
