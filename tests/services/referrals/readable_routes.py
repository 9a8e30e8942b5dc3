"""Calls every readable route of the service as one caller, including new routes."""

import re
from collections.abc import Mapping
from typing import Any

from common.ids import new_id
from fastapi import FastAPI

from tests.services.referrals.story import Story

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")
_CURSOR = re.compile(r'"next_cursor":"[^"]*"')
PREFIX = "/referrals/v1"
_OPEN = {"/line", "/line/thread", "/line/form", "/answer/{token}"}
"""Pages and forms that look at no caller."""


def operations(app: FastAPI) -> dict[str, dict[str, Any]]:
    """Return the read operations for callers with an account, by their path below the service's prefix."""
    return {
        path.removeprefix(PREFIX): methods["get"]
        for path, methods in sorted(app.openapi()["paths"].items())
        if "get" in methods and path.startswith(PREFIX) and path.removeprefix(PREFIX) not in _OPEN
    }


def readable_routes(app: FastAPI) -> list[str]:
    return list(operations(app))


async def walk(
    story: Story,
    app: FastAPI,
    who: str,
    ids: Mapping[str, str],
    *,
    part: tuple[int, int] = (0, 1),
    **claims: Any,
) -> dict[str, tuple[int, str]]:
    """Return the status and the text of each route. `ids` maps path parameters to ids; `part` is the (first, step) of
    the routes to call."""
    answers = {}
    for route in readable_routes(app)[part[0] :: part[1]]:
        path = re.sub(r"\{(\w+)\}", lambda m: ids.get(m[1], str(new_id())), route)
        response = await story.get(who, path, **claims)
        assert response.status_code < 500, (route, response.text)
        answers[route] = (response.status_code, response.text)
    return answers


def alike(text: str, ids: Mapping[str, str]) -> str:
    """Return the text with ids replaced by roles and without times, so that two stories can be compared."""
    for role, value in ids.items():
        text = text.replace(value, f"<{role}>")
    return _CURSOR.sub('"next_cursor":"-"', _UUID.sub("<id>", _TIME.sub("<time>", text)))
