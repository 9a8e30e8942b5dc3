"""Anchoring the audit outside the database, and verifying it against the anchor.

A chain shows an edit or a gap. Only something outside the database shows that its newest entries,
or a whole chain, were cut off: the worker appends the heads that moved to a file of its own, each
line carrying the hash of the line before.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from common import clock
from common.database import Database
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.row_security import act_as_service

_BATCH = 2000
_BLOCK = 65_536
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
_ALL_HEADS = sa.text("SELECT chain, sequence, encode(hash, 'hex') AS hash FROM audit_heads")


class BrokenAnchor(Exception):
    """The anchor file itself was edited or cut; the message says in which line."""


@dataclass(frozen=True)
class Finding:
    """One thing that does not add up."""

    chain: str
    sequence: int
    problem: str


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    """The anchor's lines, each checked against the one before; BrokenAnchor if one does not fit."""
    previous = ""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for number, text in enumerate(file, start=1):
            if not text.endswith("\n"):
                return  # the writer was killed in the middle; it drops this when it goes on
            try:
                line: dict[str, Any] = json.loads(text)
            except ValueError as error:
                raise BrokenAnchor(f"line {number} is not readable") from error
            if line.get("previous") != previous:
                raise BrokenAnchor(f"line {number} does not follow the line before")
            previous = hashlib.sha256(text.rstrip("\n").encode()).hexdigest()
            yield line


def _last_line(path: Path) -> tuple[str, str]:
    """Up to which transaction the anchor reaches, and its last line; BrokenAnchor.

    Only the end of the file is read: the whole of it is checked when the audit is verified. What a
    killed writer or a full disk left without its line end was never anchored, and is dropped.
    """
    if not path.exists():
        return "0", ""
    with path.open("rb+") as file:
        start = size = file.seek(0, os.SEEK_END)
        tail = b""
        while start > 0 and tail.count(b"\n") < 2:
            step = min(_BLOCK, start)
            start = file.seek(start - step)
            tail = file.read(step) + tail
        whole, _, torn = tail.rpartition(b"\n")
        if torn:
            file.truncate(size - len(torn))
    if not whole:
        return "0", ""
    text = whole.rsplit(b"\n", 1)[-1].decode()
    try:
        return str(json.loads(text)["until"]), text
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenAnchor("the last line is not readable") from error


async def anchor(database: Database, path: Path) -> int:
    """Append the heads that moved since the last line; returns how many. One caller at a time."""
    async with database.transaction() as session:
        await act_as_service(session)
        if not await session.scalar(
            sa.text("SELECT pg_try_advisory_xact_lock(hashtext('ruta-audit-anchor'))")
        ):
            return 0
        # Under the lock: another replica may have appended since, and its line is what ours follows.
        since, text = _last_line(path)
        # Read before the heads: what commits in between is anchored by the next line.
        until = await session.scalar(
            sa.text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
        )
        heads = (await session.execute(_HEADS, {"since": since})).all()
        if not heads:
            return 0
        _append(path, heads, str(until), text)
    return len(heads)


def _append(path: Path, heads: Any, until: str, last_text: str) -> None:
    line = {
        "at": clock.now().isoformat(),
        "until": until,
        "heads": {str(head.chain): [head.sequence, head.hash] for head in heads},
        "previous": hashlib.sha256(last_text.encode()).hexdigest() if last_text else "",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(line, separators=(",", ":")) + "\n")
        file.flush()
        os.fsync(file.fileno())


async def verify(database: Database, path: Path | None) -> tuple[int, list[Finding]]:
    """Recompute every chain; returns how many entries were read and what does not add up."""
    anchored = _anchored(path)
    findings: list[Finding] = []
    async with database.transaction() as session:
        await act_as_service(session)
        count, ends = await _walk(session, anchored, findings)
        heads = {
            str(row.chain): (row.sequence, row.hash)
            for row in (await session.execute(_ALL_HEADS)).all()
        }
    findings += [
        Finding(chain, ends.get(chain, (0, ""))[0], "does not end at its head")
        for chain in sorted({*heads, *ends})
        if heads.get(chain) != ends.get(chain)
    ]
    for chain, sequences in sorted(anchored.items()):
        if ends.get(chain, (0, ""))[0] < max(sequences):
            findings.append(Finding(chain, max(sequences), "cut off after it was anchored"))
    return count, findings


def _anchored(path: Path | None) -> dict[str, dict[int, str]]:
    anchored: dict[str, dict[int, str]] = {}
    for line in lines_of(path) if path is not None else ():
        for chain, (sequence, digest) in line["heads"].items():
            anchored.setdefault(chain, {})[int(sequence)] = str(digest)
    return anchored


async def _walk(
    session: AsyncSession, anchored: dict[str, dict[int, str]], findings: list[Finding]
) -> tuple[int, dict[str, tuple[int, str]]]:
    count = 0
    ends: dict[str, tuple[int, str]] = {}
    chain, sequence = "00000000-0000-0000-0000-000000000000", 0
    last_sequence, last_hash, current = 0, "", ""
    while True:
        values = {"chain": chain, "sequence": sequence, "limit": _BATCH}
        rows = (await session.execute(_ENTRIES, values)).all()
        if not rows:
            return count, ends
        for row in rows:
            chain, sequence = str(row.chain), row.sequence
            if chain != current:
                current, last_sequence, last_hash = chain, 0, ""
            content = bytes.fromhex(row.previous) + row.content.encode()
            if sequence != last_sequence + 1:
                findings.append(Finding(chain, sequence, "an entry before it is missing"))
            elif row.previous != last_hash:
                findings.append(Finding(chain, sequence, "does not follow the entry before"))
            if hashlib.sha256(content).hexdigest() != row.hash:
                findings.append(Finding(chain, sequence, "was edited"))
            if anchored.get(chain, {}).get(sequence, row.hash) != row.hash:
                findings.append(Finding(chain, sequence, "differs from the anchor"))
            last_sequence, last_hash = sequence, row.hash
            ends[chain] = (sequence, row.hash)
            count += 1
