"""`/directory/v1/imports` over HTTP: permissions, responses and stored results."""

import io
import json
from typing import Any

import openpyxl
import pytest
from directory.files.imports.columns import columns
from directory.files.imports.uploads import MAX_BYTES
from httpx import AsyncClient, Response

from tests.services.directory.conftest import V1, Publish, as_, ids_seen
from tests.services.directory.imports.test_services_advisor import feature
from tests.support.principals import keyed, organisation

IMPORTS = f"{V1}/imports"
HEADER = "external_id,organisation,name,categories,visibility,pcode\n"
GOOD = (HEADER + "1,Org,Primera,GP-INFO,public,VE2313\n2,Org,Segunda,GP-DOC,public,VE20\n").encode()
BAD = GOOD + b"3,Org,Tercera,NOPE,public,VE2313\n"
OWN = f"external_id,organisation,organisation_id,name,categories\n1,Refugio,{organisation(1)},Mía,GP-INFO\n".encode()


async def send(
    api: AsyncClient, content: bytes, client: str = "im-officer", **query: Any
) -> Response:
    return await api.post(IMPORTS, content=content, params=query, headers=as_(client))


@pytest.mark.parametrize(
    ("client", "status"),
    [
        ("anonymous", 401),
        ("health-cluster", 403),
        ("auditor", 403),
        ("ngo-refugio", 201),
        ("gbv-coordinator", 201),
        ("im-officer", 201),
    ],
)
async def test_partners_and_curators_may_import(api: AsyncClient, client: str, status: int) -> None:
    content = OWN.replace(str(organisation(1)).encode(), b"") if client != "ngo-refugio" else OWN
    answer = await send(api, content, client, mode="skip-bad")
    assert answer.status_code == status, answer.text
    for path in ("", "/template"):
        expected = {401: 401, 403: 403}.get(status, 200)
        assert (await api.get(IMPORTS + path, headers=as_(client))).status_code == expected


async def test_an_import_is_answered_with_its_counts_and_can_be_read_again(
    api: AsyncClient,
) -> None:
    answer = await send(api, GOOD, file_name="carpeta/mapeo 2026.csv")
    found = answer.json()
    assert found["state"] == "finished"
    assert found["rows"] == {"read": 2, "accepted": 2, "changed": 0, "refused": 0}
    assert found["services"] == {"created": 2, "updated": 0, "unchanged": 0}
    assert found["file_name"] == "mapeo 2026.csv"
    again = await api.get(answer.headers["location"], headers=as_("im-officer"))
    assert again.json() == found
    rows = (await api.get(found["rows_url"], headers=as_("im-officer"))).json()["items"]
    assert [(row["number"], row["outcome"]) for row in rows] == [(2, "created"), (3, "created")]
    seen = await ids_seen(api, "anonymous")
    assert {row["service_id"] for row in rows} <= set(seen)


async def test_a_search_finds_what_was_imported(api: AsyncClient) -> None:
    await send(api, GOOD)
    assert len(await ids_seen(api, "anonymous", search="segunda")) == 1


async def test_a_refused_import_answers_422_with_reasons_and_keeps_its_report(
    api: AsyncClient,
) -> None:
    answer = await send(api, BAD)
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["code"] == "import_refused"
    assert problem["rows"] == {"read": 3, "accepted": 2, "changed": 0, "refused": 1}
    (refused,) = problem["refused"]
    assert (refused["number"], refused["notes"][0]["code"]) == (4, "value_unknown")
    assert await ids_seen(api, "anonymous") == []
    report = await api.get(problem["rows_url"], headers=as_("im-officer"))
    assert [row["number"] for row in report.json()["items"]] == [4]


