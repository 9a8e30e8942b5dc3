"""Tombstones leave the machine: from the key store into the list, from the list to second places."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from common import clock
from common.database import Database

from referrals.keys import chained, tombstones
from referrals.keys.chained import BrokenList, Chained, Signer
from referrals.keys.store import case_keys

_BATCH = 1000
_ANY_UNTOLD = (
    "SELECT EXISTS (SELECT FROM case_keys WHERE destroyed_at IS NOT NULL AND told_at IS NULL)"
)
_LOCK = sa.text("SELECT pg_try_advisory_xact_lock(hashtext('ruta-tombstones'))")


async def tell(database: Database, path: Path, signer: Signer) -> int:
    """Append what was destroyed and is not in the list yet; returns how many. One caller at a time.

    A crash after the list was written tells the same again: applying it twice changes nothing.
    """
    ((waits,),) = await database.once(_ANY_UNTOLD)
    if not waits and await asyncio.to_thread(path.exists):
        return 0
    told = case_keys.c.told_at
    async with database.transaction() as session:
        if not await session.scalar(_LOCK):
            return 0
        # Asked again: somebody else may have begun the list while this waited for its connection.
        if not await asyncio.to_thread(path.exists):
            # Nowhere else is one either, or it would have been put back: all are told from the start.
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
        await asyncio.to_thread(tombstones.append, path, signer, erased)
        await session.execute(
            case_keys.update()
            .where(case_keys.c.case_id.in_([row.case_id for row in rows]))
            .values(told_at=clock.now())
        )
    return len(rows)


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


def put_back_if_lost(path: Path, places: Sequence[Path]) -> bool:
    """Take the list from a second place if it is gone here."""
    if path.exists():
        return False
    for place in places:
        copy = place / path.name
        if copy.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(copy.read_bytes())
            return True
    return False


def carry_all(files: Sequence[Path], places: Sequence[Path]) -> list[Path]:
    """Bring every file's copy in every second place up to date; returns the places out of reach.

    A place is a folder that somebody mounted: where it is not there, it is not made.
    """
    unreachable = [place for place in places if not place.is_dir()]
    for place in places:
        if place in unreachable:
            continue
        for file in files:
            if file.exists() and chained.carry(file, [place / file.name]):
                unreachable.append(place)
                break
    return unreachable


def newest(lists: Sequence[Path], signer: Signer) -> Chained:
    """Of several copies of one list the longest; BrokenList if they are not copies of one."""
    read = [chained.read(path, signer) for path in lists if path.exists()]
    best = max(read, key=lambda one: one.head.number, default=Chained())
    for one, path in zip(read, [path for path in lists if path.exists()], strict=True):
        if not best.reaches(one.head):
            raise BrokenList(f"{path}: is another list than the longest one given")
    return best


def put_in_place(path: Path, lists: Sequence[Path], signer: Signer) -> None:
    """Let the longest of these copies be the list that goes on here."""
    best = max(
        (one for one in lists if one.exists()),
        key=lambda one: chained.read(one, signer).head.number,
        default=path,
    )
    if best != path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(best.read_bytes())
