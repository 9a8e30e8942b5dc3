"""Own services, and how much room each has: two presses from the first page. And any service, to tell a person of it."""

from console.codes import Codes
from console.screens.routing import Screens
from console.screens.visit import Elsewhere, Outcome, Page, Refused, Visit, shown
from console.services import views

screens = Screens()
STATES = ("accepting", "waitlist", "full")
_FIELDS = ("state",)


@screens.page("/services", query=("page",))
async def services(visit: Visit) -> Page:
    organisation = visit.visitor.principal.organisation_id
    listed = shown(
        await visit.calls.get(
            "/directory/v1/services",
            organization_id=organisation,
            page=visit.asked("page") or 1,
            per_page=50,
        )
    )
    codes = Codes(visit.language)
    return Page(
        "services/templates/services.html",
        "title.services",
        {
            "services": [
                {
                    "id": one["id"],
                    "name": one["name"],
                    "needs": ", ".join(codes.need(code) for code in one.get("categories", [])),
                    "capacity": one.get("capacity_state"),
                    "until": visit.moments.day((one.get("verification") or {}).get("valid_until")),
                    "seen": visit.say.known(
                        f"visibility.{one.get('visibility', 'public')}", "visibility.public"
                    ),
                }
                # By name, so that a card stays where it is when its capacity changes.
                for one in sorted(listed["contents"], key=lambda each: str(each["name"]))
            ],
            "states": STATES,
            "next": listed["page_number"] + 1 if not listed["last_page"] else None,
            "may_write": visit.visitor.may("directory:write"),
        },
        fields=_FIELDS,
        address="/console/services",
    )


@screens.form("/services/{service_id:uuid}/capacity", show=services)
async def capacity(visit: Visit) -> Outcome:
    answer = await visit.calls.put(
        f"/directory/v1/services/{visit.ids['service_id']}/capacity",
        {"state": visit.typed.one("state")},
        key=visit.key,
    )
    return Elsewhere("/console/services") if answer.ok else Refused(answer)


@screens.page("/services/{service_id:uuid}")
async def service(visit: Visit) -> Page:
    """A service as the directory shows it to the reader."""
    path = f"/directory/v1/services/{visit.ids['service_id']}"
    found = shown(await visit.calls.get(path))
    return Page(
        "services/templates/service.html",
        "title.service",
        {
            "name": found["name"],
            "phones": views.phones(found),
            "facts": views.facts(found, visit.say, Codes(visit.language)),
        },
    )
