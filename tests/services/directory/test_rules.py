"""Pure rules: levels, precision, opening hours, status, differences, merge patch and access."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from common.db.session import Database
from common.sight import NAMES, Audience, audience_of
from directory.ground.access import begins_above, visible, visible_sql
from directory.ground.entries.differences import Difference, differences
from directory.ground.entries.states import STEPS, EntryState, curates, possible_steps
from directory.ground.hsds.countries import countries_of
from directory.ground.hsds.opening_hours import (
    WEEK_MINUTES,
    Opening,
    coming_week,
    minute_of_week,
    opening_of,
    week_from,
)
from directory.ground.hsds.safety import dangers
from directory.ground.hsds.status import is_stale, with_status
from directory.ground.hsds.views import Facts, Record, render_service
from directory.ground.hsds.visibility import without_unstorable
from directory.ground.reading.rows_queries import fetch
from directory.ground.reading.statement import Statement
from directory.record.services.comparison import merged
from hypothesis import given
from hypothesis import strategies as st

from tests.support.principals import CLIENTS, principal

FACTS = Facts()


def record(**service: Any) -> Record:
    document = {"id": "0190d000-0000-7000-8000-000000000001", "name": "S", "status": "active"}
    return Record({**document, **service}, {"id": "o", "name": "O", "description": "x"})


@pytest.mark.parametrize("own", range(4))
def test_a_service_exists_from_its_own_level_on(own: int) -> None:
    seen = [
        level
        for level in range(4)
        if render_service(record(visibility=NAMES[own]), level, FACTS) is not None
    ]
    assert seen == list(range(own, 4))


@given(
    st.lists(st.sampled_from(NAMES), max_size=4),
    st.sampled_from(NAMES),
    st.sampled_from(NAMES),
)
def test_a_higher_level_never_sees_less(phones: list[str], service: str, site: str) -> None:
    given_record = record(
        visibility=service,
        phones=[{"id": str(n), "number": str(n), "visibility": v} for n, v in enumerate(phones)],
        service_at_locations=[
            {"id": "s", "visibility": site, "location": {"id": "l", "location_type": "virtual"}}
        ],
    )
    before: set[str] = set()
    for level in range(4):
        shown = render_service(given_record, level, FACTS) or {}
        now = {phone["id"] for phone in shown.get("phones", [])}
        now |= {each["id"] for each in shown.get("service_at_locations", [])}
        assert before <= now
        before = now


@pytest.mark.parametrize(
    ("visibility", "pcode", "exact"),
    [
        ("public", "VE231301", True),
        ("partners", "VE231301", True),
        ("pathway", "VE2313", False),
        ("restricted", "VE23", False),
    ],
)
def test_a_place_is_as_exact_as_its_level(visibility: str, pcode: str, exact: bool) -> None:
    location = {
        "id": "l", "location_type": "physical", "pcode": "VE231301", "visibility": visibility,
        "latitude": 10.6, "longitude": -71.6, "name": "Calle 5", "addresses": [{"city": "x"}],
    }  # fmt: skip
    shown = render_service(
        record(service_at_locations=[{"id": "s", "location": location}]), 3, FACTS
    )
    assert shown is not None
    place = shown["service_at_locations"][0]["location"]
    assert place["pcode"] == pcode
    assert ("latitude" in place, "addresses" in place) == (exact, exact)


def test_what_must_not_be_stored_of_a_restricted_place_is_named_and_taken_out() -> None:
    service = {
        "visibility": "restricted",
        "service_at_locations": [
            {"location": {"location_type": "physical", "latitude": 1, "pcode": "VE2313"}}
        ],
    }
    assert [pointer for pointer, _ in dangers(service)] == [
        "/service_at_locations/0/location/latitude"
    ]
    storable, removed = without_unstorable(service)
    assert removed == ["/service_at_locations/0/location/latitude"]
    assert storable["service_at_locations"][0]["location"]["pcode"] == "VE23"
    assert not list(dangers(storable))


@pytest.mark.parametrize(
    ("schedule", "spans"),
    [
        ({"byday": "MO", "opens_at": "08:00", "closes_at": "16:30"}, [(480, 990)]),
        ({"byday": "MO, TU", "opens_at": "00:00", "closes_at": "00:00"}, [(0, 2880)]),
        ({"byday": "SU", "opens_at": "22:00", "closes_at": "06:00"}, [(0, 360), (9960, 10080)]),
    ],
)
def test_opening_hours(schedule: dict[str, Any], spans: list[tuple[int, int]]) -> None:
    assert opening_of([schedule]) == Opening(spans, [], unread=False)


@pytest.mark.parametrize(
    "odd",
    [
        {"freq": "MONTHLY"},
        {"interval": 2},
        {"byday": "1MO,-1FR"},
        {"byday": "MO,LUN"},
        {"byday": ""},
        {"bymonthday": "3"},
        {"count": 4},
        {"opens_at": None},
        {"closes_at": None},
        {"valid_from": "2026-12-01", "valid_to": "2026-11-01"},
    ],
)
def test_hours_that_are_not_understood_are_never_taken_for_open(odd: dict[str, Any]) -> None:
    rule = {"freq": "WEEKLY", "byday": "MO", "opens_at": "08:00", "closes_at": "16:00"}
    known = {**rule, "byday": "TU"}
    assert opening_of([known, rule | odd]) == Opening([(1920, 2400)], [], unread=True)


NIGHTS = {"byday": "MO,TU", "opens_at": "22:00", "closes_at": "04:00"}
MONDAY = date(2026, 11, 30)


@pytest.mark.parametrize(
    ("dates", "spans"),
    [
        ({"valid_to": "2026-11-29"}, []),
        ({"until": "2026-12-01"}, [(1320, 1680), (2760, 3120)]),
        ({"valid_to": "2026-12-01", "until": "2026-11-30"}, [(1320, 1680)]),
        ({"valid_from": "2026-11-01", "dtstart": "2026-12-01"}, [(2760, 3120)]),
        ({"valid_from": "2026-12-31"}, []),
        ({"valid_to": "9999-12-31"}, [(1320, 1680), (2760, 3120)]),
    ],
)
def test_a_season_ends_with_the_night_of_its_last_day(
    dates: dict[str, str], spans: list[tuple[int, int]]
) -> None:
    found = opening_of([NIGHTS | dates])
    assert week_from(found.usual, found.seasons, MONDAY) == spans


def test_on_a_holiday_nothing_is_known_to_be_open() -> None:
    holiday = {"valid_from": "2026-12-01", "valid_to": "2026-12-01", "description": "cerrado"}
    found = opening_of([NIGHTS, holiday])
    assert found.unread
    assert week_from(found.usual, found.seasons, MONDAY) == [(1320, 1440), (2880, 3120)]
    assert week_from(found.usual, found.seasons, date(2026, 12, 2)) == [(1320, 1680), (2760, 3120)]


def test_a_weekday_that_may_be_yesterday_or_in_a_week_is_open_on_both() -> None:
    """In Caracas it is still Monday evening when UTC is already on Tuesday."""
    ends, begins = (opening_of([NIGHTS | {at: "2026-12-02"}]) for at in ("valid_to", "valid_from"))
    tuesday = date(2026, 12, 1)
    assert coming_week([], ends.seasons, tuesday) == [(1440, 1680), (2760, 3120)]
    assert coming_week([], begins.seasons, tuesday) == []


@given(st.datetimes())
def test_every_moment_has_its_minute(moment: datetime) -> None:
    assert 0 <= minute_of_week(moment) < WEEK_MINUTES


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("partially_functional", "active"),
        ("suspended", "temporarily closed"),
        ("planned", "inactive"),
        ("closed", "defunct"),
        ("unknown", "active"),
    ],
)
def test_status_follows_functional_status(code: str, status: str) -> None:
    shown = with_status({"status": "active", "functional_status": {"code": code}}, stale=False)
    assert shown["status"] == status


def test_stale_is_the_day_after_it_was_promised() -> None:
    service = {
        "functional_status": {"code": "fully_functional"},
        "verification": {"valid_until": "2026-11-25"},
    }
    assert not is_stale(service, date(2026, 11, 25))
    assert is_stale(service, date(2026, 11, 26))
    assert with_status(service, stale=False)["functional_status"]["code"] == "fully_functional"
    assert with_status(service, stale=True)["functional_status"]["code"] == "unknown"


def test_differences_match_by_id_not_by_place() -> None:
    old = {"phones": [{"id": "a", "number": "1"}, {"id": "b", "number": "2"}]}
    new = {"phones": [{"id": "b", "number": "3"}, {"id": "a", "number": "1"}]}
    assert list(differences(old, new)) == [Difference("/phones/b/number", "2", "3")]


@pytest.mark.parametrize(
    "unusable", [[{"id": []}], [{"id": None}], [{"id": "a"}, {"id": "a", "x": 1}], ["a"]]
)
def test_a_list_without_ids_of_its_own_differs_as_a_whole(unusable: list[Any]) -> None:
    assert list(differences(unusable, [{"id": "b"}], "/list")) == [
        Difference("/list", unusable, [{"id": "b"}])
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=10,
)


@given(JSON)
def test_an_entry_does_not_differ_from_itself(value: Any) -> None:
    assert list(differences(value, value)) == []


@pytest.mark.parametrize(  # RFC 7396, appendix A
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch(target: Any, patch: Any, result: Any) -> None:
    assert merged(target, patch) == result


def test_every_state_but_the_last_has_a_way_on() -> None:
    for state in EntryState:
        assert bool(possible_steps(state)) is (state != EntryState.MERGED)
    assert set(STEPS) == {"submit", "approve", "return", "withdraw", "reopen"}


def test_who_curates() -> None:
    assert curates(principal("gbv-coordinator"), ["GBV"], ["VE23"])
    assert not curates(principal("gbv-coordinator"), ["TIP"], ["VE23"])
    assert not curates(principal("gbv-coordinator", areas=["VE20"]), ["GBV"], ["VE23"])
    assert curates(principal("im-officer"), ["TIP"], [])
    assert not curates(principal("ngo-salud"), ["GBV"], ["VE23"])


AUDIENCES = [audience_of(principal(client)) for client in (*CLIENTS, "anonymous")] + [
    audience_of(principal("ngo-refugio", areas=["VE23"])),
    audience_of(principal("gbv-coordinator", areas=["VE23"])),
]


@dataclass(frozen=True)
class Told:
    organisation_id: UUID
    managed_by: UUID
    aors: list[str]
    states: list[str]
    visibility: str = "public"


def _texts(array: str) -> list[str]:
    return [text for text in array.strip("{}").split(",") if text]


async def test_both_forms_of_the_access_rule_choose_the_same_one_level(
    database: Database,
) -> None:
    """The read path's SQL and the write path's expression choose the same rows over a grid of services. They never
    choose more than one level per service."""
    org = UUID("0190a000-0000-7000-8000-000000000002")
    other = UUID("0190a000-0000-7000-8000-0000000000ff")
    grid = [
        (level, owner, manager, aors, states)
        for level in range(4)
        for owner in (org, other)
        for manager in (org, other)
        for aors in ("{GBV}", "{TIP,CP}", "{MULTI}", "{}")
        for states in ("{VE23}", "{VE20}", "{}")
    ]
    values = ", ".join(
        f"({n}, {level}::smallint, '{owner}'::uuid, '{manager}'::uuid, '{aors}'::text[],"
        f" '{states}'::text[])"
        for n, (level, owner, manager, aors, states) in enumerate(grid)
    )
    table = f"(VALUES {values}) d(n, level, organization_id, managed_by, aors, states)"
    names = ("n", "level", "organization_id", "managed_by", "aors", "states")
    columns = sa.text(f"SELECT * FROM {table}").columns(*map(sa.column, names)).subquery("d")
    async with database.transaction() as session:
        for audience in AUDIENCES:
            s = Statement()
            condition = visible_sql(audience, s.argument)
            rows = await fetch(session, f"SELECT n FROM {table} WHERE {condition}", s)
            by_text = {row["n"] for row in rows}
            chosen = sa.select(columns.c.n).where(visible(columns.c, audience))
            by_expression = set(await session.scalars(chosen))
            assert by_text == by_expression
            services = [grid[n][1:] for n in by_text]
            assert len(services) == len(set(services)), "one level per service"
            assert len(services) == len(grid) // 4, "and exactly one"
            assert by_text == {
                n
                for n, (level, owner, manager, aors, states) in enumerate(grid)
                if audience.level(Told(owner, manager, _texts(aors), _texts(states))) == level
            }, "the rule itself says the same"


async def test_all_that_is_seen_is_what_is_at_the_lowest_level_and_what_begins_above(
    database: Database,
) -> None:
    """The count of an unfiltered list is right for services of every visibility. A service has a document at its own
    level and at each higher level."""
    own, other = UUID("0190a000-0000-7000-8000-000000000002"), UUID(int=255)
    documents = [
        f"({level}::smallint, {visibility}::smallint, '{owner}'::uuid, '{manager}'::uuid,"
        f" '{aors}'::text[], '{states}'::text[])"
        for visibility in range(4)
        for level in range(visibility, 4)
        for owner in (own, other)
        for manager in (own, other)
        for aors in ("{GBV}", "{TIP,CP}", "{MULTI}")
        for states in ("{VE23}", "{VE20}", "{}")
    ]
    table = (
        f"(VALUES {', '.join(documents)})"
        " d(level, visibility, organization_id, managed_by, aors, states)"
    )
    async with database.transaction() as session:
        for audience in AUDIENCES:
            if audience.organisation_id is None:
                continue
            s = Statement()
            seen = visible_sql(audience, s.argument)
            parts = [f"d.level = {audience.base}", *begins_above(audience, s.argument)]
            rows = await fetch(
                session,
                f"SELECT (SELECT count(*) FROM {table} WHERE {seen}) AS one,"
                f" {' + '.join(f'(SELECT count(*) FROM {table} WHERE {part})' for part in parts)}"
                " AS other",
                s,
            )
            assert rows[0]["one"] == rows[0]["other"], audience


@pytest.mark.parametrize(
    ("service", "organization", "countries"),
    [
        ({"service_areas": [{"extent_type": "pcode", "extent": "CO11"}]}, {}, ["CO"]),
        ({"service_at_locations": [{"location": {"pcode": "VE2313"}}]}, {}, ["VE"]),
        (
            {
                "service_areas": [{"extent_type": "pcode", "extent": "VE23"}],
                "service_at_locations": [{"location": {"addresses": [{"country": "CO"}]}}],
            },
            {},
            ["VE"],
        ),
        ({"service_at_locations": [{"location": {"addresses": [{"country": "co"}]}}]}, {}, ["CO"]),
        ({"service_at_locations": [{"location": {"addresses": [{"country": "COL"}]}}]}, {}, ["CO"]),
        ({}, {"locations": [{"addresses": [{"country": "BR"}]}]}, ["BR"]),
        ({}, {"locations": [{"pcode": "VE2313"}, {"pcode": "CO11"}]}, ["CO", "VE"]),
        ({"service_at_locations": [{"location": {"location_type": "virtual"}}]}, {}, []),
        ({"service_areas": [{"extent_type": "geojson", "extent": "{}"}]}, {}, []),
        ({}, {"locations": [{"addresses": [{"country": "somewhere"}]}]}, []),
    ],
)
def test_a_service_is_where_its_areas_are_else_its_addresses_else_its_organisation(
    service: dict[str, Any], organization: dict[str, Any], countries: list[str]
) -> None:
    assert countries_of(service, organization) == countries


def test_audiences() -> None:
    assert audience_of(principal("anonymous")) == Audience()
    assert audience_of(principal("auditor")).base == 0, "no directory:read"
    assert audience_of(principal("health-cluster")).aors == ()
    assert audience_of(principal("im-officer")).coordinates == ()
    assert audience_of(principal("gbv-coordinator")).coordinates == ("GBV",)
