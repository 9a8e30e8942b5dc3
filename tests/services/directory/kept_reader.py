"""A reader that says whether documents were looked at, for tests of what is given again."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from services_directory.reading.rows_queries import Reader, Row
from stack.postgres import ServiceDatabase

from tests.support.patience import PATIENCE

T = TypeVar("T")


class Counting(Reader):
    """A real reader that says which statements it sent."""

    def __init__(self, database: ServiceDatabase) -> None:
        super().__init__(database.app_url, size=2, via_pgbouncer=False, name="kept-rows")
        self.sent: list[str] = []

    async def fetch(self, text: str, values: Sequence[Any], *, afresh: bool = False) -> list[Row]:
        self.sent.append(text)
        return await super().fetch(text, values, afresh=afresh)

    def looked(self) -> bool:
        """Whether documents were read since `sent` was cleared."""
        return any("service_documents" in text for text in self.sent)

    async def until_kept(self, ask: Callable[[], Awaitable[T]]) -> T:
        """As soon as no transaction runs that is older than the newest change: answered by what is kept."""
        end = time.monotonic() + PATIENCE
        while True:
            self.sent.clear()
            found = await ask()
            if not self.looked():
                return found
            assert time.monotonic() < end, "it is looked for each time"
            await asyncio.sleep(0.05)
