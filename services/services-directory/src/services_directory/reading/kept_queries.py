"""Rows of a question over stored documents: those that were found before, while nothing changed since."""

# ruff: noqa: S608 - the text is our own; every value is a bound argument of a Statement

from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from hashlib import blake2b
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.reading.kept_rows import settled, size_of
from services_directory.reading.rows_queries import Reader, Row, SelectReader, fetch

T = TypeVar("T")


async def fetch_unless_kept(
    session: AsyncSession | SelectReader,
    text: str,
    values: Sequence[Any],
    levels: tuple[int, ...],
    *,
    afresh: bool = False,
) -> list[Row]:
    """The rows of a question, as `made_unless_kept`; the list is the caller's own."""

    async def as_found(rows: list[Row]) -> list[Row]:
        return rows

    found = await made_unless_kept(session, text, values, levels, as_found, size_of, afresh=afresh)
    return list(found)


async def made_unless_kept(
    session: AsyncSession | SelectReader,
    text: str,
    values: Sequence[Any],
    levels: tuple[int, ...],
    make: Callable[[list[Row]], Awaitable[T]],
    size: Callable[[T], int],
    *,
    afresh: bool = False,
) -> T:
    """What `make` makes of the rows of a question, which have a `service_id`; of one that came before, what was made
    then, if the database says that nothing changed since at any of `levels`. The question holds all that it hangs
    on, what `make` looks at with it: the caller's sight, the place and the day are among its values. `size`: the bytes
    that it may come to take."""
    if not isinstance(session, Reader):  # a transaction may see what it wrote itself
        return await make(await fetch(session, text, values, afresh=afresh))
    # As a digest: words that somebody looked for, or what a person is like, stay in no memory.
    question = blake2b(f"{text}|{values}".encode(), digest_size=16).digest()
    if not session.kept.asked_before(question):
        return await make(await session.fetch(text, values, afresh=afresh))
    if session.kept.holds(question):
        (now,) = await session.fetch_together(f"SELECT {newest_change(levels)}")
        moment = settled(now["newest"], now["oldest_running"])
        kept: T | None = session.kept.get(question, moment) if moment is not None else None
        if kept is not None:
            return kept
    found = await session.fetch(with_newest(text, levels), values, afresh=afresh)
    rows = [row for row in found if row["service_id"] is not None]
    made = await make(rows)
    moment = settled(found[0]["newest"], found[0]["oldest_running"])
    if moment is not None:
        session.kept.keep(question, moment, made, size(made))
    return made


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
