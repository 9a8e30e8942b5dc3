"""The last chapter: the IM officer publishes a protected release, and anybody may query it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from common.clock import utc_day

from stack.demo.clients import CLIENTS
from stack.demo.story import IM, PUBLISHER, REFUGIO, SALUD
from stack.demo.storyteller import Storyteller
from stack.texts import said

PROGRAMME = "referrals"
_CLOSINGS = "/reports/v1/closings"


def last_closed_period(today: date | None = None) -> str:
    """Return the last completed half month: `2026-11a` (1st to 15th) or `2026-11b` (to the end)."""
    day = today or utc_day(datetime.now(UTC))
    if day.day > 15:
        return f"{day:%Y-%m}a"
    return f"{day.replace(day=1) - timedelta(days=1):%Y-%m}b"


def publish(tell: Storyteller) -> None:
    tell.chapter(said("Published figures come only from a protected release"))
    _query(tell, close_and_publish(tell, PROGRAMME, last_closed_period()))


def close_and_publish(tell: Storyteller, programme: str, period: str) -> dict[str, Any]:
    """Return the published release. Skip steps that are already done."""
    asked = {"programme": programme, "period": period}
    known = tell.get(IM, "/reports/v1/releases", asked)["items"]
    release: dict[str, Any] = (
        known[0]
        if known
        else tell.call(
            said(
                "The IM officer closes {programme} of the half month {period}",
                programme=programme,
                period=period,
            ),
            *(IM, "POST", "/reports/v1/releases"),
            json=asked,
            expect=201,
        )
    )
    if release["status"] == "published":
        return release
    _sign_off(tell, release)
    published: dict[str, Any] = tell.call(
        said("A second person publishes it, because nobody may do both alone"),
        *(PUBLISHER, "POST", f"/reports/v1/releases/{release['id']}/publish"),
        json={},
        expect=200,
    )
    return published


def close_and_publish_all(tell: Storyteller, periods: Sequence[str]) -> None:
    """Close and publish all programmes of the periods, with one call per period and step. Skip steps that are already
    done."""
    made = [
        tell.call(
            said("The IM officer closes all programmes of {period}", period=period),
            *(IM, "POST", _CLOSINGS),
            json={"period": period},
            expect=202,
        )
        for period in periods
    ]
    for closing in [_at_rest(tell, each, "closed") for each in made]:
        contributors = [each for step in closing["steps"] for each in step["contributors"] or ()]
        for client in sorted(set(_awaited(contributors))):
            tell.call(
                said("{client} signs off its parts", client=client),
                *(client, "POST", f"{_place(closing)}/sign-offs"),
                json={},
                expect=200,
            )
    for closing in made:
        tell.call(
            said("A second person publishes all of {period}", period=closing["period"]),
            *(PUBLISHER, "POST", f"{_place(closing)}/publications"),
            json={},
            expect=202,
        )
    for closing in made:
        end = _at_rest(tell, closing, "published")
        tell.holds(said("none is still a draft"), end["state"] == "published", end["steps"])


def _at_rest(tell: Storyteller, closing: dict[str, Any], done: str) -> dict[str, Any]:
    """Wait until the closing is no longer running, and return it."""
    seen: dict[str, Any] = {}

    def rests() -> bool:
        seen.update(tell.get(IM, _place(closing)))
        return seen["state"] not in {"closing", "publishing"}

    tell.eventually(
        said("all programmes of {period} are {done}", period=closing["period"], done=done), rests
    )
    return seen


def _place(closing: dict[str, Any]) -> str:
    return f"{_CLOSINGS}/{closing['id']}"


def _sign_off(tell: Storyteller, release: dict[str, Any]) -> None:
    """Sign off for each contributing organisation that has a demo client."""
    for client in _awaited(release["contributors"]):
        tell.call(
            said("{client} signs off its part", client=client),
            *(client, "POST", f"/reports/v1/releases/{release['id']}/sign-offs"),
            json={},
            expect=200,
        )


def _awaited(contributors: Sequence[dict[str, Any]] | None) -> list[str]:
    """Return the demo clients whose organisations have not responded yet."""
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
        said("Anybody can query it, by area"),
        *(None, "GET", path),
        params={"by": "area"},
        expect=200,
    )
    numbers = [counts["total"], *(row["count"] for row in counts["rows"])]
    tell.holds(
        said("every number is a multiple of {number}", number=counts["k"]),
        all(number % counts["k"] == 0 for number in numbers),
        numbers,
    )
    tell.call(
        said("A question outside the programme is refused"),
        *(None, "GET", path),
        params={"by": "name"},
        expect=422,
    )
    tell.call(
        said("A partner cannot publish"),
        *(SALUD, "POST", f"/reports/v1/releases/{release['id']}/publish"),
        json={},
        expect=403,
    )
    tell.call(
        said("Nor can it close a period"),
        REFUGIO,
        "POST",
        "/reports/v1/releases",
        json={},
        expect=403,
    )
