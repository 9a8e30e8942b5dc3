"""Information points show help near a place, at the public level only, and risk messages."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from common import clock
from common.pages.look import EXIT_SCRIPT
from common.words.tables import rows
from directory.ground.hsds.opening_hours import DAYS
from directory.show.information.needs import needs
from directory.show.information.short_text import ONE, PART, messages, plain
from httpx import AsyncClient, Response

from tests.services.directory.conftest import V1, Publish, as_
from tests.support.principals import organisation

HELP, RISKS = f"{V1}/help", f"{V1}/risk-messages"


def risk(**changes: Any) -> dict[str, Any]:
    return {
        "aor": "TIP",
        "areas": ["VE23"],
        "texts": {
            "es": {
                "title": "Ofertas de trabajo en la mina",
                "body": "Prometen comida y techo.\n\nDespués quitan los papeles.",
                "sms": "Ojo: ofertas de trabajo en la mina quitan los papeles. Pregunte antes: 0800-000.",
            },
            "en": {
                "title": "Job offers at the mine",
                "body": "They promise food and a roof.\n\nThen they take your papers.",
                "sms": "Beware: job offers at the mine take your papers. Ask first: 0800-000.",
            },
        },
        "valid_until": (clock.today() + timedelta(days=30)).isoformat(),
        **changes,
    }


async def written(api: AsyncClient, who: str = "tip-coordinator", **changes: Any) -> Response:
    headers = {**as_(who), "Idempotency-Key": str(changes.pop("key", clock.now().timestamp()))}
    return await api.post(RISKS, json=risk(**changes), headers=headers)


async def published(api: AsyncClient, **changes: Any) -> str:
    draft = (await written(api, "im-officer", **changes)).json()
    answer = await api.post(f"{RISKS}/{draft['id']}/publish", headers=as_("tip-coordinator"))
    assert answer.status_code == 200, answer.text
    return str(draft["id"])


async def names(api: AsyncClient, **query: Any) -> list[str]:
    answer = await api.post(f"{HELP}/services", json=query, headers=as_("anonymous"))
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()["items"]]


async def test_help_is_found_by_need_area_and_hour(api: AsyncClient, publish: Publish) -> None:
    always = {
        "freq": "WEEKLY",
        "byday": "MO,TU,WE,TH,FR,SA,SU",
        "opens_at": "00:00",
        "closes_at": "00:00",
    }
    await publish(name="Apoyo siempre", schedules=[always])
    await publish(name="Apoyo sin horario")
    ended = str(clock.today() - timedelta(days=3))
    await publish(name="Casa de temporada", schedules=[always | {"valid_to": ended}])
    later = DAYS[(clock.now().weekday() + 3) % 7]
    await publish(name="Otro día", schedules=[always | {"byday": later}])
    monthly = always | {"freq": "MONTHLY", "byday": "1MO"}
    await publish(name="Jornada mensual", schedules=[monthly])
    await publish(name="Consulta legal", categories=["GBV-LEGAL"])
    assert set(await names(api, need="mind", area="VE23")) == {
        "Apoyo siempre", "Apoyo sin horario", "Otro día", "Jornada mensual",
    }  # fmt: skip
    text = await api.get(f"{HELP}/text?need=mind&area=VE23", headers=as_("anonymous"))
    assert "Otro día" in text.text
    assert "Casa de temporada" not in text.text, (
        "nobody is sent to a house that closed for the season"
    )
    assert await names(api, need="legal") == ["Consulta legal"]
    around = await api.get(f"{HELP}/services?need=mind&area=VE20", headers=as_("anonymous"))
    assert {item["name"] for item in around.json()["items"]} == {
        "Apoyo siempre", "Apoyo sin horario", "Otro día", "Jornada mensual",
    }  # fmt: skip
    assert all(item["kilometres"] > 100 for item in around.json()["items"])
    at_the_house = {"latitude": 10.5, "longitude": -66.9}
    asked = {"need": "mind", "area": "VE20", **at_the_house}
    own = await api.post(f"{HELP}/services", json=asked, headers=as_("anonymous"))
    assert [each["kilometres"] for each in own.json()["items"]] != [
        each["kilometres"] for each in around.json()["items"]
    ], "her own position decides, if she gives it"
    for area, told in (("VE20", True), ("VE23", False)):
        page = await api.post(HELP, data={"need": "mind", "area": area}, headers=as_("anonymous"))
        assert ("Estos son los más cercanos" in page.text) == told, area
    assert await names(api, need="mind", open_now=True) == ["Apoyo siempre"]
    answer = await api.get(f"{HELP}/services?need=mind", headers=as_("anonymous"))
    assert {i["name"]: i["open_now"] for i in answer.json()["items"]} == {
        "Apoyo siempre": True, "Apoyo sin horario": None, "Otro día": False,
        "Jornada mensual": None,
    }  # fmt: skip
    hours = {i["name"]: i["hours"] for i in answer.json()["items"]}
    assert hours["Apoyo siempre"]
    assert not hours["Jornada mensual"]


async def test_help_reads_words_and_their_place_as_the_search_does_and_keeps_them_out_of_addresses(
    api: AsyncClient, publish: Publish
) -> None:
    await publish(name="Psicóloga", categories=["GBV-PSS"])
    await publish(name="Consulta legal", categories=["GBV-LEGAL"])
    for words in ("necesito una sicologa en mcbo", "psychologist", "estoy desesperada, Edo. Zulia"):
        assert await names(api, words=words) == ["Psicóloga"], words
    assert await names(api, words="abogado") == ["Consulta legal"]
    assert await names(api, words="abogado en San Cristóbal") == ["Consulta legal"]  # the nearest
    page = await api.post(HELP, data={"words": "abogado"}, headers=as_("anonymous"))
    assert "Consulta legal" in page.text
    assert 'value="abogado"' in page.text
    refused = await api.get(f"{HELP}/services?words=abogado", headers=as_("anonymous"))
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/words")


async def test_what_a_phone_takes_for_a_command_is_no_number_to_call(
    api: AsyncClient, publish: Publish
) -> None:
    """Codes that a phone would run as a command are not shown as numbers. Some forward all of a person's calls to
    another phone."""
    await publish(phones=[{"number": "*21*0414 5550101#"}, {"number": "0800 5550102 ext. 7"}])
    page = await api.post(HELP, data={"need": "mind"}, headers=as_("anonymous"))
    called = re.findall(r'href="tel:([^"]*)"', page.text.split('id="found"')[1])
    assert called == ["04145550101", "08005550102"]
    assert "*21*" in page.text
    assert "ext. 7" in page.text


async def test_the_nearest_come_first_and_a_position_never_stands_in_an_address(
    api: AsyncClient, publish: Publish
) -> None:
    await publish(name="Lejos")
    near = {"location_type": "physical", "name": "x", "latitude": 10.2, "longitude": -71.3, "pcode": "VE2313"}  # fmt: skip
    await publish(name="Cerca", service_at_locations=[{"location": near}])
    assert await names(api, latitude=10.21, longitude=-71.31) == ["Cerca", "Lejos"]
    refused = await api.get(f"{HELP}/services?latitude=10&longitude=-71", headers=as_("anonymous"))
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/latitude")
    half = await api.post(f"{HELP}/services", json={"latitude": 10}, headers=as_("anonymous"))
    assert half.status_code in (400, 422)


@pytest.mark.parametrize("who", ["anonymous", "tip-coordinator", "ngo-salud"])
async def test_whoever_asks_sees_the_public_level(
    api: AsyncClient, publish: Publish, who: str
) -> None:
    """The rule also covers callers who may see more, because others can read an information point's screen over a
    shoulder."""
    await publish(name="Para todas")
    for level in ("partners", "pathway", "restricted"):
        changes: dict[str, Any] = {"visibility": level, "organization": {"id": str(organisation(2)), "name": "S", "description": "x", "visibility": level}}  # fmt: skip
        if level == "restricted":
            changes["service_at_locations"] = [{"location": {"location_type": "physical", "pcode": "VE23"}}]  # fmt: skip
        await publish(name=f"Oculta {level}", **changes)
    for path in ("", "/services", "/text"):
        answer = await api.get(f"{HELP}{path}?need=mind", headers=as_(who))
        assert "Para todas" in answer.text
        assert "Oculta" not in answer.text, (path, who)


@pytest.mark.parametrize("language", ["es", "en"])
async def test_the_page_is_small_prints_and_has_no_script(
    api: AsyncClient, publish: Publish, language: str
) -> None:
    for number in range(25):
        await publish(name=f"Servicio número {number}")
    page = await api.post(
        f"{HELP}?language={language}", data={"need": "mind"}, headers=as_("anonymous")
    )
    assert page.status_code == 200
    assert len(page.content) <= 30_000
    assert page.text.count('<div class="card">') == 20
    assert page.text.count("<script") == page.text.count(f"<script>{EXIT_SCRIPT}</script>") == 1
    assert "https://www.wikipedia.org/" in page.text
    assert f'<html lang="{language}">' in page.text
    second = await api.post(
        f"{HELP}?language={language}",
        data={"need": "mind", "page": "2"},
        headers=as_("anonymous"),
    )
    assert second.text.count('<div class="card">') == 5
    bad = await api.post(HELP, data={"need": "gossip"}, headers=as_("anonymous"))
    assert bad.status_code in (400, 422)
    assert "<form" in bad.text


async def test_help_fits_text_messages(api: AsyncClient, publish: Publish) -> None:
    for number in range(9):
        await publish(name=f"Atención psicológica «{number}»")
    answer = await api.get(f"{HELP}/text?need=mind&form=sms", headers=as_("anonymous"))
    lines = answer.text.splitlines()
    assert 1 < len(lines) <= 3
    assert all(len(line) <= ONE and line == plain(line) for line in lines)
    assert "+58 261 555 0101" in answer.text
    none = await api.get(f"{HELP}/text?need=food", headers=as_("anonymous"))
    assert "911" in none.text


def test_text_messages_are_cut_at_spaces_in_the_gsm_alphabet() -> None:
    assert plain("Adiós, «niñez» – ¿qué?") == 'Adios, "niñez" - ¿qué?'
    assert messages("") == []
    assert messages("x" * ONE) == ["x" * ONE]
    long = messages("palabra " * 100)
    assert len(long) == 3
    assert all(len(part) <= PART for part in long)
    assert long[-1].endswith("...")


async def test_a_draft_is_seen_by_its_coordinators_only(api: AsyncClient) -> None:
    draft = (await written(api)).json()
    assert draft["state"] == "draft"
    for who in ("anonymous", "ngo-refugio"):
        assert (await api.get(f"{RISKS}/{draft['id']}", headers=as_(who))).status_code == 404
        assert (await api.get(RISKS, headers=as_(who))).json() == []
    own = await api.get(f"{RISKS}/own", headers=as_("tip-coordinator"))
    assert [m["id"] for m in own.json()] == [draft["id"]]
    assert (await api.get(f"{RISKS}/own", headers=as_("gbv-coordinator"))).json() == []
    other = await api.post(f"{RISKS}/{draft['id']}/publish", headers=as_("gbv-coordinator"))
    assert other.status_code == 404
    changed = await api.put(
        f"{RISKS}/{draft['id']}", json=risk(areas=[]), headers=as_("tip-coordinator")
    )
    assert (changed.json()["version"], changed.json()["areas"]) == (2, [])


async def test_a_message_that_was_changed_since_is_neither_overwritten_nor_published(
    api: AsyncClient,
) -> None:
    """Nobody may publish or overwrite a text that they have not read."""
    made = await written(api, "im-officer")
    url, read = f"{RISKS}/{made.json()['id']}", made.headers["etag"]
    changed = await api.put(
        url, json=risk(areas=[]), headers={**as_("im-officer"), "If-Match": read}
    )
    assert changed.status_code == 200
    late = {**as_("tip-coordinator"), "If-Match": read}
    for refused in (
        await api.put(url, json=risk(aor="TIP"), headers=late),
        await api.post(f"{url}/publish", headers=late),
    ):
        assert (refused.status_code, refused.json()["code"]) == (412, "stale")
        assert refused.headers["etag"] == changed.headers["etag"]
    (stands,) = (await api.get(f"{RISKS}/own", headers=as_("tip-coordinator"))).json()
    assert (stands["state"], stands["areas"]) == ("draft", [])
    now = {**late, "If-Match": changed.headers["etag"]}
    assert (await api.post(f"{url}/publish", headers=now)).json()["state"] == "published"


async def test_whoever_wrote_a_message_does_not_publish_it(api: AsyncClient) -> None:
    draft = (await written(api)).json()
    second = as_("tip-coordinator", sub="somebody else")

    async def named(headers: Any) -> list[str]:
        (own,) = (await api.get(f"{RISKS}/own", headers=headers)).json()
        return list(own["possible_steps"])

    assert await named(as_("tip-coordinator")) == ["rewrite"]
    assert await named(as_("im-officer")) == ["rewrite"]
    assert await named(second) == ["rewrite", "publish"]
    assert await named(as_("tip-coordinator", areas=["VE20"])) == []
    url = f"{RISKS}/{draft['id']}/publish"
    refused = await api.post(url, headers=as_("tip-coordinator"))
    assert (refused.status_code, refused.json()["code"]) == (403, "second_person_needed")
    assert (await api.post(url, headers=as_("im-officer"))).status_code == 403
    assert (await api.post(url, headers=second)).json()["state"] == "published"
    assert await named(second) == ["withdraw"]
    assert await named(as_("im-officer")) == []


async def test_an_operation_of_one_person_publishes_what_it_wrote(
    api: AsyncClient, alone: None
) -> None:
    url = f"{RISKS}/{(await written(api)).json()['id']}/publish"
    assert (await api.post(url, headers=as_("tip-coordinator"))).status_code == 200


async def test_a_published_message_is_read_in_every_form(api: AsyncClient) -> None:
    message = await published(api)
    nobody = as_("anonymous")
    assert (await api.get(f"{RISKS}/{message}", headers=nobody)).json()["state"] == "published"
    for area, seen in (("VE23", 1), ("VE2313", 1), ("VE", 1), ("VE20", 0)):
        assert len((await api.get(f"{RISKS}?area={area}", headers=nobody)).json()) == seen, area
    page = await api.get(f"{RISKS}/page?language=es", headers=nobody)
    assert "<p>Después quitan los papeles.</p>" in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    sms = await api.get(f"{RISKS}/text?form=sms&language=en", headers=nobody)
    assert sms.text.startswith("Beware: job offers")
    code = (await api.get(f"{RISKS}/snippet/code?language=en&area=VE23", headers=nobody)).json()
    assert code["html"].startswith("<iframe ")
    assert "<script" not in code["html"]
    snippet = await api.get(f"{RISKS}/snippet?language=en&area=VE23", headers=nobody)
    assert "Job offers at the mine" in snippet.text
    assert "frame-ancestors *" in snippet.headers["content-security-policy"]
    assert "form-action 'none'" in snippet.headers["content-security-policy"]
    assert "<form" not in snippet.text
    withdrawn = await api.post(f"{RISKS}/{message}/withdraw", headers=as_("tip-coordinator"))
    assert withdrawn.json()["state"] == "withdrawn"
    assert (await api.get(f"{RISKS}/{message}", headers=nobody)).status_code == 404
    with_text = await api.get(f"{RISKS}/page", headers=nobody)
    assert "No hay advertencias" in with_text.text


async def test_a_message_ends_with_its_day(api: AsyncClient) -> None:
    await published(api)
    with clock.shifted(timedelta(days=31)):
        assert (await api.get(RISKS, headers=as_("anonymous"))).json() == []


async def test_markup_in_a_message_is_text(api: AsyncClient) -> None:
    texts = risk()["texts"]
    texts["es"]["title"] = "<script>alert(1)</script>"
    await published(api, texts=texts)
    for path in ("page", "snippet"):
        page = await api.get(f"{RISKS}/{path}?language=es", headers=as_("anonymous"))
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;" in page.text


@pytest.mark.parametrize(
    ("changes", "status", "pointer"),
    [
        ({"aor": "GBV"}, 403, None),
        ({"aor": "XX"}, 422, "/aor"),
        ({"areas": ["XX"]}, 422, "/areas/0"),
        ({"valid_until": "2020-01-01"}, 422, "/valid_until"),
        ({"valid_until": "2099-01-01"}, 422, "/valid_until"),
        ({"valid_until": "2026-02-31"}, 422, "/valid_until"),
        ({"texts": {"es": risk()["texts"]["es"]}}, 422, "/texts/en"),
    ],
)
async def test_bad_messages_are_refused_with_the_place(
    api: AsyncClient, changes: dict[str, Any], status: int, pointer: str | None
) -> None:
    answer = await written(api, **changes)
    assert answer.status_code == status, answer.text
    if pointer:
        assert answer.json()["pointer"] == pointer
    too_long = risk()["texts"]
    too_long["es"]["sms"] = "x" * 161
    assert (await written(api, texts=too_long)).json()["pointer"] == "/texts/es/sms"


def test_needs_name_known_categories_and_texts_are_in_both_languages() -> None:
    from common.words import codelists
    from directory.show import information

    for need in needs().values():
        assert all(need.labels.values())
        assert set(need.categories) <= set(codelists.categories()), need.code
    public = {
        c for c, entry in codelists.categories().items() if entry.minimum_visibility == "public"
    }
    asked = {code for need in needs().values() for code in need.categories}
    assert public - asked == {"GP-DET"}, "offer it under a need in needs.csv"
    searched = {row["categories"] for row in rows("directory.find.search", "data/thesaurus")}
    assert {*";".join(searched).split(";")} == {*codelists.categories()}, "thesaurus.csv"
    folder = Path(information.__file__).parent
    texts = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
    assert set(texts["es"]) == set(texts["en"])
