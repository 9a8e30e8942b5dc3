"""The quarantine: each submission, why it is there, and its mapping, which visitors can try out at once."""

import json
from collections.abc import Mapping
from typing import Any

from console.answers import Answer, together
from console.intake import commands, mapping
from console.screens.routing import Screens
from console.screens.visit import Elsewhere, Outcome, Page, Refused, Visit, one_of, shown

screens = Screens()
_SUBMISSIONS = "/referrals/v1/intake/submissions"
_FIELDS = ("fields", "values", "ignore")
_STATUSES = ("quarantined", "taken", "discarded", "not_kept")


@screens.page("/intake", query=("status", "cursor"))
async def intake(visit: Visit) -> Page:
    status = visit.asked("status") or "quarantined"
    listed, forms = await together(
        visit.calls.get(_SUBMISSIONS, status=status, cursor=visit.asked("cursor"), limit=50),
        visit.calls.get("/referrals/v1/intake/forms"),
    )
    found = shown(listed)
    names = _names(forms)
    return Page(
        "intake/templates/intake.html",
        "title.intake",
        {
            "rows": [
                {
                    "id": one["id"],
                    "form": names.get(one["form_id"], ""),
                    "at": visit.moments.at(one["received_at"]),
                    "why": [
                        visit.say.known(f"intake.reason.{code}", "error.other")
                        for code in one["reasons"]
                    ],
                }
                for one in found["items"]
            ],
            "more": found["next_cursor"],
            "status": status,
            "statuses": _STATUSES,
            "forms": [
                {"id": one["id"], "name": one["name"], "active": one["active"]}
                for one in forms.items
            ],
        },
    )


def _names(forms: Answer) -> Mapping[str, str]:
    return {one["id"]: one["name"] for one in forms.items}


@screens.page("/intake/{submission_id:uuid}")
async def submission(visit: Visit) -> Page:
    """Show a submission. Each view is audited."""
    one, forms = await together(
        visit.calls.get(f"{_SUBMISSIONS}/{visit.ids['submission_id']}"),
        visit.calls.get("/referrals/v1/intake/forms"),
    )
    found = shown(one)
    return Page(
        "intake/templates/submission.html",
        "title.submission",
        {
            "one": found,
            "form": _names(forms).get(found["form_id"], ""),
            "at": visit.moments.at(found["received_at"]),
            "status": visit.say.known(f"intake.status.{found['status']}", "code.other"),
            "why": [
                {
                    "where": _path(flaw["pointer"]),
                    "what": visit.say.known(f"intake.reason.{flaw['code']}", "error.other"),
                }
                for flaw in found["why"]
            ],
            "content": [(name, _shown(value)) for name, value in (found["content"] or {}).items()],
            "commands_of": commands,
            "may_write": visit.visitor.may("referrals:write") and found["status"] == "quarantined",
        },
    )


def _shown(value: Any) -> str:
    """Return a value as the sending system wrote it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _path(pointer: str) -> str:
    """Return a field's name in the other tool's form, from its JSON pointer."""
    return pointer.removeprefix("/").replace("~1", "/").replace("~0", "~")


for each in (commands.RETRY, commands.DISCARD):
    screens.command(
        "/intake/{submission_id:uuid}",
        each,
        show=submission,
        to="/console/intake/{submission_id}",
    )


@screens.page("/intake/forms/{form_id:uuid}")
async def form(visit: Visit) -> Page:
    found = await _form(visit)
    of = found["mapping"]
    return Page(
        "intake/templates/form.html",
        "title.intake_form",
        {
            "form": found,
            "fields_now": mapping.lines(of.get("fields") or {}),
            "values_now": mapping.value_lines(of.get("values") or {}),
            "ignore_now": "\n".join(of.get("ignore") or []),
        },
        fields=_FIELDS,
    )


async def _form(visit: Visit) -> Any:
    return one_of(await visit.calls.get("/referrals/v1/intake/forms"), visit.ids["form_id"])


@screens.form("/intake/forms/{form_id:uuid}", show=form)
async def map_fields(visit: Visit) -> Outcome:
    body = mapping.changed(
        await _form(visit),
        visit.typed.one("fields"),
        visit.typed.one("values"),
        visit.typed.one("ignore"),
    )
    path = commands.MAPPING.path.format(**visit.ids)
    answer = await visit.calls.put(path, body, key=visit.key)
    return Elsewhere("/console/intake") if answer.ok else Refused(answer)
