"""Operator commands: key rotation, audit, retention."""

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from common import chained, clock
from common.chained import BrokenList, Chained, Signer
from common.crypto import key_from_base64
from common.db.key_checks import KeysAway, WrongKeys
from common.db.session import Database
from common.process.start import fail, say

from referrals.case.cases.queries import kept_too_long
from referrals.case.cases.retention import reapply_tombstones
from referrals.ground.audit.anchors import (
    ERASED,
    PROBLEMS,
    RESTRICTED,
    AnchoredRestore,
    BrokenAnchor,
    anchored_list,
    mark_restored,
    restores,
    verify,
)
from referrals.ground.keys import ring, tombstones
from referrals.ground.keys.ring import KeyRing
from referrals.ground.keys.store import CaseKeys
from referrals.ground.keys.tombstones import newest, put_in_place
from referrals.ground.keys.transit import Transit
from referrals.ground.restrictions import words
from referrals.ground.restrictions.export import tell, tell_directory
from referrals.ground.restrictions.words import OF_DIRECTORY, Kind, last_words
from referrals.ground.row_security import act_as_service
from referrals.restoration_service import WORKS, forget_reports, restrict_again
from referrals.settings import Settings
from referrals.spoken import said, told
from referrals.telling.followers_service import declare_followers


def open_key_store(settings: Settings) -> CaseKeys:
    database = Database.at(
        settings.key_store_url.get_secret_value(),
        pool_size=max(1, settings.database_pool_size // 2),
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


async def verify_audit(settings: Settings, database: Database, _keys: CaseKeys) -> int:
    """Verify the audit. Return 0 if every chain is consistent and reaches its anchor, otherwise 1."""
    try:
        count, findings = await verify(database, settings.audit_anchor_file)
        for restore in restores(settings.audit_anchor_file):
            say(_of_restore(restore))
    except BrokenAnchor as error:
        say(said("the anchor file is not consistent: {reason}", reason=told(error)))
        return 1
    for finding in findings:
        text = "chain {chain} entry {number}: {problem}"
        problem = said(PROBLEMS[finding.code])
        say(said(text, chain=finding.chain, number=finding.sequence, problem=problem))
    if settings.audit_anchor_file is None:
        say(
            said(
                "there is no anchor outside the database (RUTA_AUDIT_ANCHOR_FILE): nobody would notice if the end were cut off"
            )
        )
    say(said("{count} entries, {wrong} findings", count=count, wrong=len(findings)))
    return 1 if findings else 0


async def rotate_keys(settings: Settings, _database: Database, keys: CaseKeys) -> int:
    """Run all steps of a key rotation; requires a writable and shared ring file. With a mounted Secret use
    `key-ring-add`, `key-ring-activate`, `rewrap-keys`, `key-ring-drop`."""
    path = settings.key_encryption_keys_file
    before = await keys.read_ring()
    added = await ring.closed_by(ring.with_new_key(before), keys.vault, path)
    try:
        ring.write(path, added)
    except OSError as error:
        text = "{path} cannot be written here ({reason}); nothing was changed. Rotate the keys in steps: key-ring-add, key-ring-activate, rewrap-keys, key-ring-drop (docs/operate.md, Rotate keys)"
        say(said(text, path=path, reason=error.strerror))
        return 1
    await keys.verify()
    ring.write(path, ring.with_newest_active(added))
    total = await _rewrap_all(keys)
    after = ring.without_unused(await keys.read_ring(), await keys.used_key_ids())
    ring.write(path, after)
    removed = ", ".join(sorted(before.keys.keys() - after.keys.keys())) or said("none")
    text = "active key: {key}; case keys wrapped again: {count}; removed: {removed}"
    say(said(text, key=after.active, count=total, removed=removed))
    return 0


async def _rewrap_all(keys: CaseKeys) -> int:
    total = 0
    while done := await keys.rewrap_batch():
        total += done
    return total


async def add_to_key_ring(settings: Settings, _database: Database, keys: CaseKeys) -> int:
    """Print the ring with a new, unused key. Store the output where the services read the ring."""
    await keys.verify()
    before = await keys.read_ring()
    if ring.newest(before) != before.active:
        _warn(said("{key} was already added: activate it first", key=ring.newest(before)))
        return 1
    path = settings.key_encryption_keys_file
    _print_secret(await ring.closed_by(ring.with_new_key(before), keys.vault, path))
    return 0


async def activate_newest_key(_settings: Settings, _database: Database, keys: CaseKeys) -> int:
    """Print the ring with its newest key active. Run this after the services have read that key."""
    present = await keys.read_ring()
    newest_id = ring.newest(present)
    if newest_id == present.active:
        _warn(said("{key} is already active", key=newest_id))
        return 1
    if newest_id not in await keys.known_key_ids():
        text = "no service has read {key} yet: wait until the new Secret is mounted"
        _warn(said(text, key=newest_id))
        return 1
    _print_secret(ring.with_newest_active(present))
    return 0


async def rewrap_keys(_settings: Settings, _database: Database, keys: CaseKeys) -> int:
    """Wrap every case key with the active key. This only reads the ring file."""
    total = await _rewrap_all(keys)
    say(said("{count} case keys were wrapped again", count=total))
    return 0


async def drop_from_key_ring(_settings: Settings, _database: Database, keys: CaseKeys) -> int:
    """Print the ring without the keys that no longer wrap any case key."""
    await keys.verify()
    present = await keys.read_ring()
    _print_secret(ring.without_unused(present, await keys.used_key_ids()))
    return 0


def _print_secret(made: KeyRing) -> None:
    sys.stdout.write(ring.as_text(made))


def _warn(text: str) -> None:
    sys.stderr.write(f"ruta: {text}\n")


async def report_retention(_settings: Settings, database: Database, _keys: CaseKeys) -> int:
    """Print, by organisation, the codes of the cases that retention erases next."""
    async with database.transaction() as session:
        await act_as_service(session)
        for organisation, reference, until in await kept_too_long(session, clock.today()):
            text = "{organisation}: case {case} is kept until {day}"
            say(said(text, organisation=organisation, case=reference, day=until))
    return 0


async def apply_tombstones(settings: Settings, database: Database, keys: CaseKeys) -> int:
    """Repeat the erasures after a restored backup; return 1 if completeness cannot be proven.

    `--list` gives copies of the erasure list, and `--anchor` gives anchors with its length. You can repeat both
    options. `--accept-unproven` continues with a list that is too short.
    """
    asked = _list_arguments("apply-tombstones").parse_args(sys.argv[2:])
    signer = tombstones.signer_of(_secret(settings))
    found = await _longest(asked, settings.tombstone_file, signer, _THE_ERASED)
    if found is None:
        return 1
    listed = tombstones.case_ids(found.known)
    for case_id in listed:
        await keys.destroy(case_id)
    erased = await reapply_tombstones(database, keys)
    await forget_reports(database, keys, listed)
    say(said("{count} cases were erased again", count=erased))
    if not found.proven:
        say(said("this cannot be proven: the list lacks erasures that an anchor has"))
    text = "erasures after {at} are not known here: was this the latest list?"
    say(said(text, at=found.known.head.at or said("the backup")))
    return 0


async def tell_restrictions(settings: Settings, database: Database, _keys: CaseKeys) -> int:
    """Before a restore, add this record's restrictions to the list. `--directory` gives the output of the directory's
    `list-restrictions`."""
    parser = argparse.ArgumentParser(prog="tell-restrictions")
    parser.add_argument("--directory", type=Path)
    asked = parser.parse_args(sys.argv[2:])
    if settings.restriction_file is None:
        return 0
    secret, path = _secret(settings), settings.restriction_file
    signer, seal = words.signer_of(secret), words.WordSeal(secret)
    added = 0
    try:
        while done := await tell(database, path, signer, seal):
            added += done
        if asked.directory is not None:
            of_directory = await asyncio.to_thread(_read_words, asked.directory)
            added += await asyncio.to_thread(tell_directory, path, signer, of_directory)
    except BrokenList as error:
        say(told(error))
        return 1
    say(said("{count} restrictions were not in the list yet", count=added))
    return 0


async def apply_restrictions(settings: Settings, database: Database, keys: CaseKeys) -> int:
    """Reapply the restrictions after a restored backup; return 1 if completeness cannot be proven. The arguments are
    those of `apply-tombstones`."""
    asked = _list_arguments("apply-restrictions").parse_args(sys.argv[2:])
    secret = _secret(settings)
    signer = words.signer_of(secret)
    found = await _longest(asked, settings.restriction_file, signer, _THE_RESTRICTED)
    if found is None:
        return 1
    done = await restrict_again(database, keys, found.known, secret)
    again = [said(_AGAIN[kind], count=count) for kind, count in done.items() if count]
    say(said("restricted again as they last were: {what}", what=", ".join(again) or said("none")))
    if not found.proven:
        say(said("this cannot be proven: the list lacks restrictions that an anchor has"))
    text = "restrictions after {at} are not known here: was this the latest list?"
    say(said(text, at=found.known.head.at or said("the backup")))
    return 0


async def verify_lists(settings: Settings, database: Database, _keys: CaseKeys) -> int:
    """Print the length of the lists. Return 0 if they exist and are as long as the anchor requires, otherwise 1."""
    secret, wrong = _secret(settings), 0
    for kind, path, signer in (
        (_THE_ERASED, settings.tombstone_file, tombstones.signer_of(secret)),
        (_THE_RESTRICTED, settings.restriction_file, words.signer_of(secret)),
    ):
        if path is None:
            say(
                said(
                    "Ruta does not keep {list}: RUTA_TOMBSTONE_FILE is not set",
                    list=said(kind.name),
                )
            )
            wrong = 1
            continue
        asked = argparse.Namespace(list=[], anchor=[], accept_unproven=False)
        asked.anchor = [settings.audit_anchor_file] if settings.audit_anchor_file else []
        found = await _longest(asked, path, signer, kind)
        if found is None:
            wrong = 1
        else:
            number = found.known.head.number
            say(said("{list}: complete, {number} lines", list=said(kind.name), number=number))
    return wrong


async def list_restrictions(settings: Settings, _database: Database, _keys: CaseKeys) -> int:
    """Print the last restriction of each directory entry, one per line, for the directory's `apply-restrictions`."""
    signer = words.signer_of(_secret(settings))
    if settings.restriction_file is None:
        return 0
    try:
        known = await asyncio.to_thread(chained.read, settings.restriction_file, signer)
    except BrokenList as error:
        say(told(error))
        return 1
    for kind in sorted(OF_DIRECTORY):
        for subject, word in last_words(known.lines, kind).items():
            line = {"entry": kind, "id": str(subject), "word": word}
            say(json.dumps(line, separators=(",", ":")))
    return 0


def _read_words(path: Path) -> dict[tuple[Kind, UUID], words.Word]:
    lines = [json.loads(line) for line in path.read_text().split()]
    return {(Kind(line["entry"]), UUID(line["id"])): line["word"] for line in lines}


@dataclass(frozen=True)
class _Kind:
    """A list that a restore applies, and the consequence if its end is missing."""

    anchored: str
    name: str
    loss: str


_THE_ERASED = _Kind(
    ERASED, "the list of erased cases", "people who were erased in between come back"
)
_THE_RESTRICTED = _Kind(
    RESTRICTED,
    "the list of restrictions",
    "things that were hidden or withdrawn in between are open again",
)
_AGAIN = {
    Kind.CONSENT: "{count} consents",
    Kind.EXCEPTION: "{count} exceptions",
    Kind.SHARING: "{count} referrals that shared something",
    Kind.IMPLICATED: "{count} cases with the people or organisations accused in them",
    Kind.LINE_REPORT: "{count} reports from the line with the organisations accused in them",
    Kind.ENTRY: "{count} entries of case records taken back",
    Kind.AGE: "{count} corrected ages of children",
    Kind.CONTACT: "{count} contacts of people that must be confirmed before use",
    Kind.TRANSFER: "{count} offers to transfer a case",
    Kind.HOLDER: "{count} cases returned to the organisation that holds them",
    Kind.CODE: "{count} withdrawal codes",
    Kind.LINK: "{count} answer links",
    Kind.COMPARISON: "{count} consents to compare cases",
    Kind.MATCH: "{count} possible duplicates",
    Kind.TEAM: "{count} teams",
    Kind.PROTOCOL: "{count} protocols",
    Kind.CERTIFICATE: "{count} certificates",
    Kind.WEBHOOK: "{count} webhooks switched off",
    Kind.CHANNEL: "{count} channels switched off",
    Kind.FORM: "{count} forms switched off",
    Kind.SUCCESSION: "{count} successions of organisations",
}
if missing := WORKS.keys() - _AGAIN.keys():
    raise LookupError(f"a restore has no words for these: {sorted(missing)}")


@dataclass(frozen=True)
class _Found:
    known: Chained
    proven: bool


async def _longest(
    asked: argparse.Namespace, own: Path | None, signer: Signer, kind: _Kind
) -> _Found | None:
    """Return the longest available list and make it the current list. If it is incomplete, print a message and return
    None."""
    lists = [*([own] if own else []), *asked.list]
    try:
        known = newest(lists, signer)
        anchors = [anchored_list(path, kind.anchored) for path in asked.anchor]
    except (BrokenList, BrokenAnchor) as error:
        text = "{reason}. Give the copy from a second place, or the one in the backup"
        say(said(text, reason=told(error)))
        return None
    beyond = [head for head in anchors if not known.reaches(head)]
    if beyond and not asked.accept_unproven:
        newest_anchor = max(beyond, key=lambda head: head.number)
        text = "{list} ends at line {number} ({at}), but on {then} it had {more} lines: give the copy from a second place, or accept that {loss}"
        say(
            said(
                text,
                list=said(kind.name),
                number=known.head.number,
                at=known.head.at or said("empty"),
                then=newest_anchor.at,
                more=newest_anchor.number,
                loss=said(kind.loss),
            )
        )
        return None
    if own is not None:
        await asyncio.to_thread(put_in_place, own, lists, signer)
    return _Found(known, proven=not beyond)


def _secret(settings: Settings) -> bytes:
    return key_from_base64(settings.blind_index_key.get_secret_value())


def _list_arguments(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program)
    parser.add_argument("--list", action="append", type=Path, default=[])
    parser.add_argument("--anchor", action="append", type=Path, default=[])
    parser.add_argument("--accept-unproven", action="store_true")
    return parser


async def mark_restored_audit(settings: Settings, database: Database, _keys: CaseKeys) -> int:
    """Mark audit entries that a restored backup lost as missing for a known reason. The next argument identifies the
    backup."""
    source = sys.argv[2] if len(sys.argv) > 2 else "a backup"
    await mark_restored(database, settings.audit_anchor_file, source)
    with contextlib.suppress(BrokenAnchor):  # `audit-verify` reports it
        for restore in restores(settings.audit_anchor_file)[-1:]:
            say(_of_restore(restore))
    return 0


def _of_restore(restore: AnchoredRestore) -> str:
    text = "restored on {at} from {source}: {lost} later entries were lost"
    return said(text, at=restore.at, source=restore.source, lost=restore.lost_entries)


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
            fail(told(error))
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
    "tell-restrictions": _command(tell_restrictions),
    "apply-restrictions": _command(apply_restrictions),
    "list-restrictions": _command(list_restrictions),
    "verify-lists": _command(verify_lists),
    "audit-mark-restored": _command(mark_restored_audit),
}
