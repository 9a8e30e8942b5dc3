"""Stakeholders have a link to the directory's organisations and a location no finer than a state. People can download,
edit and upload their sheet as a whole."""

import csv
import io
from typing import Any

import pytest
import sqlalchemy as sa
from common.db.session import Database
from common.words.places import Places
from httpx import AsyncClient, Response
from reporting.count.stakeholders.models import stakeholders
from reporting.count.stakeholders.sheet import rows
from reporting.ground.tabular.csv_reader import UnreadableTableError

from tests.services.reporting.conftest import AUDIENCE
from tests.support.principals import bearer, keyed, organisation

URL = "/reports/v1/context/stakeholders"
BODY: dict[str, Any] = {
    "code": "fiscalia-especial",
    "name": {"es": "Fiscalía Especial", "en": "Special Prosecutor"},
    "type": "GOV",
    "sectors": ["TIP"],
    "mandate": {
        "es": "Investiga la trata de personas.",
        "en": "Investigates trafficking in persons.",
    },
    "does": {
        "es": "Recibe denuncias de cualquier persona.",
        "en": "Takes complaints of anybody.",
    },
    "presence": ["VE23", "VE20"],
    "contact": {
        "function": {"es": "Mesa de entrada", "en": "Front desk"},
        "email": "mesa@fiscalia.example",
        "phone": "+58 212 5550100",
    },
    "source": "Gaceta Oficial de ejemplo",
    "as_of": "2026-09-01",
    "in_bulletin": True,
}
LINKED: dict[str, Any] = {
    **{field: BODY[field] for field in ("type", "sectors", "mandate", "does", "source", "as_of")},
    "code": "refugio",
    "organisation_id": str(organisation(1)),
}


def as_(client: str, **more: str) -> dict[str, str]:
    return keyed(bearer(client, audience=AUDIENCE)) | more


async def add(api: AsyncClient, client: str = "tip-coordinator", **changes: Any) -> Response:
    return await api.post(URL, json={**BODY, **changes}, headers=as_(client))


async def codes(api: AsyncClient, client: str, query: str = "") -> list[str]:
    answer = await api.get(f"{URL}{query}", headers=as_(client))
    assert answer.status_code == 200, answer.text
    return [each["code"] for each in answer.json()["items"]]


async def test_an_entry_is_added_read_changed_and_removed_by_its_etag(api: AsyncClient) -> None:
    made = await add(api)
    assert made.status_code == 201, made.text
    entry = f"{URL}/{made.json()['id']}"
    read = await api.get(entry, headers=as_("ngo-refugio"))
    assert read.json() == made.json()
    assert read.json()["type_label"]["es"] == "Gobierno nacional"
    assert (await add(api)).json()["code"] == "conflict"

    change = {**BODY, "source": "Otra gaceta de ejemplo"}
    unsaid = await api.put(entry, json=change, headers=as_("im-officer"))
    assert unsaid.status_code == 428
    tag = {"If-Match": read.headers["etag"]}
    changed = await api.put(entry, json=change, headers=as_("im-officer", **tag))
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    late = await api.put(entry, json=BODY, headers=as_("tip-coordinator", **tag))
    assert late.status_code == 412
    assert (await api.delete(entry, headers=as_("im-officer", **tag))).status_code == 412
    tag = {"If-Match": changed.headers["etag"]}
    assert (await api.delete(entry, headers=as_("im-officer", **tag))).status_code == 204
    assert await codes(api, "im-officer") == []


async def test_partners_read_and_do_not_write(api: AsyncClient) -> None:
    assert (await add(api, "ngo-refugio")).status_code == 403
    assert (await add(api)).status_code == 201
    assert await codes(api, "ngo-refugio") == ["fiscalia-especial"]


async def test_what_is_linked_to_the_directory_is_shown_to_those_who_prepare_reports_alone(
    api: AsyncClient,
) -> None:
    made = await api.post(URL, json=LINKED, headers=as_("im-officer"))
    assert made.status_code == 201, made.text
    assert made.json()["organisation_entry"].endswith(str(organisation(1)))
    assert await codes(api, "gbv-coordinator") == ["refugio"]
    assert await codes(api, "ngo-salud") == []
    alone = await api.get(f"{URL}/{made.json()['id']}", headers=as_("ngo-salud"))
    assert alone.status_code == 404
    table = await api.get(f"{URL}/table", headers=as_("ngo-salud"))
    assert str(organisation(1)) not in table.text


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"presence": ["VE2313"]}, "/presence"),
        ({"presence": ["VE99"]}, "/presence"),
        ({"presence": None}, "/presence"),
        ({"name": None}, "/name"),
        ({"name": {"es": "Casa, Calle 5 con 12", "en": "House"}}, "/name/es"),
        ({"mandate": {"es": "Ley", "en": "Write to ana@example.org"}}, "/mandate/en"),
        ({"does": {"es": "Acompaña a 37 mujeres.", "en": "For women."}}, "/does/es"),
        ({"organisation_id": str(organisation(1))}, "/name"),
        ({"type": "CLUB"}, "/type"),
        ({"contact": {"function": {"es": "Mesa", "en": "Desk"}}}, "/contact"),
    ],
)
async def test_no_entry_shows_an_address_a_number_of_people_or_what_the_directory_keeps(
    api: AsyncClient, changes: dict[str, Any], pointer: str
) -> None:
    answer = await add(api, **changes)
    assert answer.status_code == 422, answer.text
    assert pointer in [each["pointer"] for each in answer.json()["errors"]]
    assert await codes(api, "im-officer") == []


