"""Typed happenings: one capability raises them, and others handle them in the same transaction.

A happening is a frozen dataclass. The capability that raises it refers to no table or use case of another capability.
Each capability keeps its handlers in its own module; a service declares the handlers of a happening and their order in
one place. An undeclared happening aborts the transaction, so that no handler is missed because its module was not
loaded.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

H = TypeVar("H")
Follower = Callable[[AsyncSession, H], Awaitable[None]]
_FOLLOWERS: dict[type[Any], tuple[Follower[Any], ...]] = {}


def declare(kind: type[H], *followers: Follower[H]) -> None:
    """Declare all handlers, in this order, in one call. A second call with other handlers raises ValueError."""
    if _FOLLOWERS.setdefault(kind, followers) != followers:
        raise ValueError(f"others were declared to follow {kind.__name__}: declare all together")


async def tell(session: AsyncSession, happening: object) -> None:
    """Run all handlers, after flushing the changes made so far."""
    if type(happening) not in _FOLLOWERS:
        raise LookupError(f"nobody was declared to follow {type(happening).__name__}")
    await session.flush()
    for follow in _FOLLOWERS[type(happening)]:
        await follow(session, happening)
    await session.flush()
