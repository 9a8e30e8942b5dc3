"""The worker's rounds of the channels' queues, one message after another: a test has one connection."""

import aiohttp
from common.db.session import Database
from referrals.telling.channels.dispatch import Queue
from referrals.telling.channels.sealing import Sealing
from referrals.telling.channels.transports.offered import Transports

_AT_ONCE = 20


async def tell_due(
    database: Database,
    http: aiohttp.ClientSession,
    transports: Transports,
    sealing: Sealing,
    front: str,
) -> int:
    """Tell what is due on every transport; returns how many channels were looked at."""
    count = 0
    for kind in sorted(transports.offered):
        queue = Queue(database, transports, sealing, front, kind)
        looked_at, claimed = await queue.claim(_AT_ONCE, only_urgent=False)
        for one in claimed:
            await queue.tell(one, http)
        count += looked_at
    return count
