"""HTTP routes of webhooks."""

from typing import Annotated
from uuid import UUID

from common.crypto import key_from_base64
from common.http import IdempotencyRequired, Session, StepUp, router
from common.paging import CursorText, Limit, Page, id_cursor, page_of
from common.webhooks.addresses import networks
from fastapi import Depends

from referrals.ground.dependencies import CaseReader, ServiceSettingsOf, Writer
from referrals.telling.webhooks import queries, service
from referrals.telling.webhooks.schemas import (
    DeliveryStatus,
    DeliveryView,
    NewWebhook,
    Nothing,
    Replay,
    Replayed,
    WebhookSecret,
    WebhookView,
)

webhooks = router("/referrals/v1/webhooks", ["webhooks"])


async def _sealing_key(settings: ServiceSettingsOf) -> bytes:
    return key_from_base64(settings.stored_result_key.get_secret_value())


SealingKey = Annotated[bytes, Depends(_sealing_key)]


@webhooks.post("", status_code=201, dependencies=[IdempotencyRequired, StepUp])
async def add_webhook(
    body: NewWebhook, session: Session, caller: Writer, settings: ServiceSettingsOf, key: SealingKey
) -> WebhookSecret:
    """Add a webhook: Ruta calls it when something concerns you. Calls are signed as in Standard Webhooks."""
    allowed = networks(settings.webhook_private_networks)
    webhook, secret = await service.add(session, caller, key, allowed, body)
    return WebhookSecret(**_view(webhook).model_dump(), secret=secret)


@webhooks.get("")
async def list_webhooks(session: Session, caller: CaseReader) -> list[WebhookView]:
    """Your organisation's webhooks, without their secrets."""
    held = await queries.held(session, caller)
    return [
        _view(webhook).model_copy(update={"held": webhook.id in held})
        for webhook in await queries.listed(session, caller)
    ]


@webhooks.delete("/{webhook_id}", status_code=204)
async def remove_webhook(webhook_id: UUID, session: Session, caller: Writer) -> None:
    """Delete the webhook. Ruta no longer calls its address. Notices stay in the feed."""
    await service.remove(session, caller, webhook_id)


@webhooks.post("/{webhook_id}/rotate-secret", dependencies=[StepUp])
async def rotate_secret(
    webhook_id: UUID, _body: Nothing, session: Session, caller: Writer, key: SealingKey
) -> WebhookSecret:
    """Issue a new secret; the old one also signs for 24 hours."""
    webhook, secret = await service.rotate(session, caller, key, webhook_id)
    return WebhookSecret(**_view(webhook).model_dump(), secret=secret)


@webhooks.post("/{webhook_id}/enable", dependencies=[StepUp])
async def enable_webhook(
    webhook_id: UUID, _body: Nothing, session: Session, caller: Writer
) -> WebhookView:
    """Enable the webhook after it was switched off (it answered 410 Gone), or while it is held because its owner's
    account is disabled: from now on you own it."""
    return _view(await service.enable(session, caller, webhook_id))


@webhooks.post("/{webhook_id}/ping", status_code=202)
async def ping_webhook(
    webhook_id: UUID, _body: Nothing, session: Session, caller: Writer
) -> WebhookView:
    """Call the webhook once with the kind `webhook.ping`; `/deliveries` shows its answer."""
    return _view(await service.ping(session, caller, webhook_id))


@webhooks.get("/{webhook_id}/deliveries")
async def list_deliveries(
    webhook_id: UUID,
    session: Session,
    caller: CaseReader,
    status: DeliveryStatus | None = None,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[DeliveryView]:
    """List past and future calls; `dead` are the dead letters. `access_ended`: not sent, because you could no longer
    read its subject when it was due."""
    await queries.one(session, caller, webhook_id)
    rows = await queries.deliveries(
        session, caller, webhook_id, status=status, before=id_cursor(cursor), limit=limit
    )
    return page_of(rows, limit, lambda row: DeliveryView.model_validate(row, from_attributes=True))


@webhooks.post("/{webhook_id}/replay")
async def replay_deliveries(
    webhook_id: UUID, body: Replay, session: Session, caller: Writer
) -> Replayed:
    """Send past notices again, for example after an outage. Your system recognises repeats by their id."""
    return Replayed(deliveries=await service.replay(session, caller, webhook_id, body))


def _view(webhook: object) -> WebhookView:
    return WebhookView.model_validate(webhook, from_attributes=True)
