"""The result of writing any entry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal
from uuid import UUID

from common.words.enums import enum_of
from pydantic import BaseModel, Field

from directory.ground.entries.states import EntryState

Outcome = Literal["created", "changed", "unchanged"]
EntryStateCode = Annotated[str, enum_of(EntryState)]


@dataclass(frozen=True)
class Upserted:
    """The result of a write. `version` is the version of the record, from which the ETag is derived."""

    id: UUID
    outcome: Outcome
    version: int
    state: str
    may_be_house: Sequence[str] = ()
    stored: Mapping[str, Any] = field(default_factory=dict)
    """The record with its `organization`; only for services."""


class WrittenOut(BaseModel):
    id: UUID
    outcome: Outcome
    version: int
    state: EntryStateCode
    may_be_house: list[str] | None = Field(
        None,
        description="Words by which it may be a safe house: verified organisations see it without its place, and"
        " nobody else sees it, until somebody looks (`/directory/v1/records/houses`).",
    )
