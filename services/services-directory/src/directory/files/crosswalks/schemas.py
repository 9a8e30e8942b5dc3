"""Request and response bodies for crosswalks."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from common.events.codes import Visibility
from common.words.each import Each
from pydantic import BaseModel, ConfigDict, Field

MOST_AT_ONCE = 1_000


class TermState(StrEnum):
    UNDECIDED = "undecided"
    DECIDED = "decided"


class CrosswalkSourceOut(BaseModel):
    """A publisher, identified by the namespace of its ids."""

    source: str
    terms: int
    undecided: int


class SourcesOut(BaseModel):
    items: list[CrosswalkSourceOut]


class SuggestionOut(Each[str]):
    """A suggestion. `score` is from 0 to 1. `because` contains our words that led to it. A suggestion is never applied
    automatically."""

    category: str
    score: float
    because: str
    minimum_visibility: Visibility = Field(
        description="Services get no more open than this if it is decided."
    )


class TermOut(BaseModel):
    """A term in a publisher's taxonomy. `categories` is absent while undecided, and empty if the term matches none of
    our categories."""

    id: UUID
    source: str
    taxonomy: str
    term: str
    name: str
    services: int = Field(description="Of those whose records you may read.")
    categories: list[str] | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    suggestions: list[SuggestionOut]


Categories = Annotated[list[str], Field(max_length=10)]


class DecisionIn(BaseModel):
    """A decision. In `categories`, null withdraws the decision; [] means none of our categories."""

    model_config = ConfigDict(extra="forbid")

    term_id: UUID
    categories: Categories | None


class DecisionsIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    decisions: Annotated[list[DecisionIn], Field(min_length=1, max_length=MOST_AT_ONCE)]


class FollowedOut(BaseModel):
    """The numbers of services that changed, that the worker will change, and that you may not change."""

    changed: int
    waiting: int
    refused: int
