"""Pages for administrators: sign-ins, and the table of access rights."""

from collections.abc import Mapping
from io import StringIO
from typing import Any

from common.tables_io.cells import GuardedCsv

from console.codes import Codes
from console.listings import next_page
from console.screens.routing import Screens
from console.screens.visit import Download, Page, Visit, shown

screens = Screens()
_MOST = 200
_COLUMNS = ("kind", "name", "organisation", "state", "roles", "permissions", "aors", "areas")


@screens.page("/sign-ins", query=("person_id", "active", "cursor"))
async def sign_ins(visit: Visit) -> Page:
    """Show who signed in, when, through which application and with which second factor."""
    kept = {name: visit.asked(name) for name in ("person_id", "active")}
    listed = await visit.calls.get(
        "/identity/v1/sign-ins", limit=50, cursor=visit.asked("cursor"), **kept
    )
    shown(listed)
    say = visit.say
    return Page(
        "accounts/templates/sign_ins.html",
        "title.people",
        {
            "kept": kept,
            "rows": [
                (
                    visit.moments.at(one["signed_in_at"]),
                    one["person_name"],
                    say.known(f"sign_in.factor.{one['factor']}", "sign_in.factor.other"),
                    one["client_id"],
                    say("sign_in.active" if one["active"] else "sign_in.ended"),
                )
                for one in listed.items
            ],
            "more": next_page("/console/sign-ins", listed, kept),
        },
    )


@screens.file("/people/access.csv")
async def access(visit: Visit) -> Download:
    """Download the table of access rights: people and clients with their rights in words."""
    organisations = {
        one["id"]: one["name"] for one in await _all(visit, "/identity/v1/organisations")
    }
    out = StringIO()
    table = GuardedCsv(out)
    table.row([visit.say(f"access.{name}") for name in _COLUMNS])
    for kind, part, name in (
        ("person", "people", "sign_in_name"),
        ("client", "clients", "id"),
    ):
        for one in await _all(visit, f"/identity/v1/{part}"):
            of = organisations.get(one["organisation_id"] or "", "")
            table.row([visit.say(f"changes.of.{kind}"), one[name], of, *_rights(visit, one)])
    return Download("access.csv", "text/csv; charset=utf-8", out.getvalue().encode())


def _rights(visit: Visit, one: Mapping[str, Any]) -> list[str]:
    say, codes = visit.say, Codes(visit.language)
    return [
        say("people.active" if one["active"] else "people.inactive"),
        "; ".join(say.known(f"role.{role}", "role.reader") for role in one["roles"]),
        "; ".join(say(f"scope.{scope}") for scope in one["scopes"]),
        "; ".join(say(f"aor.{aor}") for aor in one["aors"]),
        "; ".join(codes.place(area) for area in one["areas"]),
    ]


async def _all(visit: Visit, path: str) -> list[Any]:
    """Return the items of all pages, because an incomplete table would suggest that nobody else has access."""
    found: list[Any] = []
    cursor: str | None = None
    while True:
        listed = await visit.calls.get(path, limit=_MOST, cursor=cursor)
        cursor = shown(listed).get("next_cursor")
        found += listed.items
        if not cursor:
            return found
