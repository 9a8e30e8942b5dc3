"""SELECTs of records for editors and curators: which ones they may read, and lists of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal, Role
from common.db.ended_rights import organisation_suspended
from common.paging import id_cursor, next_cursor
from common.sight import NAMES, PATHWAY, PUBLIC, RESTRICTED, Audience, states_of
from common.words.places import folded
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.access import visible
from directory.ground.entries.offered import ENDED
from directory.ground.entries.states import CURATE, NO_AOR
from directory.record.records.models import services
from directory.record.records.schemas import RecordLine, RecordPage
from directory.tables import ENDED_RIGHTS, TEXTS

LIKELY = 0.45
SUGGESTED = 20


def _own(caller: Principal) -> sa.ColumnElement[bool]:
    return sa.or_(
        services.c.organization_id == caller.organisation_id,
        services.c.managed_by == caller.organisation_id,
    )


def readable(caller: Principal) -> sa.ColumnElement[bool]:
    """Return the rule `may_read` as an SQL condition: own entries and, for curators, also those of their AoRs and
    areas."""
    own = _own(caller)
    if CURATE not in caller.scopes or not caller.roles & {Role.COORDINATOR, Role.IM}:
        return own
    led: sa.ColumnElement[bool] = sa.or_(
        services.c.aors.op("&&")(sa.literal(sorted(caller.aors - NO_AOR), TEXTS)),
        services.c.aors.op("<@")(sa.literal(sorted(NO_AOR), TEXTS)),
    )
    if caller.areas:
        held = sa.literal(states_of(caller.areas), TEXTS)
        led = sa.and_(led, services.c.states.op("&&")(held))
    if Role.COORDINATOR not in caller.roles:
        led = sa.and_(led, services.c.visibility <= PATHWAY)
    return sa.or_(own, led)


def readable_ids(caller: Principal, ids: Collection[UUID] | None = None) -> sa.Select[UUID]:
    """Select the ids of the records that the caller may read: all, or those among `ids`."""
    found = sa.select(services.c.id).where(readable(caller))
    return found if ids is None else found.where(_any(ids))


def _any(ids: Collection[UUID]) -> sa.ColumnElement[bool]:
    return services.c.id == sa.any_(sa.literal(list(ids), sa.ARRAY(sa.Uuid)))


OFFERED_BY = services.c.organization_id
"""The column that joins an organisation to the statements below."""


def readable_documents(caller: Principal, ids: Collection[UUID]) -> sa.Select[Any]:
    """Select `id`, `document` and `state` of the given records that the caller may read."""
    s = services.c
    return sa.select(s.id, s.document, s.state).where(_any(ids), readable(caller))


def locked_records(ids: Collection[UUID]) -> sa.Select[Any]:
    """Return whole records, locked against other writers in id order."""
    return sa.select(services).where(_any(ids)).order_by(services.c.id).with_for_update(of=services)


def locked_published(ids: Collection[UUID]) -> sa.Select[Any]:
    """Return the parts of records that their documents and events need, locked in id order."""
    s = services.c
    return (
        sa.select(
            s.id, s.approved, s.state, s.organization_id, s.managed_by, s.aors, s.states,
            s.event_version, s.announced, s.restricted, s.withheld, s.stale,
            organisation_suspended(ENDED_RIGHTS, s.organization_id).label("organisation_suspended"),
        )
        .where(_any(ids))
        .order_by(s.id)
        .with_for_update(of=services)
    )  # fmt: skip


def one_record(service_id: UUID) -> sa.Select[Any]:
    """Select the whole record."""
    return sa.select(services).where(services.c.id == service_id)


async def with_restricted_parts(session: AsyncSession, ids: Collection[UUID]) -> Sequence[Any]:
    """Return the draft and the published form of those given records that have restricted parts."""
    s = services.c
    restricted: sa.ColumnElement[Any] = sa.literal_column(
        f"'$.hidden.* ? (@ == {RESTRICTED})'::jsonpath"
    )
    found = await session.execute(
        sa.select(s.id, s.version, s.document, s.approved).where(
            _any(ids), sa.func.jsonb_path_exists(s.restricted, restricted)
        )
    )
    return found.all()


async def standing_names(
    session: AsyncSession, caller: Principal, ids: Collection[UUID]
) -> dict[UUID, str]:
    """Return the names of those given records that the caller may read and that are still active."""
    found = await session.execute(
        sa.select(services.c.id, services.c.document["name"].astext.label("name")).where(
            _any(ids), readable(caller), services.c.state.not_in(ENDED)
        )
    )
    return {row.id: row.name for row in found}


async def withheld_sites(session: AsyncSession) -> set[UUID]:
    """Return the ids of all sites of withheld services."""
    site: sa.ColumnElement[str] = sa.literal_column(
        "jsonb_path_query(services.approved, '$.service_at_locations[*].id') #>> '{}'"
    )
    found = sa.select(site).select_from(services).where(services.c.withheld)
    return {UUID(each) for each in await session.scalars(found)}


async def ids_of(session: AsyncSession, organization_id: UUID) -> list[UUID]:
    """Return the ids of all services of the organisation."""
    found = sa.select(services.c.id).where(services.c.organization_id == organization_id)
    return list(await session.scalars(found))


async def readable_among(
    session: AsyncSession,
    caller: Principal,
    ids: Collection[UUID],
    organization_id: UUID | None = None,
) -> set[UUID]:
    """Return those given services whose record the caller may read. With `organization_id`, only return services of
    that organisation."""
    found = readable_ids(caller, ids)
    if organization_id is not None:
        found = found.where(services.c.organization_id == organization_id)
    return set(await session.scalars(found))


async def reads_one_of(session: AsyncSession, caller: Principal, organization_id: UUID) -> bool:
    """Return whether the caller may read the record of one of the organisation's services."""
    found = readable_ids(caller).where(services.c.organization_id == organization_id).limit(1)
    return await session.scalar(found) is not None


