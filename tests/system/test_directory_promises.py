"""What the directory promises, through the gateway on a whole stack. Houses stay hidden, no closed service is promised,
and people find who responds now however they write it."""

import csv
import io
import json
import re
import zipfile
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from common import clock
from directory.show.information.needs import needs
from directory.show.information.short_text import plain

from tests.services.directory.search.test_questions import GOAL, QUESTIONS
from tests.support.patience import PATIENCE
from tests.support.principals import organisation
from tests.support.system import System, let_through, until
from tests.system.test_attacks_on_services import call

pytestmark = pytest.mark.system
IMPORTS = "/directory/v1/imports"
SERVICES = "/directory/v1/services"
ENDORSEMENTS = "/directory/v1/endorsements"
HOUSES = (
    "Refugio para víctimas de violencia",
    "Hogar de protección para mujeres víctimas",
    "Casa segura para personas trans",
    "Albergue secreto de víctimas de trata",
)
ROW = {
    "categories": "GP-INFO",
    "visibility": "public",
    "pcode": "VE2313",
    "address": "Avenida 5 de Julio 12",
}
PUBLIC_PATHS = (
    SERVICES,
    "/directory/v1/sync/snapshot",
    "/directory/v1/sync/changes",
    "/directory/v1/exports?format=csv",
    "/directory/v1/exports?format=geojson",
    "/directory/v1/help",
    "/directory/v1/gaps?area=VE&level=1",
    "/directory/v1/pathways",
    "/directory/v1/posters/VE2313/GBV",
    "/openapi.json",
    "/openapi/directory.json",
)


def verified() -> dict[str, str]:
    today = clock.today()
    until_ = today + timedelta(days=90)
    known = {"verified_at": today.isoformat(), "valid_until": until_.isoformat()}
    return {**known, "functional_status": "fully_functional"}


def imported(system: System, *rows: dict[str, str], **query: str) -> dict[str, Any]:
    """Import these rows as the IM team; return the finished import with its rows."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    file = io.StringIO()
    table = csv.DictWriter(file, ["external_id", "organisation", *columns])
    table.writeheader()
    for row in rows:
        own = {"external_id": uuid4().hex, "organisation": "Red Ficticia"}
        table.writerow({**own, **row})
    asked = {"mode": "skip-bad", **query}
    return sent(system, file.getvalue().encode(), **asked)


def sent(
    system: System,
    content: bytes,
    who: str | None = "im-officer",
    headers: Any = None,
    **query: str,
) -> dict[str, Any]:
    """Import a file as a client, or with these headers; return the finished import with its first rows."""
    options = {"headers": headers} if headers else {}
    begun = call(system, who, "POST", IMPORTS, params=query, content=content, **options)
    assert begun.status_code in (201, 202), begun.text
    found: dict[str, Any] = {}

    def ended() -> bool:
        own = f"{IMPORTS}/{begun.json()['id']}"
        found.update(call(system, who, "GET", own, **options).json())
        return found["state"] not in ("queued", "running")

    until(ended, "the end of the import")
    found["all"] = call(system, who, "GET", found["rows_url"], **options).json()["items"]
    return found


def endorsed(system: System, found: dict[str, Any], aor: str = "GBV") -> str:
    """Endorse the first service of an import as the coordinator, so that plans and /help name it; return its id."""
    service: str = found["all"][0]["service_id"]
    body = {"service_id": service, "aor": aor}
    answer = call(system, f"{aor.lower()}-coordinator", "POST", ENDORSEMENTS, json=body)
    assert answer.status_code == 201, answer.text
    return service


def public(system: System, path: str, **query: str) -> Any:
    answer = httpx.get(f"{system.running.url}{path}", params=query, timeout=PATIENCE)
    assert answer.status_code == 200, answer.text
    return answer.json()


def helped(system: System, **asked: Any) -> list[dict[str, Any]]:
    answer = httpx.post(
        f"{system.running.url}/directory/v1/help/services", json=asked, timeout=PATIENCE
    )
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def texted(system: System, text: str) -> str:
    """Return the answer to a text message, which the stack's mailbox catches."""
    file = system.layout.root / "sms-questions.json"
    number = f"+58412{uuid4().int % 10**7:07}"
    body = {"secret": json.loads(file.read_text("utf-8"))["secret"], "from": number, "text": text}
    path = "/directory/v1/help/sms"
    answer = let_through(system.running.request, None, "POST", path, json=body)
    assert answer.status_code == 200, answer.text
    caught = f"http://127.0.0.1:{system.state.ports['mailbox']}/messages"
    messages = httpx.get(caught, timeout=PATIENCE).json()  # the newest first
    return " ".join(each["text"] for each in reversed(messages) if each["to"] == number)


