"""The next edition of a file does not reopen an entry that somebody closed here."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from common.db.session import Database
from common.sight import PARTNERS, PUBLIC
from directory.files.imports.writer import Writer
from directory.ground.entries.queries import levels_set_by_hand
from directory.ground.hsds.schemas import ServiceDocument
from directory.record.services.upsert import upsert_service
from httpx import AsyncClient

from tests.services.directory.conftest import V1, Publish, as_, service_document
from tests.services.directory.imports.test_package import PLAIN, SERVICE, package
from tests.services.directory.test_restriction_events import changed
from tests.support.principals import organisation, principal

HEAD = (
    "external_id,organisation,organisation_id,name,categories,visibility,pcode,latitude,longitude\n"
)
EDITION = HEAD + "1,Propia,{},{},GBV-PSS,public,VE2313,10.65,-71.62\n"
WHO = "gbv-coordinator"
Meanwhile = Callable[[Callable[[], Awaitable[None]]], None]


async def _taken(api: AsyncClient, edition: str, name: str, query: str) -> dict[str, Any]:
    content = edition.format(organisation(2), name).encode()
    done = await api.post(f"{V1}/imports?source=registro{query}", content=content, headers=as_(WHO))
    assert done.status_code == 201, done.text
    rows = await api.get(f"{V1}/imports/{done.json()['id']}/rows", headers=as_(WHO))
    found: dict[str, Any] = rows.json()["items"][0]
    return found


async def _import(api: AsyncClient, name: str = "Mía", query: str = "") -> dict[str, Any]:
    return await _taken(api, EDITION, name, query)


@pytest.fixture
def while_it_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> Meanwhile:
    """Return a function that changes the records of the next file after the import has looked up its rows."""
    prepared = Writer.prepared

    def happens(what: Callable[[], Awaitable[None]]) -> None:
        async def meanwhile(self: Writer, rows: Any) -> Any:
            found = await prepared(self, rows)
            await what()
            return found

        monkeypatch.setattr(Writer, "prepared", meanwhile)

    return happens


async def _closed(api: AsyncClient, own: str, level: str) -> None:
    without: dict[str, Any] = {"service_at_locations": []} if level == "restricted" else {}
    await changed(api, own, visibility=level, **without)


HIDDEN = {"number": "+58 261 555 0101", "visibility": "pathway"}


async def _hide_number(api: AsyncClient, own: str) -> None:
    await changed(api, own, phones=[HIDDEN])


async def _with_phones(
    api: AsyncClient, phones: str, name: str = "Mía", query: str = ""
) -> dict[str, Any]:
    edition = EDITION.replace("name,", "name,phone,", 1)
    return await _taken(api, edition.replace("{},{},", f"{{}},{{}},{phones},", 1), name, query)


async def _anybody(api: AsyncClient, own: str) -> int:
    return (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).status_code


@pytest.mark.parametrize("level", ["partners", "pathway", "restricted"])
async def test_the_next_edition_opens_nothing_that_was_closed_here(
    api: AsyncClient, level: str
) -> None:
    """A house hidden for its safety used to become public again with the next month's import."""
    own = (await _import(api))["service_id"]
    assert await _anybody(api, own) == 200
    await _closed(api, own, level)
    assert await _anybody(api, own) == 404
    for query in ("&dry_run=true", ""):
        row = await _import(api, "Otro nombre", query)
        assert (row["service_id"], row["verdict"]) == (own, "changed")
        assert "visibility_kept" in [each["code"] for each in row["notes"]]
    assert await _anybody(api, own) == 404
    record = await api.get(f"{V1}/records/services/{own}", headers=as_(WHO))
    document = record.json()["document"]
    assert (document["name"], document["visibility"]) == ("Otro nombre", level)
    assert ("10.65" in record.text) is (level != "restricted")


async def test_what_a_file_closed_a_file_opens(api: AsyncClient) -> None:
    content = EDITION.replace(",public,", ",partners,").format(organisation(2), "Mía").encode()
    path = f"{V1}/imports?source=registro"
    assert (await api.post(path, content=content, headers=as_(WHO))).status_code == 201
    row = await _import(api)
    assert row["outcome"] == "changed"
    assert await _anybody(api, row["service_id"]) == 200


