"""Events as they arrived, sorted by kind."""

from collections.abc import Sequence
from functools import cache
from typing import TypeVar, cast

from common.events.base import Event
from common.events.envelope import Envelope

Received = tuple[Event, Envelope]
E = TypeVar("E", bound=Event)


def of_kind(batch: Sequence[Received], kind: type[E]) -> list[tuple[E, Envelope]]:
    """The events of a kind, in the order of arrival."""
    return [cast("tuple[E, Envelope]", each) for each in batch if is_kind(type(each[0]), kind)]


@cache
def is_kind(event: type[Event], kind: type[Event]) -> bool:
    """`issubclass`, remembered: pydantic's answer takes microseconds, and a batch asks often."""
    return issubclass(event, kind)
