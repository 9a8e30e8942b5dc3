"""What pages about who answers for a case need of the API."""

from console.answers import Answer
from console.commands import key_of
from console.handing.commands import OFFER
from console.screens.visit import Visit


async def offer(visit: Visit) -> Answer:
    """Consent and offer in one request; the answer is that of what failed, else of the transfer."""
    consent = {**OFFER.made(visit.typed, offset=visit.moments.offset), "kind": "transfer"}
    first = key_of(visit.key, consent)
    offered = {
        "case_id": visit.ids["case_id"],
        "to_organisation": consent.get("recipient_organisation_id"),
        "grant_id": f"${{{first}.id}}",
    }
    commands = [
        {"key": first, "path": "/referrals/v1/consents", "body": consent},
        {"key": key_of(visit.key, offered), "path": "/referrals/v1/transfers", "body": offered},
    ]
    answer = await visit.calls.post("/referrals/v1/bulk", {"commands": commands})
    if not answer.ok:
        return answer
    for result in answer.body["results"]:
        if result["status"] >= 300:
            return Answer(result["status"], result["body"], answer.request_id)
    return Answer(201, answer.body["results"][1]["body"], answer.request_id)
