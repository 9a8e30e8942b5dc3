"""The messages that organisations and their staff receive by webhook and SMS, in real rounds of the worker."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from common import clock
from common.crypto import key_from_base64
from common.messages.sms import RapidPro, Sms
from common.webhooks.addresses import networks
from common.webhooks.client import client
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from referrals.ground.notices.service import fan_out
from referrals.telling.channels.dispatch import ping
from referrals.telling.channels.sealed_addresses import Sealing
from referrals.telling.channels.transports.offered import Transports
from referrals.telling.webhooks.dispatch import deliveries

from tests.services.referrals.rounds import deliver_due, tell_due
from tests.services.referrals.stories.world import NGOS, ORGANISATIONS, World
from tests.support.principals import organisation
from tests.support.rights import people_told, told

_LOOPBACK = networks("127.0.0.0/8")
_ENDS: dict[str, dict[str, Any]] = {
    "suspended": {},
    "moved": {"organisation_id": str(organisation(6))},
    "demoted": {"roles": ["reader"]},
}
_KINDS_OF_AGENCY = ("HLT", "LEG", "efugio", "alud", "egal", "ealth", "rgent")


class Messages(World):
    def __init__(self) -> None:
        super().__init__()
        self.listening: dict[UUID, str] = {}
        """By organisation: its webhook."""
        self.numbers: dict[str, UUID] = {}
        """Of people with a telephone: their organisation."""
        self.heard_until: dict[str, datetime] = {}
        """When something was last told there."""
        self.stage.outside.requests.clear()

    @rule(who=ORGANISATIONS)
    def listen(self, who: UUID) -> None:
        if who in self.listening:
            return
        url = f"{self.stage.outside.address}/{NGOS[who]}"
        status, made = self.post(self.chief(who), "/webhooks", {"url": url})
        assert status == 201, made
        self.listening[who] = made["id"]

    @rule(who=ORGANISATIONS)
    def give_a_number(self, who: UUID) -> None:
        """Subscribe a phone and confirm it with the digits that it received."""
        number = f"+58412555{len(self.numbers):04}"
        if who in self.numbers.values():
            return
        self.scene.app.state.context.parts["transports"] = self.transports()
        status, made = self.post(self.staff(who), "/channels", {"kind": "sms", "address": number})
        assert status == 201, made
        self.numbers[number] = who
        self.run(self.rounds())
        digits = "".join(c for c in self.texts()[-1] if c.isdigit())[:8]
        path = f"/channels/{made['id']}/confirm"
        assert self.post(self.staff(who), path, {"code": digits})[0] == 200

    def transports(self) -> Transports:
        gateway = RapidPro(
            kind="rapidpro", url=self.stage.outside.address, token="0123456789abcdef"
        )
        return Transports(sms=Sms(gateway))

    def texts(self) -> list[str]:
        """Return all SMS sent so far."""
        asked = [body for path, _, body in self.stage.outside.requests if "broadcasts" in path]
        return [json.loads(body)["text"] for body in asked]

    async def rounds(self) -> None:
        database, key = self.scene.database, self.stage.settings.stored_result_key
        opened = key_from_base64(key.get_secret_value())
        pings = partial(ping, zone=self.stage.zone, hand_over=timedelta(minutes=10))
        while await fan_out(database, [deliveries, pings]):
            pass
        async with client(_LOOPBACK) as http:
            while await deliver_due(database, http, opened, _LOOPBACK):
                pass
            front = "https://ruta.example.org"
            while await tell_due(database, http, self.transports(), Sealing(opened), front):
                pass

    @precondition(lambda self: self.listening or self.numbers)
    @rule(ended=st.sampled_from(["", *sorted(_ENDS)]), whose=ORGANISATIONS)
    def the_worker_has_its_rounds(self, ended: str, whose: UUID) -> None:
        """Check that the worker sends nothing to a suspended organisation, nor to anybody who moved or lost the
        role."""
        before = len(self.stage.outside.requests)
        off = {"organisation": [str(whose)]} if ended == "suspended" else {}
        self.rights_are(off, {NGOS[whose]: _ENDS.get(ended, {})})
        self.run(self.rounds())
        self.rights_are({}, {})
        for path, _, body in self.stage.outside.requests[before:]:
            message = json.loads(body)
            if "broadcasts" in path:
                self.is_news(message, whose if ended else None)
            else:
                self.concerns_them(path, message, whose if off else None)
        self.nobody_is_named()

    def rights_are(self, suspended: dict[str, list[str]], changed: dict[str, Any]) -> None:
        self.run(told(self.story.client, "referrals", suspended=suspended))
        everybody: dict[str, Any] = {client: {} for client in NGOS.values()}
        answer = self.run(people_told(self.story.client, everybody | changed))
        assert answer.status_code == 204, answer.text

    def is_news(self, message: Any, silent: UUID | None) -> None:
        """Check that a person who gets a notification also finds news."""
        (number,) = [each.removeprefix("tel:") for each in message["urns"]]
        who = self.numbers[number]
        assert who != silent, message
        since = self.heard_until.get(number, datetime.min.replace(tzinfo=UTC))
        found = self.get(self.staff(who), "/feed?limit=500").json()["items"]
        assert [e for e in found if datetime.fromisoformat(e["at"]) > since], (number, found)
        self.heard_until[number] = clock.now()

    def concerns_them(self, path: str, call: Any, silent: UUID | None) -> None:
        """Check that a webhook names only subjects in which its organisation has a part."""
        (who,) = [each for each, client in NGOS.items() if path == f"/{client}"]
        assert who != silent, call
        sides = {each.id: {each.word.to, each.case.holder} for each in self.sharings}
        sides |= {each.id: {each.word.to, each.giver} for each in self.offers}
        sides |= {each.id: {each.case.holder, each.caller.organisation} for each in self.accesses}
        assert who in sides.get(call["data"]["subject_id"], {who}), (who, call)

    def nobody_is_named(self) -> None:
        """Check that a message names no person, and that an SMS names no kind of organisation or service."""
        facts = {fact for case in self.cases for fact in case.facts.values()} | self.noted()
        for _, _, body in self.stage.outside.requests:
            assert not [fact for fact in facts if fact in body.decode()]
        for text in self.texts():
            assert not [word for word in _KINDS_OF_AGENCY if word in text], text
