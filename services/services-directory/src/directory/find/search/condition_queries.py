"""Turns parameters into SQL conditions on the documents stored at the caller's level."""

import math
from collections.abc import Iterable, Iterator
from datetime import date, time

from asyncpg import Range
from common.words.places import Places, folded

from directory.find.search.parameters import Filters, SiteQuery
from directory.ground.hsds.opening_hours import Span, minute_of_week, windows
from directory.ground.reading import opening_queries as opening
from directory.ground.reading.statement import Statement

_METRES_PER_DEGREE = 111_195.0
EARTH_METRES = 6_371_008.8
Point = tuple[float, float]
"""Latitude, longitude."""


def by_index(query: Filters, statement: Statement) -> list[str]:
    """Return the conditions on `d` (service_documents) that an index supports, except the text search."""
    return [*_hsds(query, statement), *_place(query, statement)]


def one_by_one(query: Filters, statement: Statement, today: date) -> list[str]:
    """Return the conditions that no index supports. They are checked on each document that passes the indexed
    conditions."""
    return [
        *_codes(query, statement),
        *_person(query, statement),
        *_state(query, statement, today),
    ]


def _hsds(query: Filters, s: Statement) -> Iterator[str]:
    if query.taxonomy_term_id:
        yield f"d.terms @> ARRAY[{s.argument(query.taxonomy_term_id, 'uuid')}]"
    if query.taxonomy_id:
        yield f"d.taxonomies @> ARRAY[{s.argument(query.taxonomy_id, 'uuid')}]"
    if query.organization_id:
        # `organization_name` is NULL if this level hides the organisation: a search must not find it.
        yield (
            f"(d.organization_id = {s.argument(query.organization_id, 'uuid')}"
            " AND d.organization_name IS NOT NULL)"
        )
    if query.modified_after:
        yield f"d.modified_at >= {s.argument(query.modified_after, 'timestamptz')}"
    if query.category:
        yield f"d.categories && {s.argument(list(query.category), 'text[]')}"


def _codes(query: Filters, s: Statement) -> Iterator[str]:
    if query.aor:
        yield f"d.aors && {s.argument(list(query.aor), 'text[]')}"
    if query.language:
        yield f"d.languages && {s.argument(list(query.language), 'text[]')}"
    if query.capacity_state:
        yield f"d.capacity_state = ANY({s.argument(list(query.capacity_state), 'text[]')})"
    if query.functional_status:
        yield f"d.functional_status = ANY({s.argument(list(query.functional_status), 'text[]')})"
    if query.provider_level:
        yield f"d.provider_level = {s.argument(query.provider_level, 'text')}"
    if query.pre_crisis is not None:
        yield f"d.pre_crisis = {s.argument(query.pre_crisis, 'boolean')}"


def _person(query: Filters, s: Statement) -> Iterator[str]:
    """Yield conditions about the person. A service without rules accepts everybody."""
    if query.minimum_age is not None:
        yield f"d.minimum_age >= {s.argument(query.minimum_age, 'real')}"
    if query.maximum_age is not None:
        yield f"d.maximum_age <= {s.argument(query.maximum_age, 'real')}"
    if query.age is not None:
        age = s.argument(query.age, "real")
        yield f"(d.minimum_age IS NULL OR d.minimum_age <= {age})"
        yield f"(d.maximum_age IS NULL OR d.maximum_age >= {age})"
    if query.sex:
        yield f"(d.sexes = '{{}}' OR d.sexes @> ARRAY[{s.argument(query.sex, 'text')}])"
    if query.population:
        wanted = s.argument(list(query.population), "text[]")
        yield f"(d.populations = '{{}}' OR d.populations && {wanted})"
    if query.nationality:
        wanted = s.argument(query.nationality, "text")
        yield f"(d.nationalities = '{{}}' OR d.nationalities @> ARRAY[{wanted}])"
    if query.without_documents:
        yield "d.documents = '{}'"


