"""The page where a person maps the columns and values of another 5W layout to ours, once for each layout."""

import json
from collections.abc import Mapping
from typing import Any

from console.answers import no_file
from console.forms import Typed
from console.screens.routing import Screens
from console.screens.visit import Elsewhere, Outcome, Page, Refused, Visit, shown

screens = Screens()
_MAPPINGS, _HERE = "/reports/v1/activities/mappings", "/console/activities/mapping"
SENT = ("columns[]", "words", "fixed")
_PROPOSAL = "proposal"
"""The form carries the proposal, because the API stores none before somebody confirms it."""


@screens.page("/activities/mapping")
async def mapping(visit: Visit) -> Page:
    shown(await visit.calls.get("/reports/v1/activities", limit=1))
    return _page(visit, _carried(visit.typed))


def _page(visit: Visit, found: Mapping[str, Any] | None) -> Page:
    fields = (found or {}).get("fields", [])
    label = {each["field"]: each["label"][visit.language] for each in fields}
    columns = (found or {}).get("columns", [])
    words = (found or {}).get("words", {})
    unknown = (found or {}).get("unknown", {})
    return Page(
        "fivews/templates/mapping.html",
        "title.activities",
        {
            "found": found,
            "carried": json.dumps(found, ensure_ascii=False),
            "options": list(label.items()),
            "columns": [
                (f"columns/{at}/field", each["name"], each["field"] or "")
                for at, each in enumerate(columns)
            ],
            "words": [
                (f"words/{field}", label.get(field, field), _lines(words, unknown, field))
                for field in dict.fromkeys((*unknown, *words))
            ],
            "fixed": [
                (
                    f"fixed/{each['field']}",
                    label[each["field"]],
                    found["fixed"].get(each["field"], ""),
                )
                for each in fields
                if found and (each["field"] in found["missing"] or each["field"] in found["fixed"])
            ],
        },
        fields=(
            *(f"columns/{at}/field" for at in range(len(columns))),
            *(f"{kind}/{field}" for field in label for kind in ("words", "fixed")),
            "columns",
            "file",
        ),
        labels={
            "columns": visit.say("fivews.columns"),
            **{f"columns/{at}/field": each["name"] for at, each in enumerate(columns)},
            **{f"fixed/{field}": said for field, said in label.items()},
            **{f"words/{field}": said for field, said in label.items()},
        },
        address=_HERE,
    )


def _lines(words: Mapping[str, Any], unknown: Mapping[str, Any], field: str) -> str:
    """Return a line `word = code` for each value; the code of an unknown value is empty."""
    known = words.get(field, {})
    return "\n".join(
        f"{word} = {known.get(word, '')}" for word in (*unknown.get(field, ()), *known)
    )


def _carried(typed: Typed) -> dict[str, Any] | None:
    try:
        found = json.loads(typed.one(_PROPOSAL) or "null")
    except json.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


@screens.form("/activities/mapping", show=mapping, uploads=True)
async def propose(visit: Visit) -> Outcome:
    if visit.upload is None:
        return Refused(no_file())
    answer = await visit.calls.upload_form(_MAPPINGS, visit.upload, key=visit.key)
    return _page(visit, answer.body) if answer.ok else Refused(answer)


@screens.form("/activities/mapping/confirm", show=mapping)
async def confirm(visit: Visit) -> Outcome:
    found, typed = _carried(visit.typed), visit.typed
    if found is None:
        return Refused(no_file())
    wanted = {
        "columns": [
            {"name": each["name"], "field": typed.one(f"columns/{at}/field") or None}
            for at, each in enumerate(found["columns"])
        ],
        "words": {
            name.removeprefix("words/"): _read(text)
            for name, text in typed.pairs
            if name.startswith("words/")
        },
        "fixed": {
            name.removeprefix("fixed/"): text.strip()
            for name, text in typed.pairs
            if name.startswith("fixed/") and text.strip()
        },
    }
    answer = await visit.calls.put(f"{_MAPPINGS}/{found['layout']}", wanted, key=visit.key)
    return Elsewhere("/console/activities?done=1") if answer.ok else Refused(answer)


def _read(text: str) -> dict[str, str]:
    """Parse lines into a code for each value; a line without a code leaves the cells empty."""
    lines = (line.rpartition("=") for line in text.splitlines() if "=" in line)
    return {word.strip(): code.strip() for word, _, code in lines}