def test_a_sheet_that_says_public_publishes_no_house(system: System) -> None:
    bureau = "Oficina de indemnización a víctimas ficticia"
    street = "Calle Ficticia de las Casas 7"
    sheet = {**ROW, "address": street}
    found = imported(system, *({**sheet, "name": name} for name in (*HOUSES, bureau)))
    told = {
        row["name"] for row in found["all"] for n in row["notes"] if n["code"] == "may_be_house"
    }
    assert told == set(HOUSES)
    for name in (*HOUSES, bureau):
        listed = public(system, SERVICES, search=name)["contents"]
        assert (name in [each["name"] for each in listed]) is (name == bureau), name
    for path in ("/directory/v1/sync/snapshot", "/directory/v1/exports?format=csv"):
        text = httpx.get(f"{system.running.url}{path}", timeout=PATIENCE).text
        assert not [name for name in HOUSES if name in text], path
        assert text.count(street) <= 1, path


def test_a_named_person_opens_a_house_with_one_press_and_an_edit_closes_it_again(
    system: System,
) -> None:
    name, houses = "Casa segura de las orquídeas", "/directory/v1/records/houses"
    service = imported(system, {**ROW, "name": name})["all"][0]["service_id"]
    waiting = call(system, "im-officer", "GET", houses, params={"limit": 500}).json()["items"]
    words = next(each["words"] for each in waiting if each["id"] == service)
    assert name not in httpx.get(f"{system.running.url}{SERVICES}?search=orquídeas").text
    said = {"is_house": False, "words": words}
    pressed = call(system, "im-officer", "POST", f"{houses}/{service}", json=said)
    assert pressed.status_code == 204, pressed.text
    assert public(system, f"{SERVICES}/{service}")["name"] == name
    record = f"/directory/v1/records/services/{service}"
    etag = call(system, "gbv-coordinator", "GET", record).headers["etag"]
    body = {"description": "Albergue secreto de víctimas de trata"}
    edited = call(system, "gbv-coordinator", "PATCH", record, json=body, headers={"If-Match": etag})
    assert edited.status_code == 200, edited.text
    assert httpx.get(f"{system.running.url}{SERVICES}/{service}").status_code == 404


HINTS: dict[str, dict[str, str]] = {
    "a second language": {"name_en": "Domestic violence shelter"},
    "the organisation's name": {"organisation": "Refugio de Mujeres Maltratadas"},
    "a column nobody maps": {"Notas internas": "dirección confidencial"},
}


@pytest.mark.parametrize("hint", [*HINTS, "the text of a link"])
def test_a_hint_of_a_house_is_heard_wherever_the_file_has_it(system: System, hint: str) -> None:
    name = f"Programa Luz {HINTS.get(hint, hint)}"[:40]
    street = "Calle Ficticia de la Luz 9"
    if row := HINTS.get(hint):
        found = imported(system, {**ROW, "name": name, "address": street, **row})
    else:
        link = {"id": "u", "url": "https://example.org/a.pdf", "label": "Reglas de la casa segura"}
        service = {
            "id": uuid4().hex, "name": name, "status": "active", "categories": ["GP-INFO"], "additional_urls": [link],
            "organization": {"id": "o", "name": "Otra Red Ficticia", "description": "Red"},
        }  # fmt: skip
        found = sent(system, json.dumps(service).encode(), source="luz", visibility="public")
    assert [n["code"] for n in found["all"][0]["notes"]].count("may_be_house") == 1, found["all"]
    for path in (SERVICES, "/directory/v1/sync/snapshot", "/directory/v1/exports?format=csv"):
        text = httpx.get(f"{system.running.url}{path}", timeout=PATIENCE).text
        assert name not in text, path
        assert street not in text, path


