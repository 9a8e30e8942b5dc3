"""Forms of subscribers."""

from common.words.languages import PageLanguage
from pydantic import BaseModel, ConfigDict, Field


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str = Field(max_length=320, examples=["boletines@example.org"])
    language: PageLanguage = "es"
