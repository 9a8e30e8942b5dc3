"""The directory for people who make no referrals: search, and files and feeds of the entries that the reader may
see."""

from urllib.parse import urlencode

from console.codes import Areas, Codes
from console.screens.routing import Screens
from console.screens.visit import Download, NotShown, Page, Visit, downloaded, shown

screens = Screens()
_ASKED = ("search", "category", "area")
FILES = {"xlsx": "xlsx", "csv": "csv", "geojson": "geojson", "hsds": "zip"}
"""Formats of the API's export with the endings of their files."""


@screens.page("/directory", query=(*_ASKED, "page"))
async def directory(visit: Visit) -> Page:
    asked = {name: visit.asked(name) for name in _ASKED}
    listed = shown(
        await visit.calls.get(
            "/directory/v1/services", **asked, page=visit.asked("page") or 1, per_page=20
        )
    )
    codes, say = Codes(visit.language), visit.say
    kept = urlencode({name: value for name, value in asked.items() if value})
    return Page(
        "services/templates/directory.html",
        "title.directory",
        {
            **asked,
            "needs": codes.needs(),
            "groups": Areas(visit.country).groups,
            "count": listed["total_items"],
            "rows": [
                {
                    "path": f"/console/services/{one['id']}",
                    "name": one["name"],
                    "of": (one.get("organization") or {}).get("name", ""),
                    "needs": ", ".join(codes.need(code) for code in one.get("categories", [])),
                    "capacity": say.known(
                        f"capacity.{one.get('capacity_state')}", "capacity.unknown"
                    ),
                }
                for one in listed["contents"]
            ],
            "more": ""
            if listed["last_page"]
            else f"/console/directory?{kept}&page={listed['page_number'] + 1}",
            "files": [(form, say(f"directory.file.{form}")) for form in FILES],
        },
    )


@screens.file("/directory/files/{form}")
async def export(visit: Visit) -> Download:
    """Download the directory entries that the reader may see."""
    form = visit.ids["form"]
    if form not in FILES:
        raise NotShown
    found = await visit.calls.file("/directory/v1/exports", format=form, language=visit.language)
    return downloaded(found, f"services.{FILES[form]}")
