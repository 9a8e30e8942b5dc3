"""Events of the directory service."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field

from common.events.base import Event
from common.events.codes import CapacityState, Code, PCode, Visibility
from common.sight import LEVELS


class ServiceData(Event):
    """The current state of a service, in codes. `areas` are as precise as its visibility allows. `visibility`,
    `organisation_id`, `managed_by`, `aors` and `states` decide who may see it (common.sight). `states` and `countries`
    are None in events of older versions."""

    service_id: UUID
    organisation_id: UUID
    categories: tuple[Code, ...] = ()
    aors: tuple[Code, ...] = ()
    areas: tuple[PCode, ...] = ()
    visibility: Visibility
    functional_status: Code | None = None
    capacity_state: CapacityState | None = None
    referable: bool
    valid_until: datetime | None = None
    minimum_age: int | None = None
    maximum_age: int | None = None
    provider_level: Code | None = None
    endorsed_by: tuple[Code, ...] = ()
    pre_crisis: bool | None = None
    managed_by: UUID | None = Field(None, description="Who keeps the entry, beside its owner.")
    states: tuple[PCode, ...] | None = Field(
        None, description="First-level areas whose pathway members see it."
    )
    countries: tuple[PCode, ...] | None = Field(
        None,
        description="Where it is: by its areas, else its sites' addresses, else its organisation."
        " Empty: nothing says it.",
    )


class ServicePublished(ServiceData):
    SUBJECT: ClassVar[str] = "ruta.directory.service.published.v1"


class ServiceChanged(ServiceData):
    SUBJECT: ClassVar[str] = "ruta.directory.service.changed.v1"


class ServiceWithdrawn(ServiceData):
    """The service is no longer offered or published; `referable` is false."""

    SUBJECT: ClassVar[str] = "ruta.directory.service.withdrawn.v1"


class HiddenPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    id: UUID
    visibility: Visibility


class SightChanged(Event):
    """All current restrictions of an entry, not only the changed ones. Copies outside the databases apply them again
    after a restore."""

    SUBJECT: ClassVar[str] = "ruta.directory.sight.changed.v1"

    entry_id: UUID
    entry: Code = Field("service", description="`service`, `organisation` or `risk_message`.")
    withdrawn: bool = False
    closed: Code | None = Field(
        None, description="Functional status in which nobody is sent there."
    )
    hidden: tuple[HiddenPart, ...] = Field(
        (),
        description="The entry and its parts that not everybody sees, each with its own visibility.",
    )
    held: Visibility | None = Field(
        None, description="Who sees it, without its place, because it may be a safe house."
    )

    def about(self) -> tuple[str, UUID]:
        return self.entry, self.entry_id

    def word(self) -> Mapping[str, Any]:
        """Return only the restrictions, with levels as numbers (`common.sight`) by part id."""
        hidden = {str(part.id): LEVELS[part.visibility] for part in self.hidden}
        said = {
            "hidden": hidden,
            "held": self.held and LEVELS[self.held],
            "withdrawn": self.withdrawn,
            "closed": self.closed,
        }
        return {name: value for name, value in said.items() if value}


class CapacityChanged(Event):
    SUBJECT: ClassVar[str] = "ruta.directory.capacity.changed.v1"

    service_id: UUID
    organisation_id: UUID
    capacity_state: CapacityState | None = None
    functional_status: Code | None = None
    referable: bool


class OrganizationRecorded(Event):
    """The directory has a record of this organisation."""

    SUBJECT: ClassVar[str] = "ruta.directory.organization.recorded.v1"

    organisation_id: UUID


class OrganizationSucceeded(Event):
    """Two people decided which organisation takes over another's work. Separate events announce the transfer of its
    services."""

    SUBJECT: ClassVar[str] = "ruta.directory.organization.succeeded.v1"

    succession_id: UUID
    organisation_id: UUID
    successor_id: UUID
    kind: Code = Field(
        description="`ended`; `merged`: part of the successor from now on; `split`: it goes on without a part."
    )
    areas: tuple[PCode, ...] = Field(
        (), description="Of a split: where the cases are that follow. Empty: none."
    )
    decided_at: datetime


class VerificationDue(Event):
    """An entry's verification expires on `due_on` or has expired, and the organisation in charge must check it again.
    `managed_by` is the organisation that entered it, if different."""

    SUBJECT: ClassVar[str] = "ruta.directory.verification.due.v1"

    service_id: UUID
    organisation_id: UUID
    managed_by: UUID
    aors: tuple[Code, ...] = ()
    due_on: date
    expired: bool


class PathwayStep(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    step: Code
    need: Code
    alternatives: tuple[UUID, ...] = Field((), description="Services of this step, best first.")


class PathwayPublished(Event):
    SUBJECT: ClassVar[str] = "ruta.directory.pathway.published.v1"

    pathway_id: UUID
    aor: Code
    area: PCode
    steps: tuple[PathwayStep, ...] = ()


class GapObserved(Event):
    """The number of times that resolve found no service, per day (per week if there is no `day`). It contains nothing
    about the callers."""

    SUBJECT: ClassVar[str] = "ruta.directory.gap.observed.v1"

    area: PCode
    need: Code
    group: Code
    week: str = Field(pattern=r"^\d{4}-W\d{2}$")
    day: date | None = None
    count: int = Field(ge=1)

    def about(self) -> tuple[str, UUID]:
        counted = f"{self.area} {self.need} {self.group} {self.day or self.week}"
        return "gap", uuid5(NAMESPACE_URL, f"ruta:gap:{counted}")
