"""Pages for maintaining entries: edit, merge with a duplicate, withdraw, and list entries with outdated data."""

from collections.abc import Mapping, Sequence
from typing import Any

from console.answers import Answer, together
from console.curation.api import RECORDS, entry
from console.doings import is_id
from console.forms import Typed
from console.listings import next_page, organisation_names
from console.referral_views import short_code
from console.screens.routing import Screens
from console.screens.visit import Elsewhere, NotShown, Outcome, Page, Refused, Visit, shown

screens = Screens()
TEXTS = ("name", "description", "application_process", "email", "url")
EDIT = (*TEXTS, "phones")
_REMINDERS = "/directory/v1/records/reminders"


@screens.page("/entries/due", query=("cursor",))
async def due(visit: Visit) -> Page:
    """Show entries whose verification ends or whose capacity is in doubt, most urgent first, and organisations that
    stopped reporting activities."""
    listed, silent = await together(
        visit.calls.get(_REMINDERS, of="curated", limit=50, cursor=visit.asked("cursor")),
        visit.calls.get("/reports/v1/activities/unreported"),
    )
    shown(listed)
    names = await organisation_names(
        visit.calls,
        {one["organisation_id"] for one in (*listed.items, *silent.items)},
    )
    return Page(
        "curation/templates/due.html",
        "title.entries",
        {
            "rows": [
                {
                    "path": f"/console/entries/{one['service_id']}",
                    "name": one["name"],
                    "of": names.get(one["organisation_id"], ""),
                    "why": visit.say(f"due.{one['kind']}", day=visit.moments.day(one["due_on"])),
                    "late": one["due_on"] < visit.moments.today,
                    "refused": one["mailbox_refused"],
                }
                for one in listed.items
            ],
            "silent": [
                (
                    names.get(one["organisation_id"], short_code(one["organisation_id"])),
                    visit.moments.period(one["last_month"][:7]),
                )
                for one in silent.items
            ],
            "may_follow": silent.status != 403,
            "more": next_page("/console/entries/due", listed),
        },
    )


@screens.page("/entries/{service_id:uuid}/edit")
async def edit(visit: Visit) -> Page:
    answer = await visit.calls.get(f"{RECORDS}/{visit.ids['service_id']}")
    document = shown(answer)["document"]
    values = standing(document)
    return Page(
        "curation/templates/edit.html",
        "title.entries",
        {"values": values, "version": answer.version, "texts": TEXTS},
        fields=EDIT,
        address=f"/console/entries/{visit.ids['service_id']}/edit",
        versions=visit.beside(values, EDIT),
    )


@screens.form("/entries/{service_id:uuid}/edit", show=edit)
async def save(visit: Visit) -> Outcome:
    path = f"{RECORDS}/{visit.ids['service_id']}"
    document = shown(await visit.calls.get(path))["document"]
    answer = await visit.calls.patch(
        path, changes(document, visit.typed), key=visit.key, version=visit.typed.one("version")
    )
    return _then(answer, visit.ids["service_id"])


def standing(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the stored values of the form's fields, one phone number per line."""
    phones = "\n".join(each["number"] for each in document.get("phones") or ())
    return {name: document.get(name) or "" for name in TEXTS} | {"phones": phones}


def changes(document: Mapping[str, Any], typed: Typed) -> dict[str, Any]:
    """Return the merge patch for the typed fields, with null for an emptied field. An unchanged phone number keeps its
    other data."""
    now = standing(document)
    said = {name: typed.one(name).strip() for name in EDIT if typed.has(name)}
    patch: dict[str, Any] = {
        name: text or None for name, text in said.items() if text != now[name].strip()
    }
    if "phones" in patch:
        patch["phones"] = _phones(document.get("phones") or (), said["phones"])
    return patch


def _phones(known: Sequence[Mapping[str, Any]], text: str) -> list[Mapping[str, Any]]:
    by_number = {each["number"]: each for each in known}
    numbers = [line.strip() for line in text.splitlines() if line.strip()]
    return [by_number.get(number, {"number": number}) for number in numbers]


@screens.form("/entries/{service_id:uuid}/merge", show=entry)
async def merge(visit: Visit) -> Outcome:
    """Merge the entry with a duplicate; the pressed button decides which entry remains."""
    here, other = visit.ids["service_id"], visit.typed.one("other")
    if not is_id(other):
        raise NotShown
    ends, stays = (here, other) if visit.typed.one("stays") == "other" else (other, here)
    answer = await visit.calls.post(f"{RECORDS}/{ends}/merge", {"into": stays}, key=visit.key)
    return _then(answer, stays)


@screens.form("/entries/{service_id:uuid}/withdraw", show=entry)
async def withdraw(visit: Visit) -> Outcome:
    path, version = f"{RECORDS}/{visit.ids['service_id']}/withdraw", visit.typed.one("version")
    answer = await visit.calls.post(path, {}, key=visit.key, version=version)
    return _then(answer, visit.ids["service_id"])


def _then(answer: Answer, identifier: str) -> Outcome:
    return Elsewhere(f"/console/entries/{identifier}?done=1") if answer.ok else Refused(answer)
