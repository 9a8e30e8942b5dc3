"""The referrals service's background tasks: relay, events, timers, webhooks, channels, audit."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from common import clock
from common.crypto import key_from_base64
from common.db.clock_looks import Dates
from common.db.ended_rights import ending
from common.db.session import Database
from common.http import BackgroundTask, ServiceContext
from common.key_ages import tell_key_ages
from common.messages.queues import work_off
from common.process.loops import repeat_when_called
from common.webhooks.addresses import networks
from common.webhooks.client import client
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases.retention import ask_reconsent, erase_expired
from referrals.case.transfers.service import offer_left_behind
from referrals.ground.directory.consumers import SUBSCRIPTION, flag_stale, judge
from referrals.ground.keys.blind_index import BlindIndex
from referrals.ground.keys.store import CaseKeys
from referrals.ground.notices.models import ENDING as NOTICES
from referrals.ground.notices.queries import any_untold
from referrals.ground.notices.service import fan_out
from referrals.ground.restrictions.queries import any_untold as any_restriction_untold
from referrals.ground.row_security import act_as_service
from referrals.ground.timers.queries import any_due as any_timer_due
from referrals.ground.timers.queries import count_due
from referrals.listening.intake.service import discard_old, hide_tool_ids
from referrals.listening.line.handing_service import give_back_of_ended
from referrals.listening.line.service import forget_expired
from referrals.reconciliation import Holding
from referrals.referral.escalations.due_timers import fire_due
from referrals.referral.escalations.models import ENDING as CALLS
from referrals.referral.links.models import ENDING as LINKS
from referrals.referral.referrals.appointments import remind
from referrals.referral.referrals.handed_over_service import end_with_former
from referrals.referral.referrals.queries import flagged_services
from referrals.referral.referrals.renewals import tell_ends
from referrals.screening.screenings.service import erase_unattached
from referrals.settings import Settings
from referrals.tables import CLOCK_LOOKS, ENDED_RIGHTS, Instant
from referrals.telling.channels.dispatch import Queue, lapse, ping
from referrals.telling.channels.kinds import ChannelKind
from referrals.telling.channels.models import ENDINGS as CHANNELS
from referrals.telling.channels.queries import any_due as any_channel_due
from referrals.telling.channels.sealed_addresses import Sealing
from referrals.telling.channels.transports.offered import Transports
from referrals.telling.evidence import Evidence
from referrals.telling.operator_mail_service import OperatorMail
from referrals.telling.unheard_service import Unheard
from referrals.telling.webhooks.dispatch import Deliverer, deliveries
from referrals.telling.webhooks.dispatch import any_due as any_delivery_due
from referrals.telling.webhooks.models import ENDING as DELIVERIES

_TICK_SECONDS = 1.0
_LOOK_SECONDS = 0.5
_UNCALLED_SECONDS = 30.0
_ANCHOR_SECONDS = 10.0
_HOLD_SECONDS = 5.0
_CALENDAR_SECONDS = 60.0
_UNHEARD_SECONDS = 10.0
_SUCCESSION_SECONDS = 5.0
_NOW = sa.bindparam("now", type_=Instant())
ENDINGS = (DELIVERIES, *CHANNELS, NOTICES, LINKS, CALLS, ending(ENDED_RIGHTS))


# Keyed by their names in `Calls`.
_WAITS: Mapping[str, sa.Exists] = {
    "timers": any_timer_due(_NOW),
    "notices": any_untold(),
    "webhooks": any_delivery_due(_NOW),
    **{kind.value: any_channel_due(_NOW, kind) for kind in ChannelKind},
    "restrictions": any_restriction_untold(),
}
_LOOK = sa.select(*(waits.label(name) for name, waits in _WAITS.items()))


class Calls:
    """Runs only the tasks that have work. One statement checks all of them twice a second; separate checks would take
    four round trips each."""

    def __init__(self) -> None:
        self.timers, self.notices = asyncio.Event(), asyncio.Event()
        self.webhooks, self.restrictions = asyncio.Event(), asyncio.Event()
        # One queue per transport.
        self.email, self.push, self.sms = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def look(self, database: Database) -> None:
        async with database.transaction() as session:
            await act_as_service(session)
            found = (await session.execute(_LOOK, {"now": clock.now()})).mappings().one()
        for name, called in vars(self).items():
            if found[name]:
                called.set()

    def passed_on(self, notices: int) -> int:
        """Wake webhooks and channels if there were notices; return the number of notices."""
        if notices:
            for called in (self.webhooks, self.email, self.push, self.sms):
                called.set()
        return notices


def background(context: ServiceContext) -> Sequence[BackgroundTask]:
    settings, database = context.settings, context.database
    keys: CaseKeys = context.parts["keys"]
    if not isinstance(settings, Settings):
        raise TypeError("the worker was made with settings of another service")
    calls = Calls()

    blind = BlindIndex(key_from_base64(settings.blind_index_key.get_secret_value()))

    def unused_since() -> datetime:
        return clock.now() - timedelta(days=settings.screening_retention_days)

    dates = Dates(database, CLOCK_LOOKS, context.metrics)

    async def timers() -> int:
        # Reminders continue even if the clock is in doubt, because silence does more harm, but no referral ends.
        return await fire_due(database, keys, clock.now(), ends=await dates.believed())

    # Run each one separately, because an error in one must not stop the others from erasing.
    for_good: Mapping[str, Callable[[], Awaitable[object]]] = {
        "reconsent": lambda: ask_reconsent(database, keys, clock.today()),
        "consent-ends": lambda: tell_ends(database, clock.now()),
        "appointments": lambda: remind(database, clock.now()),
        "retention": lambda: erase_expired(database, keys, clock.today()),
        "threads": lambda: forget_expired(database, keys, clock.now()),
        "unattached-screenings": lambda: erase_unattached(database, keys, unused_since()),
        "quarantine": lambda: discard_old(database, keys, unused_since()),
        "tool-ids": lambda: hide_tool_ids(
            database, key_from_base64(settings.stored_result_key.get_secret_value())
        ),
        "lapsed-channels": lambda: lapse(database),
    }

    async def webhooks(stop: asyncio.Event) -> None:
        allowed = networks(settings.webhook_private_networks)
        key = key_from_base64(settings.stored_result_key.get_secret_value())
        async with client(allowed) as http:
            deliverer = Deliverer(database, http, key, allowed, calls.webhooks)
            try:
                await repeat_when_called(deliverer.look, calls.webhooks, _UNCALLED_SECONDS, stop)
            finally:
                deliverer.stop()

    zone = ZoneInfo(settings.home_timezone)
    hand_over = timedelta(minutes=settings.hand_over_minutes)
    followers = (deliveries, partial(ping, zone=zone, hand_over=hand_over))

    async def pass_on() -> int:
        return calls.passed_on(await fan_out(database, followers))

    sealing = Sealing(key_from_base64(settings.stored_result_key.get_secret_value()))
    transports: Transports = context.parts["transports"]

    async def tell(kind: ChannelKind, stop: asyncio.Event) -> None:
        queue = Queue(database, transports, sealing, settings.public_url, zone, kind)
        called: asyncio.Event = getattr(calls, kind)
        async with client(networks(settings.webhook_private_networks)) as http:
            await work_off(
                queue.claim, lambda one: queue.tell(one, http), called, _UNCALLED_SECONDS, stop
            )

    evidence = Evidence(settings, database, keys, context.metrics)
    operator = OperatorMail(settings, evidence, transports.mail)
    holding = Holding(settings, database, keys, context.metrics)
    escalations_due = context.metrics.gauge(
        "ruta_escalations_due", "Timers that are due and have not fired."
    )

    async def measure_due() -> None:
        async with database.transaction() as session:
            await act_as_service(session)
            escalations_due.set(await count_due(session, clock.now()))

    unheard = Unheard(database, context.metrics, timedelta(minutes=settings.unheard_minutes))
    context.measures += [measure_due, unheard.measure, evidence.measure]
    tell_key_ages(
        context.metrics.registry, lambda: {"key-encryption": settings.key_encryption_keys_file}
    )
    return [
        context.relay(),
        context.consumer(SUBSCRIPTION),
        BackgroundTask.repeated("looking", partial(calls.look, database), _LOOK_SECONDS),
        _when_called("timers", timers, calls.timers),
        BackgroundTask.repeated(
            "stale", partial(_follow_dates, database, dates), _CALENDAR_SECONDS
        ),
        BackgroundTask.repeated(
            "successions", partial(offer_left_behind, database, keys, blind), _SUCCESSION_SECONDS
        ),
        BackgroundTask.repeated(
            "reports-of-ended", partial(give_back_of_ended, database), _SUCCESSION_SECONDS
        ),
        BackgroundTask.repeated(
            "services-handed-over", partial(end_with_former, database, keys), _SUCCESSION_SECONDS
        ),
        *(_by_the_calendar(name, work, dates) for name, work in for_good.items()),
        BackgroundTask.repeated("tombstones", evidence.tell, _TICK_SECONDS),
        _when_called("restrictions", evidence.tell_restrictions, calls.restrictions),
        BackgroundTask.repeated("holding", holding.look, _HOLD_SECONDS),
        BackgroundTask.repeated("operator-mail", operator.look, _CALENDAR_SECONDS),
        BackgroundTask.repeated("audit-anchor", evidence.anchor, _ANCHOR_SECONDS),
        _when_called("notices", pass_on, calls.notices),
        BackgroundTask.repeated("unheard", unheard.look, _UNHEARD_SECONDS),
        BackgroundTask.repeated("key-connections", keys.database.give_back, _CALENDAR_SECONDS),
        BackgroundTask("webhooks", webhooks),
        *(
            BackgroundTask(f"channels-{kind}", partial(tell, kind))
            for kind in sorted(transports.offered)
        ),
    ]


async def _follow_dates(database: Database, dates: Dates) -> None:
    """Flag referrals whose service has expired, if the clock is trusted; clear flags of services that are available
    again. No event announces a corrected clock."""
    now = clock.now()
    if await dates.believed():
        await database.retried(partial(flag_stale, now=now))
    await database.retried(partial(_clear_flags, now=now))


async def _clear_flags(session: AsyncSession, now: datetime) -> None:
    await act_as_service(session)
    if flagged := await flagged_services(session):
        await judge(session, flagged, now)


def _when_called(
    name: str, work: Callable[[], Awaitable[object]], called: asyncio.Event
) -> BackgroundTask:
    return BackgroundTask(
        name, lambda stop: repeat_when_called(work, called, _UNCALLED_SECONDS, stop)
    )


def _by_the_calendar(
    name: str, work: Callable[[], Awaitable[object]], dates: Dates
) -> BackgroundTask:
    async def once() -> None:  # never repeat at once, whatever `work` returned
        if await dates.believed():
            await work()

    return BackgroundTask.repeated(name, once, _CALENDAR_SECONDS)
