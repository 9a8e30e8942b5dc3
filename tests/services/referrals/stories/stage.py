"""The stage of the stories: one loop, one key store and one engine for all. Each story is rolled back at its end."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from common.crypto import key_from_base64
from common.db.session import Database
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from referrals.app import create_app
from referrals.ground.keys.store import CaseKeys
from referrals.listening.line.gate import ReceiptGate
from referrals.listening.line.receipts import Cost, Receipts
from referrals.settings import Settings
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncTransaction, create_async_engine
from stack.embedded.postgres import ServiceDatabase

from tests.services.referrals.stories.console import Console
from tests.services.referrals.story import Story
from tests.support.apps import with_built_routes
from tests.support.channel_servers import Answering, answering

QUICK = Cost(memory_kib=64, passes=1)


@dataclass
class Scene:
    """One story's app, with a connection that is rolled back."""

    story: Story
    app: FastAPI
    database: Database
    connection: AsyncConnection
    whole: AsyncTransaction


class Stage:
    def __init__(self, settings: Settings, database: ServiceDatabase) -> None:
        self.loop = asyncio.new_event_loop()
        self.settings = settings
        self.secret = key_from_base64(settings.blind_index_key.get_secret_value())
        self.keys = CaseKeys(
            Database.at(settings.key_store_url.get_secret_value(), pool_size=1),
            settings.key_encryption_keys_file,
        )
        self._described: dict[str, Any] = {}
        self.zone = ZoneInfo("America/Caracas")
        self.console, self.outside = Console(), Answering()
        self._engine = create_async_engine(database.app_url)
        self._opened = AsyncExitStack()

    async def open(self, folder: Path) -> None:
        self.outside = await self._opened.enter_async_context(answering())
        await self.console.start(folder)
        self._opened.push_async_callback(self.console.close)

    async def begin(self) -> Scene:
        connection = await self._engine.connect()
        whole = await connection.begin()
        bound = Database.bound_to(connection)
        receipts = ReceiptGate(Receipts(self.secret, QUICK))
        app = with_built_routes(
            create_app(self.settings, database=bound, keys=self.keys, receipts=receipts)
        )
        # This takes half a second, and the result never changes.
        described = self._described = self._described or app.openapi()
        setattr(app, "openapi", lambda: described)  # noqa: B010 - a method that a story replaces
        transport = ASGITransport(app, raise_app_exceptions=False)
        client = AsyncClient(transport=transport, base_url="http://ruta")
        self.console.api = client
        return Scene(Story(client, bound), app, bound, connection, whole)

    async def end(self, scene: Scene) -> None:
        await scene.story.client.aclose()
        await scene.whole.rollback()
        await scene.connection.close()

    async def close(self) -> None:
        await self._opened.aclose()
        await self.keys.close()
        await self._engine.dispose()
