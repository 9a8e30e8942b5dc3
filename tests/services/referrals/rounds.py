"""The worker's rounds for channels and webhooks, one message at a time, because a test has only one connection."""

from collections.abc import Collection
from zoneinfo import ZoneInfo

import aiohttp
from common.db.session import Database
from common.webhooks.addresses import Network
from referrals.telling.channels.dispatch import Queue
from referrals.telling.channels.sealed_addresses import Sealing
from referrals.telling.channels.transports.offered import Transports
from referrals.telling.webhooks.dispatch import Deliverer

_AT_ONCE = 20
ZONE = ZoneInfo("America/Caracas")


async def tell_due(
    database: Database,
    http: aiohttp.ClientSession,
    transports: Transports,
    sealing: Sealing,
    front: str,
) -> int:
    """Send everything due on every transport; return the number of checked channels."""
    count = 0
    for kind in sorted(transports.offered):
        queue = Queue(database, transports, sealing, front, ZONE, kind)
        looked_at, claimed = await queue.claim(_AT_ONCE, only_urgent=False)
        for one in claimed:
            await queue.tell(one, http)
        count += looked_at
    return count


async def deliver_due(
    database: Database, http: aiohttp.ClientSession, key: bytes, also: Collection[Network]
) -> int:
    """Call the due webhooks; return the number of attempts."""
    deliverer = Deliverer(database, http, key, also)
    return sum([await deliverer.call(webhook) for webhook in await deliverer.due()])
