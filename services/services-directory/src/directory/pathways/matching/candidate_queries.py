"""Reads the stored service documents for a plan, only at the caller's own level. SQL repeats the hard conditions, so
that it reads only services that fit. The rules in eligibility.py make the final decision and give the reasons."""

# ruff: noqa: S608 - the text is our own; every value is a bound argument of a Statement

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache

from common.sight import Audience
from common.words import codelists
from common.words.places import Places
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.access import visible_by_level
from directory.ground.hsds.opening_hours import WEEK_MINUTES
from directory.ground.hsds.preference import CAPACITY, MERITS, STATUS, Worth
from directory.ground.hsds.reachability import KILOMETRES_AN_HOUR, RESPONSE_HOURS
from directory.ground.hsds.referability import REFERABLE_STATUSES
from directory.ground.reading import opening_queries as opening
from directory.ground.reading.rows_queries import fetch, plan_once
from directory.ground.reading.statement import Statement
from directory.pathways.definition.layers import lineage
from directory.pathways.definition.profile import Moment, Profile
from directory.pathways.matching.candidate_rows import Found, found
from directory.pathways.matching.reach import Demand, neighbourhood

FITTING_READ = 25
OTHERS_READ = 20
NEAREST_STATES = 4

_READ = (
    "service_id", "etag", "name", "organization_name", "areas", "languages", "sexes", "populations",
    "nationalities", "documents", "minimum_age", "maximum_age", "capacity_state",
    "functional_status", "provider_level", "valid_until", "verified_on", "referable",
    "endorsed_by", "open_minutes", "season_days", "season_minutes", "hours_unread",
)  # fmt: skip
_SELECTED = ", ".join([*(f"d.{name}" for name in _READ), "d.referral::text AS referral"])
_CODES = ", ".join(f"'{code}'" for code in RESPONSE_HOURS)
# The same conditions as in hsds/reachability.py.
_BY_CALL = "coalesce(d.referral->'intake_modes' ? 'hotline', FALSE)"
_BY_ONESELF = """coalesce(d.referral->'intake_modes' ?| ARRAY['hotline', 'walk_in']
    OR d.referral->>'method' = 'not_required'
    AND coalesce(d.referral->'intake_modes', '[]') = '[]', FALSE)"""
_ANSWERED = (
    f"(d.referral->>'response_delay' = ANY(n.delays)"
    f" OR coalesce(d.referral->>'response_delay', '') NOT IN ({_CODES}))"
)
# Broader than needed, because reach.py decides. Hotlines and outreach need no place.
_IN_REACH = (
    """(n.around && d.within_areas
        OR d.referral->'intake_modes' ?| ARRAY['hotline', 'outreach'])""",
)
Order = Sequence[tuple[str, str]]
"""Expressions over `d`, each with its direction."""
_LIKELY: Order = (("d.referable", "DESC"), ("cardinality(d.endorsed_by)", "DESC"))
OFFERS = "d.categories @> ARRAY[n.need]"
OFFERS_HERE = "ruta_offered(d.categories, d.areas, d.within_areas) && n.here"
"""Documents of the need that serve or have a site in the area, a part of it or an area around it. One index covers
both, so that neither all of the need nor all of the area is read."""


async def fitting(
    session: AsyncSession,
    audience: Audience,
    profile: Profile,
    demands: Sequence[Demand],
    today: date,
) -> Found:
    """Return the most promising services for each need: they fit, respond in time and serve the profile's area."""
    await plan_once(session)
    s = Statement()
    conditions = [OFFERS_HERE, *fits(s, profile, today), in_time(s, today), *_IN_REACH]
    order = [(promising(s, profile, today), "DESC")]
    return await shortlist(session, s, audience, demands, profile, conditions, order, FITTING_READ)


async def others(
    session: AsyncSession,
    audience: Audience,
    profile: Profile,
    demands: Sequence[Demand],
    today: date,
) -> Found:
    """Return near misses in the area, and services elsewhere that fit, for needs without a fitting service in the
    area."""
    s = Statement()
    here = await shortlist(
        session, s, audience, demands, profile, [OFFERS_HERE], _LIKELY, OTHERS_READ
    )
    there = await _elsewhere(session, audience, profile, demands, today)
    candidates = {
        each.need: here.candidates.get(each.need, []) + there.candidates.get(each.need, [])
        for each in demands
    }
    return Found(candidates, {}, here.etags | there.etags, here.sensitive | there.sensitive)


async def _elsewhere(
    session: AsyncSession,
    audience: Audience,
    profile: Profile,
    demands: Sequence[Demand],
    today: date,
) -> Found:
    """Return fitting services in other places, starting with the nearest states. In a large directory, those states
    have enough services, so the rest of the country is not read."""
    state = Places.load().at_most(profile.area, 1)
    states = _states_by_distance(state)[:NEAREST_STATES]
    near = await _away(session, audience, profile, demands, today, states)
    enough = {need for need, found in near.candidates.items() if len(found) == OTHERS_READ}
    few = [each for each in demands if each.need not in enough]
    far = await _away(session, audience, profile, few, today, None)
    return Found(
        near.candidates | far.candidates,
        {},
        near.etags | far.etags,
        near.sensitive | far.sensitive,
    )


