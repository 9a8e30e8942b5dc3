"""Bodies that partners send: unknown fields are refused, and so is text that no store can hold."""

from typing import Annotated, Any

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

MAX_TEXT = 10_000


def storable(text: str) -> str:
    """Refuse what PostgreSQL or UTF-8 cannot hold: NUL and lone surrogates."""
    if "\x00" in text:
        raise ValueError("text must not contain NUL characters")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("text must not contain lone surrogates") from error
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
        # Only this level's texts: nested Strict models look at their own.
        if isinstance(data, dict) and not _is_plain(data):
            for key, value in data.items():
                _check(key)
                _check(value)
        return data


def _is_plain(data: dict[Any, Any]) -> bool:
    """Whether it is JSON without any text that is refused: seen in one go, as most bodies are so."""
    try:
        return b"\\u0000" not in orjson.dumps(data)
    except TypeError:
        return False


def _check(value: Any, depth: int = 0) -> None:
    if isinstance(value, str):
        storable(value)
    elif isinstance(value, list | tuple) and depth < 4:
        for item in value:
            _check(item, depth + 1)
    elif isinstance(value, dict) and depth < 4:
        for key, item in value.items():
            _check(key, depth + 1)
            _check(item, depth + 1)
