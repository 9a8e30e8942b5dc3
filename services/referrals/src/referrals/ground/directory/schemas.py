"""Request and response bodies for the teams that work a service's queue."""

from typing import Annotated

from common.http import Strict
from pydantic import Field


class TeamMembers(Strict):
    clients: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(max_length=200)