async def test_the_report_is_a_table_to_keep_with_the_rows_as_the_sender_counts_them(
    api: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("directory.files.imports.api._REPORTED_AT_ONCE", 2)
    formula = b"4,Org,=HYPERLINK(1),GP-INFO,public,VE2313\n"
    made = (await send(api, BAD + formula, mode="skip-bad", dry_run=True)).json()
    url = f"{IMPORTS}/{made['id']}/report"

    async def lines(**asked: str) -> list[tuple[object, ...]]:
        answer = await api.get(url, params=asked, headers=as_("im-officer"))
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-disposition"].startswith("attachment")
        opening, sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets
        told = {cells[0]: cells[1] for cells in opening.iter_rows(values_only=True)}
        assert {told.get("Filas: leídas"), told.get("Rows: read")} == {4, None}
        assert {told.get("Filas: Rechazada"), told.get("Rows: Refused")} == {2, None}
        return list(sheet.iter_rows(values_only=True))

    head, *rows = await lines()
    assert head[0] == "Fila"
    assert [row[0] for row in dict.fromkeys(row[:1] for row in rows)] == [2, 3, 4, 5]
    _, *refused = await lines(verdict="refused", language="en")
    assert {(row[0], row[3]) for row in refused} == {(4, "Refused"), (5, "Refused")}
    assert "NOPE" in str(refused[0][7])
    listed = await api.get(url, params={"format": "csv"}, headers=as_("im-officer"))
    summary, _, table = listed.content.decode("utf-8-sig").partition("\r\n\r\n")
    assert "Filas: leídas,4" in summary
    assert table.startswith("Fila,Nombre")
    assert b",=HYPERLINK" not in listed.content, "no spreadsheet runs what somebody wrote"
    for client, asked, status in (
        ("ngo-refugio", {}, 404),
        ("health-cluster", {}, 403),
        ("im-officer", {"format": "pdf"}, 422),
        ("im-officer", {"language": "xx"}, 422),
    ):
        answer = await api.get(url, params=asked, headers=as_(client))
        assert answer.status_code == status, answer.text


async def test_a_row_without_a_category_is_valid_only_for_a_service_that_has_none(
    api: AsyncClient, publish: Publish
) -> None:
    none = await publish(name="Sin categoría", categories=[])
    some = await publish(name="Con categoría")
    head = "external_id,organisation,name,categories,visibility,pcode,description\n"
    services = ((none, "Sin categoría"), (some, "Con categoría"), ("new", "Nueva"))
    lines = (f"{own},Salud para Todas,{name},,public,VE2313,Otra\n" for own, name in services)
    file = (head + "".join(lines)).encode()
    for dry_run in (True, False):
        made = (await send(api, file, mode="skip-bad", dry_run=dry_run)).json()
        report = await api.get(made["rows_url"], headers=as_("im-officer"))
        told = [{note["code"] for note in row["notes"]} for row in report.json()["items"]]
        assert [("uncategorised" in each, "value_missing" in each) for each in told] == [
            (True, False), (False, True), (False, True),
        ]  # fmt: skip


async def test_a_multipart_form_works_like_the_raw_body(api: AsyncClient) -> None:
    answer = await api.post(
        IMPORTS,
        files={"file": ("lista.csv", GOOD, "text/csv")},
        params={"dry_run": True},
        headers=as_("im-officer"),
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["file_name"] == "lista.csv"
    assert answer.json()["services"]["created"] == 2
    assert await ids_seen(api, "anonymous") == []


async def test_the_same_key_gives_the_same_import(api: AsyncClient) -> None:
    headers = keyed(as_("im-officer"))
    first = await api.post(IMPORTS, content=GOOD, headers=headers)
    again = await api.post(IMPORTS, content=GOOD, headers=headers)
    assert first.json() == again.json()
    listed = await api.get(IMPORTS, headers=as_("im-officer"))
    assert len(listed.json()["items"]) == 1


@pytest.mark.parametrize(
    ("content", "query", "status", "code"),
    [
        (b"", {}, 422, "empty_file"),
        (b"PK\x03\x04oops", {}, 422, "unreadable_file"),
        (b"\x7fELF\x00\x01", {}, 415, "unknown_format"),
        (b"a,b\n1,2\n", {}, 422, "headers_missing"),
        (GOOD, {"format": "hsds"}, 422, "unreadable_file"),
        (GOOD, {"format": "pdf"}, 422, "invalid"),
        (GOOD, {"mode": "some"}, 422, "invalid"),
        (GOOD, {"visibility": "secret"}, 422, "invalid"),
        (GOOD, {"country": "Venezuela"}, 422, "invalid"),
    ],
)
async def test_what_cannot_be_read_is_4xx_and_leaves_nothing(
    api: AsyncClient, content: bytes, query: dict[str, str], status: int, code: str
) -> None:
    answer = await send(api, content, **query)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await api.get(IMPORTS, headers=as_("im-officer"))).json()["items"] == []


async def test_missing_columns_are_named_for_pages(api: AsyncClient) -> None:
    found = (await send(api, b"Municipio,Nombre del servicio\nVE2313,Primera\n")).json()
    assert found["detail_code"] == "columns_are_missing"
    assert found["detail_params"] == ["Organización / Organisation, Categorías / Categories"]


async def test_a_huge_upload_is_413_before_it_is_read(api: AsyncClient) -> None:
    declared = as_("im-officer") | {"Content-Length": str(2 * 1024**3)}
    answer = await api.post(IMPORTS, content=b"x", headers=declared)
    assert answer.status_code == 413

    async def endless() -> Any:
        for _ in range(MAX_BYTES // 1_000_000 + 2):
            yield b"0" * 1_000_000

    answer = await api.post(IMPORTS, content=endless(), headers=as_("im-officer"))
    assert answer.status_code == 413


async def test_broken_forms_are_told(api: AsyncClient) -> None:
    headers = as_("im-officer") | {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await api.post(IMPORTS, content=b"--y\r\nnonsense", headers=headers)
    assert answer.status_code in (400, 422)
    wrong = await api.post(IMPORTS, files={"other": ("a", GOOD)}, headers=as_("im-officer"))
    assert wrong.json()["pointer"] == "/file"


async def test_another_organisation_finds_neither_import_nor_rows(api: AsyncClient) -> None:
    found = (await send(api, GOOD)).json()
    for path in (f"{IMPORTS}/{found['id']}", found["rows_url"]):
        assert (await api.get(path, headers=as_("ngo-salud"))).status_code == 404


async def test_imports_and_rows_come_in_pages(api: AsyncClient) -> None:
    for _ in range(3):
        found = (await send(api, GOOD, dry_run=True)).json()
    first = await api.get(IMPORTS, params={"limit": 2}, headers=as_("im-officer"))
    cursor = first.json()["next_cursor"]
    second = await api.get(IMPORTS, params={"cursor": cursor}, headers=as_("im-officer"))
    ids = [item["id"] for page in (first, second) for item in page.json()["items"]]
    assert len(set(ids)) == 3
    assert ids == sorted(ids, reverse=True)
    page = await api.get(found["rows_url"], params={"limit": 1}, headers=as_("im-officer"))
    rest = await api.get(
        found["rows_url"], params={"cursor": page.json()["next_cursor"]}, headers=as_("im-officer")
    )
    assert [row["number"] for row in rest.json()["items"]] == [3]
    assert "next_cursor" not in rest.json()
    wrong = await api.get(IMPORTS, params={"cursor": "abc"}, headers=as_("im-officer"))
    assert wrong.status_code == 400


async def test_an_import_that_counts_no_values_is_listed_like_the_others(api: AsyncClient) -> None:
    """This kind of file has no report about single values."""
    content = json.dumps({"type": "FeatureCollection", "features": [feature()]}).encode()
    sent = await send(api, content, mode="skip-bad")
    assert sent.status_code == 201, sent.text
    listed = await api.get(IMPORTS, headers=as_("im-officer"))
    assert listed.status_code == 200, listed.text
    assert "fidelity" not in listed.json()["items"][0]


@pytest.mark.parametrize("language", ["es", "en"])
async def test_the_template_has_every_column_in_the_language(
    api: AsyncClient, language: str
) -> None:
    query = {"language": language, "format": "xlsx"}
    answer = await api.get(f"{IMPORTS}/template", params=query, headers=as_("ngo-refugio"))
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    header = [str(cell.value).removesuffix(" *") for cell in book.worksheets[0][1]]
    assert header == [column.header(language) for column in columns()]
    assert len(book.worksheets[0].data_validations.dataValidation) > 10
    query["format"] = "csv"
    text = (await api.get(f"{IMPORTS}/template", params=query, headers=as_("ngo-refugio"))).content
    assert text.startswith(b"\xef\xbb\xbf")


TYPOS = (
    "external_id,organisation,name,categories,visibility,admin1,admin2\n"
    "1,Org,Uno,GP-INFO,public,Zulia,Marcaibo\n"
    "2,Org,Dos,GP-INFO,public,Zulia,MARCAIBO \n"
)


async def test_one_accepted_suggestion_counts_for_all_rows_alike(
    api: AsyncClient,
) -> None:
    params = {"dry_run": "true", "mode": "skip-bad"}
    tried = await api.post(f"{V1}/imports", content=TYPOS.encode(), params=params, headers=as_("im-officer"))  # fmt: skip
    rows = (await api.get(tried.json()["rows_url"], headers=as_("im-officer"))).json()["items"]
    notes = [note for row in rows for note in row["notes"] if note["code"] == "place_suggested"]
    assert [each["places"][0]["pcode"] for each in notes] == ["VE2313", "VE2313"]
    assert notes[0]["places"][0] | {"name": "Maracaibo", "within": "Zulia"} == notes[0]["places"][0]
    accepted = {"mode": "all", "place": "Marcaibo=ve2313"}
    done = await api.post(f"{V1}/imports", content=TYPOS.encode(), params=accepted, headers=as_("im-officer"))  # fmt: skip
    assert done.status_code == 201, done.text
    assert done.json()["services"]["created"] == 2
    fields = {each["field"]: each for each in done.json()["fidelity"]["fields"]}
    assert {each["code"] for each in fields["admin2"]["reasons"]} == {"place_accepted"}
    full = await api.get(f"{V1}/services", params={"full": "true"}, headers=as_("im-officer"))
    places = {
        site["location"]["pcode"]
        for each in full.json()["contents"]
        for site in each["service_at_locations"]
    }
    assert places == {"VE2313"}


@pytest.mark.parametrize("pair", ["Marcaibo", "=VE2313", "Marcaibo=VE9999"])
async def test_an_accepted_place_that_is_none_is_refused(api: AsyncClient, pair: str) -> None:
    answer = await api.post(f"{V1}/imports", content=TYPOS.encode(), params={"place": pair}, headers=as_("im-officer"))  # fmt: skip
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/place"
