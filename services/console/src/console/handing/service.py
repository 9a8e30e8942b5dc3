"""API calls of the pages about responsibility for a case."""

from console.answers import Answer
from console.commands import key_of
from console.handing.commands import OFFER, OFFERED
from console.screens.visit import Visit


async def offer(visit: Visit) -> Answer:
    """Consent and offer in one request, both or none; returns the answer of the refused part, else of the transfer."""
    consent = {**OFFER.made(visit.typed, offset=visit.moments.offset), "kind": "transfer"}
    first = key_of(visit.key, consent)
    offered = {
        "case_id": visit.ids["case_id"],
        "to_organisation": consent.get("recipient_organisation_id"),
        "grant_id": f"${{{first}.id}}",
        **OFFERED.made(visit.typed, offset=visit.moments.offset),
    }
    commands = [
        {"key": first, "path": "/referrals/v1/consents", "body": consent},
        {"key": key_of(visit.key, offered), "path": "/referrals/v1/transfers", "body": offered},
    ]
    return await visit.calls.batch(commands, answer=1)
