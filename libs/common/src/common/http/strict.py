"""Request bodies from partners. They refuse unknown fields, text that cannot be stored, and text that displays in a
different order from the stored one."""

import re
from collections.abc import Iterator
from typing import Annotated, Any

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from common.unseen import turns

MAX_TEXT = 10_000


def storable(text: str) -> str:
    """Refuse text that PostgreSQL or UTF-8 cannot store (NUL, lone surrogates), or that displays in a different order
    from the stored one (`common.unseen`)."""
    if "\x00" in text:
        raise ValueError("text must not contain NUL characters")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("text must not contain lone surrogates") from error
    if turns(text):
        raise ValueError(
            "text must not contain signs that turn its order (U+202A to U+202E, U+2066 to U+2069): take them out"
        )
    return text


Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT), AfterValidator(storable)]


class Strict(BaseModel):
    """Base of request bodies."""

    model_config = ConfigDict(
        extra="forbid", str_max_length=MAX_TEXT, str_strip_whitespace=True, allow_inf_nan=False
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_unstorable(cls, data: Any) -> Any:
        # Check the whole body in the outermost model, because nested payloads may have no model.
        if isinstance(data, dict) and not _is_plain(data):
            refused = [
                InitErrorDetails(
                    type=PydanticCustomError("value_error", "{told}", {"told": told}),
                    loc=location,
                    input=None,
                )
                for location, told in _refused(data)
            ]
            if refused:
                raise ValidationError.from_exception_data(cls.__name__, refused)
        return data


_REFUSED = re.compile(rb"\\u0000|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]")


def _is_plain(data: dict[Any, Any]) -> bool:
    """Return whether the body contains no text that must be refused. One search is enough for most bodies."""
    try:
        return _REFUSED.search(orjson.dumps(data)) is None
    except TypeError:
        return False


def _refused(data: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the path and the reason of each refused text. For a key, yield the path of its object."""
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), data)]
    while waiting:
        location, value = waiting.pop()
        if isinstance(value, str):
            try:
                storable(value)
            except ValueError as error:
                yield location, str(error)
        elif isinstance(value, list | tuple):
            waiting += [((*location, place), item) for place, item in enumerate(value)]
        elif isinstance(value, dict):
            waiting += [((*location, str(key)), item) for key, item in value.items()]
            waiting += [(location, key) for key in value]
