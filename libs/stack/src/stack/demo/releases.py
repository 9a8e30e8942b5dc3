"""The last chapter: the IM officer publishes a protected release, and anybody may query it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from stack.demo.story import IM, PUBLISHER, REFUGIO, SALUD
from stack.demo.storyteller import Storyteller
from stack.demo_clients import CLIENTS

PROGRAMME = "referrals"


def last_closed_period(today: date | None = None) -> str:
    """The half month that ended last: `2026-11a` (1st to 15th) or `2026-11b` (to the end)."""
    day = today or datetime.now(UTC).date()
    if day.day > 15:
        return f"{day:%Y-%m}a"
    return f"{day.replace(day=1) - timedelta(days=1):%Y-%m}b"


def publish(tell: Storyteller) -> None:
    tell.chapter("Published numbers come from a protected release only")
    _query(tell, close_and_publish(tell, PROGRAMME, last_closed_period()))


def close_and_publish(tell: Storyteller, programme: str, period: str) -> dict[str, Any]:
    """The published release; what was done already is not done again."""
    asked = {"programme": programme, "period": period}
    known = tell.get(IM, "/reports/v1/releases", asked)["items"]
    release: dict[str, Any] = (
        known[0]
        if known
        else tell.call(
            f"The IM officer closes {programme} of the half month {period}",
            *(IM, "POST", "/reports/v1/releases"),
            json=asked,
            expect=201,
        )
    )
    if release["status"] == "published":
        return release
    _sign_off(tell, release)
    published: dict[str, Any] = tell.call(
        "A second person publishes it: nobody does both alone",
        *(PUBLISHER, "POST", f"/reports/v1/releases/{release['id']}/publish"),
        json={},
        expect=200,
    )
    return published


def close_and_publish_all(tell: Storyteller, period: str) -> None:
    """All programmes of the period, one call each; what was done already is not done again."""
    closings = "/reports/v1/closings"
    made = tell.call(
        f"The IM officer closes all programmes of {period}",
        *(IM, "POST", closings),
        json={"period": period},
        expect=202,
    )
    place = f"{closings}/{made['id']}"

    def now() -> dict[str, Any]:
        found: dict[str, Any] = tell.get(IM, place)
        return found

    tell.eventually("all are closed", lambda: now()["state"] not in {"closing", "publishing"})
    drafts = now()["steps"]
    awaited = sorted({client for step in drafts for client in _awaited(step["contributors"])})
    for client in awaited:
        tell.call(
            f"{client} signs off its parts",
            *(client, "POST", f"{place}/sign-offs"),
            json={},
            expect=200,
        )
    tell.call(
        "A second person publishes all",
        *(PUBLISHER, "POST", f"{place}/publications"),
        json={},
        expect=202,
    )
    tell.eventually("all are published", lambda: now()["state"] not in {"closing", "publishing"})
    end = now()
    tell.holds("none stayed a draft", end["state"] == "published", end["steps"])


def _sign_off(tell: Storyteller, release: dict[str, Any]) -> None:
    """Each contributing organisation that has a demo client agrees."""
    for client in _awaited(release["contributors"]):
        tell.call(
            f"{client} signs off its part",
            *(client, "POST", f"/reports/v1/releases/{release['id']}/sign-offs"),
            json={},
            expect=200,
        )


def _awaited(contributors: Sequence[dict[str, Any]] | None) -> list[str]:
    """The demo clients whose organisations have not answered yet."""
    clients = {
        client.organisation: client.client_id for client in CLIENTS if "partner" in client.roles
    }
    return [
        clients[each["organisation_id"]]
        for each in contributors or ()
        if not each["signed_off"] and not each["waived"] and each["organisation_id"] in clients
    ]


def _query(tell: Storyteller, release: dict[str, Any]) -> None:
    path = f"/reports/v1/releases/{release['id']}/query"
    counts = tell.call(
        "Anybody asks it: by area, sex and age band",
        *(None, "GET", path),
        params={"by": "area,sex,age_band"},
        expect=200,
    )
    numbers = [counts["total"], *(row["count"] for row in counts["rows"])]
    tell.holds(
        f"every number is a multiple of {counts['k']}",
        all(number % counts["k"] == 0 for number in numbers),
        numbers,
    )
    tell.call(
        "A question outside the programme is refused",
        *(None, "GET", path),
        params={"by": "name"},
        expect=422,
    )
    tell.call(
        "A partner cannot publish",
        *(SALUD, "POST", f"/reports/v1/releases/{release['id']}/publish"),
        json={},
        expect=403,
    )
    tell.call(
        "Nor can it close a period", REFUGIO, "POST", "/reports/v1/releases", json={}, expect=403
    )