async def test_what_was_closed_while_a_file_was_read_stays_closed(
    api: AsyncClient, while_it_is_read: Meanwhile
) -> None:
    own = (await _import(api))["service_id"]
    while_it_is_read(lambda: _closed(api, own, "pathway"))
    row = await _import(api, "Otro nombre", "&mode=skip-bad")
    assert row["verdict"] == "refused", row
    assert await _anybody(api, own) == 404


async def test_what_was_hidden_while_a_file_was_read_stays_hidden(
    api: AsyncClient, while_it_is_read: Meanwhile
) -> None:
    own = (await _with_phones(api, "0261-5550101"))["service_id"]
    while_it_is_read(lambda: _hide_number(api, own))
    row = await _with_phones(api, "0261-5550101", "Otro nombre", "&mode=skip-bad")
    assert row["verdict"] == "refused", row
    assert "5550101" not in (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).text


async def test_a_file_opens_no_place_that_was_closed_here(
    api: AsyncClient, database: Database
) -> None:
    own = (await _import(api))["service_id"]
    record = await api.get(f"{V1}/records/services/{own}", headers=as_(WHO))
    place = record.json()["document"]["service_at_locations"][0]["location"]["id"]
    path = f"{V1}/records/locations/{place}"
    read = await api.get(path, headers=as_(WHO))
    closed = {"location_type": "physical", "pcode": "VE23", "visibility": "restricted"}
    headers = {**as_(WHO), "If-Match": read.headers["etag"]}
    assert (await api.put(path, json=closed, headers=headers)).status_code == 200
    # This document has the format of a package and contains the old place under its id.
    document = {**record.json()["document"], "name": "Otro nombre"}
    given = ServiceDocument.model_validate(document)
    async with database.transaction() as session:
        written = await upsert_service(
            session, principal(WHO), given, service_id=UUID(own), source="5:registro"
        )
    assert written.outcome == "changed"
    shown = await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))
    assert shown.json()["name"] == "Otro nombre"
    assert "10.65" not in shown.text


async def test_whose_word_the_level_is_says_the_newest_change_of_it(
    api: AsyncClient, publish: Publish, database: Database
) -> None:
    own = UUID((await _import(api))["service_id"])
    other = UUID(await publish(**service_document()))
    async with database.transaction() as session:
        assert await levels_set_by_hand(session, "service", [own, other]) == {other: PUBLIC}
    await _closed(api, str(own), "partners")
    async with database.transaction() as session:
        found = await levels_set_by_hand(session, "service", [own, other])
    assert found == {own: PARTNERS, other: PUBLIC}


async def test_a_file_that_comes_to_stand_for_an_entry_opens_nothing_that_was_hidden_at_first(
    api: AsyncClient, publish: Publish
) -> None:
    """The entry was hidden from the start, and nobody edited its level; a merge gave it the file's id."""
    twin = (await _import(api))["service_id"]
    hidden = await publish(name="Casa", visibility="pathway")
    merged = await api.post(
        f"{V1}/records/services/{twin}/merge", json={"into": hidden}, headers=as_(WHO)
    )
    assert merged.status_code == 200, merged.text
    row = await _import(api, "Otro nombre")
    assert (row["service_id"], row["verdict"]) == (hidden, "changed")
    assert "visibility_kept" in [each["code"] for each in row["notes"]]
    assert await _anybody(api, hidden) == 404


@pytest.mark.parametrize(
    "phones", ["0261-5550101", "0800 100 1000", "0800 100 1000; 0261 555 0101", ""]
)
async def test_a_number_that_somebody_hid_is_neither_opened_nor_lost_by_a_file(
    api: AsyncClient, phones: str
) -> None:
    own = (await _with_phones(api, "0261-5550101"))["service_id"]
    path = f"{V1}/records/services/{own}"
    await _hide_number(api, own)
    for _ in range(2):
        row = await _with_phones(api, phones)
        assert row["verdict"] != "refused", row
        shown = (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).json()
        numbers = [each["number"] for each in shown.get("phones", [])]
        assert len(numbers) == ("0800" in phones)
        assert not any("5550101" in "".join(filter(str.isdigit, each)) for each in numbers)
        record = (await api.get(path, headers=as_(WHO))).json()["document"]
        assert [each["visibility"] for each in record["phones"] if "visibility" in each] == [
            "pathway"
        ]


