"""Help and warnings by SMS. A person sends a place and a need, and gets the nearest public services."""

import json
from typing import Any, cast

import pytest
from common.db.session import Database
from common.messages.sms import RapidPro, Sms
from directory.find.search.thesaurus import thesaurus
from directory.show.information.asked_in_short import understood
from directory.show.information.gateways import Fields, Questions, Turns
from directory.show.information.needs import needs
from directory.show.information.short_text import ONE, plain
from directory.show.information.sms_api import QUESTIONS, SMS, TURNS
from directory.tables import METADATA
from httpx import AsyncClient
from pydantic import SecretStr
from sqlalchemy import func, select

from tests.services.directory.conftest import V1, Publish, as_
from tests.services.directory.search.asked import questions
from tests.services.directory.test_information import published
from tests.support.channel_servers import answering

SECRET = "what only the gateway knows"
ASKER = "+584125550199"


def set_up(api: AsyncClient, **parts: Any) -> None:
    app = cast("Any", api)._transport.app
    questions = Questions(secret=SecretStr(SECRET), **parts.pop("questions", {}))
    app.state.context.parts.update({QUESTIONS: questions, TURNS: Turns(), **parts})


async def answers(api: AsyncClient, text: str) -> list[str]:
    answer = await api.post(
        f"{V1}/help/sms", headers=as_("anonymous"), json={"secret": SECRET, "text": text}
    )
    assert answer.status_code == 200, answer.text
    said: list[str] = answer.json()["messages"]
    assert 1 <= len(said) <= 3
    assert all(len(each) <= ONE and each == plain(each) for each in said)
    return said


@pytest.mark.parametrize(
    ("text", "area", "need", "meant"),
    [
        ("ZULIA 3", "VE23", "mind", False),
        ("  zulia, ánimo!! ", "VE23", None, True),
        ("necesito comida en Zulia por favor", "VE23", None, True),
        ("VE2313 salud", "VE2313", None, True),
        ("Libertador salud", None, None, True),  # Eight states have one.
        ("Libertador Mérida salud", "VE1412", None, True),
        ("San Cristóbal 1", "VE2023", "violence", False),
        ("Sucre 8", "VE19", "shelter", False),
        ("caracas techo", "VE01", None, True),
        ("comida ccs", "VE01", None, True),
        ("mcbo ospital", "VE2313", None, True),
        ("albergue pto ordaz", "VE0701", None, True),
        ("VIH sida", None, None, True),
        ("Zulia 14", "VE23", None, False),
        ("hola 😀", None, None, False),
    ],
)
def test_a_place_and_a_need_are_read_however_they_are_written(
    text: str, area: str | None, need: str | None, meant: bool
) -> None:
    found = understood(text, "VEN")
    assert (found.area, found.need, found.meant, found.language) == (area, need, meant, "es")
    assert understood("food near Zulia", "VEN").language == "en"


def test_each_need_that_is_offered_is_understood_by_its_number_and_by_its_word() -> None:
    for number, need in enumerate(needs().values(), 1):
        assert understood(f"zulia {number}", "VEN").need == need.code
        for word in need.words.values():
            meant = thesaurus().understood(word)
            assert set(meant[0].categories) & set(need.categories), word


def test_text_messages_understand_nine_of_ten_questions_that_the_search_answers() -> None:
    asked = [each.text for each in questions()]
    missed = [text for text in asked if not understood(text, "VEN").meant]
    assert 1 - len(missed) / len(asked) >= 0.9, missed


@pytest.mark.parametrize(
    "text",
    [
        "quiero matarme",
        "me quiero morir, estoy en mcbo",
        "mi marido me pega zulia",
        "me violaron anoche",
        "estoy en peligro",
        "i want to kill myself",
        "he wants to kill me caracas",
        "me tienen encerrada y no me dejan salir",
    ],
)
async def test_who_tells_of_danger_hears_the_emergency_number_and_the_open_lines_first(
    api: AsyncClient, publish: Publish, text: str
) -> None:
    set_up(api)
    always = {"freq": "WEEKLY", "byday": "MO,TU,WE,TH,FR,SA,SU", "opens_at": "00:00"}
    line = {"categories": ["HOT"], "schedules": [always | {"closes_at": "00:00"}]}
    await publish(name="Linea ficticia", phones=[{"number": "0800 5550101"}], **line)
    await publish(name="Apoyo emocional")
    first = (await answers(api, text))[0]
    assert first.startswith(
        ("En peligro, llame al 911. Linea fict", "In danger, call 911. Linea fict")
    )
    assert "0800 5550101" in first


async def test_the_nearest_public_services_fit_three_messages(
    api: AsyncClient, publish: Publish
) -> None:
    set_up(api)
    for number in range(9):
        await publish(name=f"Atención psicológica «{number}»")
    await publish(name="Escondida", visibility="partners")
    said = await answers(api, "ZULIA 3")
    assert len(said) == 3
    assert "+58 261 555 0101" in said[0]
    assert "Escondida" not in "".join(said)
    # That state has no public service, so the response contains the nearest.
    assert "Atencion psicologica" in (await answers(api, "TACHIRA 3"))[0]
    assert await answers(api, "ZULIA COMIDA") == [
        "No se encontro un servicio publico. En peligro, llame al 911."
    ]
    assert "No public service" in (await answers(api, "food in Zulia"))[0]


