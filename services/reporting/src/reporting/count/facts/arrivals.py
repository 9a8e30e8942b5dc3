"""Decides on which day a fact counts: the day it happened, or the day it arrived if the earlier period was already
closed.

A closed period is never counted again (R4); late facts count in the current period. Each population closes separately:
closing one moves no fact of another.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

REFERRED, SCREENED, SEARCHES = "referred-persons", "screened-or-assisted-persons", "searches"
"""The populations of facts, as named in `populations.json`."""


@dataclass
class Arrivals:
    """The data for placing facts, including placements that a rebuild must repeat. `closed`: populations with the first
    and last days of their closed periods. `remembered`: earlier late arrivals by event. `seen`: events applied while
    their period was open."""

    today: date
    closed: Collection[tuple[str, date, date]] = ()
    remembered: Mapping[UUID, date] = field(default_factory=dict)
    seen: Collection[UUID] = frozenset()
    late: dict[UUID, date] = field(default_factory=dict)

    def place(self, population: str, event_id: UUID, natural_day: date) -> date:
        """Return the day on which the event counts, and add a newly late event to `late`."""
        if event_id in self.remembered:
            return self.remembered[event_id]
        if event_id in self.seen or not self._is_closed(population, natural_day):
            return natural_day
        self.late[event_id] = self._open_day(population)
        return self.late[event_id]

    def _open_day(self, population: str) -> date:
        """Return today or, if a replica with a faster clock has already closed today's period, the next open day."""
        day = self.today
        for of, start, end in sorted(self.closed):
            if of == population and start <= day <= end:
                day = end + timedelta(days=1)
        return day

    def _is_closed(self, population: str, day: date) -> bool:
        return any(of == population and start <= day <= end for of, start, end in self.closed)
