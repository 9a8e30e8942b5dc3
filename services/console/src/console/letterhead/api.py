"""The letterhead page for bulletins: country, cluster, and the issuing organisations with their logos."""

from base64 import b64decode, b64encode
from dataclasses import replace
from typing import Any

from console.answers import Answer
from console.forms import body, flat
from console.screens.routing import Screens
from console.screens.visit import (
    Download,
    Elsewhere,
    NotShown,
    Outcome,
    Page,
    Refused,
    Visit,
    shown,
)

screens = Screens()
_LETTERHEAD, _HERE = "/reports/v1/bulletins/letterhead", "/console/letterhead"
TEXTS = ("country/es", "country/en", "cluster/es", "cluster/en")
_ADDED = ("name", "file")
"""The fields of an organisation that is added, or that gets another logo."""


async def _kept(visit: Visit) -> dict[str, Any]:
    answer = await visit.calls.get(_LETTERHEAD)
    return {"organisations": []} if answer.status == 404 else dict(shown(answer))


@screens.page("/letterhead", query=("done",))
async def letterhead(visit: Visit) -> Page:
    kept = await _kept(visit)
    return Page(
        "letterhead/templates/letterhead.html",
        "title.letterhead",
        {
            "now": flat(kept, TEXTS),
            "issuers": [
                (each["name"], f"{_HERE}/logos/{place}/picture" if each["logo"] else "")
                for place, each in enumerate(kept["organisations"])
            ],
            "may_set": visit.visitor.may("reports:publish"),
            "done": visit.asked("done") and visit.refusal is None,
        },
        fields=(*TEXTS, *_ADDED),
        address=_HERE,
    )


@screens.form("/letterhead", show=letterhead, uploads=True)
async def keep(visit: Visit) -> Outcome:
    """Store the texts and the organisation that the form names. Add a new organisation, or replace its logo if a file
    was chosen."""
    kept = await _kept(visit)
    issuers = list(kept["organisations"])
    name = visit.typed.one("name").strip()
    logo = b64encode(visit.upload.content).decode() if visit.upload else None
    place = next((at for at, each in enumerate(issuers) if each["name"] == name), len(issuers))
    if name or logo:
        before = [each["logo"] for each in issuers[place : place + 1]]
        issuers[place : place + 1] = [{"name": name, "logo": logo or next(iter(before), None)}]
    return await _set(visit, {**body(visit.typed, TEXTS), "organisations": issuers}, place)


@screens.form("/letterhead/remove", show=letterhead)
async def remove(visit: Visit) -> Outcome:
    kept, name = await _kept(visit), visit.typed.one("organisation")
    rest = [each for each in kept["organisations"] if each["name"] != name]
    kept.pop("borders", None)  # Borders are set separately and stay unchanged.
    return await _set(visit, {**kept, "organisations": rest}, len(rest))


async def _set(visit: Visit, wanted: dict[str, Any], place: int) -> Outcome:
    answer = await visit.calls.put(_LETTERHEAD, wanted, key=visit.key)
    return Elsewhere(f"{_HERE}?done=1") if answer.ok else Refused(_at_fields(answer, place))


def _at_fields(answer: Answer, place: int) -> Answer:
    """Map errors to the form's fields instead of the organisation's position in the list."""
    if not isinstance(answer.body, dict):
        return answer
    of = {f"/organisations/{place}/logo": "/file", "/organisations": "/name"}
    of[f"/organisations/{place}/name"] = "/name"
    errors = [
        {**each, "pointer": of.get(each["pointer"], each["pointer"])}
        for each in answer.body.get("errors") or ()
    ]
    return replace(answer, body={**answer.body, "errors": errors})


@screens.file("/letterhead/logos/{place:int}/picture")
async def logo(visit: Visit) -> Download:
    issuers, place = (await _kept(visit))["organisations"], int(visit.ids["place"])
    if place >= len(issuers) or not issuers[place]["logo"]:
        raise NotShown
    picture = b64decode(issuers[place]["logo"])
    return Download("logo.png", "image/png", picture, "default-src 'none'")
