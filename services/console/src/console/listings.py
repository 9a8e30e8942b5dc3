"""Colleagues and organisations as choices in forms."""

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlencode

from console.answers import Answer, Api
from console.visitors import Visitor

_MOST = 500
"""The most items in a page of the API."""


def next_page(path: str, listed: Answer, kept: Mapping[str, str] | None = None) -> str:
    """Return the URL of the next page with the filters in `kept`; empty on the last page."""
    cursor = listed.body.get("next_cursor")
    asked = {name: value for name, value in (kept or {}).items() if value}
    return f"{path}?{urlencode({**asked, 'cursor': cursor})}" if cursor else ""


async def organisations(api: Api, visitor: Visitor) -> tuple[Answer, list[tuple[str, str]]]:
    """Return the response and the directory's organisations by name, except the visitor's own; empty if the directory
    is unavailable."""
    answer = await api.get("/directory/v1/organizations", per_page=500)
    own = str(visitor.principal.organisation_id)
    found = [(str(one["id"]), str(one["name"])) for one in answer.items if one["id"] != own]
    return answer, sorted(found, key=lambda pair: pair[1])


async def colleagues(api: Api) -> tuple[Answer, list[Any]]:
    """Return people in the same organisation, active ones first; empty without a response."""
    answer = await api.get("/identity/v1/colleagues", limit=200)
    return answer, sorted(answer.items, key=lambda one: (not one["active"], one["sign_in_name"]))


async def found_in(api: Api, path: str, identifier: str, **asked: Any) -> Answer:
    """Return the list page that contains this id, because the API cannot return a single item. If none does, return the
    last page or the failed one."""
    cursor: str | None = None
    while True:
        listed = await api.get(path, limit=_MOST, cursor=cursor, **asked)
        cursor = listed.body.get("next_cursor") if listed.ok else None
        if not cursor or any(one["id"] == identifier for one in listed.items):
            return listed


async def organisation_names(api: Api, ids: Collection[str]) -> dict[str, str]:
    if not ids:
        return {}
    answer = await api.post("/directory/v1/names", {"organization_id": sorted(ids)})
    return {one["id"]: one["name"] for one in answer.body["organizations"]} if answer.ok else {}
