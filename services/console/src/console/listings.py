"""Who and what forms offer by name: colleagues, organisations."""

from collections.abc import Collection
from typing import Any

from console.answers import Answer, Api
from console.visitors import Visitor


def next_page(path: str, listed: Answer) -> str:
    """Where the list goes on; empty at its end."""
    cursor = listed.body.get("next_cursor")
    return f"{path}?cursor={cursor}" if cursor else ""


async def organisations(api: Api, visitor: Visitor) -> list[tuple[str, str]]:
    """Those of the directory but the own one, by name; nothing where it is away."""
    answer = await api.get("/directory/v1/organizations", per_page=500)
    own = str(visitor.principal.organisation_id)
    found = [(str(one["id"]), str(one["name"])) for one in answer.items if one["id"] != own]
    return sorted(found, key=lambda pair: pair[1])


async def colleagues(api: Api) -> list[Any]:
    """Who works in the same organisation, those who may sign in first."""
    answer = await api.get("/identity/v1/colleagues", limit=200)
    return sorted(answer.items, key=lambda one: (not one["active"], one["sign_in_name"]))


async def organisation_names(api: Api, ids: Collection[str]) -> dict[str, str]:
    if not ids:
        return {}
    answer = await api.post("/directory/v1/names", {"organization_id": sorted(ids)})
    return {one["id"]: one["name"] for one in answer.body["organizations"]} if answer.ok else {}
