"""Gives the demo stack a past: people referred over several half months, and publications.

All data goes through the API. Commands are sent in batches, as an offline client would send them. Each batch has its
own day, because the stack's clock is set to that day. Then each period is released as it would have been.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from common.clock import utc_day

from stack.demo import past_bulletin
from stack.demo.past import (
    ORGANISATIONS,
    TOLD,
    Act,
    Service,
    activities,
    grown,
    intake_days,
    outside_series,
    profiles,
    screening_days,
)
from stack.demo.releases import close_and_publish_all, last_closed_period
from stack.demo.story import IM, REFUGIO, SUPERVISOR
from stack.demo.storyteller import Storyteller
from stack.embedded.layout import Layout
from stack.errors import StackError
from stack.private_files import write_private
from stack.texts import said

_REFERRALS = "/referrals/v1"
_SECOND_HALF = 16
_CONNECTIONS = 3
_MOST, _INTAKE = 30, 5
"""The most commands in one batch, and the commands of an intake, which stay in one batch."""
_MADE = re.compile(r"\$\{([^{}]+)\.id\}")


def half_months(last: str, number: int) -> list[tuple[str, date]]:
    """Return the ids and first days of the half months up to `last`, oldest first."""
    day = date.fromisoformat(f"{last[:7]}-{'01' if last.endswith('a') else _SECOND_HALF}")
    found = []
    for _ in range(number):
        found.append((f"{day:%Y-%m}{'a' if day.day == 1 else 'b'}", day))
        before = day - timedelta(days=1)
        day = before.replace(day=1 if before.day < _SECOND_HALF else _SECOND_HALF)
    return found[::-1]


def quarter_before(today: date) -> date:
    """Return the first day of the last completed quarter."""
    this = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
    last = this - timedelta(days=1)
    return last.replace(month=last.month - 2, day=1)


def quarter_id(first: date) -> str:
    """Return the quarter's id in the form that reporting uses: `2026-Q3`."""
    return f"{first.year}-Q{(first.month + 2) // 3}"


@contextmanager
def moved(file: Path) -> Iterator["StackClock"]:
    """Yield a clock that the block may move, and restore it afterwards."""
    try:
        yield StackClock(file)
    finally:
        write_private(file, "0")


