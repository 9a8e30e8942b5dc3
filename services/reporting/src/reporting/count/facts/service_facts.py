"""The state of one directory service, built from its events in any order."""

from dataclasses import dataclass, replace
from uuid import UUID

from common.events.directory import CapacityChanged, ServiceData, ServiceWithdrawn


@dataclass(frozen=True)
class ServiceFact:
    """A service's state. `version` comes from the last full description, `state_version` from the last state."""

    service_id: UUID
    organisation_id: UUID
    version: int = 0
    categories: tuple[str, ...] = ()
    aors: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    listed: bool = False
    state_version: int = 0
    capacity_state: str | None = None
    functional_status: str | None = None
    referable: bool = False


def describe(fact: ServiceFact, event: ServiceData) -> ServiceFact:
    """Return the fact after a full description of the service."""
    if event.version > fact.version:
        fact = replace(
            fact,
            version=event.version,
            organisation_id=event.organisation_id,
            categories=tuple(sorted(event.categories)),
            aors=tuple(sorted(event.aors)),
            areas=tuple(sorted(event.areas)),
            listed=not isinstance(event, ServiceWithdrawn),
        )
    return change_state(fact, event)


def change_state(fact: ServiceFact, event: ServiceData | CapacityChanged) -> ServiceFact:
    """Return the fact after a change of capacity or functional status."""
    if event.version <= fact.state_version:
        return fact
    return replace(
        fact,
        state_version=event.version,
        capacity_state=event.capacity_state,
        functional_status=event.functional_status,
        referable=event.referable,
    )
