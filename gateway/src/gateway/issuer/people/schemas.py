"""Request and response bodies of the people routes."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from common.http import ShownOnce, Strict
from pydantic import BaseModel, ConfigDict, Field

from gateway.issuer.rights import Aors, Areas, Roles, Scopes

# A name for work, not an e-mail address. Ruta sends nothing to it.
SignInName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{2,62}$")]
InvitationDays = Annotated[int, Field(ge=1, le=30, description="For how many days the link works.")]


class NewPerson(Strict):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "sign_in_name": "m.rivas",
                    "organisation_id": "0190a000-0000-7000-8000-000000000001",
                    "roles": ["caseworker"],
                    "scopes": ["directory:read", "referrals:read", "referrals:write"],
                }
            ]
        }
    )

    sign_in_name: SignInName
    organisation_id: UUID
    roles: Roles
    scopes: Scopes = Field(
        default_factory=list, description="Left out: those that the roles carry."
    )
    aors: Aors = Field(
        default_factory=list, description="A coordinator needs one; nobody else has to have any."
    )
    areas: Areas = Field(default_factory=list)
    invitation_days: InvitationDays | None = Field(
        None, description="Make an invitation that lasts so long, instead of credentials."
    )


class NewInvitation(Strict):
    """A link by which a person chooses their own credentials."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"days": 7}]})

    days: InvitationDays = 7


class PersonChange(Strict):
    model_config = ConfigDict(json_schema_extra={"examples": [{"active": False}]})

    roles: Roles | None = None
    scopes: Scopes | None = None
    aors: Aors | None = None
    areas: Areas | None = None
    active: bool | None = None


class Person(BaseModel):
    id: UUID
    sign_in_name: str
    organisation_id: UUID
    roles: list[str]
    scopes: list[str]
    aors: list[str]
    areas: list[str]
    active: bool
    created_at: datetime
    invited_until: datetime | None = Field(
        description="Until when the person can use their invitation; null = they have none."
    )
    unread_since: datetime | None = Field(
        description="Since when a change of how they sign in waits for them to read it; null = nothing does."
    )
    not_asked_for_at: datetime | None = Field(
        description="When they last said that they had not asked for what was changed; null = never."
    )


class ColleagueView(BaseModel):
    """A person in your organisation. Records of actions refer to this `id`."""

    id: UUID
    sign_in_name: str
    active: bool
    roles: list[str]


class PersonWithCredentials(Person):
    """Credentials, shown only once. A repeated command returns null. If the first response was lost, renew the
    credentials."""

    password: ShownOnce = Field(None, description="Shown this once; hand it over in person.")
    second_factor_uri: ShownOnce = Field(
        None, description="otpauth:// for an authenticator app; shown this once."
    )
    invitation_url: ShownOnce = Field(
        None,
        description="Where the person chooses their own credentials, once. Shown this once.",
    )