def test_who_opens_after_the_window_is_not_promised(system: System) -> None:
    """Ruta does not promise a service that opens too late. On Friday at three the area's only clinic is closed until
    Monday."""
    clinic = {
        **ROW,
        "name": "Clínica Ficticia de Amazonas",
        "categories": "GBV-CMR",
        "pcode": "VE0201",
        "hours": "lun,mié,vie 08:00-12:00",
        "intake_modes": "walk_in",
        "response_delay": "same_day",
        **verified(),
    }
    endorsed(system, imported(system, clinic))
    survivor = {
        "area": "VE0201",
        "age": 27,
        "sex": "female",
        "situations": ["sexual_violence"],
        "hours_since_incident": 68,
        "moment": {"weekday": 5, "time": "15:00"},
    }
    answer = call(
        system, "ngo-refugio", "POST", "/directory/v1/pathways/resolve", json=survivor
    ).json()
    step = next(each for each in answer["steps"] if each["need"] == "GBV-CMR")
    assert step["coverage"] == "gap_in_time", step["gap"]
    near = [each for each in step["gap"]["near_misses"] if each["name"] == clinic["name"]]
    assert near[0]["opens"]["en"] == "Monday 08:00"
    assert all(step["meanwhile"][language] for language in ("es", "en"))


def test_every_need_of_danger_leads_to_a_line_that_answers_now(system: System) -> None:
    line = {
        "name": "Línea Ficticia de Orientación",
        "categories": "HOT",
        "visibility": "public",
        "areas_served": "VE",
        "country": "VEN",
        "phone": "+58 000 000 0016",
        "hours": "24/7",
        "intake_modes": "hotline",
        "response_delay": "72h",
        "location_type": "virtual",
        **verified(),
    }
    line_id = endorsed(system, imported(system, line))
    for need in (code for code, each in needs().items() if each.danger):
        for area in ("VE02", "VE2313"):
            items = helped(system, need=need, area=area)
            calls = [each for each in items if "call" in each["ways"] and each["open_now"]]
            assert items[0] in calls, (need, area)
            assert line_id in {each["id"] for each in items}
    for words in ("quiero matarme", "mi marido me pega", "me tienen encerrada"):
        assert "call" in helped(system, words=f"{words} en mcbo")[0]["ways"], words
    # The line answers a written referral after 72 hours, and a call at once.
    asked = {"area": "VE02", "age": 30, "situations": ["suicide_risk"], "immediate_danger": True}
    path = "/directory/v1/pathways/resolve"
    steps = call(system, "ngo-refugio", "POST", path, json=asked).json()["steps"]
    assert [s["coverage"] for s in steps if s["need"] == "HOT"] == ["available"], steps
    poster = httpx.get(f"{system.running.url}/directory/v1/posters/VE02/GBV", timeout=PATIENCE)
    assert "tel:+" in poster.text


def test_a_need_that_is_told_leads_and_an_excluded_organisation_is_not_named(
    system: System,
) -> None:
    person = {"area": "VE2313", "age": 30, "sex": "female", "needs": ["FSC"]}
    path = "/directory/v1/pathways/resolve"
    steps = call(system, "ngo-refugio", "POST", path, json=person).json()["steps"]
    assert steps[0]["need"] == "FSC", [each["need"] for each in steps]
    asked = {**person, "needs": ["HLT"]}
    answer = call(system, "ngo-refugio", "POST", path, json=asked).json()
    named = {each["organisation"] for s in answer["steps"] for each in s["services"]}
    assert named
    offered = public(system, "/directory/v1/organizations", per_page="100")["contents"]
    ids = {each["name"]: each["id"] for each in offered if each["name"] in named}
    assert ids
    for name, own in ids.items():
        without = {**asked, "exclude_organisations": [own]}
        again = call(system, "ngo-refugio", "POST", path, json=without)
        assert again.status_code == 200, again.text
        assert name not in again.text


