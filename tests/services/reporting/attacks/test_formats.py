"""Every file and the bulletin: all formats agree and contain sums of protected cells."""

import csv
import io
import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import jsonschema
import openpyxl
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types
import pytest
from common.db.session import Database
from httpx import ASGITransport, AsyncClient
from reporting.app import create_app
from reporting.publish.exports.dhis2 import code
from reporting.publish.exports.dhis2_mapping import BadMappingError, load_mapping
from reporting.recording.service import Recorder
from reporting.settings import Settings

from tests.services.reporting.attacks.attacker import Pattern, covers
from tests.services.reporting.attacks.test_public import K, close
from tests.services.reporting.events import caseload, record_together
from tests.services.reporting.exports.test_count_files import DATA_VALUE_SETS
from tests.services.reporting.releases.test_story import as_

PROGRAMME = "unmet-needs"
NAMES = ("area", "category")
COUNTS = f"/reports/v1/exports/counts?programme={PROGRAMME}"
Numbers = dict[Pattern, int]


@pytest.fixture
async def url(api: AsyncClient, database: Database, recorder: Recorder) -> str:
    """Publish a month of unmet needs, with nobody in its second half; return its address."""
    await record_together(database, recorder, list(caseload(persons=700, seed=5)))
    first = await close(api, PROGRAMME, "2026-10a")
    await close(api, PROGRAMME, "2026-10b")
    return first


async def file(api: AsyncClient, form: str, by: str, period: str = "2026-10a") -> bytes:
    answer = await api.get(f"{COUNTS}&period={period}&format={form}{by}", headers=as_("anonymous"))
    assert answer.status_code == 200, answer.text
    return answer.content


def rows_of(form: str, content: bytes) -> Iterator[dict[str, Any]]:
    """Return a file's rows by machine names, by HXL tags or, in a workbook for people, by labels."""
    if form == "parquet":
        yield from pq.read_table(io.BytesIO(content)).to_pylist()
        return
    if form == "xlsx":
        sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
        lines: list[list[Any]] = [list(row) for row in sheet.iter_rows(values_only=True)]
    else:
        lines = [list(row) for row in csv.reader(io.StringIO(content.decode("utf-8-sig")))]
    header = 1 if form in {"hxl", "xlsx"} and str(lines[1][0]).startswith("#") else 0
    for line in lines[header + 1 :]:
        yield dict(zip(map(str, lines[header]), line, strict=True))


KEYS = {
    "area": ("area", "#adm1+code", "Estado"),
    "category": ("category", "#service+code", "Servicio"),
    "persons": ("persons", "#affected+ind+num", "personas"),
}


def read(form: str, content: bytes) -> Numbers:
    def cell(row: dict[str, Any], name: str) -> Any:
        return next((row[key] for key in KEYS[name] if key in row), None)

    return {
        (cell(row, "area"), cell(row, "category")): int(cell(row, "persons"))
        for row in rows_of(form, content)
    }


async def of_api(api: AsyncClient, url: str, by: str) -> Numbers:
    asked = (await api.get(f"{url}/query?by={by}", headers=as_("anonymous"))).json()
    return {tuple(row["at"].get(name) for name in NAMES): row["count"] for row in asked["rows"]}


async def of_dhis2(api: AsyncClient) -> Numbers:
    payload = json.loads(await file(api, "dhis2", "", "2026-10"))
    jsonschema.validate(payload, DATA_VALUE_SETS)
    categories = {code(each): each for each in await codes(api, "category")}
    return {
        (
            "unknown" if value["orgUnit"] == "VE" else value["orgUnit"],
            categories[value["categoryOptionCombo"]],
        ): int(value["value"])
        for value in payload["dataValues"]
        if value["dataElement"]
        == "RUTA_UNMET_NEEDS"  # The other data elements are the bounds of this one.
    }


async def codes(api: AsyncClient, name: str) -> list[str]:
    programmes = (await api.get("/reports/v1/programmes", headers=as_("anonymous"))).json()
    (found,) = (each for each in programmes if each["id"] == PROGRAMME)
    return list(found["dimensions"][name])


