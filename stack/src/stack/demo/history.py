"""Gives the demo stack a past: people referred over several half months, and what was published.

Everything goes through the front door: commands in batches, as an offline client sends them, each
on its own day, because the clock of the stack stands on that day. Then it is released as it would
have been.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from common.clock import utc_day

from stack.demo import past_bulletin, past_screenings, past_searches
from stack.demo.batches import Command, command, send
from stack.demo.clients import organisation
from stack.demo.clock import StackClock, moved
from stack.demo.past_activities import report_activities
from stack.demo.past_people import IntakeDay, PastPerson, grown, hours, intake_days
from stack.demo.releases import close_and_publish_all, last_closed_period
from stack.demo.screened_people import quarter_before, quarter_id
from stack.demo.story import IM, LEGAL, REFUGIO, SALUD
from stack.demo.storyteller import Storyteller
from stack.embedded.layout import Layout
from stack.errors import StackError
from stack.wording import said

ORGANISATIONS = {REFUGIO: organisation(1), SALUD: organisation(2), LEGAL: organisation(3)}
SENDER, RECIPIENT = "sender", "recipient"
_COUNTED = {SENDER: "sent", RECIPIENT: "delivered"}
_ITEMS = ["sex", "age", "situation"]
_SECOND_HALF = 16


@dataclass(frozen=True)
class Service:
    """A service of a demo organisation that takes referrals."""

    id: str
    client: str
    categories: tuple[str, ...]
    state: str


@dataclass(frozen=True)
class Sent:
    """A person whose referral was sent, by whom and to whom."""

    key: str
    person: PastPerson
    referral_id: str
    sender: str
    recipient: str


def half_months(last: str, number: int) -> list[tuple[str, date]]:
    """The ids and first days of the half months up to and with `last`, oldest first."""
    day = date.fromisoformat(f"{last[:7]}-{'01' if last.endswith('a') else _SECOND_HALF}")
    found = []
    for _ in range(number):
        found.append((f"{day:%Y-%m}{'a' if day.day == 1 else 'b'}", day))
        before = day - timedelta(days=1)
        day = before.replace(day=1 if before.day < _SECOND_HALF else _SECOND_HALF)
    return found[::-1]


def live_the_past(
    tell: Storyteller, layout: Layout, *, number: int, people: int, screened: int
) -> int:
    """Refer `people` per half month (on average) over `number` of them, screen `screened` in the quarter that
    ended last, and publish it all; returns how many were referred. What is published already is
    left as it is."""
    closed = {
        each["period"]
        for each in tell.get(IM, "/reports/v1/releases", {"programme": "referrals", "limit": 200})[
            "items"
        ]
    }
    wanted = [
        (period, first, share)
        for (period, first), share in zip(
            half_months(last_closed_period(), number), grown(people, number), strict=True
        )
        if period not in closed
    ]
    quarter = quarter_before(utc_day(datetime.now(UTC)))
    screening = screened > 0 and not past_screenings.told_already(tell, quarter)
    past = _Past(tell, _services(tell))
    if screening:
        past_screenings.certify(tell, quarter)
    with moved(layout.clock_file) as clock:
        if screening:
            tell.chapter(quarter_id(quarter))
            past_screenings.screen(tell, clock, quarter, screened)
        for period, first, share in wanted:
            tell.chapter(period)
            for day in intake_days(first, share):
                past.live(clock, day)
            past_searches.search(tell, first, share)
    if wanted:
        _announce_gaps(layout)
        report_activities(tell, [first for _, first, _ in wanted])
    # Events of one service come in their order: with the last referral all before it are there.
    tell.eventually(
        said("reporting has heard of all {number} referrals", number=past.sent), past.arrived
    )
    quarters = [quarter_id(quarter)] if screening else []
    close_and_publish_all(tell, [*quarters, *(period for period, *_ in wanted)])
    if wanted:
        past_bulletin.tell_context(tell, wanted[-1][1].year)
        past_bulletin.publish(tell, wanted[-1][0])
    return past.sent


def _announce_gaps(layout: Layout) -> None:
    from stack.operate.service_commands import ServiceCommands  # noqa: PLC0415 - a third of this command's start

    if ServiceCommands(layout).run("directory", "announce-gaps") != 0:
        raise StackError("the gaps of the directory were not announced")


class _Past:
    """Sends the commands of each day and counts what reporting must hear of."""

    def __init__(self, tell: Storyteller, services: Sequence[Service]) -> None:
        self._expected: Counter[tuple[str, str]] = Counter()
        self._known: Counter[tuple[str, str]] = Counter()
        self._first = datetime.now(UTC)
        self._tell = tell
        self._services = services

    def live(self, clock: StackClock, day: IntakeDay) -> None:
        clock.set(day.moment)
        self._first = min(self._first, day.moment)
        sent = self._refer(day)
        for hour in hours(day.people):
            clock.set(day.moment + timedelta(hours=hour))
            self._go_on(sent, hour)

    @property
    def sent(self) -> int:
        return sum(number for (side, _), number in self._expected.items() if side == SENDER)

    def arrived(self) -> bool:
        """Whether reporting knows all that was sent and ended, and hears nothing new."""
        known, self._known = self._known, self._seen()
        return known == self._known and known >= self._expected

    def _seen(self) -> Counter[tuple[str, str]]:
        """What reporting counts of each organisation as sender and as recipient."""
        found: Counter[tuple[str, str]] = Counter()
        asked = {"from": f"{self._first:%Y-%m}", "to": f"{datetime.now(UTC):%Y-%m}"}
        for client in ORGANISATIONS:
            for scope in self._tell.get(client, "/reports/v1/indicators", asked)["scopes"]:
                for row in scope["rows"]:
                    found[scope["scope"], client] += row["counts"][_COUNTED[scope["scope"]]]
        return found

    def _refer(self, day: IntakeDay) -> list[Sent]:
        chosen = [
            (f"{day.moment:%Y%m%d}-{number}", person, *self._route(person, number))
            for number, person in enumerate(day.people)
        ]
        commands: dict[str, list[Command]] = defaultdict(list)
        for key, person, sender, service in chosen:
            commands[sender] += intake(key, person, service)
        made = send(self._tell, commands)
        self._expected.update((SENDER, sender) for _, _, sender, _ in chosen)
        return [
            Sent(key, person, made[f"{key}-draft"]["id"], sender, service.client)
            for key, person, sender, service in chosen
        ]

    def _go_on(self, sent: Sequence[Sent], hour: int) -> None:
        commands: dict[str, list[Command]] = defaultdict(list)
        for each in sent:
            for at, step in each.person.steps:
                if at == hour:
                    client = each.sender if step == "confirm" else each.recipient
                    commands[client].append(next_step(each, step))
                    self._expected[RECIPIENT, client] += step == "complete"
        send(self._tell, commands)

    def _route(self, person: PastPerson, number: int) -> tuple[str, Service]:
        """A service for the need, near if there is one, and one of the others as referrer."""
        offers = [each for each in self._services if person.need in each.categories]
        if not offers:
            raise StackError(
                "no demo service for {need}: load them with ./ruta up --demo", need=person.need
            )
        near = [each for each in offers if each.state == person.state] or offers
        service = near[number % len(near)]
        others = [client for client in ORGANISATIONS if client != service.client]
        return others[number % len(others)], service


def intake(key: str, person: PastPerson, service: Service) -> list[Command]:
    """The commands from a new case to a sent referral; later ones name what earlier ones made."""
    case = f"${{{key}-case.id}}"
    decision = {"case_id": case, "method": "verbal", **_decider(person)}
    commands = [
        command(f"{key}-case", "cases", _case(key, person)),
        command(
            f"{key}-grant",
            "consents",
            {
                **decision,
                "kind": "referral",
                "service_id": service.id,
                "purpose": person.need,
                "items": _ITEMS,
            },
        ),
        command(f"{key}-draft", "referrals", _draft(case, person, service)),
        command(
            f"{key}-send",
            f"referrals/${{{key}-draft.id}}/send",
            {"grant_id": f"${{{key}-grant.id}}"},
        ),
    ]
    if person.counts:
        counted = command(f"{key}-counted", "consents", {**decision, "kind": "reporting"})
        commands.insert(1, counted)
    return commands


def next_step(sent: Sent, step: str) -> Command:
    """What a step carries beside its name."""
    bodies: dict[str, dict[str, Any]] = {
        "accept": {"focal_point": "Equipo de turno"},
        "decline": {"reason": sent.person.reason},
        "report-not-delivered": {"reason": sent.person.reason},
        "complete": {"outcome": "delivered"},
        "confirm": {"confirmed_by": "person", "agrees": True},
    }
    path = f"referrals/{sent.referral_id}/{step}"
    return command(f"{sent.key}-{step}", path, bodies.get(step, {}))


def _case(key: str, person: PastPerson) -> dict[str, Any]:
    return {
        "identity": {"name": f"Persona ficticia {key}", "age": person.age},
        "attributes": {"sex": person.sex, "nationality": "VE", "languages": ["spa"]},
        "area": person.state,
        "caregiver": "available" if person.child else "unknown",
    }


def _draft(case: str, person: PastPerson, service: Service) -> dict[str, Any]:
    return {
        "case_id": case,
        "service_id": service.id,
        "category": person.need,
        "urgency": person.urgency,
        "payload": {"situation": "Relato ficticio de la demostración."},
        "from_case": ["sex", "age"],
        "safe_contact": {"rule": "through_referrer"},
    }


def _decider(person: PastPerson) -> dict[str, str]:
    return {"decided_by": "caregiver", "child_assent": "agrees"} if person.child else {}


def _services(tell: Storyteller) -> list[Service]:
    found: list[Service] = []
    for client, id_ in ORGANISATIONS.items():
        asked = {"organization_id": id_, "referable": "true", "full": "true", "per_page": 50}
        found += [
            Service(each["id"], client, tuple(each["categories"]), _state(each))
            for each in tell.get(client, "/directory/v1/services", asked)["contents"]
        ]
    return sorted(found, key=lambda each: each.id)


def _state(service: dict[str, Any]) -> str:
    """The first state that the service says it serves; empty for none."""
    areas = (str(each.get("extent", ""))[:4] for each in service.get("service_areas", []))
    return next((area for area in areas if area), "")