async def test_what_is_missing_is_asked_for_and_the_line_is_not_offered(api: AsyncClient) -> None:
    set_up(api)
    menu = " ".join(await answers(api, "hola"))
    assert "ZULIA 9" in menu
    assert "1 violencia" in menu
    assert "13 informacion" in menu
    assert "911" in menu
    assert menu.endswith("teléfono.")  # Nothing was cut off.
    assert "Zulia" in (await answers(api, "zulia"))[0]
    assert "¿En qué estado?" in (await answers(api, "salud"))[0]
    assert "In which state" in (await answers(api, "health please help"))[0]
    line = " ".join(await answers(api, "quiero reportar en la linea"))
    assert "No reporte un peligro por SMS" in line
    assert line.count("/line") == 1


async def test_warnings_in_force_are_told(api: AsyncClient) -> None:
    set_up(api)
    assert (await answers(api, "RIESGO"))[0] == "No hay advertencias por ahora."
    await published(api)
    assert "quitan los papeles" in (await answers(api, "Riesgo Zulia"))[0]
    assert "take your papers" in (await answers(api, "risk zulia"))[0]
    assert await answers(api, "RIESGO TACHIRA") == ["No hay advertencias por ahora."]


async def test_only_the_gateway_asks_and_it_may_call_things_as_it_does(api: AsyncClient) -> None:
    unset = await api.post(
        f"{V1}/help/sms", headers=as_("anonymous"), json={"secret": SECRET, "text": "ZULIA 3"}
    )
    assert unset.status_code == 404
    set_up(api, questions={"fields": Fields(secret="key", text="message")})
    for body in ({}, {"key": "guessed, sixteen long"}, {"key": [SECRET]}, {"secret": SECRET}):
        answer = await api.post(
            f"{V1}/help/sms", headers=as_("anonymous"), json={**body, "message": "ZULIA 3"}
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "wrong_secret")
        assert SECRET not in answer.text
    form = {"key": SECRET, "message": "ZULIA 3", "device_id": "7", "sent": "today"}
    assert (await api.post(f"{V1}/help/sms", headers=as_("anonymous"), data=form)).json()[
        "messages"
    ]
    without = await api.post(
        f"{V1}/help/sms", headers=as_("anonymous"), json={"key": SECRET, "text": "ZULIA 3"}
    )
    assert (without.status_code, without.json()["pointer"]) == (422, "/message")


async def test_an_answer_is_sent_and_nothing_of_who_asked_is_kept(
    api: AsyncClient, publish: Publish, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await publish()

    async def sizes() -> dict[str, int]:
        async with database.transaction() as session:
            return {
                table.name: (await session.scalar(select(func.count()).select_from(table))) or 0
                for table in METADATA.sorted_tables
            }

    async with answering() as gateway:
        sms = Sms(RapidPro(kind="rapidpro", url=gateway.address, token="0123456789abcdef"))
        set_up(api, questions={"answer": "sent"}, **{SMS: sms})
        before = await sizes()
        body = {"secret": SECRET, "from": "+58 412 555-0199", "text": "ZULIA 3"}

        async def ask(**changes: str) -> tuple[int, Any]:
            given = {**body, **changes}
            answer = await api.post(f"{V1}/help/sms", json=given, headers=as_("anonymous"))
            return answer.status_code, answer.json()

        assert await ask() == (200, {"messages": []})
        sent = [json.loads(request[2]) for request in gateway.requests]
        assert [each["urns"] for each in sent] == [[f"tel:{ASKER}"]] * len(sent)
        assert "psicologica" in sent[0]["text"]
        wrong = await ask(**{"from": "*222#"})
        assert (wrong[0], wrong[1]["pointer"]) == (422, "/from")
        assert "*222#" not in json.dumps(wrong[1])
        gateway.status = 503
        assert (await ask())[0] == 503  # The sender sees the error and retries.
        gateway.status, gateway.drop = 201, True
        assert (await ask())[
            0
        ] == 200  # The gateway may have accepted the message, so Ruta does not resend it.
        gateway.drop = False
        count = len(gateway.requests)
        for _ in range(Turns.MOST * 2):  # An autoresponder replies to every message.
            assert (await ask())[0] == 200
        assert len(gateway.requests) - count <= Turns.MOST * 3
        assert await sizes() == before
    assert ASKER not in caplog.text
    assert "5550199" not in caplog.text


def test_whoever_asks_all_the_time_is_answered_again_after_an_hour() -> None:
    turns = Turns()
    assert [turns.take(ASKER, at) for at in range(Turns.MOST + 1)] == [True] * Turns.MOST + [False]
    turns.give_back(ASKER)  # The gateway accepted nothing.
    assert turns.take(ASKER, Turns.MOST)
    assert turns.take("+584125550100", 10)
    assert turns.take(ASKER, 3700)
    assert ASKER not in repr(vars(turns))