class StackClock:
    """The clock that every process of the stack reads. Setting it adds a constant shift to the real time."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def set(self, moment: datetime) -> None:
        """Shift the clock so that it shows `moment` now, but never a time in the future."""
        shift = min((moment - datetime.now(UTC)).total_seconds(), 0.0)
        write_private(self._file, f"{shift:.3f}")


def live_the_past(
    tell: Storyteller, layout: Layout, *, number: int, people: int, screened: int
) -> int:
    """Refer `people` people per half month (on average) over `number` half months, screen `screened` people in the last
    completed quarter, and publish everything. Return the number of people referred. Published periods remain
    unchanged."""
    closed = _released(tell, {"programme": "referrals"})
    wanted = [
        (period, first, share)
        for (period, first), share in zip(
            half_months(last_closed_period(), number), grown(people, number), strict=True
        )
        if period not in closed
    ]
    quarter = quarter_before(utc_day(datetime.now(UTC)))
    screening = screened > 0 and not _released(tell, {"period": quarter_id(quarter)})
    services = _services(tell)
    if screening:
        instrument = _certified(tell, quarter)
    past = _Past(tell)
    with moved(layout.clock_file) as clock:
        if screening:
            tell.chapter(quarter_id(quarter))
            for moment, acts in screening_days(quarter, screened, instrument):
                past.live(clock, moment, acts)
        for period, first, share in wanted:
            tell.chapter(period)
            for moment, acts in intake_days(first, share, services):
                past.live(clock, moment, acts)
            _search(tell, first, share)
    if wanted:
        _announce_gaps(layout)
        _report_activities(tell, [first for _, first, _ in wanted])
    # Events of a service arrive in order, so the last referral arrives after all other referrals.
    tell.eventually(
        said("reporting has received all {number} referrals", number=past.sent), past.arrived
    )
    quarters = [quarter_id(quarter)] if screening else []
    close_and_publish_all(tell, [*quarters, *(period for period, *_ in wanted)])
    if wanted:
        past_bulletin.tell_context(tell, wanted[-1][1].year, wanted[-1][0])
        past_bulletin.publish(tell, wanted[-1][0])
    return past.sent


class _Past:
    """Sends the commands of each day and counts the events that reporting must receive."""

    def __init__(self, tell: Storyteller) -> None:
        self._tell = tell
        self._made: dict[str, str] = {}
        self._expected: Counter[tuple[str, str]] = Counter()
        self._known: Counter[tuple[str, str]] = Counter()
        self._first = datetime.now(UTC)

    def live(self, clock: StackClock, moment: datetime, acts: Sequence[Act]) -> None:
        self._first = min(self._first, moment)
        in_order = sorted(acts, key=attrgetter("hour"))
        for hour, of_hour in groupby(in_order, attrgetter("hour")):
            clock.set(moment + timedelta(hours=hour))
            self._send(list(of_hour))
        for act in acts:
            self._expected["sent", act.client] += act.path.endswith("/send")
            self._expected["delivered", act.client] += act.path.endswith("/complete")

    @property
    def sent(self) -> int:
        return sum(number for (what, _), number in self._expected.items() if what == "sent")

    def arrived(self) -> bool:
        """Return whether reporting has counted everything that was sent and completed, and whether its counts are
        stable."""
        found: Counter[tuple[str, str]] = Counter()
        asked = {"from": f"{self._first:%Y-%m}", "to": f"{datetime.now(UTC):%Y-%m}"}
        for client in ORGANISATIONS:
            for scope in self._tell.get(client, "/reports/v1/indicators", asked)["scopes"]:
                what = "sent" if scope["scope"] == "sender" else "delivered"
                found[what, client] += sum(row["counts"][what] for row in scope["rows"])
        known, self._known = self._known, found
        return known == found and known >= self._expected

    def _send(self, acts: Sequence[Act]) -> None:
        """Send all batches, with the batches of different clients in parallel."""
        batches: list[tuple[str, list[Act]]] = []
        commands: dict[str, list[Act]] = defaultdict(list)
        for act in acts:
            commands[act.client].append(act)
        for client, all_ in commands.items():
            batch: list[Act] = []
            for act in all_:
                begins = act.path == "cases" and len(batch) > _MOST - _INTAKE
                if act.method != "POST" or begins or len(batch) == _MOST:
                    batches.append((client, batch))
                    batch = []
                batch.append(act)
            batches.append((client, batch))
        with ThreadPoolExecutor(_CONNECTIONS) as together:
            for made in together.map(self._send_one, (batch for _, batch in batches if batch)):
                self._made |= made

    def _send_one(self, acts: Sequence[Act]) -> dict[str, str]:
        first = acts[0]
        if first.method != "POST":  # a batch cannot contain PUT commands
            path, body = self._known_ids((f"{_REFERRALS}/{first.path}", first.body))
            self._tell.call(
                said("The route by which she came"),
                first.client,
                first.method,
                path,
                json=body,
                expect=200,
            )
            return {}
        commands = [
            {"key": act.key, "path": f"{_REFERRALS}/{act.path}", "body": act.body} for act in acts
        ]
        answer = self._tell.call(
            said(
                "{client} sends {number} commands of that day",
                client=first.client,
                number=len(acts),
            ),
            *(first.client, "POST", f"{_REFERRALS}/bulk"),
            json={"commands": self._known_ids(commands), "together": True},
            expect=200,
        )
        for result in answer["results"]:
            if result["status"] >= 300:
                raise StackError.passed_on(f"{result['key']}: {result['status']} {result['body']}")
        return {each["key"]: each["body"].get("id", "") for each in answer["results"]}

    def _known_ids(self, value: Any) -> Any:
        """Fill in ids from earlier batches. The service resolves ids of the current batch."""
        named = _MADE.sub(lambda found: self._made.get(found[1], found[0]), json.dumps(value))
        return json.loads(named)


def _released(tell: Storyteller, asked: dict[str, Any]) -> set[str]:
    items = tell.get(IM, "/reports/v1/releases", {**asked, "limit": 200})["items"]
    return {each["period"] for each in items}


def _services(tell: Storyteller) -> list[Service]:
    found: list[Service] = []
    for client, id_ in ORGANISATIONS.items():
        asked = {"organization_id": id_, "referable": "true", "full": "true", "per_page": 50}
        for each in tell.get(client, "/directory/v1/services", asked)["contents"]:
            areas = (str(area.get("extent", ""))[:4] for area in each.get("service_areas", []))
            state = next(filter(None, areas), "")
            found.append(Service(each["id"], client, tuple(each["categories"]), state))
    return sorted(found, key=attrgetter("id"))


def _certified(tell: Storyteller, first: date) -> str:
    """Return that quarter's screening instrument. The supervisor records the screeners' certificate."""
    tell.call(
        said("The supervisor records who is certified to screen"),
        *(SUPERVISOR, "POST", f"{_REFERRALS}/certificates"),
        json={
            "holder": REFUGIO,
            "certified_on": str(first - timedelta(days=1)),
            "valid_until": str(first + timedelta(days=365)),
        },
        expect=201,
    )
    instruments = tell.get(REFUGIO, f"{_REFERRALS}/instruments")
    return next(str(each["id"]) for each in instruments if each["shipped"])


def _search(tell: Storyteller, first: date, searches: int) -> None:
    for start in range(0, searches, 100):
        tell.call(
            said("Refugio asks who can help these people"),
            *(REFUGIO, "POST", "/directory/v1/pathways/resolve/batch?services_per_step=1"),
            json={"profiles": list(profiles(first, min(100, searches - start)))},
            expect=200,
        )


def _announce_gaps(layout: Layout) -> None:
    from stack.operate.service_commands import ServiceCommands  # noqa: PLC0415 - a third of this command's start

    if ServiceCommands(layout).run("directory", "announce-gaps") != 0:
        raise StackError("the directory did not publish its gaps")


def _report_activities(tell: Storyteller, first_days: Sequence[date]) -> None:
    """Report each organisation's activities; the IM officer sets the plan's targets."""
    for client, body in (each for first in first_days for each in activities(first)):
        tell.call(
            said("{client} reports {activity}", client=client, activity=body["activity_code"]),
            *(client, "POST", "/reports/v1/activities"),
            json=body,
            expect=(201, 409),
        )
    year = first_days[-1].year
    for indicator, target in TOLD["targets"].items():
        plan = {"plan": str(year), "start": f"{year}-01-01", "end": f"{year}-12-31"}
        tell.call(
            said("The target for {indicator}", indicator=indicator),
            *(IM, "PUT", "/reports/v1/activities/targets"),
            json={**plan, "indicator": indicator, "target": target},
            expect=200,
        )
    tell.call(
        said("A series from another source, with its provenance"),
        *(IM, "POST", "/reports/v1/context/series"),
        json=outside_series(first_days),
        expect=201,
    )
