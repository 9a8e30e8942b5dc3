"""The content of exports: a period's published counts, published activities, the context pack."""

from collections.abc import Sequence
from dataclasses import dataclass

from common.auth import ANONYMOUS
from common.words.places import Places
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.count.activities import queries as activity_queries
from reporting.count.context import queries as context_queries
from reporting.count.context.pack import tables
from reporting.ground.periods import Period
from reporting.ground.programmes.catalogue import Catalogue
from reporting.ground.programmes.definition import Programme
from reporting.ground.protection.protected import ProtectedCube
from reporting.ground.tabular.tables import Table
from reporting.protect.releases import queries as release_queries
from reporting.protect.releases.views import combined
from reporting.protect.withdrawals.service import gone


@dataclass(frozen=True)
class Counted:
    """The protected cube over a whole period, and the releases that it sums."""

    programme: Programme
    cube: ProtectedCube
    releases: tuple[str, ...]


async def counted(
    session: AsyncSession, programme: Programme, period: Period, *, internal: bool = False
) -> Counted | None:
    """Return the counts for exactly that period, or None unless every closed period within it is published."""
    try:
        parts = period.parts(programme.period_kind)
    except ValueError:
        return None
    known = {
        release.period: release
        for release in await release_queries.published(
            session, programme.id, until=period.end, since=period.start, internal=internal
        )
    }
    if any(part.id not in known for part in parts):
        return None
    releases = [known[part.id] for part in parts]
    return Counted(
        programme, combined(releases, period.id), tuple(str(release.id) for release in releases)
    )


async def refuse_withdrawn_in(session: AsyncSession, programme: Programme, period: Period) -> None:
    """Raise 410 with the tombstone if a release in that period was withdrawn."""
    for each in await release_queries.visible(
        session, ANONYMOUS, programme=programme.id, status="withdrawn"
    ):
        if period.start <= each.period_start and each.period_end <= period.end and each.withdrawal:
            raise gone(each.withdrawal)


async def context_pack(
    session: AsyncSession, catalogue: Catalogue, period: Period
) -> Sequence[Table]:
    """Return stakeholders, people left behind, and outside series. The part for a programme without a release is
    empty."""
    places = Places.load()
    known = {programme.id: programme for programme in catalogue}

    async def cube(programme_id: str) -> ProtectedCube | None:
        programme = known.get(programme_id)
        found = await counted(session, programme, period, internal=True) if programme else None
        return found.cube if found else None

    return tables(
        offers=await context_queries.offers(session, places),
        names=await activity_queries.names(session),
        referrals=await cube("referrals"),
        unmet=await cube("unmet-needs"),
        gaps=await cube("gaps"),
        series=await context_queries.newest(session),
        places=places,
        states=tuple(
            code
            for programme in catalogue
            if programme.id == "referrals"
            for dimension in programme.cube_dimensions
            if dimension.name == "area"
            for code in dimension.codes
            if places.is_known(code)
        ),
    )
