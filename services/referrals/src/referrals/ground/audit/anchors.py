"""Anchors the audit outside the database, and verifies it against the anchor.

A chain reveals an edit or a gap. Only a file outside the database reveals that the newest entries, or a whole chain,
were removed. Each line contains the hash of the previous line.
"""

import asyncio
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.chained import Head, last_line
from common.db import key_checks
from common.db.session import Database
from common.process.logs import get_logger
from common.words.command_texts import Worded
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.audit.models import AuditEntry, Restore
from referrals.ground.audit.service import SYSTEM_CLIENT
from referrals.ground.row_security import act_as_service

_BATCH = 2000
# How many of a line's last heads to check. One of them was committed last, so a lagging standby loses it first.
_NEWEST = 100
_EXCHANGED = (
    "{path} is not the file that Ruta began: put the right one back from a backup or a second place"
)
_GONE = "{path} is missing: put it back from a backup or a second place"
_FIRST_LINE = "audit-anchor"
LOST = (
    "the database lacks audit entries that were anchored: a standby was promoted too early, an old volume was put"
    " back, or somebody cut the record (docs/operate.md, RutaRecordWentBack)"
)
_log = get_logger(__name__)
_LOST = "lost"
ERASED, RESTRICTED = "tombstones", "restrictions"
"""The anchored lists, by their names in a line of the anchor."""
_HEADS = sa.text(
    """
    SELECT chain, sequence, encode(hash, 'hex') AS hash, position::text AS position
    FROM audit_heads
    WHERE position >= CAST(:since AS text)::xid8
      AND position < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY position, chain
    """
)
_ENTRIES = sa.text(
    """
    SELECT e.chain, e.sequence, encode(e.previous, 'hex') AS previous,
           encode(e.hash, 'hex') AS hash, audit_text(e) AS content
    FROM audit_entries e
    WHERE (e.chain, e.sequence) > (CAST(:chain AS uuid), :sequence)
    ORDER BY e.chain, e.sequence
    LIMIT :limit
    """
)
_ENTRIES_OF_ONE = sa.text(_ENTRIES.text.replace("WHERE ", "WHERE e.chain = :only AND "))
_ONE_HEAD = sa.text(
    "SELECT sequence, encode(hash, 'hex') AS hash FROM audit_heads WHERE chain = :only"
)
_ALL_HEADS = sa.text(
    "SELECT chain, sequence, encode(hash, 'hex') AS hash FROM audit_heads ORDER BY position, chain"
)
_HELD = sa.text(
    """
    SELECT e.chain, e.sequence
    FROM unnest(CAST(:chains AS uuid[]), CAST(:sequences AS bigint[]), CAST(:hashes AS text[]))
         AS anchored (chain, sequence, hash)
    JOIN audit_entries e USING (chain, sequence)
    WHERE e.hash = decode(anchored.hash, 'hex')
    """
)
_KEPT_ENDS = sa.text(
    """
    SELECT e.chain, e.sequence, encode(e.hash, 'hex') AS hash
    FROM audit_heads h
    LEFT JOIN unnest(CAST(:chains AS uuid[]), CAST(:kept AS bigint[])) AS lost (chain, kept)
           ON lost.chain = h.chain
    JOIN audit_entries e ON e.chain = h.chain AND e.sequence = least(h.sequence, lost.kept)
    ORDER BY h.position, h.chain
    """
)


class BrokenAnchor(Worded):
    """The anchor file itself was edited or truncated; the message gives the line."""


FindingCode = Literal[
    "entry_missing", "does_not_follow", "edited", "differs_from_anchor", "wrong_end", "cut_off"
]
PROBLEMS: Mapping[FindingCode, str] = {
    "entry_missing": "the entry before it is missing",
    "does_not_follow": "it does not follow the entry before it",
    "edited": "it was edited",
    "differs_from_anchor": "it differs from the anchor",
    "wrong_end": "the chain does not end at its head",
    "cut_off": "the chain was cut off after it was anchored",
}
"""What the command says of each finding, in English; the catalogues translate it."""


@dataclass(frozen=True)
class Finding:
    """One inconsistency."""

    chain: str
    sequence: int
    code: FindingCode


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the anchor's lines, each checked against the previous one; raise BrokenAnchor on a mismatch."""
    previous = ""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for number, text in enumerate(file, start=1):
            if not text.endswith("\n"):
                return  # the writer was killed here; it drops this part when it restarts
            try:
                line: dict[str, Any] = json.loads(text)
            except ValueError as error:
                raise BrokenAnchor("line {number} cannot be read", number=number) from error
            if line.get("previous") != previous:
                raise BrokenAnchor(
                    "line {number} does not follow the line before it", number=number
                )
            previous = hashlib.sha256(text.rstrip("\n").encode()).hexdigest()
            yield line


