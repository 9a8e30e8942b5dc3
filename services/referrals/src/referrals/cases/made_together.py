"""What one transaction has made for a person, handed on from one command to the next.

To register, to record a consent, to draft and to send are often done together, and each asks for what the one before
has just written. Nobody else sees that before the commit, and of the four only sending changes any of it, the draft that is
kept here: so it is as it stands there, as long as nothing but these four has come between. Any other command hands on
nothing.
"""

from collections.abc import Iterator
from typing import Any, TypeVar
from uuid import UUID

from common.database import hand_on, handed
from sqlalchemy.ext.asyncio import AsyncSession

T = TypeVar("T")


class Made:
    """By kind and ids. It lives as long as the batch, of some thirty commands."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Any] = {}

    def keep(self, thing: object, *ids: UUID | None) -> None:
        self._known[type(thing), *ids] = thing

    def find(self, kind: type[T], *ids: UUID | None) -> T | None:
        found: T | None = self._known.get((kind, *ids))
        return found

    def all(self, kind: type[T]) -> Iterator[T]:
        """Of a case that is known here each consent and each draft is, too."""
        return (thing for thing in self._known.values() if type(thing) is kind)


def made_together(session: AsyncSession) -> Made:
    """What the commands before this one made, and this one adds to."""
    made: Made = handed(session) or Made()
    hand_on(session, made)
    return made
