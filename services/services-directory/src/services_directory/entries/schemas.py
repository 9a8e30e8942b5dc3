"""What a write gives, whatever it wrote."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

Outcome = Literal["created", "changed", "unchanged"]


@dataclass(frozen=True)
class Upserted:
    """What became of a write. `version` is that of the record; its ETag is made from it."""

    id: UUID
    outcome: Outcome
    version: int
    state: str


class WrittenOut(BaseModel):
    id: UUID
    outcome: Outcome
    version: int
    state: str