async def merged_into(session: AsyncSession, service_id: UUID) -> UUID | None:
    found = sa.select(services.c.merged_into).where(services.c.id == service_id)
    return await session.scalar(found)


async def was_seen(session: AsyncSession, audience: Audience, service_id: UUID) -> bool:
    """Return whether the audience could see a published service that no longer has a document. The readers and the
    level in the record decide."""
    s, levels = services.c, sa.values(sa.column("level", sa.SmallInteger), name="levels")
    levels = levels.data([(level,) for level in range(PUBLIC, RESTRICTED + 1)])
    read = sa.select(levels.c.level, s.organization_id, s.managed_by, s.aors, s.states).join_from(
        services, levels, levels.c.level >= s.visibility
    )
    each = read.where(s.id == service_id, s.approved.is_not(None)).subquery().c
    return await session.scalar(sa.select(sa.exists().where(visible(each, audience)))) or False


async def with_room(session: AsyncSession, service_id: UUID) -> UUID | None:
    """Return the organisation of a published service, or None if the service is full."""
    s = services.c
    return await session.scalar(
        sa.select(s.organization_id).where(
            s.id == service_id,
            s.state.not_in(ENDED),
            s.approved["capacity_state"].astext.is_distinct_from("full"),
            s.approved.is_not(None),
        )
    )


def name_in(document: dict[str, Any], language: str | None) -> str:
    """Return the name of a service, in `language` if translated."""
    translated = document.get("translations", {}).get(language, {})
    name: str = translated.get("name") or document["name"]
    return name


def standing(caller: Principal, *, curated: bool, language: str | None = None) -> sa.Subquery:
    """Select active records: the caller's own, or with `curated` all records that the caller may read. Columns: `id`,
    `name` (in `language` if translated), `aors`, `stale`, `organization_id`, `valid_until`, `visibility`."""
    s = services.c
    name = s.document["name"].astext
    if language is not None:
        name = sa.func.coalesce(s.document["translations"][language]["name"].astext, name)
    return (
        sa.select(
            s.id,
            name.label("name"),
            s.aors,
            s.stale,
            s.organization_id,
            s.valid_until,
            s.visibility,
        )
        .where(readable(caller) if curated else _own(caller), s.state.not_in(ENDED))
        .subquery("standing")
    )


