"""On which day a fact counts: the day it happened, or the day it arrived if that period was closed.

A closed period is never counted again (R4): what comes later posts to the current period.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID


@dataclass
class Arrivals:
    """What is needed to place facts, and the placements that must be remembered for a rebuild.

    `closed` are the first and last days of closed periods. `remembered` are earlier late arrivals
    by event. `seen` are events that had their effect before: their period was open then.
    """

    today: date
    closed: Collection[tuple[date, date]] = ()
    remembered: Mapping[UUID, date] = field(default_factory=dict)
    seen: Collection[UUID] = frozenset()
    late: dict[UUID, date] = field(default_factory=dict)

    def place(self, event_id: UUID, natural_day: date) -> date:
        """The day that counts; a newly late event is also put into `late`."""
        if event_id in self.remembered:
            return self.remembered[event_id]
        if event_id in self.seen or not self._is_closed(natural_day):
            return natural_day
        self.late[event_id] = self.today
        return self.today

    def _is_closed(self, day: date) -> bool:
        return any(start <= day <= end for start, end in self.closed)
