"""Which stored service documents a plan looks at, read at the caller's level and at no other.

Hard conditions are asked here once more in SQL, so that only fitting services are read; the rules
in eligibility.py decide again and give the reasons.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import sqlalchemy as sa
from common.places import Places
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from services_directory.access import Audience, visible
from services_directory.pathways.candidates import Candidate, ReferralWay
from services_directory.pathways.layers import lineage
from services_directory.pathways.profile import Profile
from services_directory.pathways.referability import REFERABLE_STATUSES

FITTING_READ = 60
OTHERS_READ = 30

_TEXTS = ARRAY(sa.Text)
_Point = tuple[float, float]
_COLUMNS: dict[str, Any] = {
    "service_id": sa.Uuid,
    "level": sa.SmallInteger,
    "organization_id": sa.Uuid,
    "managed_by": sa.Uuid,
    "visibility": sa.SmallInteger,
    "aors": _TEXTS,
    "states": _TEXTS,
    "etag": sa.Text,
    "name": sa.Text,
    "organization_name": sa.Text,
    "categories": _TEXTS,
    "areas": _TEXTS,
    "within_areas": _TEXTS,
    "languages": _TEXTS,
    "sexes": _TEXTS,
    "populations": _TEXTS,
    "nationalities": _TEXTS,
    "documents": _TEXTS,
    "minimum_age": sa.Float,
    "maximum_age": sa.Float,
    "capacity_state": sa.Text,
    "functional_status": sa.Text,
    "provider_level": sa.Text,
    "valid_until": sa.Date,
    "verified_on": sa.Date,
    "referable": sa.Boolean,
    "endorsed_by": _TEXTS,
    "open_minutes": sa.types.NullType,
    "sensitive": sa.Boolean,
    "referral": sa.JSON(none_as_null=True),
}
# The directory's own table, with the two columns that are kept for ranking.
documents = sa.table(
    "service_documents", *(sa.column(name, kind) for name, kind in _COLUMNS.items())
)
_sites = sa.table(
    "site_documents",
    sa.column("service_id", sa.Uuid),
    sa.column("level", sa.SmallInteger),
    sa.column("site_id", sa.Uuid),
    sa.column("pcode", sa.Text),
    sa.column("point", sa.types.NullType),
)
_READ = (
    "service_id", "etag", "name", "organization_name", "areas", "languages", "sexes", "populations",
    "nationalities", "documents", "minimum_age", "maximum_age", "capacity_state",
    "functional_status", "provider_level", "valid_until", "verified_on", "referable",
    "endorsed_by", "open_minutes", "referral", "sensitive",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """Candidates by need, how many fit in all, and the ETag of every document that was read."""

    candidates: dict[str, list[Candidate]]
    fitting: dict[str, int]
    etags: frozenset[tuple[str, str]]
    sensitive: frozenset[str] = frozenset()


# The same conditions as in eligibility.py; what the profile leaves open excludes nothing.
_FITS = """
    d.referable AND d.valid_until >= :today AND cardinality(d.endorsed_by) > 0
    AND d.functional_status = ANY(:statuses)
    AND d.capacity_state IS DISTINCT FROM 'full'
    AND d.referral->>'method' IS DISTINCT FROM 'not_accepted'
    AND (CAST(:age AS real) IS NULL OR (coalesce(d.minimum_age, 0) <= :age
         AND coalesce(d.maximum_age, 999) >= :age))
    AND (CAST(:sex AS text) IS NULL OR d.sexes = '{}' OR :sex = ANY(d.sexes))
    AND (:populations = '{}' OR d.populations = '{}' OR d.populations && :populations)
    AND (CAST(:nationality AS text) IS NULL OR d.nationalities = '{}'
         OR :nationality = ANY(d.nationalities))
    AND (CAST(:has_documents AS boolean) IS DISTINCT FROM false OR d.documents = '{}')
"""
_SERVES = "(d.within_areas @> ARRAY[CAST(:area AS text)] OR d.areas && :wider)"
_NEED = "d.categories @> ARRAY[n.need]"

# Roughly what ranking.py gives, so that the best are among those that are read.
_PROMISING = """
    (CASE d.capacity_state WHEN 'accepting' THEN 30 WHEN 'waitlist' THEN 10 ELSE 0 END
     + CASE d.functional_status WHEN 'fully_functional' THEN 15
            WHEN 'partially_functional' THEN 5 ELSE 0 END
     + CASE WHEN d.within_areas @> ARRAY[CAST(:municipality AS text)] THEN 25 ELSE 0 END
     + CASE WHEN d.languages && :languages THEN 15 ELSE 0 END
     + CASE WHEN d.referral->>'response_delay' IN ('same_day', '24h') THEN 15 ELSE 0 END
     + CASE WHEN d.open_minutes @> CAST(:minute AS integer) THEN 20 ELSE 0 END) DESC
