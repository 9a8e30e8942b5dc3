"""Events as they arrived, sorted by kind."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Protocol, TypeVar, cast
from uuid import UUID

from common.events.base import Event


class Identified(Protocol):
    """What recording needs of an envelope."""

    @property
    def id(self) -> UUID: ...


Received = tuple[Event, Identified]
E = TypeVar("E", bound=Event)


class Sorted:
    """A batch by the classes of its events: asking for a kind looks at no event again."""

    def __init__(self, batch: Iterable[Received]) -> None:
        self._by_class: dict[type[Event], list[Received]] = {}
        for received in batch:
            self._by_class.setdefault(type(received[0]), []).append(received)

    def of_kind(self, kind: type[E]) -> Sequence[tuple[E, Identified]]:
        """The events of a kind; those of one class in the order of arrival."""
        found: list[Any] = []
        for one, received in self._by_class.items():
            if is_kind(one, kind):
                found += received
        return cast("list[tuple[E, Identified]]", found)


@cache
def is_kind(event: type[Event], kind: type[Event]) -> bool:
    """`issubclass`, remembered: pydantic's answer takes microseconds, and a batch asks often."""
    return issubclass(event, kind)