@pytest.mark.parametrize(
    ("told", "needs_"),
    [
        ({"situations": ["suicide_risk"]}, {"HLT-MH", "HOT"}),
        ({"situations": ["early_union"], "age": 14}, {"CP-AUTH", "CP-JUSTICE", "HLT-SRH"}),
        ({"situations": ["partner_violence"], "populations": ["LGB"]}, {"GP-PSN"}),
        ({"situations": ["partner_violence"], "populations": ["DIS"]}, {"GP-PSN"}),
    ],
)
def test_what_a_person_tells_has_its_steps(
    system: System, told: dict[str, Any], needs_: set[str]
) -> None:
    body = {"area": "VE2313", "age": 30, "sex": "female", **told}
    answer = call(system, "ngo-refugio", "POST", "/directory/v1/pathways/resolve", json=body)
    assert needs_ <= {step["need"] for step in answer.json()["steps"]}, answer.text


def test_places_are_read_as_people_write_them_and_suggested_otherwise(system: System) -> None:
    rows = (
        {"name": "Uno", "admin1": "Edo. Zulia", "admin2": "Maracaibo"},
        {"name": "Dos", "admin1": "Zulia", "admin2": "Marcaibo"},
        {"name": "Tres", "latitude": "10.65", "longitude": "-71.62"},
        {"name": "Cuatro", "admin1": "Caracas"},
        {"name": "Cinco", "admin1": "Bolívar", "admin2": "Ciudad Guayana"},
    )
    common = {"categories": "GP-INFO", "visibility": "partners", "country": "VEN"}
    lines = [{**common, **row} for row in rows]
    found = imported(system, *lines, dry_run="true")
    refused = [row["verdict"] == "refused" for row in found["all"]]
    assert refused == [False, True, False, False, False], found["all"]
    places = [p for row in found["all"] for note in row["notes"] for p in note.get("places") or ()]
    assert ("VE2313", "Maracaibo", "Zulia") in {
        (p["pcode"], p["name"], p["within"]) for p in places
    }
    again = imported(system, *lines, dry_run="true", place="Marcaibo=VE2313")
    assert again["rows"]["refused"] == 0


def test_a_point_far_from_the_place_that_its_row_names_is_told(system: System) -> None:
    """The row's point is in Barquisimeto, far from the place that the row names."""
    there = {"admin1": "Zulia", "admin2": "Maracaibo", "latitude": "10.07", "longitude": "-69.32"}
    row = {**ROW, "pcode": "", "country": "VEN", "name": "Lejos", **there}
    (told,) = imported(system, row, dry_run="true")["all"]
    assert "VE1303" in next(n["en"] for n in told["notes"] if n["code"] == "point_far")


def test_every_channel_reads_the_same_words(system: System) -> None:
    for words, said, where in (
        ("quiero matarme", "quiero matarme", "zulia"),
        ("VIH sida", "vih sida", "zulia"),
        ("comida mcbo", "comida", ""),
        ("albergue ccs", "albergue", ""),
        ("médico pto ordaz", "medico", ""),
    ):
        asked = {"search": words, "explain": "true", "per_page": "5"}
        answer = public(system, SERVICES, **asked)
        assert said in [each["said"] for each in answer["understood"]], words
        assert answer["contents"], words
        message = texted(system, f"{words} {where}")
        assert "+58" in message, (words, message)


def test_a_text_message_and_the_help_page_name_the_same_services(system: System) -> None:
    """Both also name the nearest services where an area has none."""
    names = {each.code: each.words["es"] for each in needs().values()}
    for area, said in (("VE23", "zulia"), ("VE02", "amazonas"), ("VE2023", "san cristóbal")):
        for need in ("health", "legal", "food"):
            items = helped(system, words=names[need], area=area)
            message = texted(system, f"{names[need]} {said}")
            assert items, (need, area)
            assert plain(items[0]["name"])[:20] in message, (need, area, message)


def test_a_text_message_of_danger_is_answered_with_the_emergency_number_first(
    system: System,
) -> None:
    for words in ("quiero matarme", "mi marido me pega zulia", "me tienen encerrada en mcbo"):
        assert texted(system, words).startswith("En peligro, llame al 911."), words


