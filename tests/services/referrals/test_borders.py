"""No data about a person crosses a border without a protocol, on any path and however the protocol ends."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from httpx import Response
from referrals.ground.protocols.service import countries_of

from tests.services.referrals.line_words import TIP, Reporter
from tests.services.referrals.story import LEGAL, SALUD, Story
from tests.services.referrals.test_fhir import codes

REFERRER, RECIPIENT = "ngo-refugio", "ngo-salud"
PROTOCOL = {"from_country": "VE", "to_country": "CO", "valid_from": "2020-01-01"}
REFUSED = (409, "cross_border_not_covered")


def code(response: Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


async def agreed(story: Story, **changes: Any) -> str:
    return str((await story.made("im-officer", "/protocols", {**PROTOCOL, **changes}))["id"])


async def ended(story: Story, protocol: str) -> None:
    await story.made("im-officer", f"/protocols/{protocol}/end", {})


async def directly(story: Story, draft: dict[str, Any], grant: str) -> Response:
    return await story.post(REFERRER, f"/referrals/{draft['id']}/send", {"grant_id": grant})


async def under_its_case(story: Story, draft: dict[str, Any], grant: str) -> Response:
    path = f"/cases/{draft['case_id']}/referrals/{draft['id']}/send"
    return await story.post(REFERRER, path, {"grant_id": grant})


async def by_fhir(story: Story, draft: dict[str, Any], grant: str) -> Response:
    task = (await story.get(REFERRER, f"/fhir/Task/{draft['id']}")).json()
    consent = {"type": codes("consent"), "valueReference": {"reference": f"Consent/{grant}"}}
    body = {**task, "status": "requested", "input": [consent]}
    return await story.call(REFERRER, "PUT", f"/fhir/Task/{draft['id']}", body)


async def in_a_batch(story: Story, draft: dict[str, Any], grant: str) -> Response:
    path = f"/referrals/v1/referrals/{draft['id']}/send"
    command = {"key": "c1", "path": path, "body": {"grant_id": grant}}
    answer = await story.post(REFERRER, "/bulk", {"commands": [command]})
    (result,) = answer.json()["results"]
    return Response(result["status"], json=result["body"])


async def by_an_exception(story: Story, draft: dict[str, Any], _grant: str) -> Response:
    body = {
        "case_id": draft["case_id"],
        "service_id": draft["service_id"],
        "purpose": "HLT",
        "basis": "vital_interest",
        "items": ["name", "contact", "situation"],
        "rationale": "she is unconscious and alone",
        "person_informed": False,
    }
    exception = (await story.made(REFERRER, "/exceptions", body))["id"]
    decided = await story.post(
        "ngo-refugio-supervisor", f"/exceptions/{exception}/decision", {"approve": True}
    )
    assert decided.status_code == 200, decided.text
    body = {"exception_id": exception}
    return await story.post(REFERRER, f"/referrals/{draft['id']}/send", body)


Send = Callable[[Story, dict[str, Any], str], Awaitable[Response]]
ROADS: list[Send] = [directly, under_its_case, by_fhir, in_a_batch, by_an_exception]


@pytest.mark.parametrize("send", ROADS)
@pytest.mark.parametrize(
    ("where", "crosses"),
    [
        ({"areas": ("CO11",)}, True),
        ({"areas": (), "countries": ("CO",)}, True),
        ({"areas": (), "countries": ()}, True),
        ({"areas": ()}, True),
        ({"areas": (), "countries": ("CO", "VE")}, False),
        ({"areas": ("VE23",)}, False),
    ],
)
async def test_a_service_is_asked_for_its_country_on_every_road(
    story: Story, send: Send, where: dict[str, Any], crosses: bool
) -> None:
    """A service's country is that of its areas, or the one that the directory announces. A service without a country
    accepts no referral."""
    service_id, case = await story.service(**where), await story.case()
    grant = await story.consent(case["id"], service_id)
    draft = await story.draft(case["id"], service_id)
    answer = await send(story, draft, grant["id"])
    if not crosses:
        assert answer.status_code == 200, answer.text
        return
    assert code(answer) == REFUSED
    await agreed(story)
    answer = await send(story, draft, grant["id"])
    if where.get("areas") or where.get("countries"):
        assert answer.status_code == 200, answer.text
    else:
        assert code(answer) == REFUSED, "no protocol covers an unknown country"
        assert "The country of this service is unknown" in answer.json()["detail"]


async def test_a_protocol_that_ends_meanwhile_ends_answers_and_reading(story: Story) -> None:
    protocol = await agreed(story)
    referral = await story.sent(service_id=await story.service(areas=("CO11",)))
    path = f"/referrals/{referral['id']}"
    await story.made(RECIPIENT, f"{path}/acknowledge", {})
    await story.made(RECIPIENT, f"{path}/request-information", {"question": "since when?"})
    assert (await story.get(RECIPIENT, f"{path}/disclosure")).status_code == 200
    await ended(story, protocol)
    answer = {"payload": {"situation": "since Monday"}}
    assert code(await story.post(REFERRER, f"{path}/answer-information", answer)) == REFUSED
    assert code(await story.get(RECIPIENT, f"{path}/disclosure")) == REFUSED
    assert (await story.get(REFERRER, f"{path}/disclosure")).status_code == 200, "its own record"
    assert (await story.get(RECIPIENT, path)).json()["state"] == "info_requested"
    await agreed(story, categories=["HLT"])
    await story.made(REFERRER, f"{path}/answer-information", answer)
    read = (await story.get(RECIPIENT, f"{path}/disclosure")).json()
    assert read["answers"] == [{"situation": "since Monday"}]


async def test_history_closes_with_the_protocol_but_for_the_reader_s_own_words(
    story: Story,
) -> None:
    protocol = await agreed(story)
    referral = await story.sent(service_id=await story.service(areas=("CO11",)))
    path = f"/referrals/{referral['id']}"
    await story.made(RECIPIENT, f"{path}/acknowledge", {})
    await story.made(RECIPIENT, f"{path}/request-information", {"question": "since when?"})
    await story.made(
        REFERRER, f"{path}/answer-information", {"payload": {"situation": "since Monday"}}
    )
    assert "since Monday" in (await story.get(RECIPIENT, f"{path}/history")).text
    await ended(story, protocol)
    closed = (await story.get(RECIPIENT, f"{path}/history")).text
    assert "since Monday" not in closed
    assert "since when?" in closed


async def test_a_withdrawal_needs_no_protocol_and_says_more(story: Story) -> None:
    protocol = await agreed(story)
    referral = await story.sent(service_id=await story.service(areas=("CO11",)))
    path = f"/referrals/{referral['id']}"
    await ended(story, protocol)
    await story.made(REFERRER, f"{path}/withdraw", {})
    assert code(await story.get(RECIPIENT, f"{path}/disclosure")) == (410, "consent_withdrawn")


async def offered(story: Story, case_id: str) -> Response:
    grant = await story.made(
        REFERRER,
        "/consents",
        {
            "case_id": case_id,
            "kind": "transfer",
            "recipient_organisation_id": str(SALUD),
            "method": "signed",
        },
    )
    body = {"case_id": case_id, "to_organisation": str(SALUD), "grant_id": grant["id"]}
    return await story.post(REFERRER, "/transfers", body)


async def test_a_case_goes_to_an_organisation_abroad_under_a_protocol_for_everything(
    story: Story,
) -> None:
    """Ruta checks the protocol at the offer and again at the acceptance."""
    await story.service(SALUD, areas=("CO11",))
    case = (await story.case())["id"]
    assert code(await offered(story, case)) == REFUSED
    await agreed(story, categories=["HLT"])
    assert code(await offered(story, case)) == REFUSED, "health is not everything"
    protocol = await agreed(story)
    transfer = await offered(story, case)
    assert transfer.status_code == 201, transfer.text
    accept = f"/transfers/{transfer.json()['id']}/accept"
    await ended(story, protocol)
    assert code(await story.post(RECIPIENT, accept)) == REFUSED
    assert (await story.get(REFERRER, f"/cases/{case}")).status_code == 200
    assert (await story.get(RECIPIENT, f"/cases/{case}")).status_code == 404
    await agreed(story)
    assert (await story.post(RECIPIENT, accept)).status_code == 200


@pytest.mark.parametrize("areas", [("VE23",), ("CO11", "VE23"), None])
async def test_a_case_stays_in_the_country_where_the_organisation_works_there_too(
    story: Story, areas: tuple[str, ...] | None
) -> None:
    """The case stays in the country even if the directory lists no service of the organisation."""
    if areas is not None:
        await story.service(SALUD, areas=areas)
    answer = await offered(story, (await story.case())["id"])
    assert answer.status_code == 201, answer.text


async def test_a_report_of_the_line_is_not_handed_over_the_border(story: Story) -> None:
    report = await Reporter(story).report(wants_case=True)
    await story.service(LEGAL, areas=("CO11",))
    path, body = f"/line/reports/{report['id']}/hand-over", {"organisation_id": str(LEGAL)}
    assert code(await story.post(TIP, path, body)) == REFUSED
    await agreed(story)
    assert (await story.post(TIP, path, body)).status_code == 200


def test_a_country_is_read_from_any_p_code() -> None:
    assert countries_of(["VE2313", "CO11", "VE", "ZZ99"]) == ["CO", "VE", "ZZ"]
    assert countries_of([]) == []
