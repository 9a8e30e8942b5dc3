"""Keeps which entries may be safe houses. Runs in the writer's transaction, wherever documents are stored."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from directory.record.houses.models import SERVICE, house_looks
from directory.record.houses.queries import looks_at
from directory.record.houses.schemas import NOBODY, Look


class Asked(NamedTuple):
    """An entry and the words by which it may be a house; `hidden`: it shows no place by its own level."""

    entity_id: UUID
    organization_id: UUID
    words: Collection[str]
    hidden: bool = False


async def keep(
    session: AsyncSession, kind: str, asked: Sequence[Asked], looks: Mapping[UUID, Look]
) -> set[UUID]:
    """What is held and what waits, as it is by these words; the organisations of those of which that is news. Entries
    without words and without a look need no row."""
    rows: list[dict[str, Any]] = [
        {
            "kind": kind,
            "entity_id": each.entity_id,
            "organization_id": each.organization_id,
            "words": sorted(each.words),
            "held": (look := looks.get(each.entity_id, NOBODY)).held(each.words),
            "waiting": look.waiting(each.words) and not each.hidden,
            "since": clock.now(),
        }
        for each in asked
        if each.words or each.entity_id in looks
    ]
    if not rows:
        return set()
    h = house_looks.c
    ids = sa.literal([row["entity_id"] for row in rows], sa.ARRAY(sa.Uuid))
    stood = sa.select(h.entity_id).where(h.kind == kind, h.held, h.entity_id == sa.any_(ids))
    before = set(await session.scalars(stood))
    new = insert(house_looks)
    changed = {key: new.excluded[key] for key in ("organization_id", "words", "held", "waiting")}
    since = sa.case((h.waiting, h.since), else_=new.excluded.since)
    await session.execute(
        new.on_conflict_do_update(
            index_elements=["kind", "entity_id"], set_={**changed, "since": since}
        ),
        rows,
    )
    return {row["organization_id"] for row in rows if row["held"] != (row["entity_id"] in before)}


async def hear(session: AsyncSession, said: Mapping[UUID, Collection[str]]) -> set[UUID]:
    """Keep the words that a file says beside its services, in place of what an earlier one said; the services of
    which this is news: they are to be stored again."""
    looks = await looks_at(session, SERVICE, said)
    news = {
        key: sorted(words)
        for key, words in said.items()
        if frozenset(words) != looks.get(key, NOBODY).heard
    }
    if news:
        new = insert(house_looks)
        await session.execute(
            new.on_conflict_do_update(
                index_elements=["kind", "entity_id"], set_={"heard": new.excluded.heard}
            ),
            [
                {
                    "kind": SERVICE,
                    "entity_id": key,
                    "words": words,
                    "heard": words,
                    "held": False,
                    "waiting": False,
                    "since": clock.now(),
                }
                for key, words in news.items()
            ],
        )
    return set(news)


async def answer(
    session: AsyncSession, caller: Principal, kind: str, entity_id: UUID, *, is_house: bool
) -> None:
    """Somebody looked. What they saw are the words of now."""
    h = house_looks.c
    await session.execute(
        sa.update(house_looks)
        .where(h.kind == kind, h.entity_id == entity_id)
        .values(
            is_house=is_house,
            seen_words=h.words,
            looked_by=caller.subject,
            looked_at=clock.now(),
            held=is_house,
            waiting=False,
        )
    )
