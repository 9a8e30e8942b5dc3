"""Typed happenings of one capability that others handle in the same transaction.

A happening is a frozen dataclass. The capability that raises it names no table and no use case of another. Each
capability keeps its handlers in a module of its own; a service declares in one place who handles a happening, in
which order. A happening without a declaration stops the transaction: a handler must not be missed because its module
was not loaded.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

H = TypeVar("H")
Follower = Callable[[AsyncSession, H], Awaitable[None]]
_FOLLOWERS: dict[type[Any], tuple[Follower[Any], ...]] = {}


def declare(kind: type[H], *followers: Follower[H]) -> None:
    """Declare all handlers, in this order, in one call: a second call replaces the first."""
    if _FOLLOWERS.setdefault(kind, followers) != followers:
        raise ValueError(f"others were declared to follow {kind.__name__}: declare all together")


async def tell(session: AsyncSession, happening: object) -> None:
    """Let everybody follow. What was changed so far is sent first."""
    if type(happening) not in _FOLLOWERS:
        raise LookupError(f"nobody was declared to follow {type(happening).__name__}")
    await session.flush()
    for follow in _FOLLOWERS[type(happening)]:
        await follow(session, happening)
    await session.flush()
