"""Removes an erased person from rows for other services: the outbox and dead letters.

The ids and codes of the process remain, so that events can be published again. Messages already in the stream cannot be
changed. Their readers receive the erasure and forget the pseudonym.
"""

from collections.abc import Collection
from functools import cache
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from common.db.tables import CommonTables
from common.events.catalogue import ALL


@cache
def _to_take_out() -> tuple[dict[frozenset[str], list[str]], list[str]]:
    """Return the subjects whose personal fields can be removed, grouped by these fields. Also return the subjects in
    which these fields are required."""
    fields: dict[frozenset[str], list[str]] = {}
    whole = []
    for subject, event in sorted(ALL.items()):
        if any(event.model_fields[name].is_required() for name in event.PERSONAL):
            whole.append(subject)
        elif event.PERSONAL:
            fields.setdefault(event.PERSONAL, []).append(subject)
    return fields, whole


async def forget_persons(
    session: AsyncSession, tables: CommonTables, aggregates: Collection[UUID]
) -> None:
    """Remove the personal fields from outbox events about these aggregates, published or not. Delete events that
    require these fields."""
    if not aggregates:
        return
    outbox = tables.outbox
    of_these = outbox.c.aggregateid.in_([str(each) for each in aggregates])
    fields, whole = _to_take_out()
    for names, subjects in fields.items():
        gone = sa.cast(sorted(names), pg.ARRAY(sa.Text))
        await session.execute(
            outbox.update()
            .where(of_these, outbox.c.type.in_(subjects), outbox.c.payload.has_any(gone))
            .values(payload=outbox.c.payload.op("-")(gone))
        )
    await session.execute(outbox.delete().where(of_these, outbox.c.type.in_(whole)))


async def forget_in_dead_letters(
    session: AsyncSession, tables: CommonTables, persons: Collection[UUID]
) -> None:
    """Remove the personal fields from dead letters about these persons."""
    dead = tables.dead_letters
    about = (
        sa.func.strpos(sa.func.encode(dead.c.message, "escape"), str(each)) > 0 for each in persons
    )
    rows = await session.execute(
        sa.select(dead.c.consumer, dead.c.event_id, dead.c.subject, dead.c.message)
        .where(sa.or_(sa.false(), *about))
        .with_for_update()
    )
    for row in rows.all():
        await session.execute(
            dead.update()
            .where(dead.c.consumer == row.consumer, dead.c.event_id == row.event_id)
            .values(message=_without_person(row.subject, row.message))
        )


def _without_person(subject: str, message: bytes) -> bytes:
    """Return the message without personal fields, or an empty message if it cannot be parsed."""
    event = ALL.get(subject)
    try:
        envelope = orjson.loads(message)
        data = envelope["data"]
        kept = {name: value for name, value in data.items() if name not in event.PERSONAL}  # type: ignore[union-attr]  # an unknown subject is caught
    except (ValueError, KeyError, TypeError, AttributeError):
        return b""
    return orjson.dumps({**envelope, "data": kept})
