"""Records which entries may be safe houses, in the transaction of every write that stores documents."""

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
    """An entry and the words that suggest a safe house. `hidden` means that the entry's own level already hides the
    place."""

    entity_id: UUID
    organization_id: UUID
    words: Collection[str]
    hidden: bool = False


async def keep(
    session: AsyncSession, kind: str, asked: Sequence[Asked], looks: Mapping[UUID, Look]
) -> set[UUID]:
    """Decide by these words which entries are held and which wait for review, and store the result. Return the
    organisations whose entries became held or are no longer held. Entries without words and without a review need no
    row."""
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
    """Replace the words that a file contained next to its services. Return the services whose words changed. The caller
    must store them again."""
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
    """Store a reviewer's decision, with the current words as the words that the reviewer saw."""
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
