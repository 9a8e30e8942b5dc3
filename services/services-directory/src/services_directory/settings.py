"""What the directory reads from its environment."""

from typing import ClassVar

from common.settings import ServiceSettings
from pydantic import Field


class Settings(ServiceSettings):
    service: ClassVar[str] = "directory"

    publisher_name: str = Field(
        "Ruta", description="Publisher of the directory, as `/directory/v1/` names it."
    )
    publisher_identifier: str | None = Field(None, description="org-id.guide identifier.")
    publisher_email: str | None = Field(None, description="Where feedback on the data goes.")
    publisher_website: str | None = Field(None, description="The publisher's website.")
    data_guide_url: str | None = Field(
        None, description="A guide to the data for people; the profile's page if absent."
    )
    reminder_days: int = Field(
        14, ge=1, le=365, description="Days before `valid_until` on which the owner is reminded."
    )
    sweep_seconds: float = Field(
        60, gt=0, description="Seconds between two looks for entries that have become stale."
    )