async def to_be_verified(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Any]:
    """Return `valid_until` of the active published records, with `name` if it is public."""
    s = services.c
    name = sa.case((s.visibility == PUBLIC, s.approved["name"].astext), else_=None)
    found = await session.execute(
        sa.select(s.id, name.label("name"), s.valid_until).where(
            _any(ids), s.approved.is_not(None), s.state.not_in(ENDED)
        )
    )
    return {row.id: row for row in found}


@dataclass(frozen=True)
class Lookalike:
    """The columns that `duplicates_of` compares, for a record that is not stored yet."""

    id: UUID
    plain_name: str
    phone_digits: Sequence[str]
    states: Sequence[str]
    organization_id: Any


async def duplicates_of(session: AsyncSession, caller: Principal, row: Any) -> list[Any]:
    """Return other records that the caller may read and that resemble this one: they have the same phone number, or a
    similar name (trigrams) in a shared state."""
    s = services.c
    alike = sa.func.similarity(s.plain_name, row.plain_name)
    same_phone = s.phone_digits.bool_op("&&")(sa.literal(row.phone_digits, s.phone_digits.type))
    same_place = s.states.bool_op("&&")(sa.literal(row.states, s.states.type))
    same_owner = s.organization_id == row.organization_id
    statement = (
        sa.select(
            s.id,
            s.document["name"].astext.label("name"),
            s.organization_id.label("organisation_id"),
            s.state,
            s.visibility,
            s.aors,
            s.states,
            alike.label("likeness"),
            same_phone.label("same_phone"),
            same_place.label("same_place"),
            same_owner.label("same_organisation"),
        )
        .where(
            s.id != row.id,
            s.state.not_in(ENDED),
            readable(caller),
            sa.or_(
                same_phone,
                sa.and_(
                    s.plain_name.bool_op("%")(row.plain_name),
                    alike >= LIKELY,
                    sa.or_(same_place, same_owner),
                ),
            ),
        )
        .order_by(same_phone.desc(), alike.desc(), s.id)
        .limit(SUGGESTED)
    )
    return list((await session.execute(statement)).all())


async def page(
    session: AsyncSession,
    caller: Principal,
    *,
    search: str | None = None,
    state: str | None,
    own: bool = False,
    language: str | None = None,
    cursor: str | None,
    limit: int,
) -> RecordPage:
    """Return a cursor page in id order (the order of creation). `own` selects only the caller's own active records.
    Names are in `language` if translated. `search` matches part of the untranslated name."""
    statement = sa.select(services).where(readable(caller))
    if search:
        statement = statement.where(services.c.plain_name.contains(folded(search), autoescape=True))
    if own:
        statement = statement.where(_own(caller), services.c.state.not_in(ENDED))
    if state is not None:
        statement = statement.where(services.c.state == state)
    after = id_cursor(cursor)
    if after is not None:
        statement = statement.where(services.c.id > after)
    rows: list[Any] = list(
        (await session.execute(statement.order_by(services.c.id).limit(limit + 1))).all()
    )
    items = [
        RecordLine(
            id=row.id,
            name=name_in(row.document, language),
            organisation_id=row.organization_id,
            state=row.state,
            version=row.version,
            visibility=NAMES[row.visibility],
            aors=row.aors,
            modified_at=row.modified_at,
            valid_until=row.valid_until,
            stale=row.stale,
            capacity_state=row.document.get("capacity_state"),
            functional_status=(row.document.get("functional_status") or {}).get("code"),
            withheld=row.withheld,
        )
        for row in rows[:limit]
    ]
    return RecordPage(items=items, next_cursor=next_cursor(rows, limit))
