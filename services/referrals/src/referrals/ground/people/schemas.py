"""People's rights, which the gateway forwards from the issuer."""

from uuid import UUID

from common.http import Strict
from pydantic import Field


class Standing(Strict):
    """The rights of one active person or client."""

    organisation_id: UUID
    roles: list[str]
    scopes: list[str]
    aors: list[str]
    areas: list[str]


class PageOfPeople(Strict):
    """All active subjects after `after` and up to `until` (None means up to the last), in byte order. `as_of` is in
    seconds since 1970 by the issuer's clock."""

    as_of: float
    after: str
    until: str | None
    people: dict[str, Standing] = Field(max_length=1000)
