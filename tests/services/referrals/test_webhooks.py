"""Webhooks to a real local receiver: signed, with ids only, retried, given up and replayed."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from common import clock
from common.crypto import key_from_base64
from common.webhooks.addresses import networks
from common.webhooks.client import (
    Call,
    CheckedResolver,
    UnsafeAddress,
    client,
    send,
    signature_headers,
)
from common.webhooks.retries import PAUSES
from common.words.referral_states import ReferralState
from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.notices.service import fan_out
from referrals.ground.timers.deadlines import EscalationStep
from referrals.settings import Settings
from referrals.telling.webhooks.description import NoticeCall
from referrals.telling.webhooks.dispatch import Deliverer, deliveries
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from tests.services.referrals.one_round import called
from tests.services.referrals.rounds import deliver_due
from tests.services.referrals.story import Story
from tests.support.receiver import Receiver, listening

LOOPBACK = networks("127.0.0.0/8")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with listening(Receiver()) as made:
        yield made


async def dispatched(story: Story, settings: Settings) -> int:
    key = key_from_base64(settings.stored_result_key.get_secret_value())
    while await fan_out(story.database, [deliveries]):
        pass
    waits = "webhooks" in await called(story.database)
    async with client(LOOPBACK) as http:
        tried = await deliver_due(story.database, http, key, LOOPBACK)
    assert waits == bool(tried)
    return tried


async def registered(story: Story, receiver: Receiver, **more: Any) -> dict[str, Any]:
    return await story.made("ngo-salud", "/webhooks", {"url": receiver.url, **more})


async def test_a_call_is_signed_and_names_nobody(
    story: Story, settings: Settings, receiver: Receiver
) -> None:
    hook = await registered(story, receiver)
    referral = await story.sent()
    assert await dispatched(story, settings) == 1
    headers, body = receiver.calls[0]
    told = Verifier(hook["secret"]).verify(body, headers)
    assert (
        NoticeCall.model_validate(told).type is NoticeKind.REFERRAL_SENT
    )  # As its description says.
    assert told["data"]["subject_id"] == referral["id"]
    for secret in (b"Yolimar", b"HLT", b"refugio", b"VE23"):
        assert secret not in body
    assert await dispatched(story, settings) == 0
    listed = (await story.get("ngo-salud", f"/webhooks/{hook['id']}/deliveries")).json()["items"]
    assert [d["status"] for d in listed] == ["delivered"]
    assert (await story.get("ngo-legal", f"/webhooks/{hook['id']}/deliveries")).status_code == 404


async def test_a_ping_calls_the_one_that_asked_and_tells_what_it_answered(
    story: Story, settings: Settings, receiver: Receiver
) -> None:
    hook = await registered(story, receiver, kinds=["referral.sent"])
    other = await registered(story, receiver)
    answer = await story.post("ngo-salud", f"/webhooks/{hook['id']}/ping", {})
    assert answer.status_code == 202, answer.text
    receiver.status = 418
    assert await dispatched(story, settings) == 1
    (headers, body), *_ = receiver.calls
    told = Verifier(hook["secret"]).verify(body, headers)
    assert (told["type"], told["data"]["subject_id"]) == ("webhook.ping", hook["id"])
    (sent,) = (await story.get("ngo-salud", f"/webhooks/{hook['id']}/deliveries")).json()["items"]
    assert (sent["status"], sent["answer_status"]) == ("waiting", 418)
    assert (await story.get("ngo-salud", f"/webhooks/{other['id']}/deliveries")).json()[
        "items"
    ] == []
    assert "webhook.ping" in await story.told_to("ngo-salud", hook["id"])
    assert (await story.post("ngo-legal", f"/webhooks/{hook['id']}/ping", {})).status_code == 404


async def test_failures_are_retried_for_days_then_dead_then_replayed(
    story: Story, settings: Settings, receiver: Receiver
) -> None:
    hook = await registered(story, receiver)
    await story.sent()
    receiver.status = 500
    later = timedelta(0)
    for pause in (0, *PAUSES):
        later += timedelta(seconds=pause * 1.2 + 1)
        with clock.shifted(later):
            assert await dispatched(story, settings) == 1
    with clock.shifted(later + timedelta(days=30)):
        assert await dispatched(story, settings) == 0
    path = f"/webhooks/{hook['id']}"
    dead = (await story.get("ngo-salud", f"{path}/deliveries?status=dead")).json()["items"]
    assert [(d["attempts"], d["failure"]) for d in dead] == [(len(PAUSES) + 1, "refused")]
    receiver.status = 200
    since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    assert (await story.made("ngo-salud", f"{path}/replay", {"dead_since": since})) == {
        "deliveries": 1
    }
    assert await dispatched(story, settings) == 1
    assert receiver.calls[0][0]["webhook-id"] == receiver.calls[-1][0]["webhook-id"]


async def test_a_partner_that_hangs_holds_up_nobody_else(
    story: Story, settings: Settings, receiver: Receiver
) -> None:
    """A partner that hangs delays nobody else. It accepts every call and responds to none, and more calls wait than can
    run at once."""
    hangs, full = asyncio.Event(), asyncio.Event()
    key = key_from_base64(settings.stored_result_key.get_secret_value())

    async def hang() -> None:
        if len(slow.calls) == 20:
            full.set()
        await hangs.wait()

    slow = Receiver()
    slow.during = hang
    async with listening(slow):
        await registered(story, slow)
        for _ in range(25):
            await story.sent()
        while await fan_out(story.database, [deliveries]):
            pass
        async with client(LOOPBACK) as http:
            over = asyncio.Event()
            deliverer = Deliverer(story.database, http, key, LOOPBACK, over)
            begun = asyncio.ensure_future(deliverer.look())
            soon, _ = await asyncio.wait([begun], timeout=10)
            if not soon:
                hangs.set()
            assert await begun == 1
            assert soon, "it waited for the partner that hangs"
            await full.wait()
            await story.made("ngo-refugio", "/webhooks", {"url": receiver.url})
            referral = await story.sent()
            while await fan_out(story.database, [deliveries]):
                pass
            assert (
                await deliverer.look() == 1
            )  # This delivers the other partner's call while the first one hangs.
            async with asyncio.timeout(10):
                await over.wait()
            assert referral["id"].encode() in receiver.calls[0][1]
            assert await deliverer.look() == 0
            hangs.set()
            await deliverer.finish()
            assert (
                await deliverer.look() == 1
            )  # This delivers the rest of that partner's own calls.
            await deliverer.finish()


async def test_gone_switches_the_webhook_off(
    story: Story, settings: Settings, receiver: Receiver
) -> None:
    hook = await registered(story, receiver)
    await story.sent()
    receiver.status = 410
    await dispatched(story, settings)
    seen = (await story.get("ngo-salud", "/webhooks")).json()[0]
    assert (seen["active"], seen["disabled_reason"]) == (False, "answered_gone")
    await story.made("ngo-salud", f"/webhooks/{hook['id']}/enable", {})


async def test_a_redirect_is_not_followed(
    story: Story, settings: Settings, receiver: Receiver
) -> None:
    hook = await registered(story, receiver)
    await story.sent()
    receiver.status, receiver.headers = 302, {"Location": receiver.url}
    await dispatched(story, settings)
    assert len(receiver.calls) == 1
    path = f"/webhooks/{hook['id']}/deliveries"
    assert (await story.get("ngo-salud", path)).json()["items"][0]["failure"] == "redirect_refused"


async def test_after_rotation_both_secrets_verify_for_a_day(
    story: Story, settings: Settings, receiver: Receiver
) -> None:
    hook = await registered(story, receiver)
    renewed = await story.made("ngo-salud", f"/webhooks/{hook['id']}/rotate-secret", {})
    await story.sent()
    await dispatched(story, settings)
    headers, body = receiver.calls[0]
    for secret in (hook["secret"], renewed["secret"]):
        Verifier(secret).verify(body, headers)
    with clock.shifted(timedelta(hours=25)):
        await story.sent()
        await dispatched(story, settings)
        headers, body = receiver.calls[-1]
        assert len(headers["webhook-signature"].split()) == 1, "the replaced secret signs no more"


async def test_two_workers_make_a_call_once(
    story: Story, settings: Settings, receiver: Receiver
) -> None:
    """Two workers make a call only once. The second worker runs while the first one waits for the response."""
    await registered(story, receiver)
    await story.sent()
    key = key_from_base64(settings.stored_result_key.get_secret_value())
    while await fan_out(story.database, [deliveries]):
        pass
    async with client(LOOPBACK) as http:

        async def second() -> None:
            receiver.during = None
            await deliver_due(story.database, http, key, LOOPBACK)

        receiver.during = second
        assert await deliver_due(story.database, http, key, LOOPBACK) == 1
    assert len(receiver.calls) == 1


@pytest.mark.parametrize("url", ["http://10.0.0.1/x", "https://169.254.169.254/", "file:///etc"])
async def test_private_addresses_are_refused_when_added(story: Story, url: str) -> None:
    response = await story.post("ngo-salud", "/webhooks", {"url": url})
    assert (response.status_code, response.json()["code"]) == (422, "unsafe_address")


@pytest.mark.parametrize("answer", ["::ffff:8.8.8.8", "64:ff9b::808:808", "fec0::1", "::8.8.8.8"])
async def test_a_name_that_leads_to_a_translated_address_is_not_called(
    answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(*_: object, **__: object) -> list[object]:
        public = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 443))
        return [public, (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (answer, 443, 0, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    with pytest.raises(UnsafeAddress):
        await CheckedResolver(()).resolve("partner.example.org", 443)


async def test_a_repeated_registration_shows_no_secret_again(story: Story) -> None:
    body = {"url": "https://example.org/hook"}
    first = await story.post("ngo-salud", "/webhooks", body, key="one-command")
    again = await story.post("ngo-salud", "/webhooks", body, key="one-command")
    assert first.json()["secret"].startswith("whsec_")
    assert again.json() == {**first.json(), "secret": None}


async def test_a_name_that_resolves_to_a_private_address_is_not_called(
    receiver: Receiver,
) -> None:
    port = receiver.url.rsplit(":", 1)[1].split("/")[0]
    secret = "whsec_" + base64.b64encode(b"s" * 32).decode()
    call = Call(f"https://localhost:{port}/hook", (secret,), "msg_1", b"{}")
    async with client(()) as http:
        answer = await send(http, call, (), datetime.now(UTC))
    assert (answer.status, answer.failure) == (0, "unsafe_address")
    assert receiver.calls == []


def test_the_signature_matches_the_published_vector() -> None:
    call = Call(
        "https://example.org",
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",),
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
    )
    headers = signature_headers(call, datetime.fromtimestamp(1614265330, UTC))
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_a_call_that_is_repeated_after_five_minutes_is_refused_by_the_verifier(
    story: Story, settings: Settings, receiver: Receiver
) -> None:
    hook = await registered(story, receiver)
    await story.sent()
    with clock.shifted(timedelta(minutes=-6)):
        sent_then = clock.now()
    call = Call(receiver.url, (hook["secret"],), "msg_1", b'{"type": "x"}')
    with pytest.raises(WebhookVerificationError, match="too old"):
        Verifier(hook["secret"]).verify(call.body, signature_headers(call, sent_then))
    await dispatched(story, settings)
    headers, body = receiver.calls[0]
    with pytest.raises(WebhookVerificationError):
        Verifier(hook["secret"]).verify(body.replace(b"sent", b"seen"), headers)


async def test_a_name_server_is_asked_once_for_an_address(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To prevent DNS rebinding, the call goes to the checked address, whatever the name resolves to later."""
    port = int(receiver.url.rsplit(":", 1)[1].split("/")[0])
    asked: list[str] = []

    def rebinding(host: str, *_more: object, **_options: object) -> list[Any]:
        asked.append(host)
        address = "127.0.0.2" if len(asked) == 1 else "127.0.0.1"  # The receiver.
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    secret = "whsec_" + base64.b64encode(b"s" * 32).decode()
    call = Call(f"https://partner.example:{port}/hook", (secret,), "msg_1", b"{}")
    public = networks("127.0.0.2/32")  # A stand-in for an address that may be called.
    async with client(public) as http:
        answer = await send(http, call, public, datetime.now(UTC))
    assert (answer.status, answer.failure) == (0, "unreachable")
    assert asked == ["partner.example"]
    assert receiver.calls == []


async def test_a_kind_that_nobody_is_told_of_is_refused_and_the_known_ones_are_named(
    story: Story, receiver: Receiver
) -> None:
    body = {"url": receiver.url, "kinds": ["referral.sent", "referral.snet"]}
    refused = await story.post("ngo-salud", "/webhooks", body)
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert error["pointer"] == "/kinds/1"
    assert "referral.acknowledged" in error["detail"]
    assert (await story.get("ngo-salud", "/webhooks")).json() == []


def test_every_state_has_its_kind() -> None:
    states = {f"referral.{state}" for state in (*ReferralState, *EscalationStep)}
    assert states <= set(NoticeKind)


async def test_only_the_kinds_that_were_asked_for_are_sent(
    story: Story, settings: Settings, receiver: Receiver
) -> None:
    await registered(story, receiver, kinds=["referral.sent"])
    await story.accepted()
    await dispatched(story, settings)
    assert await dispatched(story, settings) == 0
    assert len(receiver.calls) == 1