def _last_line(path: Path) -> tuple[dict[str, Any], str]:
    """Return the anchor's last line, parsed and raw; raise BrokenAnchor on a mismatch. Drop an incomplete last line,
    which comes from a killed writer or a full disk and so was never anchored."""
    size, text = last_line(path)
    if path.exists() and path.stat().st_size > size:
        os.truncate(path, size)
    if not text:
        return {"until": "0"}, ""
    try:
        line: dict[str, Any] = json.loads(text)
        return {**line, "until": str(line["until"])}, text
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenAnchor("the last line cannot be read") from error


async def anchor(
    database: Database, path: Path, erased: Head | None = None, restricted: Head | None = None
) -> int:
    """Append the heads that moved since the last line, and return their number. Only one caller may run at a time.

    `erased` and `restricted` are the lengths of those lists, by which a restore detects an outdated list. Until
    `mark_restored` runs, each line states how many anchored entries the database has lost. Raise BrokenAnchor if the
    file is gone or was replaced.
    """
    async with database.transaction() as session:
        await act_as_service(session)
        if not await session.scalar(
            sa.text("SELECT pg_try_advisory_xact_lock(hashtext('ruta-audit-anchor'))")
        ):
            return 0
        # Read this under the lock: another replica may have appended, and our line must follow that line.
        last, text = _last_line(path)
        await _hold_to_first_line(database, path)
        # Read this before the heads, so that the next line covers commits in between.
        until = await session.scalar(
            sa.text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
        )
        newest = list(last.get("heads", {}).items())[-_NEWEST:]
        lost = await _count_lost(session, path, newest)
        # A promoted standby reuses the numbers of the lost transactions.
        since = "0" if lost else last["until"]
        heads = (await session.execute(_HEADS, {"since": since})).all()
        ends = _ends(heads) or ({} if lost else dict(newest[-1:]))
        reached = {
            name: _furthest(head, last.get(name))
            for name, head in ((ERASED, erased), (RESTRICTED, restricted))
        }
        same = all(last.get(name) == head for name, head in reached.items())
        if not heads and same and not lost:
            return 0
        more: dict[str, Any] = {name: head for name, head in reached.items() if head}
        if lost:
            await remember_lost(session, datetime.fromisoformat(last["at"]))
            _log.error("audit_lost", entries=lost, remedy=LOST)
        if lost := max(lost, last.get(_LOST, 0)):
            more[_LOST] = lost
        _append(path, ends, str(until), text, more)
    await _record_first_line(database, path)
    return len(heads)


def _furthest(head: Head | None, last: list[Any] | None) -> list[Any] | None:
    """Return the list end to anchor. Lists only grow. If a list is shorter than before, the anchor keeps the known end
    until the list reaches it again."""
    if head is None or (last and head.number < last[0]):
        return last
    return [head.number, head.digest]


async def mark_restored(database: Database, path: Path | None, source: str) -> None:
    """Record that the backup `source` was restored, also in the anchor if there is one. This explains why later entries
    are missing."""
    async with database.transaction() as session:
        await act_as_service(session)
        await remember_lost(session, clock.now())
        if path is None:
            return
        _, text = _last_line(path)
        try:
            kept = await _kept(session, await asyncio.to_thread(anchored_chains, path))
        except BrokenAnchor:  # `verify` reports this; it must not stop a restore
            kept = {}
        values = {"chains": list(kept), "kept": list(kept.values())}
        ends = _ends((await session.execute(_KEPT_ENDS, values)).all())
        # The next line contains all heads, because entries since the loss reuse the numbers of lost ones.
        _append(path, ends, "0", text, {"restored": source})
    await _record_first_line(database, path)


async def remember_lost(session: AsyncSession, forgotten: datetime) -> None:
    """Record the time since which reads may be missing, because the record lost its entries from `forgotten` onwards.
    Requires service rights."""
    # Skip the worker's entries: the worker has just reapplied the lists.
    last = sa.select(sa.func.max(AuditEntry.at)).where(
        col(AuditEntry.client) != SYSTEM_CLIENT, col(AuditEntry.at) < forgotten
    )
    if (kept_until := await session.scalar(last)) is not None:
        session.add(Restore(at=clock.now(), kept_until=kept_until))


