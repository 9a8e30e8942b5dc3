"""Received events, sorted by kind."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar, cast
from uuid import UUID

from common.events.base import Event


class Identified(Protocol):
    """The fields of an envelope that recording needs."""

    @property
    def id(self) -> UUID: ...


Received = tuple[Event, Identified]
E = TypeVar("E", bound=Event)


class Sorted:
    """A batch, grouped by event class."""

    def __init__(self, batch: Iterable[Received]) -> None:
        self._by_class: dict[type[Event], list[Received]] = {}
        for received in batch:
            self._by_class.setdefault(type(received[0]), []).append(received)

    def of_kind(self, kind: type[E]) -> Sequence[tuple[E, Identified]]:
        """Return the events of a kind; events of the same class keep their arrival order."""
        found: list[Any] = []
        for one, received in self._by_class.items():
            if issubclass(one, kind):
                found += received
        return cast("list[tuple[E, Identified]]", found)
