"""The record of a case: the list with a note form, a page for each other kind, and a page for each entry."""

from collections.abc import Mapping
from typing import Any

from common.auth import Role
from common.words.choices import entry_codes

from console import record_views as views
from console.answers import Answer, together
from console.codes import Areas, Codes
from console.listings import colleagues
from console.record import commands
from console.screens.routing import Screens
from console.screens.visit import (
    Download,
    Elsewhere,
    NotShown,
    Outcome,
    Page,
    Refused,
    Visit,
    looked_at,
    shown,
)

screens = Screens()
_CASES = "/referrals/v1/cases"
_RECORD = "/cases/{case_id:uuid}/record"
_ADD = f"{_RECORD}/add"
_PICTURE = f"{_RECORD}/picture"
_ENTRY = "/cases/{case_id:uuid}/entries/{entry_id:uuid}"
_BACK = "/console/cases/{case_id}/record"
_DOCUMENTS = entry_codes("document")


def _here(visit: Visit) -> str:
    return f"/console/cases/{visit.ids['case_id']}"


def _names(people: list[Any]) -> dict[str, str]:
    return {one["id"]: one["sign_in_name"] for one in people}


@screens.page(_RECORD, query=("kind", "cursor"))
async def record(visit: Visit) -> Page:
    there = f"{_CASES}/{visit.ids['case_id']}"
    kind = visit.asked("kind")
    listed = await visit.calls.get(
        f"{there}/entries", kind=kind or None, cursor=visit.asked("cursor"), limit=20
    )
    found = shown(listed)
    _, people = await colleagues(visit.calls)
    codes = Codes(visit.language)
    cursor = found["next_cursor"]
    return Page(
        "record/templates/record.html",
        "title.record",
        {
            "note": commands.WRITE["note"],
            "entries": views.shown(
                found["items"], _here(visit), visit.say, codes, visit.moments, _names(people)
            ),
            "kinds": [
                code
                for code, row in commands.KINDS.items()
                if code != "note" and (not row["by"] or row["by"] in visit.visitor.roles)
            ],
            "kind": kind,
            "all_kinds": [*commands.KINDS, "attachment"],
            "case_path": _here(visit),
            "more": f"{visit.path}?kind={kind}&cursor={cursor}" if cursor else "",
            "may_write": visit.visitor.may("referrals:write"),
        },
    )


@screens.page(_ADD, query=("kind",))
async def add(visit: Visit) -> Page:
    command = visit.command or commands.WRITE.get(visit.asked("kind") or "follow_up")
    if command is None:
        raise NotShown
    family = command.name == "relative"
    cases = await visit.calls.get(_CASES, status="open", limit=100) if family else None
    return Page(
        "record/templates/add.html",
        "title.record",
        {
            "command": command,
            "kind": command.name,
            "case_path": _here(visit),
            "options": _options(visit, cases),
        },
    )


def _options(visit: Visit, cases: Answer | None = None) -> dict[str, Any]:
    here, say = visit.ids["case_id"], visit.say
    others = [one for one in cases.items if one["id"] != here] if cases is not None else []
    return {
        "area": Areas(visit.country).groups,
        "linked_case_id": [(one["id"], views.case_name(one, say)) for one in others],
        **{
            name: [(code, say(f"code.{name}.{code}")) for code in entry_codes(name)]
            for name in commands.PICKED
            if name != "linked_case_id"
        },
    }


for each in commands.WRITE.values():
    at, page = (_RECORD, record) if each.name == "note" else (_ADD, add)
    screens.command(at, each, show=page, to=_BACK)


@screens.page(_PICTURE)
async def picture(visit: Visit) -> Page:
    return Page(
        "record/templates/picture.html",
        "title.record",
        {
            "case_path": _here(visit),
            "documents": [(code, visit.say(f"code.document.{code}")) for code in _DOCUMENTS],
        },
        fields=("file", "document", "text"),
    )


@screens.form(_PICTURE, show=picture, uploads=True)
async def attach(visit: Visit) -> Outcome:
    if visit.upload is None:
        errors = [{"pointer": "/file", "code": "missing", "detail": "No file was chosen."}]
        return Refused(Answer(422, {"code": "invalid", "errors": errors}))
    typed = visit.typed
    said = {name: typed.one(name) for name in ("document", "text") if typed.one(name).strip()}
    there = f"{_CASES}/{visit.ids['case_id']}/attachments"
    answer = await visit.calls.upload_form(there, visit.upload, said, key=visit.key)
    return Elsewhere(f"{_here(visit)}/record") if answer.ok else Refused(answer)


@screens.file(f"{_ENTRY}/picture")
async def picture_file(visit: Visit) -> Download:
    there = f"{_CASES}/{visit.ids['case_id']}/entries/{visit.ids['entry_id']}/picture"
    return looked_at(await visit.calls.file(there), f"{visit.ids['entry_id'][-8:]}.jpg")


@screens.page(_ENTRY)
async def entry(visit: Visit) -> Page:
    there = f"{_CASES}/{visit.ids['case_id']}/entries/{visit.ids['entry_id']}"
    answer, people = await together(
        visit.calls.get(there), visit.calls.get("/identity/v1/colleagues", limit=200)
    )
    found = shown(answer)
    codes, content = Codes(visit.language), found["content"] or {}
    kind, command = found["kind"], commands.CHANGE.get(found["kind"])
    values = {**content, "due_on": found["due_on"], "expected_version": found["version"]}
    names = [name for name in (command.names if command else ()) if "version" not in name]
    open_ = found["done_at"] is None and not found["taken_back_at"]
    return Page(
        "record/templates/entry.html",
        "title.record",
        {
            "one": views.one(
                found, _here(visit), visit.say, codes, visit.moments, _names(people.items)
            ),
            "command": command if open_ else None,
            "finish": commands.DONE if open_ and found["due_on"] else None,
            "take_back": commands.TAKE_BACK if _may_take_back(found, visit) else None,
            "kind": kind,
            "values": {k: str(v) for k, v in values.items() if v is not None},
            "options": _options(visit),
            "case_path": _here(visit),
            "may_write": visit.visitor.may("referrals:write"),
        },
        versions=visit.beside(
            {name: values.get(name.split("/", 1)[1]) for name in names},
            names,
            worded=lambda name, value: (
                views.said(name.split("/", 1)[-1], value, visit.say, codes, visit.moments)
                if not name.endswith("_on")
                else value
            ),
        ),
    )


def _may_take_back(entry: Mapping[str, Any], visit: Visit) -> bool:
    """Return whether the API lets the visitor take the entry back. Only its author and supervisors may."""
    mine = entry["created_by"] == visit.visitor.principal.subject
    return not entry["taken_back_at"] and (mine or Role.SUPERVISOR in visit.visitor.roles)


for each in (*commands.CHANGE.values(), commands.DONE, commands.TAKE_BACK):
    screens.command(_ENTRY, each, show=entry, to=_BACK)
