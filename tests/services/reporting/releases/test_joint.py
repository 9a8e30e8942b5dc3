"""Each population has one joint cube. Programmes agree, a person counts once in every span, and closing one population
moves no fact of another."""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from common import clock
from common.db.session import Database
from common.errors import Problem
from common.events.codes import ReportingAttributes
from common.ids import new_id
from httpx import AsyncClient
from reporting.ground.periods import Period, PeriodKind
from reporting.ground.programmes.catalogue import programme, shipped
from reporting.ground.programmes.definition import Codes, Link, Programme
from reporting.ground.protection.protected import ProtectedCube, summed
from reporting.ground.protection.rounding import protect, seed
from reporting.protect.releases import service
from reporting.protect.releases.joint import tilt
from reporting.protect.releases.spans import flows
from reporting.protect.releases.views import layout_of, seen, spanned, view_of
from reporting.recording.service import Recorder
from reporting.settings import Settings

from tests.services.reporting.events import (
    DECLINED,
    DELIVERED,
    Arrived,
    Journey,
    caseload,
    record,
    record_together,
)
from tests.services.reporting.releases.test_story import as_
from tests.services.reporting.releases.true_counts import as_joint, true_joint, true_view
from tests.services.reporting.trafficking.test_trafficking import people
from tests.support.principals import principal

LATER = datetime(2026, 10, 20, 12, tzinfo=UTC)
HALVES = ("2026-10a", "2026-10b")
MONTH = Period.parse("2026-10")


def two_halves(persons: int, number: int) -> list[Arrived]:
    """Return referred persons; some are referred again, or progress, in the next half month."""
    chance = random.Random(number)  # noqa: S311 - test data, no secret
    events: list[Arrived] = []
    for _ in range(persons):
        one = Journey(
            case_id=new_id(),
            area=chance.choice(("VE23", "VE20")),
            attributes=ReportingAttributes(sex=chance.choice(("female", "male"))),
        )
        first = chance.choice((DELIVERED[:1], DELIVERED[:3], DELIVERED, DECLINED))
        events += one.events(*first)
        if chance.random() < 0.4:
            again = Journey(case_id=one.case_id, start=LATER, attributes=one.attributes)
            events += again.events(*chance.choice((DELIVERED, DELIVERED[:3], DECLINED)))
    return events


def part(cube: ProtectedCube, codes: Codes) -> int:
    return cube.total(codes)


@pytest.mark.parametrize(
    ("own", "link"),
    [(each, link) for each in shipped() for link in each.links],
    ids=lambda value: value.id if isinstance(value, Programme) else getattr(value, "other", ""),
)
async def test_declared_links_hold_for_the_true_counts(
    database: Database, recorder: Recorder, own: Programme, link: Link
) -> None:
    period = "2026-Q3" if own.period_kind == "quarter" else "2026-10a"
    events = people(150, seed=8) if own.period_kind == "quarter" else list(caseload(150, seed=8))
    await record_together(database, recorder, events)
    here = await true_view(database, own.id, period)
    there = await true_view(database, link.other, period)
    few, many = part(here, link.here), part(there, link.there)
    assert few > 0
    assert few == many if link.relation == "equal" else few <= many


async def test_tables_of_programmes_over_the_same_people_agree_by_construction(
    api: AsyncClient, database: Database, recorder: Recorder
) -> None:
    await record_together(database, recorder, people(260, seed=11))
    asked = {
        "screening": "stage=assisted",
        "trafficking": "contact=any-assistance",
        "assistance": "",
        "routes": "",
    }
    totals = {}
    for name, query in asked.items():
        body = {"programme": name, "period": "2026-Q3"}
        made = await api.post("/reports/v1/releases", json=body, headers=as_("im-officer"))
        assert made.status_code == 201, made.text
        url = f"/reports/v1/releases/{made.json()['id']}/query?tier=internal&{query}"
        totals[name] = (await api.get(url, headers=as_("im-officer"))).json()
    numbers = {(t["total"], t["low"], t["high"]) for n, t in totals.items() if n != "routes"}
    assert len(numbers) == 1
    assert totals["routes"]["total"] >= totals["assistance"]["total"]


async def test_a_person_counts_once_in_a_month_by_the_furthest_point(
    database: Database, recorder: Recorder
) -> None:
    await record_together(database, recorder, two_halves(120, 1))
    wanted = programme("referrals")
    joint = [await true_joint(database, wanted.population, each) for each in HALVES]
    view = view_of(wanted)
    periods = summed((seen(view, each) for each in joint), "two")
    assert periods.counts == "person-periods"
    assert seen(view, spanned(joint, joint, MONTH)).counts == "persons"
    assert periods.total() == sum(seen(view, each).total() for each in joint) > 120
    month = flows(layout_of(joint[0]), 0, [each.cells for each in joint])
    assert month.total() == 120
    assert min(month.values()) >= 0, "a flow of true counts never ends below zero"


