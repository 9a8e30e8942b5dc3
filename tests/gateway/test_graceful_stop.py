"""After SIGTERM under load, requests in progress finish and later ones are refused before they begin."""

import asyncio
import os
import signal
from collections import Counter

import httpx
import pytest

from tests.gateway.whole_gateway import Gateway, another_front
from tests.support.patience import PATIENCE

SLOW = "/directory/v1/slow-1.5"
LARGE = "/directory/v1/stream-20"


@pytest.mark.slow
async def test_open_requests_are_answered_whole_and_the_process_ends(gateway: Gateway) -> None:
    with another_front(gateway) as front:
        process = front.processes["front"].running
        assert process is not None
        token, before = gateway.bearer(), gateway.counts("referrals")["seen"]
        begun = gateway.counts("directory")["seen"]
        progress = [0] * 4
        async with httpx.AsyncClient(base_url=front.url, headers=token, timeout=PATIENCE) as client:
            slow = [asyncio.create_task(client.get(SLOW)) for _ in range(20)]
            large = [asyncio.create_task(client.get(LARGE)) for _ in range(3)]
            busy = [
                asyncio.create_task(_asked_until_refused(front.url, token, progress, each))
                for each in range(4)
            ]
            # Wait until a service handles each request; on a busy machine that takes a while.
            while not all(progress) or await _seen(gateway) - begun < len(slow) + len(large):
                assert not any(each.done() for each in busy)
                await asyncio.sleep(0.02)
            os.kill(process.pid, signal.SIGTERM)
            answers = await asyncio.gather(*slow, *large)
            assert Counter(answer.status_code for answer in answers) == {200: 23}
            assert {len(answer.content) for answer in answers[20:]} == {20 * 2**20}
            await asyncio.gather(*busy)
        # Every request that reached a service got a response; the others never reached one.
        assert gateway.counts("referrals")["seen"] - before == sum(progress)
        assert await asyncio.to_thread(process.wait, PATIENCE) == -signal.SIGTERM


async def _seen(gateway: Gateway) -> int:
    return (await asyncio.to_thread(gateway.counts, "directory"))["seen"]


async def _asked_until_refused(
    url: str, headers: dict[str, str], progress: list[int], own: int
) -> None:
    """Send requests over one connection until it closes and no new one opens. Count the responses in
    `progress[own]`."""
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=PATIENCE) as client:
        while True:
            try:
                answer = await client.post("/referrals/v1/cases", json={"count": progress[own]})
            except httpx.TransportError:
                return
            assert answer.status_code == 200
            progress[own] += 1
            await asyncio.sleep(0.01)
