"""What happens in one capability and has to be followed in others, in the same transaction.

A happening is a frozen dataclass. Whoever lets it happen names no table and no use case of another
capability. Each capability keeps what it does in a module of its own; a service declares in
one place who follows, in which order. A happening for which nobody was declared stops the
transaction: nothing may be forgotten because a module was not loaded.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

H = TypeVar("H")
Follower = Callable[[AsyncSession, H], Awaitable[None]]
_FOLLOWERS: dict[type[Any], tuple[Follower[Any], ...]] = {}


def declare(kind: type[H], *followers: Follower[H]) -> None:
    """Who follows, in this order: all of them at once. Declared otherwise, those before would follow no more."""
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
