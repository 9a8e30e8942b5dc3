"""The rights that an identity may hold, each checked against what Ruta knows."""

from collections.abc import Iterable
from typing import Annotated

from common.auth import SCOPES, Role
from common.words.codelists import pathways
from common.words.places import Places
from pydantic import AfterValidator, Field


def _all_in(values: list[str], known: Iterable[str], what: str) -> list[str]:
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ValueError(f"not {what}: {', '.join(unknown)}")
    return sorted(set(values))


def _scopes(values: list[str]) -> list[str]:
    return _all_in(values, SCOPES, "a scope")


def _roles(values: list[str]) -> list[str]:
    return _all_in(values, list(Role), "a role")


def _aors(values: list[str]) -> list[str]:
    return _all_in(values, pathways(), "an area of responsibility")


def _areas(values: list[str]) -> list[str]:
    places = Places.load()
    unknown = sorted(value for value in set(values) if not places.is_known(value))
    if unknown:
        raise ValueError(f"not a P-code: {', '.join(unknown)}")
    return sorted(set(values))


Scopes = Annotated[list[str], Field(max_length=20), AfterValidator(_scopes)]
Roles = Annotated[list[str], Field(max_length=20), AfterValidator(_roles)]
Aors = Annotated[list[str], Field(max_length=20), AfterValidator(_aors)]
Areas = Annotated[
    list[str],
    Field(max_length=200, description="P-codes that the AoRs hold in; empty = everywhere."),
    AfterValidator(_areas),
]
