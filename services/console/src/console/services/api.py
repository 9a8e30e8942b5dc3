"""The organisation's own services and their capacity, two clicks from the first page. It can also show any service, so
that somebody can describe it to a person."""

from collections.abc import Iterable, Mapping
from typing import Any

from console.codes import Codes
from console.screens.routing import Screens
from console.screens.visit import Elsewhere, Outcome, Page, Refused, Visit, shown
from console.texts import Wording

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_WHOLE_DAY = ("00:00", "23:59")


def phones(service: Mapping[str, Any]) -> list[str]:
    return [one["number"] for one in service.get("phones") or ()]


def hours(service: Mapping[str, Any], say: Wording) -> list[str]:
    """Return opening hours, with one line for all days that share the same hours."""
    by_hours: dict[tuple[str, str], set[str]] = {}
    said = []
    for one in service.get("schedules") or ():
        days = {day.strip()[-2:] for day in (one.get("byday") or "").split(",")} & set(_DAYS)
        times = ((one.get("opens_at") or "")[:5], (one.get("closes_at") or "")[:5])
        if days and all(times):
            by_hours.setdefault(times, set()).update(days)
        elif one.get("description"):
            said.append(str(one["description"]))
    lines = []
    for times, days in by_hours.items():
        every = len(days) == len(_DAYS)
        named = ", ".join(say(f"day.{day}") for day in _DAYS if day in days)
        when = say("service.all_day") if times == _WHOLE_DAY else "–".join(times)
        lines.append(f"{say('day.every') if every else named}: {when}")
    return [*lines, *said]


def places(service: Mapping[str, Any], codes: Codes) -> list[str]:
    """Return addresses with directions if the reader may see them; otherwise return the area."""
    found = []
    for one in service.get("service_at_locations") or ():
        location = one.get("location") or {}
        addresses: list[dict[str, Any]] = location.get("addresses") or [{}]
        for address in addresses:
            said = (
                location.get("name"),
                address.get("address_1"),
                address.get("address_2"),
                address.get("city"),
                location.get("transportation"),
            )
            found.append(", ".join(str(each) for each in said if each))
    areas = (one.get("extent") for one in service.get("service_areas") or ())
    return [each for each in found if each] or [codes.place(area) for area in areas if area]


def facts(service: Mapping[str, Any], say: Wording, codes: Codes) -> list[tuple[str, list[str]]]:
    """Return the known facts, each with its label."""
    bring = [one.get("document") or "" for one in service.get("required_documents") or ()]
    said: Iterable[tuple[str, list[str]]] = (
        ("by", [(service.get("organization") or {}).get("name", "")]),
        ("capacity", [say.known(f"capacity.{service.get('capacity_state')}", "capacity.unknown")]),
        ("hours", hours(service, say)),
        ("where", places(service, codes)),
        ("bring", bring),
        ("how", [service.get("application_process") or ""]),
        (
            "languages",
            [
                codes.spoken(one["code"]) if one.get("code") else one.get("name") or ""
                for one in service.get("languages") or ()
            ],
        ),
        ("about", [service.get("description") or ""]),
    )
    kept = ((name, [one for one in lines if one]) for name, lines in said)
    return [(say(f"service.{name}"), lines) for name, lines in kept if lines]


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
                # Sorted by name, so that a card keeps its place when its capacity changes.
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
    """Show a service as the directory shows it to the reader."""
    path = f"/directory/v1/services/{visit.ids['service_id']}"
    found = shown(await visit.calls.get(path))
    return Page(
        "services/templates/service.html",
        "title.service",
        {
            "name": found["name"],
            "phones": phones(found),
            "facts": facts(found, visit.say, Codes(visit.language)),
        },
    )
