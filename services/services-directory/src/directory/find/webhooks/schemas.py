"""Bodies of the directory's webhooks."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from common.http import ShownOnce, Strict
from pydantic import BaseModel, Field


class NewDirectoryWebhook(Strict):
    url: str = Field(max_length=2000, examples=["https://health.example.org/ruta"])


class DirectoryWebhook(BaseModel):
    """A webhook with its last call."""

    id: UUID
    url: str
    active: bool
    disabled_reason: Literal["answered_gone", "not_answered", "restored_backup"] | None
    held: bool = Field(
        False, description="Ruta does not call it while its owner or organisation is suspended."
    )
    created_at: datetime
    attempts: int = Field(description="Failed calls since the last answer of 2xx.")
    next_attempt_at: datetime
    called_at: datetime | None
    answer_status: int | None
    failure: str | None


class DirectoryWebhookSecret(DirectoryWebhook):
    secret: ShownOnce = Field(
        None, description="whsec_…; shown this once. If you lost it, rotate the secret."
    )


class DirectoryChanged(BaseModel):
    """The body of a call. It names no entry: read the changes with your own token."""

    type: Literal["directory.changed"]
    timestamp: datetime
    data: dict[Literal["changes"], str] = Field(
        description="The path to read, with the cursor that you stored."
    )