async def test_a_bulletin_may_not_print_an_organisation_of_the_directory(api: AsyncClient) -> None:
    answer = await api.post(URL, json={**LINKED, "in_bulletin": True}, headers=as_("im-officer"))
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/in_bulletin")


async def test_the_database_itself_keeps_no_name_beside_a_link(database: Database) -> None:
    row = {
        field: LINKED[field] for field in ("type", "sectors", "mandate", "does", "source", "code")
    }
    row |= {"id": organisation(9), "organisation_id": organisation(1), "name": BODY["name"]}
    row |= {"as_of": sa.func.now(), "changed_at": sa.func.now(), "changed_by": "x"}
    with pytest.raises(sa.exc.IntegrityError, match="stakeholders_linked"):
        async with database.transaction() as session:
            await session.execute(stakeholders.insert().values(**row, in_bulletin=False, version=1))


async def test_lists_narrow_by_sector_type_and_area_and_go_on_by_cursor(api: AsyncClient) -> None:
    await add(api)
    await add(api, code="defensoria", presence=["VE"], sectors=["GBV"])
    await add(api, code="onu-ejemplo", type="UN", presence=["VE07"])
    assert await codes(api, "ngo-refugio", "?area=VE23") == ["defensoria", "fiscalia-especial"]
    assert await codes(api, "ngo-refugio", "?sector=GBV") == ["defensoria"]
    assert await codes(api, "ngo-refugio", "?type=UN") == ["onu-ejemplo"]
    first = (await api.get(f"{URL}?limit=2", headers=as_("ngo-refugio"))).json()
    assert await codes(api, "ngo-refugio", f"?cursor={first['next_cursor']}") == ["onu-ejemplo"]
    unknown = await api.get(f"{URL}?area=VE99", headers=as_("ngo-refugio"))
    assert (unknown.status_code, unknown.json()["pointer"]) == (422, "/area")


async def sent(api: AsyncClient, sheet: list[dict[str, str]], query: str = "") -> Response:
    written = io.StringIO()
    writer = csv.DictWriter(written, list(sheet[0]))
    writer.writeheader()
    writer.writerows(sheet)
    files = {"file": ("actores.csv", written.getvalue().encode())}
    return await api.post(f"{URL}/imports{query}", files=files, headers=as_("im-officer"))


async def downloaded(api: AsyncClient) -> list[dict[str, str]]:
    answer = await api.get(f"{URL}/table", headers=as_("im-officer"))
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def test_a_sheet_goes_out_is_changed_and_comes_back(api: AsyncClient) -> None:
    await add(api, mandate={"es": "=SUMA(A)", "en": "=SUM(A)"})
    await api.post(URL, json=LINKED, headers=as_("im-officer"))
    sheet = await downloaded(api)
    assert sheet[0]["mandate_es"] == "'=SUMA(A)"  # A spreadsheet must not run this formula.
    same = await sent(api, sheet)
    assert same.json() == {"rows": 2, "created": 0, "changed": 0, "unchanged": 2}, same.text
    sheet[0] |= {"presence": "VE20; VE07", "mandate_es": "Otra cosa", "mandate_en": "Other"}
    new = {**sheet[0], "code": "nueva", "version": "", "name_es": "Nueva", "name_en": "New"}
    tried = await sent(api, [*sheet, new], "?dry_run=true")
    assert tried.json() == {"rows": 3, "created": 1, "changed": 1, "unchanged": 1}
    assert await codes(api, "im-officer") == ["fiscalia-especial", "refugio"]
    assert (await sent(api, [*sheet, new])).json() == tried.json()
    after = {row["code"]: row for row in await downloaded(api)}
    assert (after["fiscalia-especial"]["version"], after["nueva"]["version"]) == ("2", "1")
    assert after["fiscalia-especial"]["presence"] == "VE20; VE07"

    undone = await sent(api, [sheet[0] | {"mandate_es": "Lo de antes"}, new | {"code": "otra"}])
    assert undone.status_code == 422
    assert [(p["row"], p["column"]) for p in undone.json()["problems"]] == [(2, "version")]
    assert "otra" not in await codes(api, "im-officer")


@pytest.mark.parametrize(
    ("column", "cell", "told"),
    [
        ("type", "CLUB", "type"),
        ("sectors", "TIP; XX", "sectors"),
        ("presence", "VE2313", "presence"),
        ("does_en", "", "does_en"),
        ("name_en", "", "name_en"),
        ("email", "nadie", "email"),
        ("function_es", "", "function_es"),
        ("as_of", "01/09/2026", "as_of"),
        ("in_bulletin", "quizás", "in_bulletin"),
        ("organisation_id", "refugio", "organisation_id"),
        ("source", "=1+1", "source"),
    ],
)
async def test_each_flaw_of_a_sheet_is_told_by_row_and_column_in_both_languages(
    api: AsyncClient, column: str, cell: str, told: str
) -> None:
    await add(api)
    (row,) = await downloaded(api)
    answer = await sent(api, [row | {column: cell}])
    assert (answer.status_code, answer.json()["code"]) == (422, "unreadable_stakeholders")
    problems = answer.json()["problems"]
    assert (2, told) in [(each["row"], each["column"]) for each in problems], problems
    assert all(each["message"]["es"] and each["message"]["en"] for each in problems)


def test_a_file_without_its_columns_or_rows_is_told_as_such() -> None:
    for content, column in ((b"code,type\n", "as_of"), (b"", "as_of"), (b"\xff\xfe", "")):
        with pytest.raises(UnreadableTableError) as told:
            rows(content, Places.load())
        assert column in [flaw.column for flaw in told.value.flaws]