async def test_a_file_opens_no_site_that_was_hidden_here(api: AsyncClient) -> None:
    own = (await _import(api))["service_id"]
    path = f"{V1}/records/services/{own}"
    (site,) = (await api.get(path, headers=as_(WHO))).json()["document"]["service_at_locations"]
    await changed(api, own, service_at_locations=[{**site, "visibility": "pathway"}])
    for name in ("Otro nombre", "Otro nombre", "Y otro"):
        assert (await _import(api, name))["verdict"] != "refused"
        shown = await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))
        assert shown.json()["name"] == name
        assert "10.65" not in shown.text
        assert "service_at_locations" not in shown.json()
        (kept,) = (await api.get(path, headers=as_(WHO))).json()["document"]["service_at_locations"]
        assert kept["visibility"] == "pathway"


async def test_a_file_that_closes_more_opens_no_more_than_somebody_here_allowed(
    api: AsyncClient,
) -> None:
    own = (await _import(api))["service_id"]
    await _closed(api, own, "partners")
    closer = EDITION.replace(",public,", ",pathway,").format(organisation(2), "Mía").encode()
    path = f"{V1}/imports?source=registro"
    assert (await api.post(path, content=closer, headers=as_(WHO))).status_code == 201
    row = await _import(api)
    assert row["outcome"] == "changed"
    assert await _anybody(api, own) == 404
    record = await api.get(f"{V1}/records/services/{own}", headers=as_(WHO))
    assert record.json()["document"]["visibility"] == "partners"


async def _withdraw(api: AsyncClient, own: str) -> None:
    path = f"{V1}/records/services/{own}/withdraw"
    answer = await api.post(path, json={"reason": "La casa fue allanada"}, headers=as_(WHO))
    assert answer.status_code == 200, answer.text


async def test_the_next_edition_begins_nothing_that_somebody_here_ended(api: AsyncClient) -> None:
    """A place withdrawn because it was unsafe used to become public and endorsed again a month later."""
    own = (await _import(api))["service_id"]
    await _withdraw(api, own)
    for query in ("&dry_run=true", ""):
        row = await _import(api, "Otro nombre", query)
        assert (row["service_id"], row["outcome"]) == (own, "unchanged")
        assert "end_kept" in [each["code"] for each in row["notes"]]
    assert await _anybody(api, own) == 404
    record = await api.get(f"{V1}/records/services/{own}", headers=as_(WHO))
    assert (record.json()["state"], record.json()["document"]["name"]) == ("withdrawn", "Mía")


async def test_what_was_ended_while_a_file_was_read_stays_ended(
    api: AsyncClient, while_it_is_read: Meanwhile
) -> None:
    own = (await _import(api))["service_id"]
    while_it_is_read(lambda: _withdraw(api, own))
    assert (await _import(api, "Otro nombre"))["outcome"] == "unchanged"
    assert await _anybody(api, own) == 404


WORKING = EDITION.replace("name,", "name,functional_status,verified_at,valid_until,", 1)


async def _working(
    api: AsyncClient, days: str = "2026-11-01,2027-02-01", name: str = "Mía", query: str = ""
) -> dict[str, Any]:
    edition = WORKING.replace("{},{},", f"{{}},{{}},fully_functional,{days},", 1)
    return await _taken(api, edition, name, query)


async def _shown(api: AsyncClient, own: str) -> dict[str, Any]:
    found: dict[str, Any] = (await api.get(f"{V1}/services/{own}", headers=as_("anonymous"))).json()
    return found


async def _shut(api: AsyncClient, own: str, code: str) -> None:
    path = f"{V1}/services/{own}/capacity"
    told = {"functional_status": {"code": code, "reason": "Atacaron la casa"}}
    assert (await api.put(path, json=told, headers=as_(WHO))).status_code == 200


@pytest.mark.parametrize("code", ["closed", "suspended"])
async def test_no_file_says_of_a_place_that_it_works_which_somebody_here_closed(
    api: AsyncClient, code: str
) -> None:
    own = (await _working(api))["service_id"]
    assert (await _shown(api, own))["referable"] is True
    await _shut(api, own, code)
    for query in ("&dry_run=true", ""):
        row = await _working(api, name="Otro nombre", query=query)
        assert (row["outcome"], row["verdict"]) == ("changed", "changed")
        assert "closing_kept" in [each["code"] for each in row["notes"]]
    shown = await _shown(api, own)
    assert shown["name"] == "Otro nombre"
    assert shown["functional_status"] == {"code": code, "reason": "Atacaron la casa"}
    assert "referable" not in shown
    await _shut(
        api, own, "partially_functional"
    )  # After somebody reopens the service, the file decides again.
    assert (await _working(api))["outcome"] == "changed"
    assert (await _shown(api, own))["functional_status"]["code"] == "fully_functional"


