"""Reading the projection: which service may be chosen, and who may work its queue."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from common.reads import columns_of
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from referrals.cases.models import ImplicatedOrganisation
from referrals.directory.models import DirectoryService, PathwayAlternative, ServiceRecord
from referrals.errors import IMPLICATED, NOT_REFERABLE


async def known_service(session: AsyncSession, service_id: UUID) -> DirectoryService | None:
    return await session.get(DirectoryService, service_id)


def is_choosable(service: DirectoryService | ServiceRecord, now: datetime) -> bool:
    """Referable and not stale."""
    fresh = service.valid_until is None or service.valid_until > now
    return service.referable and not service.withdrawn and fresh


def refuse_unless_choosable(
    service: ServiceRecord | None, *, implicated: bool, now: datetime
) -> ServiceRecord:
    """409 `not_referable` (also for one that the directory never told us of), or
    `organisation_implicated` (duty of conflict)."""
    if service is None:
        raise NOT_REFERABLE.because(
            "The directory has not announced this service (yet).", pointer="/service_id"
        )
    if not is_choosable(service, now):
        raise NOT_REFERABLE.because(
            f"Its state is '{service.functional_status or 'not referable'}'"
            + ("" if service.referable else ", and it takes no referrals")
            + ".",
            pointer="/service_id",
        )
    if implicated:
        raise IMPLICATED.because(CONFLICT_TEXT)
    return service


CONFLICT_TEXT = "Nothing of this case goes to an organisation implicated in it."
SERVICE_COLUMNS = (
    *columns_of(ServiceRecord, DirectoryService),
    # Whether its organisation is implicated in the case (a bound parameter).
    sa.exists().where(
        col(ImplicatedOrganisation.case_id) == sa.bindparam("case_id", type_=sa.Uuid()),
        col(ImplicatedOrganisation.organisation_id) == col(DirectoryService.organisation_id),
    ),
)
IS_THE_SERVICE = col(DirectoryService.service_id) == sa.bindparam("service_id", type_=sa.Uuid())


async def alternatives(
    session: AsyncSession,
    *,
    category: str,
    areas: Sequence[str],
    suggested: UUID | None = None,
    except_services: Sequence[UUID],
    except_organisations: Sequence[UUID],
    now: datetime,
    limit: int = 10,
) -> list[tuple[DirectoryService, int | None]]:
    """Choosable services of the category: what the recipient suggested, then by rank.

    Ranks are those of the pathway of the most exact area that has one for this need. `areas` are
    the person's area and its ancestors, in this order; empty means that the place does not matter.
    """
    rank = _rank(category, areas)
    statement = sa.select(DirectoryService, rank.label("rank")).where(
        col(DirectoryService.categories).contains([category]),
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
                col(DirectoryService.areas).op("&&")(sa.cast(list(areas), ARRAY(sa.Text))),
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
