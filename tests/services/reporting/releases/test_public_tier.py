"""A programme with a coarser tier for everybody: made of the finer one, which needs an account."""

import json
import shutil
from collections.abc import AsyncIterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from common.db.session import Database
from httpx import ASGITransport, AsyncClient
from reporting.app import create_app
from reporting.ground.programmes.catalogue import load
from reporting.protect.releases.models import joint_cells
from reporting.recording.service import Recorder
from reporting.settings import Settings

from tests.services.reporting.events import caseload, record_together
from tests.services.reporting.exports.test_exports_api import lines
from tests.services.reporting.releases.test_story import PERIOD, as_, published


@pytest.fixture
def definitions(tmp_path: Path) -> Path:
    """The shipped definitions, but everybody sees the referrals in multiples of 33."""
    with as_file(files("reporting") / "data" / "programmes") as shipped:
        folder = Path(shutil.copytree(shipped, tmp_path / "programmes"))
    _changed(folder, public_k=33)
    return folder


def _changed(folder: Path, **changes: Any) -> None:
    file = folder / "populations.json"
    populations = json.loads(file.read_text())
    populations[0] |= changes
    file.write_text(json.dumps(populations))


@pytest.fixture
async def api(
    database: Database, settings: Settings, definitions: Path
) -> AsyncIterator[AsyncClient]:
    reviewed = settings.model_copy(update={"programmes_dir": definitions})
    transport = ASGITransport(create_app(reviewed, database=database))
    async with AsyncClient(transport=transport, base_url="http://reporting") as client:
        yield client


@pytest.fixture
async def url(api: AsyncClient, database: Database, recorder: Recorder) -> str:
    await record_together(database, recorder, list(caseload(persons=400, seed=7)))
    closed = await api.post("/reports/v1/releases", json=PERIOD, headers=as_("im-officer"))
    assert closed.json()["public_k"] == 33, closed.text
    return await published(api, closed.json())


async def asked(api: AsyncClient, client: str, url: str) -> Any:
    answer = await api.get(url, headers=as_(client))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_everybody_sees_the_coarse_tier_and_readers_may_ask_for_the_fine_one(
    api: AsyncClient, url: str
) -> None:
    coarse = await asked(api, "anonymous", f"{url}/query?by=area,sex")
    fine = await asked(api, "auditor", f"{url}/query?by=area,sex&tier=internal")
    assert (coarse["k"], fine["k"]) == (33, 11)
    assert coarse["rows"]
    assert all(row["count"] % 33 == 0 for row in coarse["rows"])
    assert any(row["count"] % 33 for row in fine["rows"])
    assert coarse["total"] == sum(row["count"] for row in coarse["rows"])
    assert coarse["expected_errors"] != fine["expected_errors"]
    assert coarse == await asked(api, "auditor", f"{url}/query?by=area,sex")


async def test_what_nobody_was_counted_in_stays_empty_in_the_coarse_tier(
    api: AsyncClient, url: str, database: Database
) -> None:
    """A public tier is a function of the internal one (KTR of r): no cell appears from nothing.

    Each joint cell goes to a neighbouring multiple, so it differs by less than one step. A cell of a
    view is a sum of joint cells, which may all go the same way: it keeps the first rule alone.
    """
    async with database.transaction() as session:
        stored = await session.execute(sa.select(joint_cells))
    cells: dict[str, dict[tuple[Any, ...], int]] = {"internal": {}, "public": {}}
    for row in stored:
        cells[row.tier][(row.cube_id, *row.coordinates)] = row._mapping["count"]
    assert cells["public"]
    assert cells["public"].keys() <= cells["internal"].keys()
    for at, count in cells["internal"].items():
        assert abs(cells["public"].get(at, 0) - count) < 33, at

    by = "by=area,sex,age_band,aor,progress"
    coarse = await asked(api, "anonymous", f"{url}/query?{by}")
    fine = await asked(api, "auditor", f"{url}/query?{by}&tier=internal")
    known = {tuple(row["at"].values()) for row in fine["rows"]}
    assert {tuple(row["at"].values()) for row in coarse["rows"]} <= known


@pytest.mark.parametrize("path", ["", "/query"])
async def test_the_fine_tier_needs_the_scope(api: AsyncClient, url: str, path: str) -> None:
    for client in ("anonymous", "health-cluster"):
        answer = await api.get(f"{url}{path}?tier=internal", headers=as_(client))
        assert answer.status_code == 403, client
    assert (await api.get(f"{url}{path}?tier=raw", headers=as_("auditor"))).status_code == 422


async def test_sums_of_periods_and_files_are_of_the_coarse_tier(api: AsyncClient, url: str) -> None:
    assert url
    summed = "/reports/v1/programmes/referrals/query?from=2026-10a&to=2026-10a&by=sex"
    assert (await asked(api, "anonymous", summed))["k"] == 33
    assert (await asked(api, "auditor", f"{summed}&tier=internal"))["k"] == 11
    file = await api.get(
        "/reports/v1/exports/counts?programme=referrals&period=2026-10a&format=csv",
        headers=as_("anonymous"),
    )
    rows = lines(file.content)
    assert rows
    assert all(int(row["persons"]) % 33 == 0 for row in rows)


@pytest.mark.parametrize(
    ("first", "last"), [("2026-10", "2026-10"), ("2026-Q4", "2026-Q4"), ("2026-10a", "2026-11")]
)
async def test_a_span_of_which_periods_are_missing_names_them(
    api: AsyncClient, url: str, first: str, last: str
) -> None:
    assert url
    for client in ("anonymous", "im-officer"):
        answer = await api.get(
            f"/reports/v1/programmes/referrals/query?from={first}&to={last}", headers=as_(client)
        )
        assert answer.status_code == 404, answer.text
        assert "2026-10a" not in answer.json()["missing"]
        assert "2026-10b" in answer.json()["missing"]


@pytest.mark.parametrize("public_k", [11, 15])
def test_a_definition_that_could_show_both_lattices_is_refused(
    definitions: Path, public_k: int
) -> None:
    _changed(definitions, public_k=public_k)
    with pytest.raises(ValueError, match=r"public_k|above 25"):
        load(definitions)
