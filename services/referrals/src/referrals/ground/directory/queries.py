"""Queries on the projection: which services users may choose, and who may work their queues."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from common.sight import NAMES, PATHWAY, Audience, audience_of
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from referrals.errors import IMPLICATED, NOT_REFERABLE
from referrals.ground.directory.models import (
    DirectoryOrganisation,
    DirectoryService,
    PathwayAlternative,
    TeamMember,
)
from referrals.ground.search_queries import Searchable


async def shown_services(
    session: AsyncSession, caller: Principal, service_ids: Collection[UUID]
) -> frozenset[UUID]:
    """Return which of the services the directory shows to this caller."""
    if not service_ids:
        return frozenset()
    rows = await session.scalars(
        sa.select(col(DirectoryService.service_id)).where(
            col(DirectoryService.service_id).in_(service_ids), seen_by(audience_of(caller))
        )
    )
    return frozenset(rows)


async def is_shown(session: AsyncSession, caller: Principal, service_id: UUID) -> bool:
    return bool(await shown_services(session, caller, [service_id]))


async def countries_of_service(session: AsyncSession, service_id: UUID) -> list[str]:
    """Return the countries of a service; empty if unknown."""
    found: list[str] | None = await session.scalar(
        sa.select(col(DirectoryService.countries)).where(
            col(DirectoryService.service_id) == service_id
        )
    )
    return found or []


async def countries_of_organisation(session: AsyncSession, organisation: UUID) -> list[str]:
    """Return the countries of the organisation's services; empty if it has none. This includes hidden services, because
    a border applies to all callers."""
    country = sa.func.unnest(col(DirectoryService.countries)).label("country")
    rows = await session.scalars(
        sa.select(country)
        .where(
            col(DirectoryService.organisation_id) == organisation,
            sa.not_(col(DirectoryService.withdrawn)),
        )
        .distinct()
        .order_by(country)
    )
    return list(rows)


async def owns_service(session: AsyncSession, caller: Principal, service_id: UUID) -> bool:
    """Return whether the service belongs to the caller's organisation, which sees all its own services."""
    service = await session.get(DirectoryService, service_id)
    return service is not None and service.organisation_id == caller.organisation


async def is_known(session: AsyncSession, organisation: UUID) -> bool:
    """Return whether the directory contains a record of the organisation, or one of its services."""
    recorded = sa.exists().where(col(DirectoryOrganisation.organisation_id) == organisation)
    offers = sa.exists().where(col(DirectoryService.organisation_id) == organisation)
    return bool(await session.scalar(sa.select(sa.or_(recorded, offers))))


def handed_over() -> sa.Subquery:
    """Select `service_id` and `organisation_id` of services whose organisation changed."""
    return (
        sa.select(col(DirectoryService.service_id), col(DirectoryService.organisation_id))
        .where(col(DirectoryService.former_organisation_id).is_not(None))
        .subquery()
    )


def seen_by(audience: Audience) -> sa.ColumnElement[bool]:
    """Return `Audience.sees` as SQL; a test keeps the two in sync."""
    service = DirectoryService
    ways: list[sa.ColumnElement[bool]] = [_no_higher_than(audience.base)]
    if audience.organisation_id is not None:
        ways += [
            col(service.organisation_id) == audience.organisation_id,
            col(service.managed_by) == audience.organisation_id,
            _shares(audience.coordinates, audience.states),
            sa.and_(_no_higher_than(PATHWAY), _shares(audience.aors, audience.states)),
        ]
    return sa.or_(*ways)


def _no_higher_than(level: int) -> sa.ColumnElement[bool]:
    return col(DirectoryService.visibility).in_(NAMES[: level + 1])


def _shares(aors: Sequence[str], states: Sequence[str]) -> sa.ColumnElement[bool]:
    overlap = [_overlaps(DirectoryService.aors, aors)]
    if states:
        overlap.append(_overlaps(DirectoryService.states, states))
    return sa.and_(*overlap)


def _overlaps(column: Any, codes: Sequence[str]) -> sa.ColumnElement[bool]:
    found: sa.ColumnElement[bool] = col(column).op("&&", is_comparison=True)(
        sa.cast(list(codes), ARRAY(sa.Text))
    )
    return found