async def _away(
    session: AsyncSession,
    audience: Audience,
    profile: Profile,
    demands: Sequence[Demand],
    today: date,
    states: Sequence[str] | None,
) -> Found:
    """Return fitting services outside the area, in these states or, if None, in all states."""
    s = Statement()
    asked = [*fits(s, profile, today), in_time(s, today), f"NOT {serves(s, profile.area)}"]
    if states is None:
        asked = [OFFERS, *asked]
    else:
        asked = [OFFERS_HERE, f"d.states[1] = ANY({s.argument(list(states), 'text[]')})", *asked]
    order = _nearest(s, profile.area)
    return await shortlist(
        session, s, audience, demands, profile, asked, order, OTHERS_READ, states
    )


def fits(s: Statement, profile: Profile, today: date) -> list[str]:
    """Return the hard conditions of eligibility.py, except the area. A fact that is missing from the profile adds no
    condition, so it excludes nothing."""
    asked = [
        f"d.referable AND d.valid_until >= {s.argument(today, 'date')}",
        "cardinality(d.endorsed_by) > 0",
        f"d.functional_status = ANY({s.argument(sorted(REFERABLE_STATUSES), 'text[]')})",
        "d.capacity_state IS DISTINCT FROM 'full'",
        f"(d.referral->>'method' IS DISTINCT FROM 'not_accepted' OR {_BY_ONESELF})",
        opening.in_season(today, s),
    ]
    if profile.age is not None:
        age = s.argument(profile.age, "real")
        asked.append(f"coalesce(d.minimum_age, 0) <= {age}")
        asked.append(f"coalesce(d.maximum_age, 999) >= {age}")
    if profile.sex is not None:
        sex = s.argument(profile.sex.value, "text")
        asked.append(f"(d.sexes = '{{}}' OR {sex} = ANY(d.sexes))")
    if profile.populations:
        groups = s.argument(sorted(profile.populations), "text[]")
        asked.append(f"(d.populations = '{{}}' OR d.populations && {groups})")
    if profile.nationality is not None:
        nationality = s.argument(profile.nationality, "text")
        asked.append(f"(d.nationalities = '{{}}' OR {nationality} = ANY(d.nationalities))")
    if profile.has_documents is False:
        asked.append("d.documents = '{}'")
    return asked


def in_time(s: Statement, today: date) -> str:
    """Return the condition that the service opens soon enough, and either needs no referral or responds to one soon
    enough."""
    week = opening.coming_week(today, s)
    return f"""(n.opening IS NULL OR d.hours_unread OR {week} && n.opening
        OR d.season_days IS NULL AND isempty(d.open_minutes)) AND ({_BY_ONESELF} OR {_ANSWERED})"""


def _opening(wanted: Demand, moment: Moment | None) -> str | None:
    """Return the minutes of the week in which the service must be open, including the longest journey."""
    limit = wanted.deadline.opening
    if moment is None or limit is None:
        return None
    first = moment.minute_of_week
    last = first + limit * 60 + wanted.kilometres * 60 // KILOMETRES_AN_HOUR + 1
    if last - first >= WEEK_MINUTES:
        return None
    return f"{{[{first},{last}),[{first - WEEK_MINUTES},{last - WEEK_MINUTES})}}"


def serves(s: Statement, area: str) -> str:
    """Return the condition that a document serves, or has a site in, the area, a part of it or an area that contains
    it."""
    inside = s.argument([area], "text[]")
    around = s.argument(list(lineage(area)), "text[]")
    return f"(d.within_areas @> {inside} OR d.areas && {around})"


def offered_in(need: str, area: str) -> list[str]:
    """Return the index keys of services that serve a part of the area, all of it or all of an area that contains it."""
    return [f"{need}>{area}", *(f"{need}<{each}" for each in lineage(area))]


def promising(s: Statement, profile: Profile, today: date) -> str:
    """Return the SQL for the points in ranking.py that depend only on the document. Ordering by these points ensures
    that the best services are read."""
    town = s.argument([Places.load().at_most(profile.area, 2)], "text[]")
    points = [
        _worth("d.capacity_state", CAPACITY),
        _worth("d.functional_status", STATUS),
        _merit("way_same_area", f"d.within_areas @> {town}"),
        _merit("by_call", f"n.limited AND {_BY_CALL}"),
        _merit("by_walk_in", f"n.limited AND {_BY_ONESELF} AND NOT {_BY_CALL}"),
        _merit("answers_in_time", "n.limited AND d.referral->>'response_delay' = ANY(n.delays)"),
    ]
    if profile.languages:
        spoken = s.argument(sorted(profile.languages), "text[]")
        points.append(_merit("language_met", f"d.languages && {spoken}"))
    if profile.moment is not None:
        minute = s.argument(profile.moment.minute_of_week, "integer")
        points.append(_merit("open_now", f"({opening.coming_week(today, s)}) @> {minute}"))
    return f"({' + '.join(points)})"