async def test_an_unmet_need_of_a_month_counts_once_whenever_it_came(
    database: Database, recorder: Recorder
) -> None:
    both, second, first = Journey(), Journey(), Journey()
    events = both.events(*DECLINED) + second.events(*DELIVERED) + first.events(*DECLINED)
    for each in (both, second):
        again = Journey(case_id=each.case_id, start=LATER)
        events += again.events(*DECLINED)
    await record_together(database, recorder, events)
    wanted = programme("unmet-needs")
    joint = [await true_joint(database, wanted.population, each) for each in HALVES]
    view = view_of(wanted)
    assert seen(view, spanned(joint, joint, MONTH)).total() == 3
    assert summed((seen(view, each) for each in joint), "two").total() == 4


async def test_an_older_step_that_arrives_late_does_not_count_the_person_again(
    api: AsyncClient, database: Database, recorder: Recorder
) -> None:
    await _older_step_adds_nobody(api, database, recorder, "2026-10a")


async def test_new_year_is_no_boundary_that_counts_a_person_twice(
    api: AsyncClient, database: Database, recorder: Recorder
) -> None:
    """A year's facts begin in January, but a person counted in December does not count again."""
    await _older_step_adds_nobody(api, database, recorder, "2025-12b")


async def _older_step_adds_nobody(
    api: AsyncClient, database: Database, recorder: Recorder, closed: str
) -> None:
    period = Period.parse(closed)
    start = datetime(period.start.year, period.start.month, period.start.day + 2, tzinfo=UTC)
    journey = Journey(start=start)
    sent, acknowledged, accepted = journey.events(("sent", 0), ("acknowledged", 2), ("accepted", 9))
    await record(database, recorder, [sent, accepted])
    body = {"programme": "referrals", "period": closed}
    await api.post("/reports/v1/releases", json=body, headers=as_("im-officer"))
    await record(database, recorder, [acknowledged])
    # A late step counts on the day when it arrives.
    now = Period.containing(clock.utc_day(clock.now()), PeriodKind.HALF_MONTH)
    assert (await true_view(database, "referrals", now.id)).total() == 0


async def test_closing_one_population_moves_no_fact_of_another(
    api: AsyncClient, database: Database, recorder: Recorder
) -> None:
    body = {"programme": "gaps", "period": "2026-10a"}
    made = await api.post("/reports/v1/releases", json=body, headers=as_("im-officer"))
    assert made.status_code == 201
    await record(database, recorder, Journey().events(*DELIVERED))
    assert (await true_view(database, "referrals", "2026-10a")).total() == 1


def test_the_spans_of_rounded_halves_are_sums_of_the_same_cells() -> None:
    population = programme("referrals").population
    chance = random.Random(4)  # noqa: S311 - test data, no secret
    cubes = []
    for number, period in enumerate(HALVES):
        counts: Counter[tuple[str, ...]] = Counter()
        for _ in range(300):
            at = tuple(chance.choice(d.dimension.codes[:3]) for d in population.dimensions)
            before = "|".join([chance.choice(("-", "waiting", "delivered+"))] * 3)
            counts[*at, before if number else "-|-|-"] += 1
        fresh = seed(b"k" * 32, population.id, period, population.schema)
        cells = protect(counts, k=11, weights=population.weights, seed=fresh, tilt=tilt(population))
        cubes.append(as_joint(population, period, cells))
    wanted = programme("referrals")
    month = seen(view_of(wanted), spanned(cubes, cubes, MONTH))
    fresh_ones = sum(r for cube in cubes for at, r in cube.cells.items() if at[-1].startswith("-|"))
    halves = [seen(view_of(wanted), cube).total() for cube in cubes]
    assert month.total() >= max(fresh_ones, *halves)
    figure = month.figure()
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low <= figure.count <= figure.high


def test_where_nothing_is_shown_up_to_k_minus_one_may_be_hidden() -> None:
    wanted = programme("gaps")
    cube = seen(view_of(wanted), as_joint(wanted.population, "2026-10a", {}))
    figure = cube.figure()
    assert (figure.count, figure.low) == (0, 0)
    assert figure.high is not None
    assert figure.high >= 10


async def test_people_of_a_closed_period_are_not_rounded_again_by_another_definition(
    database: Database, recorder: Recorder, settings: Settings
) -> None:
    """A deployment whose own folder closes a half-monthly population by month, or renames it, cannot round the same
    people again."""
    await record_together(database, recorder, list(caseload(persons=60, seed=3)))
    im = principal("im-officer")
    shipped_one = programme("referrals")
    monthly = replace(
        shipped_one, population=replace(shipped_one.population, period_kind=PeriodKind.MONTH)
    )
    renamed = replace(
        shipped_one, id="mine", population=replace(shipped_one.population, id="my-persons")
    )

    async def close(definition: Programme, period: str) -> None:
        order = service.Order(definition, Period.parse(period))
        async with database.transaction() as session:
            await service.close(session, im, order, settings.rounding_key_bytes)

    await close(shipped_one, "2026-10a")
    for definition, period in ((renamed, "2026-10a"), (monthly, "2026-10")):
        with pytest.raises(Problem) as refused:
            await close(definition, period)
        assert refused.value.kind.code == "period_closed_apart"
    await close(renamed, "2026-10b")
