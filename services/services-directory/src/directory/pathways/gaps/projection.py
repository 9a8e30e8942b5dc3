"""Keeps the coverage cells of /gaps up to date: every write to the directory ends with a call here."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from common import clock
from common.words.places import Places
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from directory.pathways.gaps.queries import covering, turned
from directory.pathways.gaps.shares import Shared, shares

CHUNK = 2000
_UUIDS = ARRAY(sa.Uuid)
_TEXTS = ARRAY(sa.Text)

# One statement adds the difference between the old and the new shares to the cells. It updates cells in key order, so
# that two writers cannot deadlock.
_MOVE = sa.text("""
    WITH gone AS (
        DELETE FROM coverage_shares WHERE service_id = ANY(:ids)
        RETURNING area, need, whole, state, visibility, aors, groups
    ), fresh AS (
        INSERT INTO coverage_shares
            (service_id, area, need, whole, state, visibility, aors, groups)
        SELECT service, area, need, whole, state, visibility, aors, string_to_array(groups, ' ')
        FROM unnest(:services, :areas, :needs, :wholes, :states, :visibilities, :aors, :groups)
             AS given(service, area, need, whole, state, visibility, aors, groups)
        RETURNING area, need, whole, state, visibility, aors, groups
    )
    INSERT INTO coverage_cells AS known
        (area, need, whole, state, visibility, aors, services, child, woman, man, other)
    SELECT area, need, whole, state, visibility, aors, sum(n),
           coalesce(sum(n) FILTER (WHERE 'child' = ANY(groups)), 0),
           coalesce(sum(n) FILTER (WHERE 'woman' = ANY(groups)), 0),
           coalesce(sum(n) FILTER (WHERE 'man' = ANY(groups)), 0),
           coalesce(sum(n) FILTER (WHERE 'other' = ANY(groups)), 0)
    FROM (SELECT *, -1 AS n FROM gone UNION ALL SELECT *, 1 FROM fresh) moved
    GROUP BY area, need, whole, state, visibility, aors
    ORDER BY area, need, whole, state, visibility, aors
    ON CONFLICT (area, need, whole, state, visibility, aors) DO UPDATE SET
        services = known.services + excluded.services, child = known.child + excluded.child,
        woman = known.woman + excluded.woman, man = known.man + excluded.man,
        other = known.other + excluded.other
""").bindparams(
    sa.bindparam("ids", type_=_UUIDS),
    sa.bindparam("services", type_=_UUIDS),
    *(sa.bindparam(name, type_=_TEXTS) for name in ("areas", "needs", "groups", "states", "aors")),
    sa.bindparam("visibilities", type_=ARRAY(sa.SmallInteger)),
    sa.bindparam("wholes", type_=ARRAY(sa.Boolean)),
)


async def refresh(session: AsyncSession, service_ids: Sequence[UUID]) -> None:
    """Recount these services. A service without a stored document no longer counts."""
    ids = list(service_ids)
    for start in range(0, len(ids), CHUNK):
        await _refresh(session, ids[start : start + CHUNK])


async def turn_seasons(session: AsyncSession) -> int:
    """Recount services whose season began or ended since the last count. Return the number of services (at most one
    chunk)."""
    ids = await turned(session, clock.today(), CHUNK)
    await refresh(session, ids)
    return len(ids)


async def _refresh(session: AsyncSession, ids: list[UUID]) -> None:
    today, places = clock.today(), Places.load()
    rows = await covering(session, ids, today)
    columns: dict[str, list[Any]] = {
        name: []
        for name in (
            "services",
            "areas",
            "needs",
            "wholes",
            "states",
            "visibilities",
            "aors",
            "groups",
        )
    }
    for row in rows:
        for share in shares(_shared(row), today, places):
            columns["services"].append(row["service_id"])
            columns["areas"].append(share.area)
            columns["needs"].append(share.need)
            columns["wholes"].append(share.whole)
            columns["groups"].append(" ".join(share.groups))
            columns["states"].append(share.state)
            columns["visibilities"].append(row["visibility"])
            columns["aors"].append(",".join(sorted(row["aors"])))
    await session.execute(_MOVE, {"ids": ids, **columns})


def _shared(row: Any) -> Shared:
    referral = orjson.loads(row["referral"]) if row["referral"] else {}
    return Shared(
        areas=row["areas"],
        categories=row["categories"],
        minimum_age=row["minimum_age"],
        maximum_age=row["maximum_age"],
        sexes=row["sexes"],
        functional_status=row["functional_status"],
        capacity_state=row["capacity_state"],
        valid_until=row["valid_until"],
        endorsed=bool(row["endorsed_by"]),
        pre_crisis=row["pre_crisis"],
        in_season=row["in_season"],
        modes=referral.get("intake_modes", ()),
        method=referral.get("method"),
        response_delay=referral.get("response_delay"),
    )
