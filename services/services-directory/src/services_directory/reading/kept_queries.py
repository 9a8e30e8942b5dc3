"""Rows of a question over stored documents: those that were found before, while nothing changed since."""

# ruff: noqa: S608 - the text is our own; every value is a bound argument of a Statement

from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.reading.kept_rows import settled
from services_directory.reading.rows_queries import Reader, Row, SelectReader, fetch


async def fetch_unless_kept(
    session: AsyncSession | SelectReader,
    text: str,
    values: Sequence[Any],
    levels: tuple[int, ...],
    *,
    afresh: bool = False,
) -> list[Row]:
    """The rows of a question, which have a `service_id`; of one that came before, those that were found then, if
    the database says that nothing changed since at any of `levels`. The question holds all that it hangs on: the
    caller's sight and the day are among its values."""
    if not isinstance(session, Reader):  # a transaction may see what it wrote itself
        return await fetch(session, text, values, afresh=afresh)
    # As a digest: words that somebody looked for, or what a person is like, stay in no memory.
    question = blake2b(f"{text}|{values}".encode(), digest_size=16).digest()
    if not session.kept.asked_before(question):
        return await session.fetch(text, values, afresh=afresh)
    if session.kept.holds(question):
        (now,) = await session.fetch_together(f"SELECT {newest_change(levels)}")
        moment = settled(now["newest"], now["oldest_running"])
        kept = session.kept.get(question, moment) if moment is not None else None
        if kept is not None:
            return list(kept)
    found = await session.fetch(with_newest(text, levels), values, afresh=afresh)
    rows = [row for row in found if row["service_id"] is not None]
    moment = settled(found[0]["newest"], found[0]["oldest_running"])
    if moment is not None:
        session.kept.keep(question, moment, rows)
    return rows


def with_newest(text: str, levels: tuple[int, ...]) -> str:
    """A page with what tells whether it is still true later; a row of its own where nothing is found."""
    return (
        f"SELECT {newest_change(levels)}, p.* FROM (SELECT 1) one"
        f" LEFT JOIN LATERAL ({text}) p ON true"
    )


@cache
def newest_change(levels: tuple[int, ...]) -> str:
    """SQL of two columns: the newest change at these levels and the oldest running writer, as
    text."""
    probes = ", ".join(
        f"(SELECT c.xid FROM service_changes c WHERE c.level = {level} ORDER BY c.xid DESC LIMIT 1)"
        for level in levels
    )
    return (
        f"greatest({probes})::text AS newest,"
        " pg_snapshot_xmin(pg_current_snapshot())::text AS oldest_running"
    )
