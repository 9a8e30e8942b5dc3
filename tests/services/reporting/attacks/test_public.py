"""An attacker with an account, who sees more than the public, tries every endpoint."""

from itertools import combinations
from typing import Any
from uuid import UUID

import pytest
from common.db.session import Database
from common.events.codes import ReportingAttributes
from common.ids import new_id
from httpx import AsyncClient
from reporting.app import create_app
from reporting.ground.protection.protected import Dimension, ProtectedCube
from reporting.recording.service import Recorder
from reporting.settings import Settings

from tests.services.reporting.attacks.attacker import Pattern, covers
from tests.services.reporting.events import Journey, caseload, record_together
from tests.services.reporting.releases.test_story import as_

K = 11
# Routes of the other tier, of activities (exact by the allow-list) and of files made from releases have their own
# tests. A public route in neither list fails this test.
TRACED = {
    "/reports/v1/programmes",
    "/reports/v1/programmes/{programme_id}/query",
    "/reports/v1/releases",
    "/reports/v1/releases/{release_id}",
    "/reports/v1/releases/{release_id}/query",
    "/reports/v1/trafficking/{period}/ctdc",
}
ELSEWHERE = (
    "/reports/v1/bulletins", "/reports/v1/exports", "/reports/v1/activities",
    "/reports/v1/context", "/reports/v1/work-plan", "/reports/v1/subscriptions",
)  # fmt: skip


async def harvest(api: AsyncClient, url: str, names: list[str]) -> dict[Pattern, int]:
    """Return every number of a release for every combination of its dimensions."""
    found: dict[Pattern, int] = {}
    for size in range(len(names) + 1):
        for by in combinations(names, size):
            path = f"{url}/query?tier=internal&by={','.join(by)}"
            asked = await api.get(path, headers=as_("im-officer"))
            body = asked.json()
            found[(None,) * len(names)] = body["total"]
            for row in body["rows"]:
                found[tuple(row["at"].get(name) for name in names)] = row["count"]
    return found


async def cube_of(api: AsyncClient, url: str) -> ProtectedCube:
    detail = (await api.get(url, headers=as_("anonymous"))).json()
    names = list(detail["dimensions"])
    cells = await harvest(api, url, names)
    return ProtectedCube(
        detail["programme"], detail["period"], detail["k"], detail["profile"],
        tuple(Dimension(name, tuple(codes)) for name, codes in detail["dimensions"].items()),
        {at: n for at, n in cells.items() if None not in at and n},  # type: ignore[misc] # no None
    )  # fmt: skip


async def test_every_number_of_an_answer_is_a_sum_of_protected_cells(
    api: AsyncClient, database: Database, recorder: Recorder
) -> None:
    await record_together(database, recorder, list(caseload(persons=350, seed=21)))
    url = await close(api, "referrals", "2026-10a")
    cube = await cube_of(api, url)
    published = await harvest(api, url, list(cube.names))
    for pattern, n in published.items():
        assert n == sum(r for at, r in cube.cells.items() if covers(pattern, at))
    lists = await api.get("/reports/v1/releases", headers=as_("anonymous"))
    for body in (lists.json(), (await api.get(url, headers=as_("anonymous"))).json()):
        assert stray_numbers(body) == []


def stray_numbers(body: Any, key: str = "") -> list[tuple[str, int]]:
    """Return whole numbers in a response that are neither k nor part of an expected error."""
    if isinstance(body, dict):
        return [x for name, value in body.items() for x in stray_numbers(value, name)]
    if isinstance(body, list):
        return [x for value in body for x in stray_numbers(value, key)]
    return [(key, body)] if type(body) is int and key != "k" else []


def test_no_public_route_is_forgotten(settings: Settings) -> None:
    paths = {
        path
        for path, item in create_app(settings).openapi()["paths"].items()
        if path.startswith("/reports/")
        and item.get("get", {}).get("x-ruta-access", {}).get("anonymous")
    }
    assert paths >= TRACED
    assert [p for p in sorted(paths - TRACED) if not p.startswith(ELSEWHERE)] == []


async def close(api: AsyncClient, programme: str, period: str) -> str:
    body = {"programme": programme, "period": period}
    answer = await api.post("/reports/v1/releases", json=body, headers=as_("im-officer"))
    assert answer.status_code == 201, answer.text
    url = f"/reports/v1/releases/{answer.json()['id']}"
    for each in answer.json()["contributors"]:
        waiver = {"organisation_id": each["organisation_id"], "reason": "test"}
        await api.post(f"{url}/waivers", json=waiver, headers=as_("im-officer"))
    second = as_("im-officer", sub="somebody else")
    assert (await api.post(f"{url}/publish", headers=second)).status_code == 200
    return url


class TestDifferencing:
    """Attacks with overlapping age bands, nested areas, consecutive periods and late edits."""

    async def count(self, api: AsyncClient, url: str, query: str = "") -> int:
        path = f"{url}/query?tier=internal&{query}"
        asked = await api.get(path, headers=as_("im-officer"))
        return int(asked.json()["total"])

    @pytest.fixture
    async def url(self, api: AsyncClient, database: Database, recorder: Recorder) -> str:
        await record_together(database, recorder, list(caseload(persons=300, seed=31)))
        return await close(api, "referrals", "2026-10a")

    async def test_a_late_person_changes_no_closed_release_and_no_difference_shows_it(
        self, api: AsyncClient, database: Database, recorder: Recorder, url: str
    ) -> None:
        before = (
            await api.get(
                f"{url}/query?tier=internal&by=area,sex,age_band", headers=as_("im-officer")
            )
        ).json()
        late = Journey(attributes=ReportingAttributes(sex="other", age_band="60+"), area="VE14")
        await record_together(database, recorder, late.events(("sent", 0)))
        after = (
            await api.get(
                f"{url}/query?tier=internal&by=area,sex,age_band", headers=as_("im-officer")
            )
        ).json()
        assert before == after
        second = await close(api, "referrals", "2026-10b")
        both = await api.get(
            "/reports/v1/programmes/referrals/query?from=2026-10a&to=2026-10b",
            headers=as_("anonymous"),
        )
        assert both.json()["total"] - before["total"] == await self.count(api, second) == 0


async def test_an_unknown_release_is_a_404(api: AsyncClient) -> None:
    unknown: UUID = new_id()
    for path in ("", "/query"):
        url = f"/reports/v1/releases/{unknown}{path}"
        assert (await api.get(url, headers=as_("anonymous"))).status_code == 404
