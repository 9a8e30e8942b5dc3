"""Public figures pool small details, so that no figure proves that a small group contains somebody."""

from itertools import combinations, product
from typing import Any

import pytest
from common.db.session import Database
from httpx import AsyncClient
from hypothesis import given
from hypothesis import strategies as st
from reporting.ground.protection.protected import REST, Dimension, ProtectedCube
from reporting.recording.service import Recorder

from tests.services.reporting.events import caseload, record_together
from tests.services.reporting.releases.test_story import PERIOD, as_, published

K = 11
NAMES = ("area", "sex", "age_band", "aor", "progress")


@pytest.fixture
async def release(api: AsyncClient, database: Database, recorder: Recorder) -> str:
    await record_together(database, recorder, list(caseload(persons=400, seed=7)))
    closed = await api.post("/reports/v1/releases", json=PERIOD, headers=as_("im-officer"))
    return await published(api, closed.json())


async def asked(api: AsyncClient, url: str, client: str = "anonymous") -> Any:
    return (await api.get(url, headers=as_(client))).json()


async def test_everybody_sees_figures_of_detail_from_55_and_the_rest_in_one_row(
    api: AsyncClient, release: str
) -> None:
    pooled = 0
    for by in combinations(NAMES, 2):
        body = await asked(api, f"{release}/query?by={','.join(by)}")
        apart = [row for row in body["rows"] if REST not in row["at"].values()]
        assert all(row["count"] >= 5 * K for row in apart)
        assert sum(row["count"] for row in body["rows"]) == body["total"]
        assert all(row["low"] <= row["count"] <= row["high"] for row in body["rows"])
        pooled += len(body["rows"]) - len(apart)
    assert pooled
    fine = await asked(api, f"{release}/query?by={','.join(NAMES)}&tier=internal", "ngo-salud")
    assert any(row["count"] == K for row in fine["rows"]), "whoever has an account sees them"


async def test_a_filter_shows_no_more_than_the_table(api: AsyncClient, release: str) -> None:
    table = await asked(api, f"{release}/query?by=area,sex")
    shown = {tuple(row["at"].values()): row["count"] for row in table["rows"]}
    dimensions = (await asked(api, release))["dimensions"]
    for area in dimensions["area"]:
        for sex in dimensions["sex"]:
            cell = await asked(api, f"{release}/query?area={area}&sex={sex}")
            assert cell["total"] == shown.get((area, sex), 0)
            assert cell["high"] >= 5 * K - 1, "0 is not said to be nobody"
    several = await asked(api, f"{release}/query?area={','.join(dimensions['area'])}&sex=male")
    assert several["total"] == sum(n for (_, sex), n in shown.items() if sex == "male")


@pytest.mark.parametrize("by", ["area,sex,age_band", "area,sex,age_band,aor,progress"])
async def test_finer_tables_need_more_people_or_an_account(
    api: AsyncClient, release: str, by: str
) -> None:
    refused = await api.get(f"{release}/query?by={by}", headers=as_("anonymous"))
    assert refused.status_code == 422
    assert refused.json()["pointer"] == "/by"
    assert "1000" in refused.json()["detail"]
    internal = await asked(api, f"{release}/query?by={by}&tier=internal", "im-officer")
    assert internal["rows"]


async def test_the_file_that_names_no_dimension_is_of_the_first(
    api: AsyncClient, release: str
) -> None:
    export = "/reports/v1/exports/counts?programme=referrals&period=2026-10a&language=en"
    everybody = (await api.get(export, headers=as_("anonymous"))).text.splitlines()
    account = (await api.get(f"{export}&tier=internal", headers=as_("im-officer"))).text
    assert "area" in everybody[0]
    assert "sex" not in everybody[0]
    assert "sex" in account.splitlines()[0]


def cube(counts: list[list[int]], **more: Any) -> ProtectedCube:
    names = ("area", "sex")
    codes = [tuple(map(str, range(n))) for n in (len(counts), len(counts[0]))]
    cells = {(str(a), str(b)): K * n for a, line in enumerate(counts) for b, n in enumerate(line)}
    dimensions = tuple(Dimension(*each) for each in zip(names, codes, strict=True))
    filled: dict[tuple[str, ...], int] = {at: n for at, n in cells.items() if n}
    return ProtectedCube("p", "2026-10a", K, "J", dimensions, filled, public=True, **more)


@given(
    st.integers(2, 5).flatmap(
        lambda wide: st.lists(
            st.lists(st.integers(0, 9), min_size=wide, max_size=wide), min_size=2, max_size=5
        )
    )
)
def test_no_row_or_column_gives_a_pooled_neighbour_away(counts: list[list[int]]) -> None:
    """Next to a shown figure, a pooled figure may consist of several cells, each possibly empty."""
    made = cube(counts)
    if not made.allows(2):
        return
    shown = {tuple(row.coordinates.values()): row.count for row in made.margin(("area", "sex"))}
    for place in (0, 1):
        sides = [{r.coordinates[n]: r.count for r in made.margin((n,))} for n in ("area", "sex")]
        for code, whole in sides[place].items():
            line = {at[1 - place]: n for at, n in shown.items() if at[place] == code}
            if not line:
                continue
            candidates = len(sides[1 - place].keys() - line.keys())
            left = whole - sum(line.values())
            assert not left or candidates > 1
            assert not left or left <= (candidates - 1) * 4 * K or left >= 5 * K, (
                "a larger one is among them"
            )


@given(st.lists(st.integers(0, 12), min_size=27, max_size=27))
def test_a_finer_table_gives_away_nothing_that_a_coarser_one_pools(blocks: list[int]) -> None:
    """A published figure by three dimensions proves that every coarser figure over its cell is above zero."""
    names, codes = ("area", "sex", "age_band"), ("a", "b", "c")
    cells = {at: 11 * n for at, n in zip(product(codes, repeat=3), blocks, strict=True) if n}
    made = ProtectedCube(
        "p", "2026-10a", K, "J", tuple(Dimension(name, codes) for name in names), cells, public=True
    )
    if not made.allows(3):
        return
    for row in made.margin(names):
        for by in combinations(names, 2):
            coarser = {
                each.coordinates[by[0]] + each.coordinates[by[1]] for each in made.margin(by)
            }
            assert row.coordinates[by[0]] + row.coordinates[by[1]] in coarser


def test_a_sensitive_code_is_pooled_with_another_one() -> None:
    ages = Dimension("age_band", ("0-11", "12-17", "18-59"), {}, frozenset({"0-11", "12-17"}))
    cells: dict[tuple[str, ...], int] = {("0-11",): K, ("12-17",): 5 * K, ("18-59",): 9 * K}
    made = ProtectedCube("p", "2026-10a", K, "J", (ages,), cells, public=True)
    assert [row.coordinates["age_band"] for row in made.margin(("age_band",))] == ["18-59"]
    rest = made.rest(("age_band",))
    assert rest is not None
    assert (rest.coordinates, rest.count) == ({"age_band": REST}, 6 * K)