@pytest.mark.parametrize("kind", ["hsds", "xlsx", "csv", "hxl", "geojson"])
def test_an_export_comes_back_unchanged(system: System, kind: str) -> None:
    """An import refuses only the copies of which the exporter sees less than the directory has."""
    content = call(system, "im-officer", "GET", "/directory/v1/exports", params={"format": kind})
    found = sent(system, content.content, mode="skip-bad")
    services = found["services"]
    assert (services["created"], services["updated"]) == (0, 0)
    kept = call(
        system, "im-officer", "GET", found["rows_url"], params={"verdict": "refused", "limit": 500}
    ).json()["items"]
    assert services["unchanged"] + len(kept) == found["rows"]["read"]
    for row in kept:
        assert "abridged_copy" in [note["code"] for note in row["notes"]], row
    assert services["unchanged"] > 40


def test_a_package_keeps_its_publishers_ids_that_nobody_else_has(system: System) -> None:
    """Only a coordinator of everything may choose ids: to anybody else, a refused id would reveal a hidden entry. Another
    sender's entry gets an id made from the publisher's, and is found again by it."""
    client = f"coordinator-{uuid4().hex[:8]}"
    options = ["--role", "coordinator", "--organisation", str(organisation(8))]
    options += [f"--scope=directory:{each}" for each in ("read", "write", "curate")]
    options += [f"--aor={each}" for each in ("CP", "GBV", "TIP", "GP")]
    secret = system.ruta("client", "add", client, *options).stdout.split("secret")[1].split()[0]
    grant = {"grant_type": "client_credentials"}
    token = system.running.http.post("/oauth/token", data=grant, auth=(client, secret)).json()
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    for who in (None, "im-officer"):
        own, place, publisher = (str(uuid4()) for _ in range(3))
        site = {
            "id": str(uuid4()),
            "location": {"id": place, "location_type": "virtual", "name": "Línea"},
        }
        service = {
            "id": own, "name": f"Orientación lejana {who}", "status": "active", "categories": ["GP-INFO"],
            "organization": {"id": publisher, "name": f"Red lejana {who}", "description": "Red"},
            "service_at_locations": [site],
        }  # fmt: skip
        found = sent(
            system, json.dumps(service).encode(), who, headers=headers if who is None else None,
            source="afar", visibility="public",
        )  # fmt: skip
        stored = public(system, f"{SERVICES}/{found['all'][0]['service_id']}")
        assert stored["organization"]["id"] == publisher
        kept = [stored["id"] == own, stored["service_at_locations"][0]["location"]["id"] == place]
        assert kept == [who is None] * 2, (who, stored)