async def test_what_was_said_to_be_closed_while_a_file_was_read_stays_so(
    api: AsyncClient, while_it_is_read: Meanwhile
) -> None:
    own = (await _working(api))["service_id"]
    while_it_is_read(lambda: _shut(api, own, "closed"))
    row = await _working(api, name="Otro nombre", query="&mode=skip-bad")
    assert row["verdict"] == "refused", row
    assert (await _shown(api, own))["status"] == "defunct"


async def test_no_file_gives_an_endorsement_anew_that_was_taken_back(api: AsyncClient) -> None:
    own = (await _working(api))["service_id"]
    assert (await _shown(api, own))["endorsed_by"] == ["GBV"]
    path = f"{V1}/endorsements/{own}/GBV"
    assert (await api.delete(path, headers=as_(WHO))).status_code == 204
    assert (await _working(api, name="Otro nombre"))["outcome"] == "changed"
    assert "endorsed_by" not in await _shown(api, own)
    history = await api.get(f"{V1}/records/services/{own}/history", headers=as_(WHO))
    assert ["GBV"] in [each.get("old") for each in history.json()["items"]]
    body = {"service_id": own, "aor": "GBV"}
    assert (await api.post(f"{V1}/endorsements", json=body, headers=as_(WHO))).status_code == 201
    assert (await _working(api, name="Y otro"))["outcome"] == "changed"
    assert (await _shown(api, own))["endorsed_by"] == ["GBV"]


async def test_no_file_makes_that_nobody_looks_again(api: AsyncClient) -> None:
    """A sheet claimed verification until 2999. Nobody got a reminder, and everything stayed referable."""
    row = await _working(api, "2998-01-01,2999-12-31")
    own = row["service_id"]
    assert "verification_in_time" in [each["code"] for each in row["notes"]]
    said = (await _shown(api, own))["verification"]
    assert said.keys() == {"valid_until"}
    assert said["valid_until"] < "2999"
    assert (await _working(api, "2998-01-01,2999-12-31"))["outcome"] == "unchanged"


SAFE_HOUSE = "Safe house for women survivors of violence"


async def test_a_term_that_may_be_a_safe_house_is_hidden_until_somebody_decides_it(
    api: AsyncClient, tmp_path: Path
) -> None:
    """The rule covers the terms of every taxonomy, such as an activity on a public map or a heading in somebody's own
    list."""
    feature = {
        "type": "Feature",
        "id": 1,
        "geometry": {"type": "Point", "coordinates": [-71.62, 10.65]},
        "properties": {"activityName": SAFE_HOUSE, "partnerName": "Red", "locationName": "Calle 5"},
    }
    tables = {
        **PLAIN,
        "taxonomies.csv": [{"id": "t", "name": "AIRS", "description": "AIRS"}],
        "taxonomy_terms.csv": [
            {"id": "w", "code": "PH-6500", "name": SAFE_HOUSE, "description": "-", "taxonomy_id": "t"}
        ],
        "attributes.csv": [
            {"id": "a", "link_id": SERVICE, "link_entity": "service", "taxonomy_term_id": "w"}
        ],
    }  # fmt: skip
    for content in (orjson.dumps([feature]), package(tmp_path, tables).read_bytes()):
        path = f"{V1}/imports?visibility=public"
        done = await api.post(path, content=content, headers=as_("im-officer"))
        assert done.status_code == 201, done.text
        rows = await api.get(f"{V1}/imports/{done.json()['id']}/rows", headers=as_("im-officer"))
        (row,) = rows.json()["items"]
        assert "may_be_house" in [each["code"] for each in row["notes"]]
        assert await _anybody(api, row["service_id"]) == 404


async def test_a_report_forgets_where_a_house_was_that_was_hidden_since(api: AsyncClient) -> None:
    content = EDITION.replace("10.65,-71.62", "-71.62,10.65").format(organisation(2), "Mía")
    done = await api.post(f"{V1}/imports", content=content.encode(), headers=as_(WHO))
    rows = f"{V1}/imports/{done.json()['id']}/rows"
    told = await api.get(rows, headers=as_(WHO))
    assert "10.65" in told.text
    await _closed(api, told.json()["items"][0]["service_id"], "restricted")
    told = await api.get(rows, headers=as_(WHO))
    assert "coordinates_swapped" in told.text
    assert "10.65" not in told.text