async def _hold_to_first_line(database: Database, path: Path) -> None:
    """Raise BrokenAnchor if the anchor vanished or was replaced, because neither may start a new anchor."""
    known = (await key_checks.recorded(database)).get(_FIRST_LINE)
    found = _first_line_digest(path)
    if known is not None and known != found:
        raise BrokenAnchor(_EXCHANGED if found else _GONE, path=path)


async def _record_first_line(database: Database, path: Path) -> None:
    digest = _first_line_digest(path)
    if digest:
        await key_checks.record(database, {_FIRST_LINE: digest})


def _first_line_digest(path: Path) -> str:
    if not path.exists():
        return ""
    with path.open("rb") as file:
        first = file.readline()
    return hashlib.sha256(first).hexdigest() if first.endswith(b"\n") else ""


def anchored_list(path: Path, which: str) -> Head:
    """Return the end of the list (`ERASED`, `RESTRICTED`) from the last anchored line that contains one."""
    head = Head()
    for line in lines_of(path):
        if line.get(which):
            number, digest = line[which]
            head = Head(int(number), str(digest), str(line["at"]))
    return head


def _ends(heads: Any) -> dict[str, list[Any]]:
    return {str(head.chain): [head.sequence, head.hash] for head in heads}


async def _count_lost(
    session: AsyncSession, path: Path, newest: Sequence[tuple[str, Sequence[Any]]]
) -> int:
    """Return how many anchored entries the database has lost; 0 if it has the newest."""
    newest_ends = [(chain, int(number), str(digest)) for chain, (number, digest) in newest]
    if len(await _held(session, newest_ends)) == len(newest_ends):
        return 0
    anchored = await asyncio.to_thread(anchored_chains, path)
    kept = await _kept(session, anchored)
    rows = (await session.execute(_ALL_HEADS)).all()
    reached = {str(row.chain): int(row.sequence) for row in rows}
    return sum(
        max(anchored[chain]) - min(number, reached.get(chain, 0)) for chain, number in kept.items()
    )


async def _kept(session: AsyncSession, anchored: Mapping[str, Mapping[int, str]]) -> dict[str, int]:
    """Return, for each chain, the number before its first lost anchored entry."""
    every = [(chain, *each) for chain, numbers in anchored.items() for each in numbers.items()]
    kept: dict[str, int] = {}
    for first in range(0, len(every), _BATCH):
        some = every[first : first + _BATCH]
        held = await _held(session, some)
        for chain, number, _ in some:
            if (chain, number) not in held:
                kept[chain] = min(number - 1, kept.get(chain, number))
    return kept


async def _held(
    session: AsyncSession, anchored: Sequence[tuple[str, int, str]]
) -> set[tuple[str, int]]:
    """Return the chain and number of the anchored entries that are unchanged in the database."""
    if not anchored:
        return set()
    chains, sequences, hashes = (list(column) for column in zip(*anchored, strict=True))
    values = {"chains": chains, "sequences": sequences, "hashes": hashes}
    return {(str(row.chain), row.sequence) for row in await session.execute(_HELD, values)}


def lost_entries(path: Path) -> int:
    """Return how many anchored entries the database has lost according to the last line."""
    _, text = last_line(path)
    return int(json.loads(text).get(_LOST, 0)) if text else 0


def _append(
    path: Path, ends: dict[str, list[Any]], until: str, last_text: str, more: dict[str, Any]
) -> None:
    line = {
        "at": clock.now().isoformat(),
        "until": until,
        **more,
        "heads": ends,
        "previous": hashlib.sha256(last_text.encode()).hexdigest() if last_text else "",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(line, separators=(",", ":")) + "\n")
        file.flush()
        os.fsync(file.fileno())


async def verify(database: Database, path: Path | None) -> tuple[int, list[Finding]]:
    """Recompute every chain; return the number of entries and the inconsistencies."""
    if path is not None:
        await _hold_to_first_line(database, path)
    anchored = anchored_chains(path)
    findings: list[Finding] = []
    async with database.transaction() as session:
        await act_as_service(session)
        count, ends = await _walk(session, anchored, findings)
        heads = {
            str(row.chain): (row.sequence, row.hash)
            for row in (await session.execute(_ALL_HEADS)).all()
        }
    findings += [
        Finding(chain, ends.get(chain, (0, ""))[0], "wrong_end")
        for chain in sorted({*heads, *ends})
        if heads.get(chain) != ends.get(chain)
    ]
    for chain, sequences in sorted(anchored.items()):
        if ends.get(chain, (0, ""))[0] < max(sequences):
            findings.append(Finding(chain, max(sequences), "cut_off"))
    return count, findings


