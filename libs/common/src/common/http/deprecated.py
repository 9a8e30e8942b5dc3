"""Announces that fields of a response are deprecated; the API description names them."""

from datetime import UTC, date, datetime, time
from typing import Any

from fastapi import Depends
from starlette.responses import Response


def deprecated_since(day: date) -> Any:
    """Return a dependency of a route that adds the header `Deprecation` (RFC 9745)."""
    since = int(datetime.combine(day, time(), UTC).timestamp())

    def tell(response: Response) -> None:
        response.headers["Deprecation"] = f"@{since}"

    return Depends(tell)
