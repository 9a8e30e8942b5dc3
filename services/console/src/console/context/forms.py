"""The forms of context analysis, and the request bodies built from them. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from common.words.places import folded

from console.commands import Command, Field
from console.forms import Typed

_CONTEXT = "/reports/v1/context"
_CODE_LETTERS = 60


def _both(name: str, kind: str = "area", most: int = 600) -> tuple[Field, ...]:
    return tuple(Field(f"{name}/{language}", kind, most=most) for language in ("es", "en"))


STAKEHOLDER = (
    Field("code", "given"),
    Field("organisation_id", "given"),
    *_both("name", "text", 0),
    Field("type", "pick"),
    Field("sectors", "several"),
    *_both("mandate"),
    *_both("does"),
    Field("presence", "several"),
    *_both("contact/function", "text", 0),
    Field("contact/email", "text"),
    Field("contact/phone", "text"),
    Field("contact/url", "text"),
    Field("source", "text"),
    Field("as_of", "date"),
    Field("in_bulletin", "agreed"),
)
MILESTONE = (
    Field("plan", "text"),
    *_both("what"),
    Field("organisation_id", "given"),
    *_both("responsible", "text", 0),
    Field("due", "pick"),
    Field("indicator", "pick"),
    Field("status", "choice", ("planned", "under-way", "done", "dropped")),
    *_both("reason"),
)
PLACES = ("core-problem", "cause", "effect", "strength", "weakness", "opportunity", "threat")
STATEMENT = (
    Field("analysis", "text"),
    Field("place", "choice", PLACES),
    Field("parent", "pick"),
    *_both("text"),
    Field("basis", "several"),
)
FIELDS = {"stakeholder": STAKEHOLDER, "milestone": MILESTONE, "statement": STATEMENT}


def command(name: str, *, change: bool) -> Command:
    """Return the command that adds a record, or replaces it if `change` is true."""
    place = f"{_CONTEXT}/{name}s"
    if change:
        return Command(name, f"{place}/{{{name}_id}}", FIELDS[name], method="put")
    return Command(name, place, FIELDS[name])


def made(name: str, sent: Command, typed: Typed, *, offset: str) -> dict[str, Any]:
    """Return the API's request body. Derive the codes that people do not see from the typed text."""
    body = sent.made(typed, offset=offset)
    if name == "stakeholder":
        return _stakeholder(body)
    return _statement(body) if name == "statement" else body


def _stakeholder(body: dict[str, Any]) -> dict[str, Any]:
    if "organisation_id" in body:  # The directory provides the other fields.
        return {k: v for k, v in body.items() if k not in {"name", "presence", "contact"}}
    body["code"] = body.get("code") or slug((body.get("name") or {}).get("es", ""))
    return body


def _statement(body: dict[str, Any]) -> dict[str, Any]:
    body["analysis"] = slug(body.get("analysis", ""))
    body["basis"] = [basis(one) for one in body.get("basis", ())]
    return body


def slug(text: str) -> str:
    """Return the code of a name: `Fiscalía especial` becomes `fiscalia-especial`."""
    return re.sub(r"[^a-z0-9]+", "-", folded(text)).strip("-")[:_CODE_LETTERS]


def basis(choice: str) -> dict[str, Any]:
    """Parse a source from its form value: its kind, its id and, for a series, its day."""
    kind, _, rest = choice.partition(":")
    if kind == "figure":
        return {"kind": kind, "release": rest}
    if kind == "series":
        identifier, _, day = rest.partition(":")
        return {"kind": kind, "series": identifier, "day": day}
    return {"kind": "judgement"}


def chosen(one: Mapping[str, Any]) -> str:
    """Return the form value of a stored source."""
    if one["kind"] == "figure":
        return f"figure:{one['release']}"
    return f"series:{one['series']}:{one['day']}" if one["kind"] == "series" else "judgement"
