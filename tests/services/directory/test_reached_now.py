"""Help, SMS and posters use the same rule as plans: who responds now, and how to reach them."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from common import clock
from directory.show.information.needs import checked, needs
from httpx import AsyncClient

from tests.services.directory.conftest import V1, Publish, as_
from tests.services.directory.test_text_messages import answers, set_up

FRIDAY_AT_THREE = datetime(2026, 12, 4, 15)  # noqa: DTZ001 - at home
DAYTIME = {"freq": "WEEKLY", "byday": "MO,TU,WE,TH,FR,SA,SU", "opens_at": "06:00", "closes_at": "22:00"}  # fmt: skip
MORNINGS = {"freq": "WEEKLY", "byday": "MO,WE,FR", "opens_at": "08:00", "closes_at": "12:00"}
IN_DANGER = sorted(code for code, need in needs().items() if need.danger)


@pytest.fixture(autouse=True)
def friday(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "at_home", lambda: FRIDAY_AT_THREE)


async def hotline(publish: Publish, **changes: Any) -> str:
    """Return a national hotline that answers a referral within three days and a call at once."""
    return await publish(
        **{
            "name": "Línea de orientación",
            "categories": ["HOT"],
            "schedules": [DAYTIME],
            "phones": [{"number": "+58 000 000 0016"}],
            "referral": {"intake_modes": ["hotline"], "response_delay": "72h"},
            "service_areas": [{"extent_type": "pcode", "extent": "VE"}],
            "service_at_locations": [],
            **changes,
        }
    )


async def helped(api: AsyncClient, **query: Any) -> list[dict[str, Any]]:
    answer = await api.post(f"{V1}/help/services", json=query, headers=as_("anonymous"))
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_a_need_of_danger_without_a_line_is_refused_when_the_table_loads() -> None:
    assert {"violence", "exploitation"} <= set(IN_DANGER)
    without = replace(needs()["exploitation"], categories=("TIP-ID",))
    with pytest.raises(ValueError, match="exploitation"):
        checked(without)


@pytest.mark.parametrize("need", IN_DANGER)
async def test_in_danger_the_line_that_answers_now_comes_first(
    api: AsyncClient, publish: Publish, need: str
) -> None:
    """The line comes first on a page of 20, whatever else exists and however the place is given."""
    category = needs()[need].categories[0]
    who = f"{category.partition('-')[0].lower()}-coordinator"
    for number in range(21):
        await publish(who, name=f"Servicio {number}", categories=[category])
    line = await hotline(publish)
    await hotline(publish, name="Línea cerrada", schedules=[MORNINGS])
    await hotline(publish, name="Línea sin número", phones=[])
    elsewhere = [{"extent_type": "pcode", "extent": "VE20"}]
    await hotline(publish, name="Línea de otro estado", service_areas=elsewhere)
    for place in ({"area": "VE2313"}, {"latitude": 10.65, "longitude": -71.62}):
        items = await helped(api, need=need, **place)
        assert items[0]["id"] == line
        assert items[0]["open_now"] is True
        assert items[0]["ways"] == ["call", "referral"]
        assert [item["id"] for item in items].count(line) == 1


async def test_a_text_message_of_danger_is_answered_with_the_line_that_is_open(
    api: AsyncClient, publish: Publish
) -> None:
    set_up(api)
    await publish("tip-coordinator", name="Identificación de víctimas", categories=["TIP-ID"])
    await hotline(publish)
    said = await answers(api, "trata en Zulia")
    assert said[0].startswith("En peligro, llame al 911. Linea de orientacion. +58 000 000 0016")


async def test_what_is_closed_says_when_it_opens(api: AsyncClient, publish: Publish) -> None:
    await publish(categories=["HLT"], schedules=[MORNINGS])
    (item,) = await helped(api, need="health", language="en")
    assert (item["open_now"], item["opens"]) == (False, "Monday 08:00")
    page = await api.post(
        f"{V1}/help?language=es", data={"need": "health"}, headers=as_("anonymous")
    )
    assert "Abre: lunes 08:00" in page.text


async def test_a_poster_prints_a_line_that_answers_referrals_slowly(
    api: AsyncClient, publish: Publish
) -> None:
    await hotline(publish)
    page = await api.get(f"{V1}/posters/VE2313/GBV", headers=as_("anonymous"))
    assert "Línea de orientación" in page.text
    assert 'href="tel:+580000000016"' in page.text
    assert "Antes de imprimir" not in page.text


async def test_a_poster_without_a_number_tells_its_maker_and_shows_the_national_lines(
    api: AsyncClient, publish: Publish
) -> None:
    await publish("cp-coordinator", name="Consejo de Protección", categories=["CP-AUTH"], phones=[])
    for language, lines, maker in (
        ("es", "Líneas nacionales", "Antes de imprimir"),
        ("en", "National lines", "Before you print"),
    ):
        path = f"{V1}/posters/VE2313/CP?language={language}"
        page = (await api.get(path, headers=as_("anonymous"))).text
        assert maker in page
        assert f"<strong>{lines}" not in page
    await hotline(publish)
    page = (await api.get(f"{V1}/posters/VE2313/CP", headers=as_("anonymous"))).text
    assert "Consejo de Protección" in page
    assert "Antes de imprimir" in page
    assert '<strong>Líneas nacionales:</strong> <a href="tel:+580000000016">' in page
