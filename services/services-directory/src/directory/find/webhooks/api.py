"""HTTP routes of the directory's webhooks, and the call that a partner receives."""

from typing import Annotated, cast
from uuid import UUID

from common.auth import Principal
from common.http import IdempotencyRequired, Session, StepUp, context_of, requires, router
from common.webhooks.addresses import networks
from fastapi import APIRouter, Header
from starlette.requests import Request

from directory.find.webhooks import queries, service
from directory.find.webhooks.schemas import (
    DirectoryChanged,
    DirectoryWebhook,
    DirectoryWebhookSecret,
    NewDirectoryWebhook,
)
from directory.settings import Settings

routes = router("/directory/v1/webhooks", ["Sync"])
calls = APIRouter()
Reader = Annotated[Principal, requires(scope="directory:read")]


@routes.post("", status_code=201, dependencies=[IdempotencyRequired, StepUp])
async def add_webhook(
    request: Request, body: NewDirectoryWebhook, session: Session, caller: Reader
) -> DirectoryWebhookSecret:
    """Ruta calls your https address within seconds of a change that any verified organisation sees, and at once after
    you add it. Calls are signed as in Standard Webhooks and name no entry."""
    context = context_of(request)
    allowed = networks(cast("Settings", context.settings).webhook_private_networks)
    own, secret = await service.add(session, caller, context.sealing_key, allowed, body.url)
    return await _with_secret(session, caller, own, secret)


@routes.get("")
async def list_webhooks(session: Session, caller: Reader) -> list[DirectoryWebhook]:
    """Your organisation's webhooks, at most five, each with its last call."""
    rows = await queries.listed(session, caller)
    return [DirectoryWebhook.model_validate(row, from_attributes=True) for row in rows]


@routes.delete("/{webhook_id}", status_code=204)
async def remove_webhook(webhook_id: UUID, session: Session, caller: Reader) -> None:
    """Delete the webhook. Ruta no longer calls its address."""
    await service.remove(session, caller, webhook_id)


@routes.post("/{webhook_id}/rotate-secret", dependencies=[StepUp])
async def rotate_secret(
    request: Request, webhook_id: UUID, session: Session, caller: Reader
) -> DirectoryWebhookSecret:
    """Issue a new secret. The old secret also signs for 24 hours."""
    secret = await service.rotate(session, caller, context_of(request).sealing_key, webhook_id)
    return await _with_secret(session, caller, webhook_id, secret)


@routes.post("/{webhook_id}/enable", dependencies=[StepUp])
async def enable_webhook(webhook_id: UUID, session: Session, caller: Reader) -> DirectoryWebhook:
    """Ruta calls the webhook at once, as a test, even if it was switched off (it answered 410, or nothing for three
    days) or held because its owner is suspended. You become its owner."""
    await service.enable(session, caller, webhook_id)
    return await _shown(session, caller, webhook_id)


@calls.post("directory_changed", status_code=204, tags=["Sync"])
def directory_changed(
    body: DirectoryChanged,
    webhook_id: Annotated[
        str, Header(description="The call; an attempt after a failure has its own.")
    ],
    webhook_timestamp: Annotated[str, Header(description="Seconds since 1970.")],
    webhook_signature: Annotated[str, Header(description="Standard Webhooks 1.0, `v1,…`.")],
) -> None:
    """The directory changed since the last call. Verify the signature with a Standard Webhooks library and answer 2xx
    within 15 seconds; otherwise Ruta calls again, later and later. Then read `/directory/v1/sync/changes`."""


async def _shown(session: Session, caller: Principal, own: UUID) -> DirectoryWebhook:
    row = await queries.one(session, caller, own)
    return DirectoryWebhook.model_validate(row, from_attributes=True)


async def _with_secret(
    session: Session, caller: Principal, own: UUID, secret: str
) -> DirectoryWebhookSecret:
    shown = await _shown(session, caller, own)
    return DirectoryWebhookSecret(**shown.model_dump(), secret=secret)
