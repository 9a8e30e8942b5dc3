"""How far a standby has followed its primary, and whether that is enough to answer for it. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Row = Sequence[Any]
OK = "ok"
BEHIND = "behind"
AWAY = "away"
NO_STANDBY = "no standby"
OTHER_TIMELINE = "on an older timeline"
UNKNOWN = "not looked at yet"
REMEDY = (
    "the standby of RUTA_DATABASE_READ_URL is not read from, the primary answers: look at its replication"
    " (IM guide, RutaStandbyUnused)"
)


class NotThereError(Exception):
    """The standby cannot answer this reading; `why` is one of the states."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class Position:
    """A place in the log of a primary: its timeline, and bytes since the log began."""

    timeline: int
    at: int

    def includes(self, other: "Position") -> bool:
        """Whether whoever has replayed so far has replayed `other`, too. A server that was left on an older
        timeline may be further in bytes, and knows nothing of what a new primary wrote."""
        return self.timeline >= other.timeline and self.at >= other.at


def of_primary(row: Row) -> Position:
    return Position(int(row[0], 16), int(row[1]))


def of_standby(row: Row) -> Position:
    """NotThereError of a server that follows nobody: whether it is still the primary, it cannot know."""
    follows, at, timeline = row
    if not follows:
        raise NotThereError(NO_STANDBY)
    return Position(int(timeline), int(at))
