"""Whoever asks for a token waits for a turn before it takes a connection of the database.

Comparing a secret takes long, and whoever guesses may ask from many places at once. Were all connections held by
those who wait, nobody could end anybody's rights, nor could the front read whose have ended. A sign-in takes its
turns itself, and none while a password is compared; pages need none.
"""

import asyncio

from common.http.bodies import again
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

_THESE, _ITSELF = "/oauth/", "/oauth/authorize"


class Turns:
    """One of `turns` for each command below `/oauth`. Its body is read before: a slow one has nobody wait."""

    def __init__(self, app: ASGIApp, turns: asyncio.Semaphore) -> None:
        self._app = app
        self._turns = turns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _takes_turns(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            body = await Request(scope, receive).body()
        except ClientDisconnect:
            return
        async with self._turns:
            await self._app(scope, again(body, receive), send)


def _takes_turns(method: str, path: str) -> bool:
    return method == "POST" and path.startswith(_THESE) and path != _ITSELF
