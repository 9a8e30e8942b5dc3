"""Commands of an operator: key rotation, audit, retention."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from common import clock
from common.crypto import key_from_base64
from common.database import Database
from common.key_checks import KeysAway, WrongKeys
from common.start import fail

from referrals.audit.anchoring import (
    BrokenAnchor,
    anchored_tombstones,
    mark_restored,
    restores,
    verify,
)
from referrals.cases.queries import kept_too_long
from referrals.cases.retention import reapply_tombstones
from referrals.followers_service import declare_followers
from referrals.keys import ring
from referrals.keys.ring import KeyRing
from referrals.keys.store import CaseKeys
from referrals.keys.telling import newest, put_in_place
from referrals.keys.tombstones import BrokenList, Signer
from referrals.keys.transit import Transit
from referrals.row_security import act_as_service
from referrals.settings import Settings


def open_key_store(settings: Settings) -> CaseKeys:
    database = Database.at(
        settings.key_store_url.get_secret_value(),
        pool_size=4,
        via_pgbouncer=settings.database_via_pgbouncer,
        name="ruta-referrals-keys",
    )
    return CaseKeys(
        database, settings.key_encryption_keys_file, _vault(settings), settings.vault_seconds
    )


def _vault(settings: Settings) -> Transit | None:
    if settings.vault_url is None or settings.vault_token_file is None:
        return None
    token = settings.vault_token_file
    return Transit(settings.vault_url, settings.vault_engine, settings.vault_key, token)


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
    """All steps of a rotation, where the file of the ring can be written and everybody reads it.

    A mounted Secret is rotated in steps: `key-ring-add`, `key-ring-activate`, `rewrap-keys`,
    `key-ring-drop`.
    """
    path = settings.key_encryption_keys_file
    before = await keys.read_ring()
    added = await ring.closed_by(ring.with_new_key(before), keys.vault, path)
    try:
        ring.write(path, added)
    except OSError as error:
        _say(
            f"{path}: cannot be written here ({error.strerror}); nothing was changed. Rotate in steps:"
            " key-ring-add, key-ring-activate, rewrap-keys, key-ring-drop (IM guide, Rotate keys)"
        )
        return 1
    await keys.verify()
    ring.write(path, ring.with_newest_active(added))
    total = await _rewrap_all(keys)
    after = ring.without_unused(await keys.read_ring(), await keys.used_key_ids())
    ring.write(path, after)
    removed = ", ".join(sorted(before.keys.keys() - after.keys.keys())) or "none"
    _say(f"active {after.active}; {total} case keys wrapped anew; removed {removed}")
    return 0


async def _rewrap_all(keys: CaseKeys) -> int:
    total = 0
    while done := await keys.rewrap_batch():
        total += done
    return total


async def add_to_key_ring(settings: Settings, _database: Database, keys: CaseKeys) -> int:
    """Print the ring with a new key that wraps nothing yet: put it where the services read it."""
    await keys.verify()
    before = await keys.read_ring()
    if ring.newest(before) != before.active:
        _warn(f"{ring.newest(before)} was added already: activate it first")
        return 1
    path = settings.key_encryption_keys_file
    _print_secret(await ring.closed_by(ring.with_new_key(before), keys.vault, path))
    return 0


async def activate_newest_key(_settings: Settings, _database: Database, keys: CaseKeys) -> int:
    """Print the ring with its newest key active, once the services have read that key."""
    present = await keys.read_ring()
    newest_id = ring.newest(present)
    if newest_id == present.active:
        _warn(f"{newest_id} is active already")
        return 1
    if newest_id not in await keys.known_key_ids():
        _warn(f"no service has read {newest_id} yet: wait until the mounted Secret is the new one")
        return 1
    _print_secret(ring.with_newest_active(present))
    return 0


async def rewrap_keys(_settings: Settings, _database: Database, keys: CaseKeys) -> int:
    """Wrap every case key by the active key; the ring's file is only read."""
    total = await _rewrap_all(keys)
    _say(f"{total} case keys wrapped anew")
    return 0


async def drop_from_key_ring(_settings: Settings, _database: Database, keys: CaseKeys) -> int:
    """Print the ring without the keys that wrap nothing any more."""
    await keys.verify()
    present = await keys.read_ring()
    _print_secret(ring.without_unused(present, await keys.used_key_ids()))
    return 0


def _print_secret(made: KeyRing) -> None:
    sys.stdout.write(ring.as_text(made))


def _warn(text: str) -> None:
    sys.stderr.write(f"ruta: {text}\n")


async def report_retention(_settings: Settings, database: Database, _keys: CaseKeys) -> int:
    """How many cases each organisation will lose to retention now, by case code."""
    async with database.transaction() as session:
        await act_as_service(session)
        for organisation, reference, until in await kept_too_long(session, clock.now().date()):
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
        declare_followers()
        database = Database.at(settings.session_url, name="ruta-operations")
        keys = open_key_store(settings)
        try:
            return await work(settings, database, keys)
        except (WrongKeys, KeysAway) as error:
            fail(str(error))
        finally:
            await keys.close()
            await database.close()

    return lambda settings: asyncio.run(run(settings))


COMMANDS: dict[str, Callable[[Any], int]] = {
    "audit-verify": _command(verify_audit),
    "rotate-keys": _command(rotate_keys),
    "key-ring-add": _command(add_to_key_ring),
    "key-ring-activate": _command(activate_newest_key),
    "rewrap-keys": _command(rewrap_keys),
    "key-ring-drop": _command(drop_from_key_ring),
    "retention-report": _command(report_retention),
    "apply-tombstones": _command(apply_tombstones),
    "audit-mark-restored": _command(mark_restored_audit),
}
