"""Tests the drill itself, which must know which messages a killed worker could not have stored."""

import asyncio
import random
from email.message import EmailMessage

import aiosmtplib
import pytest

from drills.told.outside import MOMENTS, Outside

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("moment", MOMENTS)
async def test_the_answer_to_a_killed_worker_is_unclear_and_that_to_another_is_not(
    moment: str,
) -> None:
    ended = asyncio.Event()
    outside = Outside(random.Random(1), lambda _: ended.set(), checks=False)  # noqa: S311 - dice
    async with outside.open():
        ports = [await outside.relay(number) for number in range(2)]
        outside.armed = moment
        for port in ports:
            await _mailed(port)
        await ended.wait()
    assert [(each.worker, outside.unclear(each)) for each in outside.taken] == [
        (0, True),
        (1, False),
    ]


async def _mailed(port: int) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Message-ID"] = "a@example.org", "b@example.org", "<1@x>"
    await aiosmtplib.send(mail, hostname="127.0.0.1", port=port)
