"""Who signs in or asks for a token waits for a turn before a connection of the database is taken for it.

Comparing a secret takes long, and whoever guesses may ask from many places at once. Were all connections held by
those who wait, nobody could end anybody's rights, nor could the front read whose have ended.
"""

import asyncio

from common.web.bodies import again
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

_THESE = "/oauth/"


class Turns:
    """`most` requests below `/oauth` at a time. Their bodies are read before: a slow one has nobody wait."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._turns = asyncio.Semaphore(most)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(_THESE):
            await self._app(scope, receive, send)
            return
        try:
            body = await Request(scope, receive).body()
        except ClientDisconnect:
            return
        async with self._turns:
            await self._app(scope, again(body, receive), send)
