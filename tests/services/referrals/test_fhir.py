"""The FHIR facade follows the same referral by the same rules."""

from typing import Any

from tests.services.referrals.story import Story


async def put(story: Story, who: str, referral_id: str, task: dict[str, Any]) -> Any:
    return await story.call(who, "PUT", f"/fhir/Task/{referral_id}", task)


def codes(*codes: str) -> dict[str, Any]:
    return {"coding": [{"system": "urn:ruta:codes", "code": c} for c in codes]}


async def test_a_health_system_follows_a_referral_to_its_outcome(story: Story) -> None:
    service_id, case = await story.service(), await story.case()
    grant = await story.consent(case["id"], service_id)
    draft = await story.draft(case["id"], service_id)
    task = (await story.get("ngo-refugio", f"/fhir/Task/{draft['id']}")).json()
    assert (task["status"], task["intent"]) == ("draft", "order")
    task["status"] = "requested"
    task["input"] = [
        {"type": codes("consent"), "valueReference": {"reference": f"Consent/{grant['id']}"}}
    ]
    sent = await put(story, "ngo-refugio", draft["id"], task)
    assert sent.status_code == 200, sent.text
    bundle = (await story.get("ngo-salud", "/fhir/Task?status=requested")).json()
    assert [e["resource"]["id"] for e in bundle["entry"]] == [draft["id"]]
    task = bundle["entry"][0]["resource"]
    task["status"], task["owner"]["display"] = "accepted", "Dra. M."
    assert (await put(story, "ngo-salud", draft["id"], task)).status_code == 200
    task["status"] = "in-progress"
    assert (await put(story, "ngo-salud", draft["id"], task)).status_code == 200
    task["status"] = "completed"
    assert (await put(story, "ngo-salud", draft["id"], task)).status_code == 422
    task["output"] = [{"type": codes("outcome"), "valueCodeableConcept": codes("delivered")}]
    done = (await put(story, "ngo-salud", draft["id"], task)).json()
    assert (done["status"], done["businessStatus"]["text"]) == ("completed", "completed")
    request = (await story.get("ngo-salud", f"/fhir/ServiceRequest/{draft['id']}")).json()
    assert request["status"] == "completed"
    consent = (await story.get("ngo-refugio", f"/fhir/Consent/{grant['id']}")).json()
    assert consent["status"] == "active"
    assert "Yolimar" not in str(task) + str(request) + str(consent)


async def test_fhir_refuses_what_the_lifecycle_refuses(story: Story) -> None:
    referral = await story.sent()
    task = (await story.get("ngo-salud", f"/fhir/Task/{referral['id']}")).json()
    task["status"] = "in-progress"
    illegal = await put(story, "ngo-salud", referral["id"], task)
    assert (illegal.status_code, illegal.json()["code"]) == (409, "illegal_transition")
    task["status"] = "accepted"
    task["owner"]["display"] = "me"
    assert (await put(story, "ngo-refugio", referral["id"], task)).status_code == 403
    task["status"] = "no such status"
    assert (
        await put(story, "ngo-salud", referral["id"], {"resourceType": "Task"})
    ).status_code == 422
    assert (await put(story, "ngo-salud", referral["id"], task)).status_code == 422
    assert (await story.get("ngo-legal", f"/fhir/Task/{referral['id']}")).status_code == 404