"""
_LIKELY = "d.referable DESC, cardinality(d.endorsed_by) DESC"
_NEAREST = "array_position(:states, d.states[1]) NULLS LAST, d.capacity_state NULLS LAST"


async def fitting(
    session: AsyncSession,
    audience: Audience,
    profile: Profile,
    needs: Sequence[str],
    today: date,
) -> Found:
    """Services that fit and serve the profile's area: the most promising ones of each need."""
    conditions = f"{_FITS} AND {_SERVES}"
    given = _facts(profile, today)
    return await _read(
        session, audience, needs, conditions, _PROMISING, limit=FITTING_READ, given=given
    )


async def others(
    session: AsyncSession, audience: Audience, profile: Profile, needs: Sequence[str], today: date
) -> Found:
    """For needs that nothing fits: near misses of the area, and those that would fit elsewhere."""
    given = _facts(profile, today)
    here = await _read(session, audience, needs, _SERVES, _LIKELY, limit=OTHERS_READ, given=given)
    away = f"{_FITS} AND NOT {_SERVES}"
    there = await _read(session, audience, needs, away, _NEAREST, limit=OTHERS_READ, given=given)
    candidates = {
        need: here.candidates.get(need, []) + there.candidates.get(need, []) for need in needs
    }
    return Found(candidates, {}, here.etags | there.etags, here.sensitive | there.sensitive)


def serving(d: Any, area: str) -> sa.ColumnElement[bool]:
    """Documents that serve or sit in the area, in a part of it or in all that is around it."""
    return sa.or_(d.c.within_areas.contains([area]), d.c.areas.overlap(list(lineage(area))))


def _facts(profile: Profile, today: date) -> dict[str, Any]:
    places = Places.load()
    return {
        "today": today,
        "statuses": sorted(REFERABLE_STATUSES),
        "age": profile.age,
        "sex": profile.sex.value if profile.sex else None,
        "populations": sorted(profile.populations),
        "nationality": profile.nationality,
        "has_documents": profile.has_documents,
        "languages": sorted(profile.languages),
        "minute": profile.moment.minute_of_week if profile.moment else None,
        "area": profile.area,
        "wider": list(lineage(profile.area)),
        "municipality": places.at_most(profile.area, 2),
        "states": list(_states_by_distance(places.at_most(profile.area, 1))),
    }


@cache
def _states_by_distance(state: str) -> tuple[str, ...]:
    places = Places.load()
    country = places.require(state).country
    known = [place.pcode for place in places.at_level(1, country)]
    return tuple(sorted(known, key=lambda each: (places.distance(state, each) or 0, each)))


_KINDS: dict[str, Any] = {
    "today": sa.Date,
    "statuses": _TEXTS,
    "age": sa.Float,
    "populations": _TEXTS,
    "has_documents": sa.Boolean,
    "languages": _TEXTS,
    "minute": sa.Integer,
    "wider": _TEXTS,
    "states": _TEXTS,
}


async def _read(
    session: AsyncSession,
    audience: Audience,
    needs: Sequence[str],
    conditions: str,
    order: str,
    *,
    limit: int,
    given: Mapping[str, Any],
) -> Found:
    if not needs:
        return Found({}, {}, frozenset())
    statement = _statement(audience, conditions, order)
    used = {name: value for name, value in given.items() if f":{name}" in conditions + order}
    rows = await session.execute(statement, {**used, "needs": list(needs), "limit": limit})
    return _found(rows.mappings(), str(given["area"]))


