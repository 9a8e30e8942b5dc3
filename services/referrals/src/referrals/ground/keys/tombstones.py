"""The erasure list, copied off the host so that no backup restores an erased person. Each line contains a case's random
id and the time at which its key was destroyed."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import chained, clock
from common.chained import BrokenList, Chained, Head, Signer
from common.db.session import Database

from referrals.ground.keys.store import case_keys

_BATCH = 1000
_ANY_UNTOLD = (
    "SELECT EXISTS (SELECT FROM case_keys WHERE destroyed_at IS NOT NULL AND told_at IS NULL)"
)
LOCK = sa.text("SELECT pg_try_advisory_xact_lock(hashtext('ruta-tombstones'))")


def signer_of(secret: bytes) -> Signer:
    return Signer(secret, b"ruta-tombstones", ("case", "at"))


def said(case_id: UUID, at: str) -> Mapping[str, Any]:
    return {"case": str(case_id), "at": at}


def append(path: Path, signer: Signer, erased: Iterable[tuple[UUID, str]]) -> Head:
    """Append (case, time) lines, as `chained.append` does."""
    return chained.append(path, signer, (said(case_id, at) for case_id, at in erased))


def case_ids(known: Chained) -> tuple[UUID, ...]:
    return tuple(UUID(line["case"]) for line in known.lines)


async def tell(database: Database, path: Path, signer: Signer) -> int:
    """Append erasures missing from the list; return their number. Only one caller runs at a time, and a repeated line
    changes nothing."""
    ((waits,),) = await database.once(_ANY_UNTOLD)
    if not waits and await asyncio.to_thread(path.exists):
        return 0
    told = case_keys.c.told_at
    async with database.transaction() as session:
        if not await session.scalar(LOCK):
            return 0
        # Check again: another process may have created the list while this one waited for its connection.
        if not await asyncio.to_thread(path.exists):
            # No copy exists either, because the restore would have used it. Write all erasures from the start.
            await session.execute(case_keys.update().where(told.is_not(None)).values(told_at=None))
        rows = (
            await session.execute(
                sa.select(case_keys.c.case_id, case_keys.c.destroyed_at)
                .where(case_keys.c.destroyed_at.is_not(None), told.is_(None))
                .order_by(case_keys.c.destroyed_at, case_keys.c.case_id)
                .limit(_BATCH)
            )
        ).all()
        erased = [(row.case_id, row.destroyed_at.isoformat()) for row in rows]
        await asyncio.to_thread(append, path, signer, erased)
        await session.execute(
            case_keys.update()
            .where(case_keys.c.case_id.in_([row.case_id for row in rows]))
            .values(told_at=clock.now())
        )
    return len(rows)


async def not_destroyed(database: Database, case_ids: Collection[UUID]) -> set[UUID]:
    """Return the cases whose keys still exist in the store."""
    asked = case_keys.c.case_id == sa.any_(sa.literal([*case_ids], sa.ARRAY(sa.Uuid)))
    known = sa.select(case_keys.c.case_id).where(asked, case_keys.c.destroyed_at.is_not(None))
    async with database.transaction() as session:
        return {*case_ids} - set(await session.scalars(known))


async def count_untold(database: Database) -> int:
    async with database.transaction() as session:
        return (
            await session.scalar(
                sa.select(sa.func.count())
                .select_from(case_keys)
                .where(case_keys.c.destroyed_at.is_not(None), case_keys.c.told_at.is_(None))
            )
            or 0
        )


def newest(lists: Sequence[Path], signer: Signer) -> Chained:
    """Return the longest of several copies; raise BrokenList if they are copies of different lists."""
    read = [chained.read(path, signer) for path in lists if path.exists()]
    best = max(read, key=lambda one: one.head.number, default=Chained())
    for one, path in zip(read, [path for path in lists if path.exists()], strict=True):
        if not best.reaches(one.head):
            raise BrokenList("{path} is not the same list as the longest one given", path=path)
    return best


def put_in_place(path: Path, lists: Sequence[Path], signer: Signer) -> None:
    """Make the longest of these copies the current list."""
    best = max(
        (one for one in lists if one.exists()),
        key=lambda one: chained.read(one, signer).head.number,
        default=path,
    )
    if best != path:
        chained.replace(path, best.read_bytes())
