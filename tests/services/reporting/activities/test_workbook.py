"""The workbook: both languages, a report by row and column, and all rows or none."""

import io
import re
import zipfile

import openpyxl
import pytest
from common.words.places import Places
from httpx import AsyncClient
from reporting.count.activities import codes
from reporting.count.activities.template import template
from reporting.count.activities.workbook import UnreadableWorkbookError, read

from tests.services.reporting.activities.rows import body, filled
from tests.services.reporting.activities.test_activities_api import IM, PATH, REFUGIO, SALUD

PLACES = Places.load()


async def send(
    api: AsyncClient, content: bytes, name: str = "5w.xlsx", query: str = ""
) -> dict[str, object]:
    answer = await api.post(
        f"{PATH}/imports{query}", files={"file": (name, content)}, headers=REFUGIO
    )
    assert answer.status_code < 500, answer.text
    report: dict[str, object] = answer.json()
    return report | {"http": answer.status_code}


@pytest.mark.parametrize("language", ["es", "en"])
async def test_a_filled_template_of_either_language_is_recorded(
    api: AsyncClient, language: str
) -> None:
    status = {"es": "Finalizada", "en": "Completed"}[language]
    kind = {"es": "ONG Nacional", "en": "National NGO"}[language]
    rows = [body(n, status=status, org_leader_type=kind) for n in range(3)]
    report = await send(api, filled(language, *rows))
    assert (report["http"], report["created"]) == (201, 3), report
    again = await send(api, filled(language, *rows[:2], rows[2] | {"women": 20}))
    assert (again["created"], again["changed"], again["unchanged"]) == (0, 1, 2)


@pytest.mark.parametrize("language", ["es", "en"])
async def test_the_template_has_lists_and_help_in_its_language(
    api: AsyncClient, language: str
) -> None:
    answer = await api.get(f"{PATH}/template?language={language}&country=VEN", headers=SALUD)
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    sheet = book.worksheets[0]
    headers = [cell.value for cell in sheet[1]]
    assert headers == [column.label[language] for column in codes.columns()]
    assert len(sheet.data_validations.dataValidation) == 7
    assert len(book.worksheets) == 3


async def test_one_bad_row_writes_nothing_and_every_problem_is_named(api: AsyncClient) -> None:
    content = filled(
        "es",
        body(1),
        body(2, women="doce", start="2026-13-01"),
        body(3, adm1_pcode="VE99"),
        body(1),
        body(5, org_leader=None),
    )
    report = await send(api, content)
    assert (report["http"], report["code"]) == (422, "bad_rows")
    found = {(p["row"], p["column"], p["code"]) for p in report["problems"]}  # type: ignore[attr-defined]  # JSON
    assert found == {
        (3, "women", "bad_number"),
        (3, "start", "bad_date"),
        (4, "adm1_pcode", "unknown_place"),
        (5, "external_id", "repeated"),
        (6, "org_leader", "required"),
    }
    for problem in report["problems"]:  # type: ignore[attr-defined]  # JSON
        assert problem["message"]["es"] != problem["message"]["en"]
    assert (await api.get(PATH, headers=IM)).json()["items"] == []


async def test_a_dry_run_reports_and_writes_nothing(api: AsyncClient) -> None:
    report = await send(api, filled("en", body(1)), query="?dry_run=true")
    assert (report["http"], report["created"], report["import_id"]) == (200, 1, None)
    assert (await api.get(PATH, headers=IM)).json()["items"] == []


async def test_csv_with_semicolons_and_day_first_dates_is_read(api: AsyncClient) -> None:
    keys = list(body())
    lines = [keys, [str(v) for v in body(start="03/11/2026", end="04/11/2026").values()]]
    content = "\n".join(";".join(line) for line in lines).encode("utf-8-sig")
    assert (await send(api, content, "5w.csv"))["created"] == 1
    (item,) = (await api.get(PATH, headers=REFUGIO)).json()["items"]
    assert item["start"] == "2026-11-03"


def _zip(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return buffer.getvalue()


def _with_sheet(change: bytes, into: bytes) -> bytes:
    """Return a filled workbook whose data sheet has `change` replaced by `into`."""
    with zipfile.ZipFile(io.BytesIO(filled("en", body(1)))) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    assert change in parts[sheet]
    # Without a dimension element, the reader does not know the number of rows in advance.
    changed = re.sub(rb"<dimension[^>]*/>", b"", parts[sheet]).replace(change, into, 1)
    return _zip(parts | {sheet: changed})


ENTITIES = (
    b'<!DOCTYPE w [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY x SYSTEM "file:///etc/passwd">]>'
)
BROKEN = {
    "a row far away": _with_sheet(b'<row r="2"', b'<row r="2000000000"'),
    "entities": _with_sheet(b"<worksheet", ENTITIES + b"<worksheet"),
    "empty": b"",
    "png": b"\x89PNG\r\n\x1a\n",
    "truncated": filled("en", body(1))[:900],
    "zip without a workbook": _zip({"a.txt": b"hello"}),
    "bomb": _zip({"xl/workbook.xml": b"0" * 60_000_001}),
    "bad xml": _zip({"[Content_Types].xml": b"<", "xl/workbook.xml": b"<"}),
    "no rows": template("en", PLACES),
    "binary csv": b"external_id,start\n\xff\xfe,1",
    "missing columns": b"external_id,start\n1,2026-01-01",
    "unbalanced quote": b'external_id,"start\n1,2026-01-01',
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
async def test_a_file_that_is_no_workbook_is_refused_in_both_languages(
    api: AsyncClient, content: bytes
) -> None:
    with pytest.raises(UnreadableWorkbookError) as refused:
        read(content)
    assert refused.value.message["es"] != refused.value.message["en"]
    assert (await send(api, content))["http"] in {400, 422}


async def test_hostile_cells_stay_text(api: AsyncClient) -> None:
    hostile = '=HYPERLINK("http://evil.example","x")'
    assert (await send(api, filled("en", body(1, org_leader="'" + hostile))))["created"] == 1
    (item,) = (await api.get(PATH, headers=REFUGIO)).json()["items"]
    assert hostile in item["org_leader"]


def test_a_formula_of_which_nothing_came_yet_is_no_empty_cell() -> None:
    """A program that writes a workbook stores formulas without results. Ruta used to skip the people in such cells
    silently."""
    (row,) = read(filled("es", body(1, women="=2+3")))
    assert [(flaw.field, flaw.code) for flaw in row.flaws] == [("women", "not_computed")]
