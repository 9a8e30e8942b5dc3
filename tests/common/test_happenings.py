"""The handlers of a happening are declared together, in one call."""

from dataclasses import dataclass

import pytest
from common.happenings import declare, tell
from sqlalchemy.ext.asyncio import AsyncSession


async def test_a_second_declaration_takes_nobody_away() -> None:
    @dataclass(frozen=True)
    class Happened:
        told: list[str]

    async def one(_: AsyncSession, happening: Happened) -> None:
        happening.told.append("one")

    async def other(_: AsyncSession, happening: Happened) -> None:
        happening.told.append("other")

    declare(Happened, one, other)
    declare(Happened, one, other)  # Each app in a process declares the same handlers.
    with pytest.raises(ValueError, match="declare all together"):
        declare(Happened, other)
    happening = Happened([])
    async with AsyncSession() as session:
        await tell(session, happening)
    assert happening.told == ["one", "other"]
