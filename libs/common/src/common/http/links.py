"""`Link` headers that point to other pages of a list (RFC 8288)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from starlette.requests import Request

LINKED: Mapping[str, Any] = {
    "Link": {
        "description": "The addresses of other pages (RFC 8288), relative to the server.",
        "schema": {"type": "string"},
    }
}
"""Headers that a route with pages describes."""


def page_links(request: Request, parameter: str, places: Mapping[str, Any]) -> str:
    """Return the header. For each relation, it contains the address of the same request with another value of
    `parameter`, relative to the server."""
    path = quote(request.scope["path"])
    query = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    kept = [pair for pair in query if pair[0] != parameter]
    return ", ".join(
        f'<{path}?{urlencode([*kept, (parameter, place)])}>; rel="{relation}"'
        for relation, place in places.items()
    )
