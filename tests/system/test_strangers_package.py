"""An unknown publisher's package of 4,000 services through the gateway. Each cell is stored, changed, reported or
refused."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.read_back import ReadBack, read_back
from tests.support.strangers_package import write_strangers_package
from tests.support.system import System, until

pytestmark = [pytest.mark.system, pytest.mark.slow]
WHO = "im-officer"
IMPORTS = "/directory/v1/imports"


def test_no_cell_of_4000_services_is_silent(system: System, tmp_path: Path) -> None:
    path = write_strangers_package(tmp_path / "package.zip", 4_000, 45)
    ask = system.running.request
    query = {"mode": "skip-bad", "source": "stranger", "visibility": "public"}
    begun = ask(WHO, "POST", IMPORTS, params=query, content=path.read_bytes()).json()
    found: dict[str, Any] = {}

    def ended() -> bool:
        found.update(ask(WHO, "GET", f"{IMPORTS}/{begun['id']}").json())
        return found["state"] not in ("queued", "running")

    until(ended, "the end of the import")
    assert found["state"] == "finished", found["notes"]
    assert found["rows"]["read"] == 4_002
    assert found["services"]["created"] > 2_000
    back = asyncio.run(_read_back(system, path, found))
    assert back.silent == {}
    assert back.cells > 80_000


async def _read_back(system: System, path: Path, done: dict[str, Any]) -> ReadBack:
    class Signed(httpx.Auth):
        def auth_flow(self, request: httpx.Request) -> Any:
            request.headers["Authorization"] = f"Bearer {system.running.token(WHO)}"
            yield request

    async with httpx.AsyncClient(base_url=system.running.url, auth=Signed(), timeout=60) as api:
        return await read_back(api, path, done, {})
