"""A service with a mapped category counts for pathways like any other. If it is too late or out of reach, the step is a
gap."""

from datetime import timedelta
from typing import Any

import pytest
from common import clock
from common.db.session import Database
from httpx import AsyncClient

from tests.services.directory.conftest import V1, as_
from tests.services.directory.crosswalks.test_crosswalks import AORS, WHO, bring, decide_by_name
from tests.services.directory.pathways.test_resolve import ask, step_of

WORDS = "Atención tras violación"


def sheet(
    delay: str, pcode: str, serves: str, words: str = WORDS, level: str = "partners"
) -> bytes:
    today = clock.today()
    columns = ("external_id,organisation,name,categories,visibility,pcode,areas_served,response_delay,"
               "referral_method,intake_modes,capacity_state,functional_status,verified_at,phone,hours,languages,"
               "functional_since,valid_until")  # fmt: skip
    row = (f"s-1,Hospital del Registro,Sala de emergencia,{words},{level},{pcode},{serves},{delay},"
           f"phone_case_by_case,walk_in,accepting,fully_functional,{today},+58 261 0000000,24/7,spa,,{today + timedelta(days=60)}")  # fmt: skip
    return f"{columns}\n{row}\n".encode()


async def clinical_care(api: AsyncClient, who: str = "ngo-refugio") -> dict[str, Any]:
    asked = {"languages": [], "immediate_danger": False}
    return step_of(await ask(api, who, **asked), "GBV-CMR")


@pytest.fixture
async def decided(database: Database) -> Database:
    await bring(database, sheet("72h", "VE2313", "VE2313"))
    await decide_by_name(database, {WORDS: ["GBV-CMR"]})
    return database


async def endorse(api: AsyncClient) -> None:
    me = as_("gbv-coordinator", aors=AORS)
    found = await api.get("/directory/v1/services?search=Sala", headers=me)
    (service,) = found.json()["contents"]
    body = {"service_id": service["id"], "aor": "GBV"}
    await api.post("/directory/v1/endorsements", json=body, headers=me)


async def test_a_step_is_no_more_available_by_a_decision_than_by_a_category_of_its_own(
    api: AsyncClient, decided: Database
) -> None:
    await endorse(api)
    open_to_all = await clinical_care(api)
    # The service answers referrals too late but accepts walk-ins.
    ways = [each["ways"] for each in open_to_all["services"]]
    assert (open_to_all["coverage"], ways) == ("available", [["walk_in", "referral"]])
    await bring(decided, sheet("same_day", "VE0101", "VE0101"))
    far = await clinical_care(api)
    assert (far["coverage"], far["services"]) == ("gap", [])
    await bring(decided, sheet("same_day", "VE2313", "VE2313"))
    near = await clinical_care(api)
    assert (near["coverage"], [each["name"] for each in near["services"]]) == (
        "available",
        ["Sala de emergencia"],
    )
    await decide_by_name(decided, {WORDS: None}, WHO)
    assert (await clinical_care(api))["coverage"] == "gap", "nothing says any more what it is"


async def test_help_and_posters_show_it_after_the_decision_and_not_before(
    api: AsyncClient, database: Database
) -> None:
    content = sheet("24h", "VE2313", "VE2313", "Taller de ópera", "public")
    await bring(database, content)
    asked = {"need": "legal", "area": "VE2313"}

    async def helped() -> list[str]:
        answer = await api.post(f"{V1}/help/services", json=asked, headers=as_("anonymous"))
        return [each["name"] for each in answer.json()["items"]]

    async def poster() -> str:
        answer = await api.get(f"{V1}/posters/VE2313/GBV?language=es", headers=as_("anonymous"))
        assert answer.status_code == 200, answer.text
        return answer.text

    assert await helped() == []
    assert "Sala de emergencia" not in await poster()
    await decide_by_name(database, {"Taller de ópera": ["GBV-LEGAL"]})
    await endorse(api)
    assert await helped() == ["Sala de emergencia"]
    assert "Sala de emergencia" in await poster()