def _statement(audience: Audience, conditions: str, order: str) -> sa.Select[Any]:
    """For each need its shortlist, best first, with the places of each service's sites."""
    binds = [
        sa.bindparam(name, type_=_KINDS.get(name, sa.Text))
        for name in _PARAMETERS
        if f":{name}" in conditions
    ]
    ordering = [
        sa.bindparam(name, type_=_KINDS.get(name, sa.Text))
        for name in _PARAMETERS
        if f":{name}" in order
    ]
    d = documents.alias("d")
    ranked = sa.text(order).bindparams(*ordering)
    shortlist = (
        sa.select(*(d.c[name] for name in _READ), d.c.level, sa.func.count().over().label("fits"))
        .where(visible(d.c, audience), sa.text(_NEED), sa.text(conditions).bindparams(*binds))
        .order_by(ranked, d.c.service_id)
        .limit(sa.bindparam("limit", type_=sa.Integer))
        .lateral("s")
    )
    need = (
        sa.func.unnest(sa.bindparam("needs", type_=_TEXTS)).table_valued("need").render_derived("n")
    )
    site = _sites.alias("site")
    sites = (
        sa.select(
            sa.func.array_agg(aggregate_order_by(site.c.pcode, site.c.site_id)).label("pcodes"),
            sa.func.array_agg(
                aggregate_order_by(sa.cast(site.c.point, sa.Text), site.c.site_id)
            ).label("points"),
        )
        .where(site.c.service_id == shortlist.c.service_id, site.c.level == shortlist.c.level)
        .lateral("sites")
    )
    return sa.select(
        need.c.need,
        *(shortlist.c[name] for name in (*_READ, "fits")),
        sites.c.pcodes,
        sites.c.points,
    ).select_from(need.join(shortlist, sa.true()).outerjoin(sites, sa.true()))


_PARAMETERS = (
    "today", "statuses", "age", "sex", "populations", "nationality", "has_documents", "languages",
    "minute", "area", "wider", "municipality", "states",
)  # fmt: skip


def _found(rows: Any, area: str) -> Found:
    candidates: dict[str, list[Candidate]] = {}
    counts: dict[str, int] = {}
    etags, sensitive = set(), set()
    for row in rows:
        candidates.setdefault(row["need"], []).append(_candidate(row, area))
        counts[row["need"]] = row["fits"]
        etags.add((str(row["service_id"]), row["etag"]))
        if row["sensitive"]:
            sensitive.add(str(row["service_id"]))
    return Found(candidates, counts, frozenset(etags), frozenset(sensitive))


def _candidate(row: Mapping[str, Any], wanted: str) -> Candidate:
    referral = row["referral"] or {}
    area, point = _nearest_site(row, wanted)
    return Candidate(
        service_id=str(row["service_id"]),
        name=row["name"],
        organisation=row["organization_name"] or "",
        need=row["need"],
        referable=row["referable"],
        functional_status=row["functional_status"],
        capacity_state=row["capacity_state"],
        minimum_age=row["minimum_age"],
        maximum_age=row["maximum_age"],
        sexes=frozenset(row["sexes"]),
        populations=frozenset(row["populations"]),
        nationalities=frozenset(row["nationalities"]),
        documents=frozenset(row["documents"]),
        languages=frozenset(row["languages"]),
        area=area,
        areas=frozenset(row["areas"]),
        point=point,
        remote=_is_remote(row, referral),
        open_minutes=tuple((span.lower, span.upper) for span in row["open_minutes"]),
        verified_on=row["verified_on"],
        valid_until=row["valid_until"],
        endorsed_by=frozenset(row["endorsed_by"]),
        provider_level=row["provider_level"],
        referral=_way(referral),
    )


def _nearest_site(row: Mapping[str, Any], area: str) -> tuple[str | None, _Point | None]:
    """Of several sites the one nearest to the person by name of place; ties keep the first."""
    sites = list(zip(row["pcodes"] or (), row["points"] or (), strict=True))
    if not sites:
        return None, None
    places = Places.load()
    pcode, point = min(sites, key=lambda site: _steps_apart(site[0], area, places))
    return pcode, _point(point)


def _steps_apart(site: str | None, area: str, places: Places) -> int:
    """0 same municipality, 1 same state, 2 elsewhere, 3 without a place."""
    if site is None or not places.is_known(site):
        return 3
    for apart, level in enumerate((2, 1)):
        if places.at_most(site, level) == places.at_most(area, level):
            return apart
    return 2


def _point(text: str | None) -> _Point | None:
    """PostgreSQL writes a point as "(longitude,latitude)"."""
    if text is None:
        return None
    longitude, latitude = text.strip("()").split(",")
    return float(latitude), float(longitude)


def _is_remote(row: Mapping[str, Any], referral: Mapping[str, Any]) -> bool:
    """A hotline, or a service that comes to the person and has no place of its own."""
    modes = set(referral.get("intake_modes", ()))
    has_place = any(pcode is not None for pcode in row["pcodes"] or ())
    return "hotline" in modes or (not has_place and bool(modes & {"outreach"}))


def _way(referral: Mapping[str, Any]) -> ReferralWay:
    names = (
        "method", "response_delay", "next_step", "feedback_mechanism", "focal_role", "hours",
        "intermediary",
    )  # fmt: skip
    return ReferralWay(**{name: referral.get(name) for name in names})
