"""External series from a file. Every cell has one meaning, or Ruta refuses the file and names the place of the
problem."""

import json
from decimal import Decimal
from typing import Any

import pytest
from common.words.places import Places
from httpx import AsyncClient, Response
from reporting.count.context.api import MOST_BYTES
from reporting.count.context.series_file import points
from reporting.ground.tabular.csv_reader import UnreadableTableError

from tests.services.reporting.conftest import AUDIENCE
from tests.support.principals import bearer, keyed

URL = "/reports/v1/context/series"
PLAIN = "day,area,value\n2026-10-01,VE23,63.25\n2026-10-01,,41\n"
HXL = (
    "Fecha;Estado;Nombre;Índice\n#date;#adm1+code;#adm1+name;#indicator+risk+num\n"
    "2026-10-01;VE23;Zulia;63.25\n2026-10-01;;;41\n"
)
PROVENANCE = {
    "code": "risk-index",
    "title": {"es": "Índice de riesgo", "en": "Risk index"},
    "unit": {"es": "puntos", "en": "points"},
    "source": "Observatorio de ejemplo",
    "url": "https://example.org/risk",
    "licence": "CC BY 4.0",
    "retrieved_on": "2026-10-20",
}


async def send(
    api: AsyncClient, content: str | bytes, client: str = "im-officer", **changes: Any
) -> Response:
    return await api.post(
        f"{URL}/imports",
        files={"file": ("serie.csv", content)},
        data={"provenance": json.dumps(PROVENANCE | changes)},
        headers=keyed(bearer(client, audience=AUDIENCE)),
    )


@pytest.mark.parametrize("sheet", [PLAIN, HXL, "\ufeff" + PLAIN.replace("\n", "\r\n")])
def test_plain_and_hxl_files_of_any_spreadsheet_give_the_same_points(sheet: str) -> None:
    read = points(sheet.encode(), Places.load())
    assert [(str(p.day), p.area, p.value) for p in read] == [
        ("2026-10-01", "VE23", Decimal("63.25")),
        ("2026-10-01", None, Decimal(41)),
    ]


@pytest.mark.parametrize(
    ("sheet", "row", "column"),
    [
        ("day,area,value\n01/10/2026,VE23,1\n", 2, "day"),
        ("day,area,value\n1889-10-01,VE23,1\n", 2, "day"),
        ("day,area,value\n2026-02-30,VE23,1\n", 2, "day"),
        ("day,area,value\n2026-10-01,VE99,1\n", 2, "area"),
        ('day,area,value\n2026-10-01,VE23,"1,234"\n', 2, "value"),
        ("day;area;value\n2026-10-01;VE23;63,25\n", 2, "value"),
        ("day,area,value\n2026-10-01,VE23,NaN\n", 2, "value"),
        ("day,area,value\n2026-10-01,VE23,1e9\n", 2, "value"),
        ("day,area,value\n2026-10-01,VE23,=1+1\n", 2, "value"),
        ('day,area,value\n2026-10-01,"@SUM(A1)",1\n', 2, "area"),
        ("day,area,value\n2026-10-01,VE23\n", 2, "value"),
        (PLAIN + "2026-10-01,VE23,9\n", 4, "area"),
        ("day,area\n2026-10-01,VE23\n", 1, "value"),
        ("day,value,value\n2026-10-01,1,2\n", 1, "value"),
        ("#date,#indicator+a,#indicator+b\n2026-10-01,1,2\n", 1, "value"),
        ("day,area,value\n", 0, ""),
        ("", 1, "day"),
        ("day,area,value\n" + '"2026', 0, ""),
    ],
)
def test_a_cell_that_could_mean_two_things_is_named(sheet: str, row: int, column: str) -> None:
    with pytest.raises(UnreadableTableError) as refused:
        points(sheet.encode(), Places.load())
    flaw = refused.value.flaws[0]
    assert (flaw.row, flaw.column) == (row, column)
    assert flaw.message["es"] != flaw.message["en"]


def test_a_file_that_is_no_text_or_too_long_is_refused() -> None:
    many = "day,value\n" + "".join(
        f"{1990 + n // 336}-{n % 336 // 28 + 1:02}-{n % 28 + 1:02},1\n" for n in range(5001)
    )
    for content in (b"PK\x03\x04\xff", many.encode()):
        with pytest.raises(UnreadableTableError) as refused:
            points(content, Places.load())
        assert refused.value.flaws[0].row == 0


async def test_a_file_becomes_the_next_edition_with_its_provenance(api: AsyncClient) -> None:
    first, second = await send(api, PLAIN), await send(api, HXL)
    assert (first.status_code, second.status_code) == (201, 201), second.text
    assert (first.json()["edition"], second.json()["edition"]) == (1, 2)
    (newest,) = (await api.get(URL, headers=bearer("ngo-salud", audience=AUDIENCE))).json()
    assert [(p["area"], p["value"]) for p in newest["points"]] == [("VE23", "63.25"), (None, "41")]
    assert {name: newest[name] for name in PROVENANCE} == PROVENANCE


async def test_a_bad_row_or_no_provenance_writes_nothing(api: AsyncClient) -> None:
    row = await send(api, PLAIN + "2026-10-02,VE23,many\n2026-10-03,VE99,1\n")
    assert (row.status_code, row.json()["code"]) == (422, "unreadable_series")
    assert [(p["row"], p["column"]) for p in row.json()["problems"]] == [(4, "value"), (5, "area")]
    unsourced = await send(api, PLAIN, licence="", points=[])
    assert unsourced.status_code == 422
    assert {each["pointer"] for each in unsourced.json()["errors"]} == {
        "/provenance/licence",
        "/provenance/points",
    }
    large = await send(api, PLAIN + " " * MOST_BYTES)
    assert (large.status_code, large.json()["pointer"]) == (422, "/file")
    found = await api.get(URL, headers=bearer("im-officer", audience=AUDIENCE))
    assert found.json() == []


@pytest.mark.parametrize("client", ["ngo-salud", "gbv-coordinator", "auditor"])
async def test_only_the_im_role_imports(api: AsyncClient, client: str) -> None:
    assert (await send(api, PLAIN, client)).status_code == 403