def _place(query: Filters, s: Statement) -> Iterator[str]:
    if query.area:
        inside = s.argument([query.area], "text[]")
        around = s.argument(list(Places.load().ancestors(query.area)), "text[]")
        yield f"(d.within_areas && {inside} OR d.areas && {around})"
    if isinstance(query, SiteQuery):
        return  # the place condition then applies to the site
    if query.near and query.radius:
        yield f"EXISTS (SELECT FROM {_sites_of('d')} AND {within_radius(query, s)})"
    if query.bbox:
        yield f"EXISTS (SELECT FROM {_sites_of('d')} AND {in_box(query.bbox, s)})"


def _state(query: Filters, s: Statement, today: date) -> Iterator[str]:
    if query.open_at:
        minute = s.argument(minute_of_week(query.open_at), "integer")
        yield f"({opening.week_from(query.open_at.date(), s)}) @> {minute}"
    if query.open_on or query.open_from or query.open_until:
        asked = windows(query.open_on, query.open_from or time.min, query.open_until)
        yield f"({opening.coming_week(today, s)}) && {_spans(asked, s)}"
    if query.day or query.start_time or query.end_time:
        inside = _spans(windows(query.day, query.start_time or time.min, query.end_time), s)
        week = opening.coming_week(today, s)
        yield f"EXISTS (SELECT FROM unnest({week}) AS span WHERE span <@ {inside})"
    if query.referable is not None:
        fresh = f"(d.referable AND d.valid_until >= {s.argument(today, 'date')}"
        fresh = f"{fresh} AND {opening.in_season(today, s)})"
        yield fresh if query.referable else f"NOT {fresh}"
    if query.verified_after:
        yield f"d.verified_on >= {s.argument(query.verified_after, 'date')}"


def _spans(spans: Iterable[Span], s: Statement) -> str:
    return s.argument([Range(*span) for span in spans], "int4multirange")


def _sites_of(alias: str) -> str:
    return f"site_documents s WHERE s.level = {alias}.level AND s.service_id = {alias}.service_id"


def within_radius(query: Filters, s: Statement, alias: str = "s") -> str:
    """Return the condition: first a bounding box, which uses the index, then the distance."""
    assert query.near is not None  # noqa: S101 - the caller checked
    assert query.radius is not None  # noqa: S101 - the caller checked
    return around(query.near, query.radius, s, alias)


def around(point: Point, radius: float, s: Statement, alias: str = "s") -> str:
    latitude, longitude = point
    half = radius / _METRES_PER_DEGREE
    wide = half / max(math.cos(math.radians(min(89.9, abs(latitude) + half))), 1e-3)
    box = in_box(
        (max(-180, longitude - wide), max(-90, latitude - half),
         min(180, longitude + wide), min(90, latitude + half)), s, alias,
    )  # fmt: skip
    metres = s.argument(radius, "double precision")
    return f"{box} AND {distance(point, s, alias)} <= {metres}"


def at_postcode(query: SiteQuery, centre: Point | None, s: Statement) -> str:
    """Return the condition for sites at the postcode. With `proximity`, it matches sites around `centre`, the midpoint
    of the postcode's sites."""
    if query.proximity is None:
        return f"s.postcodes @> ARRAY[{s.argument(folded(query.postcode or ''), 'text')}]"
    return around(centre, query.proximity, s) if centre else "false"


def in_box(box: tuple[float, float, float, float], s: Statement, alias: str = "s") -> str:
    west, south, east, north = (s.argument(each, "double precision") for each in box)
    return f"{alias}.point <@ box(point({west}, {south}), point({east}, {north}))"


def distance(point: Point, s: Statement, alias: str = "s") -> str:
    """Return the great-circle distance in metres (haversine) from `point` (latitude, longitude) to the site."""
    latitude = s.argument(point[0], "double precision")
    longitude = s.argument(point[1], "double precision")
    return (
        f"(2 * {EARTH_METRES} * asin(least(1, sqrt("
        f"sin(radians({alias}.point[1] - {latitude}) / 2) ^ 2"
        f" + cos(radians({latitude})) * cos(radians({alias}.point[1]))"
        f" * sin(radians({alias}.point[0] - {longitude}) / 2) ^ 2))))"
    )
