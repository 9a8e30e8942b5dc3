"""A partner's webhook receiver: it counts calls, verifies signatures and responds with 204."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from aiohttp import web
from multidict import CIMultiDictProxy
from stack.embedded.ports import free_port
from standardwebhooks.webhooks import Webhook


class Receiver:
    """A receiver. `received` counts calls by (organisation, message id); `forged` counts calls with a wrong
    signature."""

    def __init__(self) -> None:
        self.port = free_port()
        self.received: Counter[tuple[str, str]] = Counter()
        self.forged = 0
        self.secrets: dict[str, str] = {}
        self.away = asyncio.Event()

    def url(self, organisation: str) -> str:
        return f"http://127.0.0.1:{self.port}/{organisation}"

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Receiver"]:
        app = web.Application()
        app.router.add_post("/{organisation}", self._take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        organisation = request.match_info["organisation"]
        secret = self.secrets.get(organisation)
        if secret is not None and self.received.total() % 50 == 0:
            self.forged += not _is_signed(secret, request.headers, body)
        self.received[(organisation, request.headers["webhook-id"])] += 1
        return web.Response(status=204)


def _is_signed(secret: str, headers: CIMultiDictProxy[str], body: bytes) -> bool:
    """Check only the signature, because the stack's clock may be hours off."""
    sent = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    expected = Webhook(secret).sign(headers["webhook-id"], sent, body.decode())
    return expected in headers["webhook-signature"].split(" ")
