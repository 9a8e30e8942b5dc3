"""Keeps the old spelling of members that our own API now writes with "organisation". HSDS entries keep HSDS's spelling."""

from datetime import date
from typing import Any
from uuid import UUID

from pydantic import BaseModel, computed_field

SINCE = date(2026, 12, 3)


def old_spelling_of(name: str) -> dict[str, Any]:
    """Return the arguments of a computed field that repeats the member `name`."""
    told = f"The old spelling of `{name}`."
    return {"description": told, "json_schema_extra": {"deprecated": True}}


class OfOrganisation(BaseModel):
    """The base of answers that name an organisation."""

    organisation_id: UUID

    @computed_field(**old_spelling_of("organisation_id"))  # type: ignore[prop-decorator]
    @property
    def organization_id(self) -> UUID:
        return self.organisation_id


def takes_old_spelling(schema: dict[str, Any]) -> None:
    """Describe that a body may name the organisation by the old spelling instead."""
    own = schema["properties"]["organisation_id"]
    old = {**own, "deprecated": True, "description": "The old spelling of `organisation_id`."}
    schema["properties"]["organization_id"] = old
    schema["required"].remove("organisation_id")
