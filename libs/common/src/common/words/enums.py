"""Closed code lists in the API's description."""

from collections.abc import Iterable
from typing import Any

from pydantic import Field


def enum_of(codes: Iterable[str], **described: Any) -> Any:
    """Return a field whose description lists its codes. It checks nothing, so a request needs a validator as well."""
    return Field(json_schema_extra={"enum": [str(code) for code in codes]}, **described)