def searchable(caller: Principal, now: datetime) -> Searchable:
    service = DirectoryService
    columns: dict[str, Any] = {
        "id": col(service.service_id),
        "organisation_id": col(service.organisation_id),
        "categories": col(service.categories),
        "choosable": sa.and_(
            col(service.referable),
            sa.or_(col(service.valid_until).is_(None), col(service.valid_until) > now),
        ),
    }
    rows = sa.select(service).where(seen_by(audience_of(caller)), sa.not_(col(service.withdrawn)))
    return Searchable(rows, columns)


def organisations_shown(caller: Principal) -> sa.Select[Any]:
    return sa.select(col(DirectoryService.organisation_id)).where(
        seen_by(audience_of(caller)), sa.not_(col(DirectoryService.withdrawn))
    )


def is_choosable(service: DirectoryService, now: datetime) -> bool:
    fresh = service.valid_until is None or service.valid_until > now
    return service.referable and not service.withdrawn and fresh


async def choosable(
    session: AsyncSession, service_ids: Collection[UUID], now: datetime
) -> dict[UUID, bool]:
    """Return whether users may choose each service now, for services known from the directory."""
    services = await session.scalars(
        sa.select(DirectoryService)
        .where(col(DirectoryService.service_id).in_(service_ids))
        .execution_options(populate_existing=True)
    )
    return {service.service_id: is_choosable(service, now) for service in services}


def refuse_unless_choosable(
    service: DirectoryService | None, *, implicated: bool, now: datetime
) -> DirectoryService:
    """Raise 409 `not_referable`, even for a service hidden from the caller, or `organisation_implicated`."""
    if service is None:
        raise NOT_REFERABLE.because(
            "directory_has_not_announced_this_service_yet", pointer="/service_id"
        )
    if not is_choosable(service, now):
        raise NOT_REFERABLE.saying(
            f"Its state is '{service.functional_status or 'not referable'}'"
            + ("" if service.referable else ", and it takes no referrals")
            + ".",
            pointer="/service_id",
        )
    if implicated:
        raise IMPLICATED.because("nothing_goes_to_implicated_organisation")
    return service


async def service_shown_to(
    session: AsyncSession, caller: Principal, service_id: UUID | None
) -> DirectoryService | None:
    """Return the service's current state, if it is known and the directory shows it to the caller."""
    if service_id is None:
        return None
    service = await session.get(DirectoryService, service_id, populate_existing=True)
    return service if service is not None and audience_of(caller).sees(service) else None


def works_queue(organisation: Any, service_id: Any, client_names: Any) -> sa.ColumnElement[bool]:
    """Return the SQL condition that one of these clients works the queue of the service in a column. Without a team,
    the whole organisation does."""
    team = sa.select(sa.literal(1)).where(
        col(TeamMember.organisation_id) == organisation, col(TeamMember.service_id) == service_id
    )
    member = team.where(col(TeamMember.client) == sa.any_(client_names))
    return sa.or_(~team.exists(), member.exists())


def works_with(caller: Principal, client: Any) -> sa.ColumnElement[bool]:
    """Return the SQL condition that the client in a column shares a team with the caller. Clients without a team work
    together. NULL matches everybody."""
    own = sa.select(col(TeamMember.service_id)).where(
        col(TeamMember.organisation_id) == caller.organisation,
        col(TeamMember.client) == caller.subject,
    )
    theirs = sa.select(sa.literal(1)).where(
        col(TeamMember.organisation_id) == caller.organisation, col(TeamMember.client) == client
    )
    together = theirs.where(col(TeamMember.service_id).in_(own))
    in_no_team = sa.and_(~own.exists(), ~theirs.exists())
    return sa.or_(client.is_(None), together.exists(), in_no_team)


