"""Announces changes to the other services, one event per change. Events contain only codes, and are no more exact than
the service's own visibility allows."""

import math
from dataclasses import dataclass, field
from typing import Any

from common import clock
from common.events.base import Event
from common.events.directory import (
    CapacityChanged,
    ServiceChanged,
    ServiceData,
    ServicePublished,
    ServiceWithdrawn,
)
from common.messaging import outbox
from common.sight import NAMES, PUBLIC
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.entries.offered import is_withdrawn, is_withheld
from directory.ground.entries.restriction_events import sight_of
from directory.ground.hsds.countries import countries_of
from directory.ground.hsds.restricted import word_of
from directory.ground.hsds.views import Facts
from directory.ground.hsds.visibility import level_of
from directory.record.documents.prepared import Prepared
from directory.record.records.service import Told, remember_told
from directory.tables import COMMON

_CAPACITY = ("capacity_state", "functional_status", "referable")


@dataclass
class Announcements:
    """Collects the events of a batch of services and writes them in a few statements."""

    events: list[Event] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)

    def service(
        self, row: Any, prepared: dict[int, Prepared], facts: Facts, *, changed: bool
    ) -> None:
        """Add the events of one service. Add none if nothing changed that a reader could see."""
        before, after, steps = row.announced, row.announced, 0
        if prepared:
            told = _data(row, prepared[level_of(row.approved)], facts)
            if before != told or changed:
                after, steps = told, self._published(row, before, told)
        elif before is not None:
            self._add(row, ServiceWithdrawn, {**before, "referable": False})
            after, steps = None, 1
        withdrawn = is_withdrawn(row.state, row.restricted)
        held = PUBLIC if row.own is row.approved else level_of(row.approved)
        word = word_of(row.own, withdrawn=withdrawn, held=held)
        if word != (row.restricted or {}):
            steps += 1
            event = sight_of("service", row.id, row.event_version + steps, word)
            self.events.append(event)
        suspended = row.organisation_suspended
        withheld = is_withheld(
            row.approved, row.state, row.restricted, organisation_suspended=suspended
        )
        if steps or row.restricted is None or withheld != row.withheld:
            version = row.event_version + steps
            self.told.append(Told(row.id, version, after, word, withheld=withheld))

    def _published(self, row: Any, before: dict[str, Any] | None, after: dict[str, Any]) -> int:
        """Add the events of a published service and return their number."""
        self._add(row, ServicePublished if before is None else ServiceChanged, after)
        steps = 1
        if before is not None and any(before.get(key) != after.get(key) for key in _CAPACITY):
            steps = 2
            event = CapacityChanged(
                version=row.event_version + steps,
                service_id=row.id,
                organisation_id=row.organization_id,
                capacity_state=after.get("capacity_state"),
                functional_status=after.get("functional_status"),
                referable=after["referable"],
            )
            self.events.append(event)
        return steps

    def _add(self, row: Any, kind: type[ServiceData], data: dict[str, Any]) -> None:
        event = kind.model_validate({**data, "version": row.event_version + 1})
        self.events.append(event)

    async def write(self, session: AsyncSession) -> None:
        await outbox.append_all(session, COMMON, self.events)
        await remember_told(session, self.told)


def _data(row: Any, open_form: Prepared, facts: Facts) -> dict[str, Any]:
    """Return the event data as JSON, taken from the service's most open document."""
    columns = open_form.columns
    until = columns.valid_until
    data = {
        "service_id": str(row.id),
        "organisation_id": str(row.organization_id),
        "categories": columns.categories,
        "aors": list(row.aors),
        "areas": columns.areas,
        "visibility": NAMES[open_form.level],
        "functional_status": columns.functional_status,
        "capacity_state": columns.capacity_state,
        "referable": facts.referable,
        "valid_until": until and clock.ends(until).isoformat(),
        "minimum_age": None if columns.minimum_age is None else math.floor(columns.minimum_age),
        "maximum_age": None if columns.maximum_age is None else math.ceil(columns.maximum_age),
        "provider_level": columns.provider_level,
        "endorsed_by": list(facts.endorsed_by),
        "pre_crisis": columns.pre_crisis,
        "managed_by": str(row.managed_by),
        "states": list(row.states),
        "countries": countries_of(row.approved, row.organization),
    }
    return {key: value for key, value in data.items() if value is not None}