async def of_bulletin(api: AsyncClient, release: str) -> Numbers:
    """Return the bulletin's numbers of unmet needs, read from its content."""
    drafted = await api.post(
        "/reports/v1/bulletins", json={"period": "2026-10a"}, headers=as_("im-officer")
    )
    assert drafted.status_code == 201, drafted.text
    path = f"/reports/v1/bulletins/{drafted.json()['id']}"
    content = (await api.get(path, headers=as_("im-officer"))).json()["content"]
    return {
        tuple((figure["source"]["filters"].get(name) or [None])[0] for name in NAMES): int(
            figure["value"]
        )
        for figure in figures(content)
        if figure["source"]["kind"] == "release" and figure["source"]["releases"] == [release]
    }


def figures(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "source" in node and "value" in node:
            yield node
        for each in node.values():
            yield from figures(each)
    elif isinstance(node, list):
        for each in node:
            yield from figures(each)


@pytest.mark.slow
async def test_all_files_and_the_bulletin_say_sums_of_the_protected_cells(
    api: AsyncClient, url: str
) -> None:
    published: Numbers = {}
    for form, by in product(("csv", "hxl", "xlsx", "parquet"), ("", "&by=area", "&by=category")):
        numbers = read(form, await file(api, form, by))
        asked = await of_api(api, url, by.removeprefix("&by=") or ",".join(NAMES))
        assert numbers == asked, (form, by, "every format says what the API says")
        published |= numbers
    assert await of_dhis2(api) == await of_api(api, url, ",".join(NAMES))
    bulletin = await of_bulletin(api, url.rsplit("/", 1)[1])
    assert bulletin
    base: dict[Any, int] = dict(await of_api(api, url, ",".join(NAMES)))
    for pattern, number in bulletin.items():
        assert number == sum(r for at, r in base.items() if covers(pattern, at))
    published |= bulletin
    assert all(number % K == 0 for number in published.values())


async def test_dhis2_takes_the_uids_that_are_configured_or_says_which_lack(
    api: AsyncClient, url: str, database: Database, settings: Settings, tmp_path: Path
) -> None:
    listed = await api.get(
        f"/reports/v1/exports/dhis2/codes?programme={PROGRAMME}", headers=as_("anonymous")
    )
    identifiers = listed.json()
    assert {each["kind"] for each in identifiers} == {
        "dataSet", "dataElement", "orgUnit", "categoryOptionCombo",
    }  # fmt: skip
    assert all(each["label"]["es"] and each["uid"] is None for each in identifiers)
    asked = f"{COUNTS}&period=2026-10&format=dhis2&scheme=uid"
    lacking = await api.get(asked, headers=as_("anonymous"))
    assert (lacking.status_code, lacking.json()["code"]) == (409, "dhis2_unmapped")
    assert "RUTA_UNMET_NEEDS" in lacking.json()["codes"]

    mapping = {each["code"]: f"u{number:010}" for number, each in enumerate(identifiers)}
    mapping_file = tmp_path / "dhis2.json"
    mapping_file.write_text(json.dumps(mapping))
    configured = settings.model_copy(update={"dhis2_mapping_file": mapping_file})
    transport = ASGITransport(create_app(configured, database=database))
    async with AsyncClient(transport=transport, base_url="http://reporting") as mapped:
        payload = (await mapped.get(asked, headers=as_("anonymous"))).json()
    by_code = json.loads(await file(api, "dhis2", "", "2026-10"))
    assert payload["dataSet"] == mapping["RUTA_UNMET_NEEDS"]
    names = ("dataElement", "orgUnit", "categoryOptionCombo")
    for uid, plain in zip(payload["dataValues"], by_code["dataValues"], strict=True):
        assert uid == plain | {name: mapping[plain[name]] for name in names}
    assert url


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "{",
        '{"RUTA_REFERRALS": "short"}',
        '{"RUTA_REFERRALS": "1bcdefghijk"}',
        '{"ruta referrals": "abcdefghijk"}',
        '{"RUTA_REFERRALS": 5}',
        '{"VE23": "abcdefghijk", "VE23": "abcdefghijl"}',
    ],
)
def test_a_mapping_that_is_none_stops_the_service_with_the_reason(
    tmp_path: Path, content: str
) -> None:
    file = tmp_path / "dhis2.json"
    file.write_text(content)
    with pytest.raises(BadMappingError, match=str(file)):
        load_mapping(file)
    with pytest.raises(BadMappingError):
        load_mapping(tmp_path / "absent.json")
