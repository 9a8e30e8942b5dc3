"""Faults of the ways to people: what was owed is handed over once when they end, and nobody hears twice.

The load sends emergencies all the time, which are told at once; the channel is of an organisation that gets them.
"""

import secrets
from typing import Any

from drills.faults.field import Field, fault

WHO = "ngo-salud"
CHANNELS = "/referrals/v1/channels"
# What is no emergency may rest for half an hour: the load does not last that long.
_PACE = {"pace": "emergencies"}


class Told:
    """A channel of somebody's, and what the record says of it."""

    def __init__(self, field: Field, channel: str, address: str) -> None:
        self._field, self.id, self.address = field, channel, address

    @property
    def taken(self) -> int:
        return sum(self._field.people.taken[self.address].values())

    async def of(self, column: str) -> Any:
        sql = f"SELECT {column} FROM channels WHERE id = $1"
        rows = await self._field.stack.databases.fetch("referrals", sql, self.id)
        return rows[0][0] if rows else None

    async def pings(self, *statuses: str) -> list[str]:
        sql = "SELECT id FROM pings WHERE channel_id = $1 AND status = ANY($2)"
        rows = await self._field.stack.databases.fetch("referrals", sql, self.id, list(statuses))
        return [str(row[0]) for row in rows]

    async def messages(self) -> int:
        """How many messages the record says were handed over: what is told together is settled together."""
        sql = (
            "SELECT count(DISTINCT settled_at) FROM pings WHERE channel_id = $1 AND status = 'told'"
        )
        rows = await self._field.stack.databases.fetch("referrals", sql, self.id)
        return int(rows[0][0])


async def _written_to(field: Field, kind: str) -> Told:
    """A mailbox or telephone that is confirmed, and has been told of something."""
    address = {
        "email": f"guardia-{secrets.token_hex(4)}@example.org",
        "sms": f"+58412{secrets.randbelow(10**7):07}",
    }[kind]
    made = await field.call(WHO, CHANNELS, {"kind": kind, "address": address, **_PACE})
    await field.within(40, "a code came", lambda: address in field.people.codes)
    code = {"code": field.people.codes[address]}

    async def confirmed() -> bool:  # it is known a moment after it was handed over
        status, _ = await field.ask(WHO, f"{CHANNELS}/{made['id']}/confirm", code)
        return status == 200

    await field.within(30, "the code is taken", confirmed)
    return await _heard(field, Told(field, made["id"], address))


async def _browser(field: Field) -> Told:
    address = field.people.browser(secrets.token_hex(4))
    keys = {"p256dh": "BPcMbnWQL5GOYX_5LKZXT6sLmHiMsJSiEvIFvfcDvX7I", "auth": "x1y2z3"}
    made = await field.call(
        WHO, CHANNELS, {"kind": "push", "endpoint": address, "keys": keys, **_PACE}
    )
    return await _heard(field, Told(field, made["id"], address))


async def _heard(field: Field, told: Told) -> Told:
    await field.within(40, "an emergency is told", lambda: told.taken > 0)
    return told


async def _handed_over_later(field: Field, kind: str, failure: str, *, one: bool = False) -> None:
    """The fault of this name meets a message; what it owes then is told once when it has ended. `one`: it ends by
    itself after the first message."""
    told = await _written_to(field, kind)
    people = field.people
    people.fault, people.struck = field.load.label, 0
    try:

        async def failed() -> bool:
            return bool(await told.of("failure") == failure)

        await field.within(90, "a message met the fault, and its channel says so", failed)
        field.require(people.struck, "nothing was to be told meanwhile: not exercised")
        owed = set(await told.pings("waiting"))
        field.require(owed, "nothing was owed when it ended: not exercised")
        field.require(await told.of("active"), "a fault that passes switched a channel off")
        before = told.taken
    finally:
        people.fault = ""
    if one:
        field.require(people.struck == 1, f"it met {people.struck} messages instead of one")

    async def settled() -> bool:
        return not owed & set(await told.pings("waiting"))

    await field.within(120, "what was owed is settled", settled)
    # What somebody has acted on meanwhile nobody needs to be told.
    left = owed - set(await told.pings("told", "moot"))
    field.require(not left, f"{len(left)} messages that were owed were given up")
    await field.within(120, "it is told again", lambda: told.taken > before)
    await _each_once(field, told)


async def _each_once(field: Field, told: Told) -> None:
    """With the load at rest the way has taken as many messages as the record says, each once."""
    field.load.sender.sending.clear()
    try:

        async def at_rest() -> bool:
            return not await told.pings("waiting") and await told.messages() == told.taken

        await field.within(60, "as many messages were taken as the record says", at_rest)
        twice = [n for n, count in field.people.taken[told.address].items() if count > 1]
        field.require(not twice, f"{len(twice)} messages were taken twice")
        field.notes.append(f"{told.taken} messages")
    finally:
        field.load.sender.sending.set()
        await field.call(WHO, f"{CHANNELS}/{told.id}", method="DELETE")


@fault("smtp-down", "SMTP refuses everybody")
async def smtp_down(field: Field) -> None:
    await _handed_over_later(field, "email", "smtp_451")


@fault("smtp-slow", "SMTP answers too late", every=5)
async def smtp_slow(field: Field) -> None:
    """It holds the mail for longer than its answer is waited for, and then does not take it."""
    await _handed_over_later(field, "email", "unreachable")


@fault("smtp-greylists", "Greylisting")
async def smtp_greylists(field: Field) -> None:
    await _handed_over_later(field, "email", "smtp_451", one=True)


@fault("sms-error-inside", "Gateway answers 200 with an error inside")
async def sms_error_inside(field: Field) -> None:
    await _handed_over_later(field, "sms", "sms_not_accepted")


@fault("push-gone", "Push endpoint gone (410)")
async def push_gone(field: Field) -> None:
    """The browser gave up: it is asked once more and never again; the supervisor hears so, and a new
    subscription is told what comes."""
    told = await _browser(field)
    people = field.people
    people.fault, people.struck = field.load.label, 0
    try:

        async def off() -> bool:
            return bool(await told.of("switched_off") == "gone")

        await field.within(60, "the browser is switched off", off)
        await field.some_load(30, 10)
        field.require(people.struck == 1, f"it was asked {people.struck} times instead of once")
        said = await field.stack.databases.fetch(
            "referrals",
            "SELECT 1 FROM notices WHERE subject_id = $1 AND kind = 'channel.switched_off'",
            told.id,
        )
        field.require(len(said) == 1, f"supervisors heard {len(said)} times instead of once")
    finally:
        people.fault = ""
    await _each_once(field, await _browser(field))
    await field.call(WHO, f"{CHANNELS}/{told.id}", method="DELETE")
