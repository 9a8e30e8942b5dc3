"""Crosswalk use cases: store a file's terms, decide their meaning, update the services. Deciding before or after an
import gives the same result, because both use `crosswalked`. The additions of each decision are stored, so that a later
decision can remove them."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.auth.ended import claims_to_act
from common.errors import INVALID, FieldError, Problem
from common.ids import new_id
from common.words.details import Detail
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from directory.files.crosswalks import queries
from directory.files.crosswalks.models import (
    crosswalk_additions,
    crosswalk_services,
    crosswalk_terms,
    crosswalk_waiting,
)
from directory.files.crosswalks.terms import Term, crosswalked, is_known, without
from directory.ground.entries.history import record_history
from directory.ground.entries.offered import ENDED
from directory.ground.hsds.schemas import ServiceDocument
from directory.record.records.queries import locked_records, readable
from directory.record.services.upsert import Finish, upsert_service

KIND = "crosswalk_term"
AT_ONCE = 100
"""Services that change within the request; if there are more, the worker changes all of them."""


class Carried(NamedTuple):
    """A service in a file: its terms, and the categories that decisions added."""

    service_id: UUID
    terms: Sequence[Term]
    added: Sequence[str]


class Decision(NamedTuple):
    """The categories for a term. None means undecided again; empty means none of our categories."""

    term_id: UUID
    categories: Sequence[str] | None


class Followed(NamedTuple):
    """The numbers of services that changed, that are waiting for the worker, and that the caller may not change."""

    changed: int = 0
    waiting: int = 0
    refused: int = 0


async def keep(
    session: AsyncSession, caller: Principal, source: str, brought: Sequence[Carried]
) -> None:
    """Replace the terms of the services that the import wrote."""
    if not brought:
        return
    terms = {term.key: term for each in brought for term in each.terms}
    known = await _known(session, caller, source, terms)
    links = crosswalk_services.c
    of_them = _any(links.service_id, [each.service_id for each in brought])
    found = await session.execute(sa.select(links.service_id, links.term_id).where(of_them))
    had = {tuple(row) for row in found}
    have = {(each.service_id, known[term.key]) for each in brought for term in each.terms}
    if had - have:
        ended = sa.tuple_(links.service_id, links.term_id).in_(sorted(had - have))
        await session.execute(sa.delete(crosswalk_services).where(ended))
    if have - had:
        rows = [{"service_id": one, "term_id": term} for one, term in sorted(have - had)]
        await session.execute(insert(crosswalk_services).on_conflict_do_nothing(), rows)
    await _keep_additions(session, {each.service_id: each.added for each in brought})


async def _known(
    session: AsyncSession,
    caller: Principal,
    source: str,
    terms: Mapping[tuple[str, str], Term],
) -> dict[tuple[str, str], UUID]:
    """Return the ids of these terms; insert new terms as undecided."""
    if not terms:
        return {}
    t = crosswalk_terms.c
    found = sa.select(t.id, t.taxonomy, t.term).where(
        t.source == source, sa.tuple_(t.taxonomy, t.term).in_(list(terms))
    )
    known = {(row.taxonomy, row.term): row.id for row in await session.execute(found)}
    new = [
        {"id": new_id(), "organisation_id": caller.organisation, "source": source,
         "taxonomy": term.taxonomy, "term": term.term, "name": term.name, "version": 1}
        for key, term in sorted(terms.items()) if key not in known
    ]  # fmt: skip
    if new:
        await session.execute(insert(crosswalk_terms).on_conflict_do_nothing(), new)
        known = {(row.taxonomy, row.term): row.id for row in await session.execute(found)}
    return known


def _any(column: sa.Column[UUID], ids: Iterable[UUID]) -> sa.ColumnElement[bool]:
    return column == sa.any_(sa.literal(list(ids), sa.ARRAY(sa.Uuid)))


async def _keep_additions(session: AsyncSession, added: Mapping[UUID, Sequence[str]]) -> None:
    a = crosswalk_additions.c
    await session.execute(sa.delete(crosswalk_additions).where(_any(a.service_id, added)))
    rows = [{"service_id": key, "categories": list(codes)} for key, codes in added.items() if codes]
    if rows:
        await session.execute(insert(crosswalk_additions), rows)


async def lock(session: AsyncSession, source: str) -> None:
    """Lock the publisher, so that the end of an import and a decision run one after the other. Otherwise both could
    miss the same service."""
    key = sa.func.hashtextextended(f"crosswalk:{source}", 0)
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


async def decide(
    session: AsyncSession, caller: Principal, decisions: Sequence[Decision]
) -> Followed:
    """Record the meaning of terms and update their services. Raise 422 for an unknown term, a term of another
    organisation or an unknown category, without recording anything."""
    ids = [each.term_id for each in decisions]
    named = await queries.terms_of(session, caller, ids=ids)
    for source in sorted({row.source for row in named}):
        await lock(session, source)
    # Read again, because another person may have decided while this waited for the lock.
    rows = {row.id: row for row in await queries.terms_of(session, caller, ids=ids)}
    _check(decisions, rows)
    changed = [
        each for each in decisions if _codes(each.categories) != rows[each.term_id].categories
    ]
    for each in changed:
        await _record(session, caller, rows[each.term_id], _codes(each.categories))
    carriers = await queries.carriers_of(session, caller, [each.term_id for each in changed])
    return await follow(session, caller, carriers)


def _codes(categories: Sequence[str] | None) -> list[str] | None:
    return None if categories is None else sorted(set(categories))


def _check(decisions: Sequence[Decision], rows: Collection[UUID]) -> None:
    found: list[FieldError] = []
    for at, each in enumerate(decisions):
        pointer = f"/decisions/{at}"
        if each.term_id not in rows:
            found.append(
                FieldError.of(
                    f"{pointer}/term_id", Detail("no_publisher_of_yours_has_this_term"), "unknown"
                )
            )
        found += [
            FieldError.of(
                f"{pointer}/categories/{place}", Detail("no_category_has_this_code"), "unknown"
            )
            for place, code in enumerate(each.categories or [])
            if not is_known(code)
        ]
    if found:
        raise INVALID.listing(found)


async def _record(
    session: AsyncSession, caller: Principal, row: Any, codes: list[str] | None
) -> None:
    t = crosswalk_terms.c
    term_id: UUID = row.id
    await session.execute(
        sa.update(crosswalk_terms)
        .where(t.id == term_id)
        .values(
            categories=codes,
            decided_by=None if codes is None else caller.subject,
            decided_at=clock.now(),
            version=t.version + 1,
        )
    )
    await record_history(
        session, caller, KIND, term_id,
        version=row.version + 1, old={"categories": row.categories}, new={"categories": codes},
    )  # fmt: skip


async def take_in(
    session: AsyncSession, caller: Principal, source: str, given: Mapping[Term, Sequence[str]]
) -> Followed:
    """Import decisions from a file, including decisions about terms that no service has yet."""
    await lock(session, source)
    known = await _known(session, caller, source, {term.key: term for term in given})
    seen = await queries.terms_of(session, caller, source, ids=list(known.values()))
    readable_terms = {row.id for row in seen}
    decisions = [Decision(known[term.key], codes) for term, codes in given.items()]
    return await decide(
        session, caller, [each for each in decisions if each.term_id in readable_terms]
    )


async def follow(session: AsyncSession, caller: Principal, ids: Sequence[UUID]) -> Followed:
    """Apply the decisions to these services now; if there are many services, leave them to the worker."""
    if len(ids) <= AT_ONCE:
        return await apply(session, caller, ids)
    statement = insert(crosswalk_waiting)
    claims = claims_to_act(caller, time.time())
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["service_id"], set_={"principal": statement.excluded.principal}
        ),
        [{"service_id": each, "principal": claims} for each in ids],
    )
    return Followed(waiting=len(ids))


async def follow_up(
    session: AsyncSession, caller: Principal, source: str, before: Mapping[UUID, int]
) -> None:
    """Apply decisions made while the import ran. `before` contains the versions of the terms when it began. Timestamps
    would not work, because a decision may have been uncommitted then."""
    await lock(session, source)
    now = await queries.versions_of(session, source)
    terms = [term for term, version in now.items() if version > before.get(term, 1)]
    if terms:
        await follow(session, caller, await queries.carriers_of(session, caller, terms))


async def apply(session: AsyncSession, caller: Principal, ids: Sequence[UUID]) -> Followed:
    """Write as an editor would: in the caller's name, and as a draft if another person approves."""
    rows = (await session.execute(locked_records(ids).where(readable(caller)))).all()
    decided = await queries.decided_of(session, ids)
    before = await queries.additions_of(session, ids)
    finish = Finish()
    changed, refused = 0, 0
    for row in rows:
        if row.state in ENDED or row.id not in decided:
            continue
        source, known = decided[row.id]
        own = without(row.document.get("categories", []), before[row.id])
        document, added = crosswalked(row.document, own, known)
        if added == before[row.id] and document["categories"] == row.document.get("categories", []):
            continue
        try:
            async with session.begin_nested():
                await upsert_service(
                    session, caller, ServiceDocument.model_validate(document),
                    source=source, service_id=row.id, finish=finish,
                )  # fmt: skip
                await _keep_additions(session, {row.id: added})
        except Problem:
            refused += 1
        else:
            changed += 1
    await finish.write(session)
    return Followed(changed, 0, refused)
