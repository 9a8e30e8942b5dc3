"""The local projection of directory services, and of the services in published pathways."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from referrals.tables import Instant, Row, Texts


class DirectoryService(Row, table=True):
    __tablename__ = "directory_services"

    service_id: UUID = Field(primary_key=True)
    organisation_id: UUID
    version: int
    categories: list[str] = Field(sa_type=Texts)
    aors: list[str] = Field(sa_type=Texts)
    areas: list[str] = Field(sa_type=Texts)
    visibility: str
    functional_status: str | None = None
    capacity_state: str | None = None
    referable: bool
    withdrawn: bool
    valid_until: datetime | None = Field(default=None, sa_type=Instant)
    minimum_age: int | None = None
    maximum_age: int | None = None
    endorsed_by: list[str] = Field(sa_type=Texts)
    seen_at: datetime = Field(sa_type=Instant)
    managed_by: UUID | None = None
    states: list[str] = Field(default_factory=list, sa_type=Texts)
    countries: list[str] = Field(default_factory=list, sa_type=Texts)
    # The version of the capacity, functional status and referable flag, which have their own event.
    state_version: int = 0
    # The organisation before the last change of organisation; None if there was none.
    former_organisation_id: UUID | None = None


class DirectoryOrganisation(Row, table=True):
    """An organisation with a directory record."""

    __tablename__ = "directory_organisations"

    organisation_id: UUID = Field(primary_key=True)
    seen_at: datetime = Field(sa_type=Instant)


class PathwayAlternative(Row, table=True):
    __tablename__ = "pathway_alternatives"

    pathway_id: UUID = Field(primary_key=True)
    step: str = Field(primary_key=True)
    need: str = Field(primary_key=True)
    rank: int = Field(primary_key=True)
    version: int
    aor: str
    area: str
    service_id: UUID


class TeamMember(Row, table=True):
    """A team member. If a service has a team, only its members and supervisors see the service's queue."""

    __tablename__ = "service_team"

    organisation_id: UUID = Field(primary_key=True)
    service_id: UUID = Field(primary_key=True)
    client: str = Field(primary_key=True)
