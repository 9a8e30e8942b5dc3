"""The referrals service's background tasks: relay, the directory's events, timers, webhooks, audit."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial

from common import clock
from common.crypto import key_from_base64
from common.key_ages import tell_key_ages
from common.web import BackgroundTask, ServiceContext

from referrals.cases.retention import ask_reconsent, erase_expired
from referrals.directory.consumers import SUBSCRIPTION, flag_stale
from referrals.escalations.firing import fire_due
from referrals.evidence import Evidence
from referrals.intake.service import discard_old
from referrals.keys.store import CaseKeys
from referrals.line.expiry import forget_expired
from referrals.links.models import ENDING as LINKS
from referrals.notices.models import ENDING as NOTICES
from referrals.row_security import act_as_service
from referrals.screenings.service import erase_unattached
from referrals.settings import Settings
from referrals.timers.queries import count_due
from referrals.webhooks.addresses import networks
from referrals.webhooks.dispatch import deliver_due, fan_out
from referrals.webhooks.models import ENDING as DELIVERIES
from referrals.webhooks.sending import client

_TICK_SECONDS = 1.0
_WEBHOOK_SECONDS = 0.5
_ANCHOR_SECONDS = 10.0
_CALENDAR_SECONDS = 60.0
ENDINGS = (DELIVERIES, NOTICES, LINKS)


def background(context: ServiceContext) -> Sequence[BackgroundTask]:
    settings, database = context.settings, context.database
    keys: CaseKeys = context.parts["keys"]
    if not isinstance(settings, Settings):
        raise TypeError("the worker was made with settings of another service")

    async def timers() -> int:
        return await fire_due(database, keys, clock.now())

    async def calendar() -> int:
        now = clock.now()
        await database.retried(partial(flag_stale, now=now))
        await ask_reconsent(database, keys, now.date())
        await erase_expired(database, keys, now.date())
        await forget_expired(database, keys, now)
        unused_since = now - timedelta(days=settings.screening_retention_days)
        await erase_unattached(database, keys, unused_since)
        await discard_old(database, keys, unused_since)
        return 0

    async def webhooks(stop: asyncio.Event) -> None:
        allowed = networks(settings.webhook_private_networks)
        key = key_from_base64(settings.stored_result_key.get_secret_value())
        async with client(allowed) as http:

            async def round_trip() -> int:
                return await fan_out(database) + await deliver_due(database, http, key, allowed)

            await _repeat(round_trip, _WEBHOOK_SECONDS, stop)

    evidence = Evidence(settings, database, keys, context.metrics)
    escalations_due = context.metrics.gauge(
        "ruta_escalations_due", "Timers that are due and have not fired."
    )

    async def measure_due() -> None:
        async with database.transaction() as session:
            await act_as_service(session)
            escalations_due.set(await count_due(session, clock.now()))

    context.measures += [measure_due, evidence.measure]
    tell_key_ages(
        context.metrics.registry, lambda: {"key-encryption": settings.key_encryption_keys_file}
    )
    return [
        context.relay(),
        context.consumer(SUBSCRIPTION),
        BackgroundTask("timers", lambda stop: _repeat(timers, _TICK_SECONDS, stop)),
        BackgroundTask("calendar", lambda stop: _repeat(calendar, _CALENDAR_SECONDS, stop)),
        BackgroundTask("tombstones", lambda stop: _repeat(evidence.tell, _TICK_SECONDS, stop)),
        BackgroundTask(
            "audit-anchor", lambda stop: _repeat(evidence.anchor, _ANCHOR_SECONDS, stop)
        ),
        BackgroundTask("webhooks", webhooks),
    ]


async def _repeat(work: Callable[[], Awaitable[int]], pause: float, stop: asyncio.Event) -> None:
    """Work until `stop`; at once again while there was something to do."""
    while not stop.is_set():
        if await work():
            continue
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)
