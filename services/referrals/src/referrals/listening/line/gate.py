"""Opens only a few receipts at a time, because each takes 64 MiB and a third of a second on one core. A full queue
responds with "later", so that guessing cannot stop the service. The gateway counts requests per source, in memory."""

import asyncio

from common.errors import TOO_MANY_REQUESTS

from referrals.listening.line.receipts import Receipts, Unlocked

_AT_ONCE = 2
_WAITING = 30


class ReceiptGate:
    def __init__(self, receipts: Receipts) -> None:
        self.receipts = receipts
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._inside = 0

    async def unlock(self, receipt: str) -> Unlocked:
        """Return the receipt's locator and key; raise 429 while too many requests wait."""
        if self._inside >= _AT_ONCE + _WAITING:
            raise TOO_MANY_REQUESTS.because(
                "many_people_use_line_now_wait_little", headers={"Retry-After": "10"}
            )
        self._inside += 1
        try:
            async with self._room:
                return await asyncio.to_thread(self.receipts.unlock, receipt)
        finally:
            self._inside -= 1
