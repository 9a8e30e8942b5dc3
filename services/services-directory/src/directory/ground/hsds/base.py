"""The base of every HSDS object that is written: strict, without control characters, no nulls."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from typing import Annotated, Any
from uuid import UUID

from common.unseen import TURNING
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic_core import core_schema


@dataclass(frozen=True, slots=True)
class _Matching:
    """A text that `pattern` holds for, else `told`. Looked at by pydantic's own engine: a service has
    hundreds of texts, and a call of Python for each is a tenth of reading it."""

    pattern: str
    told: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        looked_at = core_schema.custom_error_schema(
            core_schema.str_schema(pattern=self.pattern),
            custom_error_type="text_unfit",
            custom_error_message=self.told,
        )
        return core_schema.chain_schema([handler(source), looked_at])

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        # A validator that comes after wraps the chain: then the chain is met again inside.
        return handler(schema["steps"][0] if schema["type"] == "chain" else schema)


_CLEAN = _Matching(
    rf"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f{TURNING}]*$", "control characters are not text"
)
_EMAIL = _Matching(r"^[^@\s]+@[^@\s]+\.[^@\s]+$", "not an e-mail address")
_URI = _Matching(
    r"^[a-zA-Z][a-zA-Z0-9+.-]*:[^\s<>\"{}|\\^`]+$",
    "not a URI: it needs a scheme and no spaces, such as https://example.org",
)


PROGRAMS = ("javascript:", "vbscript:", "data:")
"""What a link begins with that runs what is written in it."""


def _leads_somewhere(value: str) -> str:
    """Whoever shows the directory makes links of these: one that runs what is written in it is none."""
    if value.lower().startswith(PROGRAMS):
        raise ValueError("a link leads somewhere, and runs nothing")
    return value


# The same few dates and times stand in most entries: looked at once. What is refused is not kept.
@lru_cache(maxsize=1_024)
def _is_date(value: str) -> str:
    date.fromisoformat(value)
    return value


@lru_cache(maxsize=1_024)
def _is_instant(value: str) -> str:
    datetime.fromisoformat(value)
    return value


@lru_cache(maxsize=1_024)
def _is_time(value: str) -> str:
    time.fromisoformat(value)
    return value


# Dates and instants stay the text that was given, so that a document comes back byte for byte.
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
    """An object with an optional id: one without gets a stable id from its place in the document."""

    model_config = ConfigDict(extra="forbid", frozen=False, allow_inf_nan=False)

    id: UUID | None = None

    @model_validator(mode="before")
    @classmethod
    def _nulls_are_absences(cls, data: Any) -> Any:
        # HSDS sends no nulls; a client that does means "I have nothing here".
        if isinstance(data, dict) and None in data.values():
            return {key: value for key, value in data.items() if value is not None}
        return data

    def plain(self, without: Collection[str] = ()) -> dict[str, Any]:
        """JSON-ready, without nulls, empty lists, objects and texts, and the members that are named."""
        return without_empty(
            self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=set(without))
        )


def without_empty(value: dict[str, Any]) -> dict[str, Any]:
    """The same object less its empty members, at every depth (HSDS: omit empty fields)."""
    kept: dict[str, Any] = {}
    for key, item in value.items():
        # Asked by class, the commonest first: a document has a thousand members.
        kind = item.__class__
        if kind is str:
            if item:
                kept[key] = item
        elif kind is list or kind is dict:
            if item and (inside := _KEPT[kind](item)):
                kept[key] = inside
        elif item is not None:
            kept[key] = item
    return kept


def _without_empty(items: list[Any]) -> list[Any]:
    kept = []
    for item in items:
        kind = item.__class__
        inside = _KEPT[kind](item) if kind is list or kind is dict else item
        if inside not in _EMPTY:
            kept.append(inside)
    return kept


_KEPT: dict[type, Callable[[Any], Any]] = {dict: without_empty, list: _without_empty}
_EMPTY: tuple[Any, ...] = (None, "", [], {})