async def teams_of(
    session: AsyncSession, queues: Collection[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], set[str]]:
    """Return each team's members by (organisation, service). Requires service rights."""
    if not queues:
        return {}
    queue = sa.tuple_(col(TeamMember.organisation_id), col(TeamMember.service_id))
    rows = await session.execute(
        sa.select(
            col(TeamMember.organisation_id), col(TeamMember.service_id), col(TeamMember.client)
        ).where(queue.in_(queues))
    )
    teams: dict[tuple[UUID, UUID], set[str]] = {}
    for organisation, service, person in rows:
        teams.setdefault((organisation, service), set()).add(person)
    return teams


async def pathway_steps(
    session: AsyncSession, areas: Sequence[str], except_needs: sa.Select[Any], aor: str | None
) -> list[tuple[UUID, str, str, str]]:
    """Return (pathway, aor, step, need) of up to 200 published pathways in these areas."""
    columns = (
        col(PathwayAlternative.pathway_id),
        col(PathwayAlternative.aor),
        col(PathwayAlternative.step),
        col(PathwayAlternative.need),
    )
    statement = (
        sa.select(*columns)
        .distinct()
        .where(
            col(PathwayAlternative.area).in_(areas),
            col(PathwayAlternative.need).not_in(except_needs),
        )
        .order_by(*columns)
    )
    if aor is not None:
        statement = statement.where(col(PathwayAlternative.aor) == aor)
    rows = await session.execute(statement)
    return [(row[0], row[1], row[2], row[3]) for row in rows]


async def takes_referrals(session: AsyncSession, caller: Principal, organisation: UUID) -> bool:
    """Return whether the caller sees a service of the organisation that currently accepts referrals."""
    found = await session.scalar(
        sa.select(sa.literal(1))
        .where(
            col(DirectoryService.organisation_id) == organisation,
            seen_by(audience_of(caller)),
            col(DirectoryService.referable),
            sa.not_(col(DirectoryService.withdrawn)),
        )
        .limit(1)
    )
    return found is not None


async def alternatives(
    session: AsyncSession,
    caller: Principal,
    *,
    category: str,
    areas: Sequence[str],
    suggested: UUID | None = None,
    except_services: Sequence[UUID],
    except_organisations: Sequence[UUID],
    now: datetime,
    limit: int = 10,
) -> list[tuple[DirectoryService, int | None]]:
    """Return choosable services that the caller may see. The recipient's suggestion comes first, then services ranked
    by the pathway of the most specific area. `areas` contains the person's area and its ancestors, in this order; empty
    means any place."""
    rank = _rank(category, areas)
    statement = sa.select(DirectoryService, rank.label("rank")).where(
        col(DirectoryService.categories).contains([category]),
        seen_by(audience_of(caller)),
        col(DirectoryService.referable),
        sa.not_(col(DirectoryService.withdrawn)),
        sa.or_(
            col(DirectoryService.valid_until).is_(None), col(DirectoryService.valid_until) > now
        ),
        col(DirectoryService.service_id).not_in(except_services),
        col(DirectoryService.organisation_id).not_in(except_organisations),
    )
    if areas:
        statement = statement.where(
            sa.or_(
                _overlaps(DirectoryService.areas, areas),
                sa.func.cardinality(col(DirectoryService.areas)) == 0,
            )
        )
    if suggested is not None:
        statement = statement.order_by((col(DirectoryService.service_id) == suggested).desc())
    statement = statement.order_by(
        sa.nulls_last(sa.text("rank")), col(DirectoryService.service_id)
    ).limit(limit)
    rows = await session.execute(statement)
    return [(row[0], row[1]) for row in rows]


def _rank(category: str, areas: Sequence[str]) -> sa.ScalarSelect[int]:
    exact_first = sa.cast(list(areas), ARRAY(sa.Text))
    other = aliased(PathwayAlternative)
    most_exact = (
        sa.select(col(other.area))
        .where(col(other.need) == category, col(other.area).in_(areas))
        .order_by(sa.func.array_position(exact_first, col(other.area)))
        .limit(1)
        .scalar_subquery()
    )
    return (
        sa.select(sa.func.min(col(PathwayAlternative.rank)))
        .where(
            col(PathwayAlternative.service_id) == col(DirectoryService.service_id),
            col(PathwayAlternative.need) == category,
            col(PathwayAlternative.area) == most_exact,
        )
        .scalar_subquery()
    )
