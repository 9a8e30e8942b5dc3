"""What waits for a second person: never what they asked for themselves, which the API sees to."""

from collections.abc import Mapping
from typing import Any

from console.answers import together
from console.codes import Codes
from console.referral_views import short_code
from console.screens.routing import Screens
from console.screens.visit import Elsewhere, Outcome, Page, Refused, Visit

screens = Screens()
# Of the address → where the API decides it.
_KINDS = {
    "consents": "/referrals/v1/consents/{}/decision",
    "exceptions": "/referrals/v1/exceptions/{}/decision",
    "break-glass": "/referrals/v1/break-glass/{}/decision",
}


@screens.page("/decisions")
async def decisions(visit: Visit) -> Page:
    consents, exceptions, accesses = await together(
        visit.calls.get("/referrals/v1/consents", status="pending", mine_to_decide="true"),
        visit.calls.get("/referrals/v1/exceptions", status="pending", mine_to_decide="true"),
        visit.calls.get("/referrals/v1/break-glass", view="to-decide"),
    )
    rows = [
        *(_row(visit, "consents", one) for one in consents.items),
        *(_row(visit, "exceptions", one) for one in exceptions.items),
        *(_row(visit, "break-glass", one) for one in accesses.items),
    ]
    parts = (("consents", consents), ("exceptions", exceptions), ("break-glass", accesses))
    return Page(
        "decisions/templates/decisions.html",
        "title.decisions",
        {
            "rows": rows,
            "away": [
                visit.say(f"decisions.part.{name}")
                for name, answer in parts
                if not answer.ok and answer.status != 403
            ],
            "more": any(answer.ok and answer.body["next_cursor"] for _, answer in parts),
        },
        address="/console/decisions",
    )


def _row(visit: Visit, kind: str, one: Mapping[str, Any]) -> Mapping[str, Any]:
    """What it is about, in codes; the reason that somebody gave, in their words."""
    say = visit.say
    about = one.get("purpose") or one.get("basis") or ""
    return {
        "kind": kind,
        "id": one["id"],
        "code": short_code(one["case_id"]) if one.get("case_id") else short_code(one["id"]),
        "what": say(f"decisions.what.{kind}"),
        "about": Codes(visit.language).need(about)
        if kind == "consents"
        else say.known(f"basis.{about}", "basis.other"),
        "shared": [say(f"item.{item}") for item in one.get("items", [])],
        "decider": say.known(f"decider.{one['decided_by']}", "decider.person")
        if kind == "consents"
        else "",
        "assent": say.known(f"assent.{one['child_assent']}", "assent.not_asked")
        if one.get("child_assent")
        else "",
        "words": one.get("rationale") or one.get("reason") or "",
        "at": visit.moments.at(
            one.get("given_at") or one.get("requested_at") or one.get("created_at")
        ),
    }


def _add(kind: str, path: str) -> None:
    @screens.form(f"/decisions/{kind}/{{id:uuid}}", show=decisions)
    async def decide(visit: Visit) -> Outcome:
        """Two buttons of one form: which was pressed is the decision."""
        answer = await visit.calls.post(
            path.format(visit.ids["id"]),
            {"approve": visit.typed.one("approve") == "true"},
            key=visit.key,
        )
        return Elsewhere("/console/decisions") if answer.ok else Refused(answer)


for each, where in _KINDS.items():
    _add(each, where)