def _worth(column: str, codes: Mapping[str, Worth]) -> str:
    cases = " ".join(f"WHEN '{code}' THEN {worth.plan}" for code, worth in codes.items())
    return f"CASE {column} {cases} ELSE 0 END"


def _merit(reason: str, condition: str) -> str:
    return f"CASE WHEN {condition} THEN {MERITS[reason]} ELSE 0 END"


def _nearest(s: Statement, area: str) -> Order:
    state = Places.load().at_most(area, 1)
    states = s.argument(list(_states_by_distance(state)), "text[]")
    room = _worth("d.capacity_state", CAPACITY)
    return (f"array_position({states}, d.states[1])", "NULLS LAST"), (room, "DESC")


@cache
def _states_by_distance(state: str) -> tuple[str, ...]:
    places = Places.load()
    country = places.require(state).country
    known = [place.pcode for place in places.at_level(1, country)]
    return tuple(sorted(known, key=lambda each: (places.distance(state, each) or 0, each)))


async def shortlist(
    session: AsyncSession,
    s: Statement,
    audience: Audience,
    demands: Sequence[Demand],
    profile: Profile,
    conditions: Sequence[str],
    order: Order,
    limit: int,
    states: Sequence[str] | None = None,
) -> Found:
    """Return the first `limit` documents in `order` for each need, with the places of their sites. `OFFERS_HERE` refers
    to the area, or to `states` if given."""
    if not demands:
        return Found({}, {}, frozenset())
    area = profile.area
    wanted = s.argument([each.need for each in demands], "text[]")
    # A service belongs to the AoR of each of its categories (taxonomy.aors_of). A caller of that AoR sees every service
    # for the need at the AoR's level, so the query skips lower levels.
    aors = codelists.categories()
    least = s.argument([audience.least(aors[each.need].pathway) for each in demands], "smallint[]")
    limited = s.argument([each.deadline.hours is not None for each in demands], "boolean[]")
    openings = [_opening(each, profile.moment) for each in demands]
    opening_in = s.argument(openings, "text[]")
    delays, around, here = (
        s.argument([" ".join(each) for each in lists], "text[]")
        for lists in (
            [each.deadline.delays for each in demands],
            [neighbourhood(area, each.kilometres) for each in demands],
            [
                offered_in(each.need, area)
                if states is None
                else [f"{each.need}>{state}" for state in states]
                for each in demands
            ],
        )
    )
    if profile.exclude_organisations:
        # A hidden organisation may be among the excluded ones. Its services are dropped too, so that the response
        # reveals nothing about it.
        excluded = s.argument(sorted(profile.exclude_organisations), "uuid[]")
        known = f"d.organization_name IS NOT NULL AND d.organization_id <> ALL({excluded})"
        conditions = [*conditions, known]
    # Read each level from its own partition. Expand the lists once per need, not once per row.
    keys = ", ".join(f"{expression} AS key{at}" for at, (expression, _) in enumerate(order))
    seen = " UNION ALL ".join(
        f"SELECT d.service_id, d.level, {keys} FROM service_documents_{level} d"
        f" WHERE n.least <= {level} AND {' AND '.join([*conditions, condition])}"
        for level, condition in visible_by_level(audience, s.argument).items()
    )
    sorted_by = ", ".join(f"key{at} {direction}" for at, (_, direction) in enumerate(order))
    text = f"""
        SELECT n.need, s.fits, d.sensitive, {_SELECTED}, site.pcodes, site.points
        FROM (
            SELECT need, least, limited, opening::int4multirange, string_to_array(delays, ' ') AS delays,
                   string_to_array(around, ' ') AS around, string_to_array(here, ' ') AS here
            FROM unnest({wanted}, {least}, {limited}, {opening_in}, {delays}, {around}, {here})
                 AS asked(need, least, limited, opening, delays, around, here)
            OFFSET 0
        ) n
        CROSS JOIN LATERAL (
            SELECT d.*, count(*) OVER () AS fits
            FROM ({seen}) d
            ORDER BY {sorted_by}, service_id LIMIT {s.argument(limit, "integer")}
        ) s
        JOIN service_documents d ON d.service_id = s.service_id AND d.level = s.level
        CROSS JOIN LATERAL (
            SELECT array_agg(pcode ORDER BY site_id) AS pcodes,
                   array_agg(point::text ORDER BY site_id) AS points
            FROM site_documents WHERE service_id = d.service_id AND level = d.level
        ) site
        ORDER BY n.need, {sorted_by}, s.service_id
    """
    return found(await fetch(session, text, s), area)
