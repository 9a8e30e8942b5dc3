"""SELECTs of organisations. An organisation's own level decides who sees it; the level of each service decides who sees
that service."""

# ruff: noqa: S608 - the text is our own; every value is a bound argument of a Statement

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.sight import PUBLIC, RESTRICTED, Audience
from sqlalchemy.ext.asyncio import AsyncSession

from directory.errors import TOO_DEEP, TOO_WIDE
from directory.ground.access import visible_sql
from directory.ground.reading import bounds
from directory.ground.reading.full_text import words_sql
from directory.ground.reading.rows_queries import Row, fetch, plan_for_values
from directory.ground.reading.statement import Statement
from directory.record.organizations.models import organizations
from directory.record.organizations.parameters import OrganizationQuery


def shown(audience: Audience, s: Statement) -> str:
    """Return the condition for the document that this audience sees. The organisation's own people see all of it."""
    if audience.organisation_id is None:
        return f"o.level = {s.argument(audience.base, 'smallint')}"
    own = s.argument(audience.organisation_id, "uuid")
    full = f"(o.organization_id = {own} OR o.managed_by = {own})"
    return f"((o.level = {RESTRICTED} AND {full}) OR (o.level = {audience.base} AND NOT {full}))"


def _where(query: OrganizationQuery, audience: Audience, s: Statement) -> tuple[str, str]:
    parts = [shown(audience, s)]
    order = "o.name, o.organization_id"
    if query.search and query.search.strip():
        asked = words_sql(query.search, s)
        parts.append(f"o.vector @@ {asked}")
        order = f"ts_rank(o.vector, {asked}) DESC, o.organization_id"
    if query.taxonomy_term_id or query.taxonomy_id:
        service = ["d.organization_id = o.organization_id", visible_sql(audience, s.argument)]
        service += _tagged(query, s)
        parts.append(f"EXISTS (SELECT FROM service_documents d WHERE {' AND '.join(service)})")
    return " AND ".join(parts), order


def with_organization(
    statement: sa.Select[*tuple[Any, ...]], organization_id: sa.ColumnElement[UUID]
) -> sa.Select[*tuple[Any, ...]]:
    """Return the statement with the organisation's document as an extra column `organization`."""
    return statement.add_columns(organizations.c.document.label("organization")).join(
        organizations, organizations.c.id == organization_id
    )


def named_organizations() -> sa.Subquery:
    """Return `id`, `name` and `visibility` of all organisations."""
    o = organizations.c
    return sa.select(o.id, o.document["name"].astext.label("name"), o.visibility).subquery("named")


async def page(
    session: AsyncSession, query: OrganizationQuery, audience: Audience
) -> tuple[list[Row], int]:
    await plan_for_values(session)
    await _hold_small(session, query, audience)
    s = Statement()
    where, order = _where(query, audience, s)
    count = f"SELECT count(*) AS n FROM organization_documents o WHERE {where}"
    total = (await fetch(session, count, s))[0]["n"]
    if query.search and total > bounds.MOST_SORTED:
        raise TOO_WIDE.because("more_than_organisations_match_say_more", f"{bounds.MOST_SORTED:,}")
    limit = s.argument(query.per_page, "bigint")
    offset = s.argument((query.page - 1) * query.per_page, "bigint")
    rows = await fetch(
        session,
        "SELECT o.organization_id, o.etag, o.full_body, o.list_body, false AS sensitive"
        f" FROM organization_documents o WHERE {where}"
        f" ORDER BY {order} LIMIT {limit} OFFSET {offset}",
        s,
    )
    return rows, total


async def _hold_small(session: AsyncSession, query: OrganizationQuery, audience: Audience) -> None:
    """Refuse a query that would read too many services, before it runs."""
    if query.page * query.per_page - query.per_page >= bounds.DEEPEST:
        raise TOO_DEEP.because("pages_are_given_to_entry_number_narrow_list", f"{bounds.DEEPEST:,}")
    if not (query.taxonomy_term_id or query.taxonomy_id):
        return
    s = Statement()
    # Half the limit for lists of services, because each row also needs its organisation.
    most = bounds.MOST_READ // (4 if audience.aors else 2)
    tagged = " AND ".join([f"d.level = {audience.base}", *_tagged(query, s)])
    text = (
        f"SELECT count(*) AS n FROM (SELECT FROM service_documents d WHERE {tagged}"
        f" LIMIT {most + 1}) tagged"
    )
    if (await fetch(session, text, s))[0]["n"] > most:
        raise TOO_WIDE.because("more_than_services_have_term_of_this", f"{most:,}")


def _tagged(query: OrganizationQuery, s: Statement) -> list[str]:
    """Return conditions on services by their terms."""
    found = []
    if query.taxonomy_term_id:
        found.append(f"d.terms @> ARRAY[{s.argument(query.taxonomy_term_id, 'uuid')}]")
    if query.taxonomy_id:
        found.append(f"d.taxonomies @> ARRAY[{s.argument(query.taxonomy_id, 'uuid')}]")
    return found


async def one(session: AsyncSession, organization_id: UUID, audience: Audience) -> Row | None:
    s = Statement()
    own = s.argument(organization_id, "uuid")
    rows = await fetch(
        session,
        "SELECT o.organization_id, o.etag, o.full_body, o.list_body"
        f" FROM organization_documents o WHERE o.organization_id = {own} AND {shown(audience, s)}",
        s,
    )
    return rows[0] if rows else None


async def names_of(session: AsyncSession, ids: Sequence[UUID], audience: Audience) -> list[Row]:
    """Return `organization_id` and `name` of the organisations that the audience can see, by name."""
    s = Statement()
    wanted = s.argument(list(ids), "uuid[]")
    return await fetch(
        session,
        "SELECT o.organization_id, o.name FROM organization_documents o"
        f" WHERE o.organization_id = ANY({wanted}) AND {shown(audience, s)}"
        " ORDER BY o.name, o.organization_id",
        s,
    )


async def services_of(
    session: AsyncSession, ids: Sequence[UUID], audience: Audience, *, full: bool
) -> list[Row]:
    """Return the visible services of these organisations in id order, in `full` or list form."""
    s = Statement()
    owners = s.argument(list(ids), "uuid[]")
    body = "full_body" if full else "list_body"
    return await fetch(
        session,
        f"SELECT d.organization_id, d.service_id, d.sensitive, d.{body} AS body"
        f" FROM service_documents d WHERE d.organization_id = ANY({owners})"
        f" AND d.organization_name IS NOT NULL AND {visible_sql(audience, s.argument)}"
        " ORDER BY d.service_id",
        s,
    )


async def mailboxes_of(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the mailboxes of the given organisations that are public and have one."""
    o = organizations.c
    mailbox = o.document["email"].astext
    found = await session.execute(
        sa.select(o.id, mailbox.label("mailbox")).where(
            o.id.in_(ids), o.visibility == PUBLIC, mailbox.is_not(None)
        )
    )
    return {row.id: row.mailbox for row in found}