async def verify_chain(
    session: AsyncSession, chain: UUID, anchored: Mapping[int, str]
) -> tuple[int, list[Finding]]:
    """Verify one chain, in a session with service rights. `anchored` is its part of the anchor."""
    name = str(chain)
    findings: list[Finding] = []
    count, ends = await _walk(session, {name: dict(anchored)}, findings, only=chain)
    head = (await session.execute(_ONE_HEAD, {"only": chain})).one_or_none()
    end = ends.get(name)
    if end != (None if head is None else (head.sequence, head.hash)):
        findings.append(Finding(name, end[0] if end else 0, "wrong_end"))
    if anchored and (end[0] if end else 0) < max(anchored):
        findings.append(Finding(name, max(anchored), "cut_off"))
    return count, findings


def anchored_of(path: Path | None, chain: UUID) -> Mapping[int, str]:
    """Return the sequence number and hash of one chain's anchored entries; raise BrokenAnchor on a mismatch."""
    return anchored_chains(path).get(str(chain), {})


def anchored_chains(path: Path | None) -> dict[str, dict[int, str]]:
    """Return the sequence number and hash of all anchored entries by chain; raise BrokenAnchor on a mismatch."""
    anchored: dict[str, dict[int, str]] = {}
    for line in lines_of(path) if path is not None else ():
        if "restored" in line:
            _take_back(anchored, line["heads"])
        for chain, (sequence, digest) in line["heads"].items():
            # Keep the first, because another entry with the same number is a loss or a forgery.
            anchored.setdefault(chain, {}).setdefault(int(sequence), str(digest))
    return anchored


def _take_back(anchored: dict[str, dict[int, str]], heads: dict[str, list[Any]]) -> None:
    """Drop anchored entries beyond the heads of a restored record."""
    for chain, sequences in list(anchored.items()):
        end = int(heads[chain][0]) if chain in heads else 0
        anchored[chain] = {n: digest for n, digest in sequences.items() if n <= end}
        if not anchored[chain]:
            del anchored[chain]


@dataclass(frozen=True)
class AnchoredRestore:
    """An anchor line about a restored backup."""

    at: str
    source: str
    lost_entries: int


def restores(path: Path | None) -> list[AnchoredRestore]:
    """Return each restore in the anchor, with the number of anchored entries that it lost."""
    found: list[AnchoredRestore] = []
    reached: dict[str, int] = {}
    known = 0
    for line in lines_of(path) if path is not None else ():
        heads = {chain: int(value[0]) for chain, value in line["heads"].items()}
        if "restored" in line:
            lost = sum(max(0, n - heads.get(chain, 0)) for chain, n in reached.items())
            found.append(AnchoredRestore(str(line["at"]), str(line["restored"]), known or lost))
            reached, known = {}, 0
        known = max(known, line.get(_LOST, 0))
        for chain, number in heads.items():
            reached[chain] = max(number, reached.get(chain, 0))
    return found


async def _walk(
    session: AsyncSession,
    anchored: dict[str, dict[int, str]],
    findings: list[Finding],
    only: UUID | None = None,
) -> tuple[int, dict[str, tuple[int, str]]]:
    count = 0
    ends: dict[str, tuple[int, str]] = {}
    chain, sequence = "00000000-0000-0000-0000-000000000000", 0
    last_sequence, last_hash, current = 0, "", ""
    while True:
        values: dict[str, Any] = {"chain": chain, "sequence": sequence, "limit": _BATCH}
        if only is not None:
            values["only"] = only
        entries = _ENTRIES if only is None else _ENTRIES_OF_ONE
        rows = (await session.execute(entries, values)).all()
        if not rows:
            return count, ends
        for row in rows:
            chain, sequence = str(row.chain), row.sequence
            if chain != current:
                current, last_sequence, last_hash = chain, 0, ""
            content = bytes.fromhex(row.previous) + row.content.encode()
            if sequence != last_sequence + 1:
                findings.append(Finding(chain, sequence, "entry_missing"))
            elif row.previous != last_hash:
                findings.append(Finding(chain, sequence, "does_not_follow"))
            if hashlib.sha256(content).hexdigest() != row.hash:
                findings.append(Finding(chain, sequence, "edited"))
            if anchored.get(chain, {}).get(sequence, row.hash) != row.hash:
                findings.append(Finding(chain, sequence, "differs_from_anchor"))
            last_sequence, last_hash = sequence, row.hash
            ends[chain] = (sequence, row.hash)
            count += 1