def test_a_row_is_stored_with_each_id_that_its_link_lists(system: System) -> None:
    tables = {
        "organizations.csv": "id,name,description\n1,Red de listas,d\n",
        "services.csv": "id,organization_id,name,status\n1,1,Lista uno,active\n2,1,Lista dos,active\n"
        "3,9,Lista tres,active\n",
        "phones.csv": "id,service_id,number\n1,1; 2,0261 5550101\n",
        "attributes.csv": "id,link_id,link_entity,taxonomy_term_id\n1,1|2,service,T1\n",
        "taxonomy_terms.csv": "id,name,description\nT1,Palabra,d\n",
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        for name, text in tables.items():
            package.writestr(name, text)
    found = sent(system, file.getvalue(), mode="skip-bad", source="lists", visibility="public")
    *kept, refused = found["all"]
    assert "organisation_dangling" in [note["code"] for note in refused["notes"]], refused
    assert len(kept) == 2
    for row in kept:
        service = public(system, f"{SERVICES}/{row['service_id']}")
        assert [each["number"] for each in service["phones"]] == ["0261 5550101"]
        assert [each["taxonomy_term"]["name"] for each in service["attributes"]] == ["Palabra"]


def test_a_small_dry_run_ends_before_a_large_one_that_shows_its_progress(system: System) -> None:
    def begun(rows: int, padding: int) -> str:
        lines = (f"{n},Red,Servicio {n},GP-INFO,{'x' * padding}\n" for n in range(rows))
        content = (
            "external_id,organisation,name,categories,description\n" + "".join(lines)
        ).encode()
        answer = call(
            system, "im-officer", "POST", IMPORTS, params={"dry_run": "true"}, content=content
        )
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def seen(own: str) -> dict[str, Any]:
        answer: dict[str, Any] = call(system, "im-officer", "GET", f"{IMPORTS}/{own}").json()
        return answer

    long, short = begun(30_000, 200), begun(194, 1)
    progress: list[dict[str, Any]] = []

    def ended() -> bool:
        progress.append(seen(long))
        return bool(seen(short)["state"] == "finished")

    until(ended, "the end of the small dry run")
    assert seen(long)["state"] != "finished"
    until(lambda: "seconds_left" in seen(long), "a time for the large one")
    running = seen(long)
    assert running["rows"]["read"] <= running["expected"]
    until(lambda: seen(long)["state"] == "finished", "the end of the large one")
    report = call(
        system, "im-officer", "GET", f"{IMPORTS}/{short}/report", params={"format": "csv"}
    )
    assert "Filas: leídas,194" in report.content.decode("utf-8-sig").partition("\r\n\r\n")[0]


def test_what_says_it_literally_comes_first_and_a_town_in_an_address_is_found(
    system: System,
) -> None:
    name = "Fernvale Heating Fund"
    text = {"name": name, "description": "Pays winter heating bills", "categories": "CVA"}
    text |= verified()
    found = imported(
        system,
        {**ROW, **text, "address": "4 North Ave, Altos de Fernvale"},
        {**ROW, "name": "Otro", "categories": "CVA"},
    )
    endorsed(system, found)
    for words in ("pay my heating bill", "heating bills Altos de Fernvale", "altos de fernvale"):
        listed = public(system, SERVICES, search=words, per_page="5")["contents"]
        assert name in [each["name"] for each in listed], words
    helps = helped(system, words="heating bills")
    assert [each["name"] for each in helps[:1]] == [name]


@pytest.mark.parametrize("language", ["es", "en"])
def test_one_of_the_first_five_services_answers_a_question_kept_out_of_tuning(
    system: System, language: str
) -> None:
    whole = {"full": "true", "per_page": "100"}
    first = call(system, "gbv-coordinator", "GET", SERVICES, params=whole).json()
    pages = [first] + [
        call(system, "gbv-coordinator", "GET", SERVICES, params={**whole, "page": str(n)}).json()
        for n in range(2, first["total_pages"] + 1)
    ]
    offered = {c for p in pages for each in p["contents"] for c in each.get("categories", ())}
    missed, asked = [], [row for row in QUESTIONS if row["language"] == language][1::2]
    asked = [row for row in asked if set(row["categories"].split(";")) & offered]
    for row in asked:
        params = {"search": row["question"], "per_page": "5", "full": "true"}
        answer = call(system, "gbv-coordinator", "GET", SERVICES, params=params)
        found = {c for each in answer.json()["contents"] for c in each.get("categories", ())}
        if not found & set(row["categories"].split(";")):
            missed.append(row["question"])
    assert len(asked) > 40
    assert 1 - len(missed) / len(asked) >= GOAL, missed


@pytest.mark.parametrize("aor", ["GBV", "CP", "TIP"])
def test_a_poster_writes_the_abbreviations_of_the_field_out(system: System, aor: str) -> None:
    for area in ("VE2313", "VE02"):
        page = let_through(
            system.running.request, None, "GET", f"/directory/v1/posters/{area}/{aor}"
        )
        assert page.status_code == 200, page.text
        assert not re.search(r"\b(NNA|PEAS|VBG|AdR)\b", page.text), (area, aor)


@pytest.mark.parametrize("path", PUBLIC_PATHS)
def test_any_page_may_read_the_public_directory(system: System, path: str) -> None:
    headers = {"Origin": "https://cluster.example"}
    url = f"{system.running.url}{path}"
    answer = httpx.get(url, headers=headers, timeout=PATIENCE)
    assert answer.status_code in (200, 400, 422), answer.text
    assert answer.headers["access-control-allow-origin"] == "*", path
