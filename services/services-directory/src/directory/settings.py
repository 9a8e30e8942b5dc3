"""The directory's settings, read from environment variables."""

from pathlib import Path
from typing import ClassVar, Literal

from common.messages.settings import MessageSettings
from common.webhooks.settings import WebhookSettings
from pydantic import Field


class Settings(MessageSettings, WebhookSettings):
    service: ClassVar[str] = "directory"

    api_profile: Literal["hsds", "uk"] = Field(
        "hsds",
        description="What `/directory/v1/` says that it follows: HSDS 3.2.3, or `uk`: Open Referral UK 3.0.",
    )
    publisher_name: str = Field(
        "Ruta", description="Publisher of the directory, as `/directory/v1/` names it."
    )
    publisher_identifier: str | None = Field(None, description="org-id.guide identifier.")
    publisher_email: str | None = Field(None, description="Where feedback on the data goes.")
    publisher_website: str | None = Field(None, description="The publisher's website.")
    data_guide_url: str | None = Field(
        None, description="A guide to the data for people; the profile's page if absent."
    )
    home_country: str = Field(
        "VEN",
        pattern="^[A-Z]{3}$",
        description="ISO 3166-1 alpha-3 of the country whose states the public pages offer.",
    )
    exit_url: str = Field(
        "https://www.wikipedia.org/",
        pattern="^https://",
        description="Where the quick exit of the public pages leads.",
    )
    emergency_number: str = Field(
        "911", pattern="^[0-9 +]{2,20}$", description="What the public pages tell people in danger."
    )
    sms_questions_file: Path | None = Field(
        None,
        description="JSON that describes the gateway which passes on text messages of the public"
        " (docs/information-points.md); none = nobody asks by them.",
    )
    one_person_publishes: bool = Field(
        False,
        description="Whoever submitted a pathway or wrote a risk message may publish it, too: for"
        " operations of one person.",
    )
    reminder_days: int = Field(
        14, ge=1, le=365, description="Days before `valid_until` on which the owner is reminded."
    )
    import_most_lines: int = Field(
        5_000_000,
        ge=1,
        description="Lines that the tables of one imported package may have together.",
    )
    import_shrunk_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="A package in which this share of its publisher's entries is missing has to be"
        " confirmed by whoever imports it.",
    )
    sweep_seconds: float = Field(
        60, gt=0, description="Seconds between two looks for entries that have become stale."
    )
