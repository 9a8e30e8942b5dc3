"""The base class of every written HSDS object: strict, without control characters or nulls."""

import re
from collections.abc import Collection
from datetime import date, datetime, time
from typing import Annotated, Any, LiteralString
from uuid import UUID

from common.unseen import TURNING
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError


def _matching(pattern: str, told: LiteralString) -> AfterValidator:
    """Return a validator that raises the error `told` unless the whole text matches `pattern`."""
    known = re.compile(pattern)

    def check(value: str) -> str:
        if not known.fullmatch(value):
            raise PydanticCustomError("text_unfit", told)
        return value

    return AfterValidator(check)


_CLEAN = _matching(
    rf"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f{TURNING}]*", "control characters are not text"
)
_EMAIL = _matching(r"[^@\s]+@[^@\s]+\.[^@\s]+", "not an e-mail address")
_URI = _matching(
    r"[a-zA-Z][a-zA-Z0-9+.-]*:[^\s<>\"{}|\\^`]+",
    "not a URI: it needs a scheme and no spaces, such as https://example.org",
)


PROGRAMS = ("javascript:", "vbscript:", "data:")
"""Schemes of links that run code."""


def _leads_somewhere(value: str) -> str:
    """Refuse links that run code, such as `javascript:`, because the directory shows these values as links."""
    if value.lower().startswith(PROGRAMS):
        raise ValueError("a link leads somewhere, and runs nothing")
    return value


def _is_date(value: str) -> str:
    date.fromisoformat(value)
    return value


def _is_instant(value: str) -> str:
    datetime.fromisoformat(value)
    return value


def _is_time(value: str) -> str:
    time.fromisoformat(value)
    return value


# Dates and times keep the given text, so that a document is returned byte for byte.
Text = Annotated[str, Field(max_length=20_000), _CLEAN]
Short = Annotated[str, Field(min_length=1, max_length=1_000), _CLEAN]
DateText = Annotated[str, Field(max_length=10), AfterValidator(_is_date)]
InstantText = Annotated[str, Field(max_length=40), AfterValidator(_is_instant)]
TimeText = Annotated[str, Field(max_length=24), AfterValidator(_is_time)]
Uri = Annotated[str, Field(max_length=2_000), _CLEAN, _URI, AfterValidator(_leads_somewhere)]
Email = Annotated[str, Field(max_length=320), _CLEAN, _EMAIL]
Number = Annotated[
    Annotated[int, Field(strict=True, ge=-(2**53), le=2**53)]
    | Annotated[float, Field(strict=True, allow_inf_nan=False)],
    Field(),
]


class Hsds(BaseModel):
    """An object with an optional id. Without an id, it gets a stable one from its position in the document."""

    model_config = ConfigDict(extra="forbid", frozen=False, allow_inf_nan=False)

    id: UUID | None = None

    @model_validator(mode="before")
    @classmethod
    def _nulls_are_absences(cls, data: Any) -> Any:
        # HSDS has no nulls, so a null from a client means that the value is absent.
        if isinstance(data, dict) and None in data.values():
            return {key: value for key, value in data.items() if value is not None}
        return data

    def plain(self, without: Collection[str] = ()) -> dict[str, Any]:
        """Return the JSON form without nulls, empty values and the members in `without`."""
        return without_empty(
            self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=set(without))
        )


def without_empty(value: dict[str, Any]) -> dict[str, Any]:
    """Return the object without empty members, at every depth (HSDS: omit empty fields)."""
    kept = {key: _less_empty(item) for key, item in value.items()}
    return {key: item for key, item in kept.items() if item not in _EMPTY}


def _less_empty(item: Any) -> Any:
    if isinstance(item, dict):
        return without_empty(item)
    if isinstance(item, list):
        return [kept for each in item if (kept := _less_empty(each)) not in _EMPTY]
    return item


_EMPTY: tuple[Any, ...] = (None, "", [], {})
