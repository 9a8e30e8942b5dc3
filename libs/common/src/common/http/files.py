"""Answers that are no JSON of ours, as the API description tells of them."""

from typing import Any

from starlette.responses import Response

from common.http import problems

HTML = "text/html"
_TEXT = {"schema": {"type": "string"}}
_OBJECT = {"schema": {"type": "object"}}


def answered_as(*media_types: str, status: int = 200) -> dict[str, Any]:
    """For a route, `@api.get("/x", **answered_as("text/csv"))`: one of these, as it was asked for."""
    content = {each: _OBJECT if _is_json(each) else _TEXT for each in media_types}
    return {"response_class": Response, "responses": {status: {"content": content}}}


def refusal_pages(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For the `responses` of a page: with these it says on the page what was wrong. What never
    comes so far, as a body that is too large, is a problem detail."""
    content = {HTML: _TEXT, problems.MEDIA_TYPE: {}}
    description = "The page again, saying what is wrong."
    return {status: {"description": description, "content": content} for status in statuses}


def _is_json(media_type: str) -> bool:
    return media_type == "application/json" or media_type.endswith("+json")
