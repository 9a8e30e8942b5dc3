"""Former leaks past a grant, past the front and out of old data, tested on the running stack through the gateway.

More of these scenarios are in test_consent_over_time.py, test_every_value.py, test_endpoint_matrix.py and
tests/gateway; those that need a restore are in drills/restarts.
"""

import json
from datetime import timedelta
from typing import Any

import pytest
from common import clock
from common.events.directory import ServiceWithdrawn
from nats.errors import Error as NatsError
from nats.js.errors import Error as JetStreamError
from stack.embedded import arrows
from stack.operate.service_commands import attached_broker

from tests.services.referrals.screening_words import RATIONALE, begun
from tests.services.referrals.story import SALUD
from tests.services.referrals.test_over_time import approved, years_ago
from tests.services.referrals.test_recipient_facts import DEADLINE, PLACE
from tests.services.referrals.test_scenarios import transfer_offer
from tests.stack.test_nats import user
from tests.support.patience import PATIENCE
from tests.support.system import System
from tests.system.gateway_story import GatewayStory

pytestmark = pytest.mark.system


async def test_no_road_of_the_recipient_tells_a_fact_beside_the_grant(story: GatewayStory) -> None:
    """A recipient never sees her municipality or the clinical deadline without a grant for them, nor after the grant
    has ended."""
    for items, shown in ((["name"], False), (["name", "area", "situation"], True)):
        referral = await story.sent(
            consent={"items": items}, payload={}, from_case=["name"], clinical_deadline=DEADLINE
        )
        own = referral["id"]
        roads = (
            f"/referrals/{own}?with=disclosure&with=history",
            f"/referrals/{own}/history",
            "/referrals/inbox?limit=200",
            "/work?limit=200",
            "/feed?limit=200",
            f"/fhir/Task/{own}",
            f"/fhir/ServiceRequest/{own}",
        )

        async def told(roads: tuple[str, ...] = roads, own: str = own) -> str:
            said = []
            for road in roads:
                answer = await story.get("ngo-salud", road)
                assert answer.status_code in (200, 403, 404, 410), answer.text
                body = answer.json()
                rows = body.get("items") if isinstance(body, dict) else None
                said += [row for row in rows if own in str(row)] if rows else [body]
            return json.dumps(said)

        assert (DEADLINE[:19] in await told()) is (PLACE in await told()) is shown
        await story.made("ngo-refugio", f"/consents/{referral['grant_id']}/withdraw", {})
        ended = await told()
        assert PLACE not in ended
        assert DEADLINE[:19] not in ended


async def test_an_exception_of_a_childs_best_interest_sends_nothing_of_an_adult(
    story: GatewayStory,
) -> None:
    child = await story.child(0, identity={"age": None, "birth_date": years_ago(17)})
    service_id = await story.any_service()
    exception = await approved(story, child["id"], service_id, basis="best_interest")
    draft = await story.draft(child["id"], service_id, from_case=["name"])
    path = f"/cases/{child['id']}"
    identity = (await story.get("ngo-refugio", path)).json()["identity"]
    grown = {"identity": {**identity, "birth_date": years_ago(18)}}
    assert (await story.call("ngo-refugio", "PATCH", path, grown)).status_code == 200
    body = {"exception_id": exception}
    refused = await story.post("ngo-refugio", f"/referrals/{draft['id']}/send", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_decider")
    assert (await story.get("ngo-salud", f"/referrals/{draft['id']}")).status_code == 404


async def test_a_screening_of_a_case_that_moved_is_concluded_by_its_new_holder_alone(
    story: GatewayStory,
) -> None:
    case_id = (await story.case())["id"]
    path = f"/screenings/{(await begun(story, case_id=case_id))['id']}"
    offer = await transfer_offer(story, case_id, SALUD)
    transfer = await story.made("ngo-refugio", "/transfers", offer)
    assert (await story.get("ngo-salud", path)).status_code == 404
    await story.made("ngo-salud", f"/transfers/{transfer['id']}/accept", {})
    assert (await story.get("ngo-refugio", path)).status_code == 404
    assert (await story.get("ngo-salud", path)).status_code == 200
    today = clock.today()
    certificate = {
        "holder": "ngo-salud",
        "certified_on": str(today - timedelta(days=30)),
        "valid_until": str(today + timedelta(days=300)),
    }
    await story.made("ngo-salud-supervisor", "/certificates", certificate)
    body = {"judgement": "possible_victim", "rationale": RATIONALE}
    assert (await story.made("ngo-salud", f"{path}/conclude", body))["status"] == "concluded"


async def test_a_services_account_of_the_broker_withdraws_no_service_of_the_directory(
    story: GatewayStory, system: System
) -> None:
    """A service's broker account cannot withdraw a service of the directory. It tries an event in the directory's name,
    and its own stream that republishes or captures such a subject."""
    service_id = await story.any_service()
    broker = attached_broker(system.layout, system.state)
    victim, own = ServiceWithdrawn.SUBJECT, arrows.stream("reporting")
    stream: dict[str, Any] = {"name": own, "subjects": ["ruta.reporting.>"]}
    forged = json.dumps({"service_id": service_id, "referable": False}).encode()
    async with user(broker, "reporting") as client:
        for change in (
            {"republish": {"src": "ruta.reporting.>", "dest": victim}},
            {"subjects": ["ruta.reporting.>", victim]},
            {"sources": [{"name": arrows.stream("directory")}]},
        ):
            body = json.dumps(stream | change).encode()
            with pytest.raises((NatsError, JetStreamError)):
                await client.request(f"$JS.API.STREAM.UPDATE.{own}", body, timeout=2)
        with pytest.raises((NatsError, JetStreamError)):
            await client.jetstream().publish(victim, forged, timeout=2)
    referral = await story.sent(service_id=service_id)
    assert referral["state"] == "sent"
    found = system.running.request("ngo-refugio", "GET", f"/directory/v1/services/{service_id}")
    assert found.status_code == 200


def test_a_long_place_and_another_format_are_refused_shortly_and_hold_nobody_up(
    system: System,
) -> None:
    said = []
    for length in (3_000, 6_000):
        asked = f"/directory/v1/exports?format=csv&area={'+' * length}"
        answer = system.running.request(None, "GET", asked)
        assert answer.status_code == 422
        assert answer.elapsed.total_seconds() < PATIENCE
        said.append(len(answer.content))
    assert said[0] == said[1], "a bounded part of it is repeated"
    for name in ("services", "organizations", "service_at_locations"):
        posted = system.running.request(
            None, "POST", f"/directory/v1/{name}", json={"format": "ndjson", "per_page": 1}
        )
        assert posted.status_code in (200, 422), posted.text
