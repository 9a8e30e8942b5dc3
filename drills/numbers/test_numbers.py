"""The attacker's measures on new worlds, and once through the public endpoints."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from math import sqrt
from uuid import UUID

import pytest
from common.db.session import Database
from common.events.codes import ReportingAttributes
from httpx import AsyncClient
from reporting.ground.periods import Period
from reporting.protect.releases.joint import placed
from reporting.protect.releases.views import definition_of, joint_cube, seen, view_of
from reporting.recording.service import Recorder

from drills.numbers import attacker
from drills.numbers.attacker import At, By, Figure, Published
from drills.numbers.measures import populations, records, world
from drills.numbers.worlds import SOURCES, TrueCounts, World
from tests.services.reporting.events import Arrived, Journey, record_together
from tests.services.reporting.releases.test_story import as_

pytestmark = pytest.mark.slow
SIZES = (60, 120, 300, 1500)
FIRST = 1_490_000
LEAST, NEVER = 0.88, ("not covered", "presence proved", "said to be small")


@pytest.fixture(scope="module")
def found() -> attacker.Measures:
    """Measure one world of each size with varying numbers and one with constant numbers, and the records."""
    measures = attacker.Measures()
    for persons in SIZES:
        for programmes in populations().values():
            for constant in (False, True):
                world(World(programmes, persons, FIRST, constant=constant), measures)
        for source in SOURCES:
            for number in range(FIRST, FIRST + 20):
                records(source, persons, number, measures)
    return measures


def test_tables_agree_and_prove_no_small_count(found: attacker.Measures) -> None:
    wrong = {name: n for name, n in found.failed.items() if n and not name.startswith(NEVER)}
    assert wrong == {}, found.examples


def test_intervals_contain_nine_of_ten_true_counts_in_each_class(
    found: attacker.Measures,
) -> None:
    """The test checks each class of each size and allows twice the standard error. A class with too few figures proves
    nothing."""
    few = {}
    for name, n in found.asked.items():
        held = 1 - found.failed[name] / n
        if name.startswith("not covered") and n >= 50 and held < LEAST - 2 * sqrt(0.09 / n):
            few[name] = (held, n)
    assert few == {}


def test_presence_is_proved_for_one_in_a_hundred_two_way_groups_and_no_finer_one(
    found: attacker.Measures,
) -> None:
    name = "presence proved: two-way"
    assert found.failed[name] <= found.asked[name] / 100
    assert found.failed["presence proved: finest"] == 0
    assert found.asked["presence proved: finest"] > 10_000


STATES: Mapping[str, tuple[str, ...]] = {
    "waiting": ("sent",),
    "accepted": ("sent", "accepted"),
    "delivered": ("sent", "accepted", "completed"),
    "undelivered": ("sent", "declined"),
}
PARTS = Period.parse("2026-10").parts(populations()["referred-persons"][0].population.period_kind)


def people(of: World) -> Iterator[tuple[Period, dict[str, str]]]:
    """Yield each person's only referral. A declined person has a need that nobody met."""
    for part in PARTS:
        for facts in of.everybody[part.id]:
            values = dict(facts[-1].values)
            unmet = values["progress"] == "undelivered"
            need = values["unmet"] if values["unmet"] != "none" else "GBV-CM"
            if len(facts) == 1:
                yield part, {**values, "unmet": need if unmet else "none"}


def events(part: Period, number: int, values: Mapping[str, str]) -> list[Arrived]:
    start = datetime.combine(part.start + timedelta(days=2), time(12), UTC)
    journey = Journey(
        case_id=UUID(int=(part.start.day << 96) + number),
        start=start,
        area=values["area"],
        aor=values["aor"],
        category=values["unmet"] if values["unmet"] != "none" else "GBV-CM",
        attributes=ReportingAttributes(sex=values["sex"], age_band=values["age_band"]),
    )
    return journey.events(*((state, hour) for hour, state in enumerate(STATES[values["progress"]])))


def truth(of: World, programme: str, parts: set[str]) -> TrueCounts:
    population = of.population
    cells = Counter(
        (*placed(population, values), *population.new_to_all)
        for part, values in people(of)
        if part.id in parts
    )
    joint = joint_cube(
        population.id, "2026-10", k=1, profile=population.profile,
        definition=definition_of(population), cells=cells,
    )  # fmt: skip
    return TrueCounts(seen(view_of(next(p for p in of.programmes if p.id == programme)), joint))


async def published(api: AsyncClient, url: str, names: tuple[str, ...], client: str) -> Published:
    """Return the tables that a caller gets at the address; a refused table has no rows."""
    kept: dict[By, tuple[Figure, Mapping[At, Figure]]] = {}
    tier = "internal" if client != "anonymous" else "public"
    found = Published("referrals", url, names, lambda by: kept[by])
    for by in {turned for each in found.questions() for turned in (each, each[::-1])}:
        answer = await api.get(f"{url}tier={tier}&by={','.join(by)}", headers=as_(client))
        rows = answer.json()["rows"] if by and answer.status_code == 200 else []
        if answer.status_code != 200:
            answer = await api.get(f"{url}tier={tier}", headers=as_(client))
        assert answer.status_code == 200, answer.text
        body = answer.json()
        kept[by] = (
            Figure(body["total"], body["low"], body["high"]),
            {tuple(r["at"].values()): Figure(r["count"], r["low"], r["high"]) for r in rows},
        )
    return found


@pytest.mark.parametrize("persons", SIZES)
async def test_a_month_asked_through_the_endpoints_is_no_different(
    persons: int, api: AsyncClient, database: Database, recorder: Recorder
) -> None:
    of = World(populations()["referred-persons"], persons, FIRST + 7)
    arrived = [
        event
        for number, (part, values) in enumerate(people(of))
        for event in events(part, number, values)
    ]
    await record_together(database, recorder, arrived)
    found = attacker.Measures()
    for programme in of.programmes:
        tables = {}
        for part in PARTS:
            body = {"programme": programme.id, "period": part.id}
            closed = await api.post("/reports/v1/releases", json=body, headers=as_("im-officer"))
            assert closed.status_code == 201, closed.text
            url = f"/reports/v1/releases/{closed.json()['id']}"
            for each in closed.json()["contributors"]:
                waiver = {"organisation_id": each["organisation_id"], "reason": "test"}
                await api.post(f"{url}/waivers", json=waiver, headers=as_("im-officer"))
            second = as_("im-officer", sub="somebody else")
            assert (await api.post(f"{url}/publish", headers=second)).status_code == 200
            tables[part.id] = (f"{url}/query?", {part.id})
        month = f"/reports/v1/programmes/{programme.id}/query?from=2026-10a&to=2026-10b&"
        tables["month"] = (month, set(tables))
        inside = {}
        for name, (url, parts) in tables.items():
            public = await published(api, url, programme.names, "anonymous")
            inside[name] = await published(api, url, programme.names, "im-officer")
            true = truth(of, programme.id, parts)
            for each in (public, inside[name]):
                attacker.agreeing(each, found)
                attacker.covered(each, true, "endpoints", found)
            attacker.present(public, inside[name], true, programme.population.k, found)
        for part in PARTS:
            attacker.nested(inside["month"], inside[part.id], found)
    test_tables_agree_and_prove_no_small_count(found)
    test_intervals_contain_nine_of_ten_true_counts_in_each_class(found)
    assert found.failed["presence proved: two-way"] <= found.asked["presence proved: two-way"] / 100
    assert found.failed["presence proved: finest"] == 0
