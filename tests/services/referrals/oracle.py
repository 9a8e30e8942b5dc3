"""Decides who may know which fact about a person, what may be sent, and who has read it. Pure.

The rules come from the rules of referral, consent and transfer, never from the services' code; test_stateful.py
compares the services with this module. A fact is a unique string, listed under the item that covers it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from common import clock

OPEN = frozenset(
    [
        "sent",
        "acknowledged",
        "info_requested",
        "waitlisted",
        "accepted",
        "scheduled",
        "in_service",
        "on_hold",
    ]
)
READ_ON = OPEN | {"completed", "not_delivered"}
"""In these the recipient has a need to know; in every other end it has none."""
_UNDECIDED = frozenset({"sent", "acknowledged", "waitlisted"})
_UNDER_WAY = frozenset({"accepted", "scheduled", "in_service"})
_ANY = READ_ON | {"declined", "recalled", "withdrawn", "expired"}
STEPS: Mapping[str, tuple[frozenset[str], str, str]] = {
    "acknowledge": (frozenset({"sent"}), "recipient", "acknowledged"),
    "request-information": (frozenset({"acknowledged"}), "recipient", "info_requested"),
    "answer-information": (frozenset({"info_requested"}), "referrer", "acknowledged"),
    "waitlist": (frozenset({"acknowledged"}), "recipient", "waitlisted"),
    "accept": (_UNDECIDED, "recipient", "accepted"),
    "decline": (_UNDECIDED, "recipient", "declined"),
    "schedule": (frozenset({"accepted", "scheduled"}), "recipient", "scheduled"),
    "start": (frozenset({"accepted", "scheduled"}), "recipient", "in_service"),
    "hold": (_UNDER_WAY, "recipient", "on_hold"),
    "resume": (frozenset({"on_hold"}), "recipient", "as before"),
    "complete": (_UNDER_WAY | {"on_hold"}, "recipient", "completed"),
    "report-not-delivered": (_UNDER_WAY | {"on_hold"}, "recipient", "not_delivered"),
    "recall": (OPEN, "referrer", "recalled"),
    "enter-in-error": (_ANY, "referrer", "entered_in_error"),
}
"""From which states, by which side, to which."""
CHANGING = frozenset({"relative", "follow_up", "appointment"})
ENDING = frozenset({"risk", "follow_up", "appointment"})
_STAYING = frozenset({"comment"})
"""A supervisor's comment is about the work of an organisation. It stays there when the case moves."""


@dataclass(frozen=True)
class Caller:
    """A caller with an account. `works` names the services whose queues they work in, or None for all of their
    organisation's. `reads_cases` is False for a coordinator or reader. `desks` are their line desks."""

    client: str
    organisation: UUID
    person: str
    works: frozenset[UUID] | None = None
    reads_cases: bool = True
    desks: frozenset[str] = frozenset()


@dataclass(repr=False)
class Case:
    id: str
    reference: str
    holder: UUID
    facts: dict[str, str]
    adult_at: datetime | None = None
    """When a child comes of age; None: an adult."""
    caregiver: str = "available"
    implicated: set[UUID] = field(default_factory=set)
    accused_at: dict[UUID, datetime] = field(default_factory=dict)
    closed: bool = False
    erased: bool = False
    emergency_readers: set[UUID] = field(default_factory=set)
    holders_who_read: set[tuple[UUID, int]] = field(default_factory=set)
    """Each with how often it had been handed over by then."""
    moves: int = 0
    """How often it was handed over."""

    def __repr__(self) -> str:
        return self.facts["name"]

    def is_child(self, now: datetime) -> bool:
        return self.adult_at is not None and now < self.adult_at

    @property
    def hidden(self) -> frozenset[str]:
        """Return the hidden items: contact details of a caregiver who is implicated or absent."""
        gone = self.caregiver in ("implicated", "absent")
        return frozenset({"caregiver_contact"}) if gone else frozenset()


@dataclass(eq=False)
class Entry:
    """An entry in a case record, its plan or its assistance. `words` is its free text and `former` its earlier text.
    `organisation` and `writer` are its authors."""

    id: str
    case: Case
    kind: str
    words: str
    organisation: UUID
    writer: str
    version: int = 1
    done: bool = False
    taken_back: bool = False
    former: list[str] = field(default_factory=list)


@dataclass
class Word:
    """A decision on consent. `by` is the person, the caregiver, or the basis of an exception."""

    id: str
    case: Case
    to: UUID
    service: str
    items: frozenset[str]
    by: str
    code: str = ""
    given: datetime = field(default_factory=clock.now)
    until: datetime | None = None
    stands: bool = True
    used: bool = False
    holder: UUID | None = None
    """Of an exception: whose people decided."""
    hands_over: bool = False
    """The whole case, to whoever accepts it."""
    accepted: int | None = None
    """Which handing over it was; None: nobody accepted."""

    @property
    def is_exception(self) -> bool:
        return self.holder is not None


@dataclass
class Sharing:
    id: str
    word: Word
    items: frozenset[str]
    state: str = "sent"
    before_hold: str = ""
    ended: bool = False
    by_wish: bool = False
    """Whether the person took it back, before or after another end."""
    readers: set[UUID] = field(default_factory=set)
    former: list[Word] = field(default_factory=list)
    """What it went on under before."""

    @property
    def case(self) -> Case:
        return self.word.case

    @property
    def words(self) -> list[Word]:
        return [self.word, *self.former]

    def is_under(self, word: Word) -> bool:
        return any(each is word for each in self.words)

    @property
    def shown(self) -> frozenset[str]:
        """Return the sent facts that the latest decision allows."""
        return self.items & self.word.items - self.case.hidden

    def is_read(self, now: datetime) -> bool:
        word, case = self.word, self.case
        lasts = word.until is None or now < word.until
        return (
            self.state in READ_ON
            and not (self.ended or case.erased or word.to in case.implicated)
            and lasts
        )


@dataclass(frozen=True)
class Link:
    """A link with which a recipient without an account responds once. An erasure and a transfer of the case end it."""

    page: str
    until: datetime
    moves: int
    """How often the case had moved when the link was made."""


@dataclass(eq=False)
class Offer:
    """An offer of a case to another organisation. `state` is offered, accepted, declined or recalled."""

    id: str
    word: Word
    giver: UUID
    state: str = "offered"


@dataclass(eq=False)
class Request:
    """A request to hand on a report against its reporter's wish. One person requests it with `words`, and another
    decides."""

    id: str
    to: UUID
    words: str
    asker: Caller
    status: str = "pending"


@dataclass(eq=False)
class Report:
    """A report on the line. `words` contains all texts of its thread. `handed` is the organisation that may make it a
    case, by the reporter's wish or `by_request` of two people."""

    id: str
    receipt: str
    words: list[str]
    desk: str = "TIP"
    wish: bool = False
    handed: UUID | None = None
    by_request: bool = False
    requests: list[Request] = field(default_factory=list)
    accused: set[UUID] = field(default_factory=set)
    case: Case | None = None
    deleted: bool = False


@dataclass
class Access:
    """Emergency access for one person and one hour."""

    id: str
    case: Case
    caller: Caller
    until: datetime
    approved: bool = False
    ended: bool = False


def may_decide(by: str, case: Case, now: datetime) -> bool:
    if by == "person":
        return not case.is_child(now)
    if by == "caregiver":
        return case.is_child(now) and not case.hidden
    return by != "best_interest" or case.is_child(now)


def may_send(word: Word, wanted: frozenset[str], now: datetime) -> bool:
    """Return whether the sender may send under this decision; each sending checks it again."""
    case = word.case
    return (
        not (case.closed or case.erased or word.used)
        and word.stands
        and (word.until is None or now < word.until)
        and (word.holder is None or word.holder == case.holder)
        and word.to not in case.implicated
        and may_decide(word.by, case, now)
        and wanted <= word.items - case.hidden
    )


def may_renew(sharing: Sharing, word: Word, now: datetime) -> bool:
    """Return whether a referral may continue under a new consent: to the same service, by the same person, and for
    nothing else."""
    same = word.case is sharing.case and word.service == sharing.word.service
    open_still = sharing.state in OPEN and not sharing.ended
    return same and open_still and may_send(word, frozenset(), now)


def sides_of_offer(caller: Caller, offer: Offer) -> set[str]:
    sides = {"giver": offer.giver, "receiver": offer.word.to}
    own = caller.organisation if caller.reads_cases else None
    return {side for side, each in sides.items() if each == own}


def may_take_over(offer: Offer, now: datetime) -> bool:
    """Return whether the receiver may take over the case. Ruta checks it at the offer and at the acceptance; in between
    the receiver sees the facts for the decision."""
    word, case = offer.word, offer.word.case
    return (
        offer.state == "offered"
        and not (case.closed or case.erased)
        and word.stands
        and (word.until is None or now < word.until)
        and word.to not in case.implicated
        and may_decide(word.by, case, now)
    )


def answer_to_offer(act: str, caller: Caller, offer: Offer, now: datetime) -> int | None:
    """Return the status of the response, or None if any refusal is allowed."""
    sides = sides_of_offer(caller, offer)
    if ("giver" if act == "recall" else "receiver") not in sides:
        return 403 if sides else (404 if caller.reads_cases else None)
    if offer.state != "offered":
        return 409
    return 200 if act != "accept" or may_take_over(offer, now) else None


def may_answer(sharing: Sharing, now: datetime) -> bool:
    word, case = sharing.word, sharing.case
    return (
        sharing.is_read(now)
        and word.stands
        and may_decide(word.by, case, now)
        and "situation" in word.items
    )


def holds(caller: Caller, case: Case) -> bool:
    return caller.reads_cases and caller.organisation == case.holder and not case.erased


def may_write(kind: str, caller: Caller, case: Case) -> bool:
    """Return whether the caller may write this entry; only a supervisor may write a comment."""
    return holds(caller, case) and not case.closed and (kind != "comment" or caller.works is None)


def reads_entry(caller: Caller, entry: Entry) -> bool:
    """Return whether the caller may read the entry. A case record never leaves its holder: no recipient, emergency
    access or earlier holder reads it."""
    stayed = entry.kind in _STAYING and caller.organisation != entry.organisation
    return holds(caller, entry.case) and not (entry.taken_back or stayed)


def side_of(caller: Caller, sharing: Sharing) -> set[str]:
    sides = set()
    if caller.reads_cases and caller.organisation == sharing.case.holder:
        sides.add("referrer")
    in_queue = caller.works is None or UUID(sharing.word.service) in caller.works
    if caller.reads_cases and caller.organisation == sharing.word.to and in_queue:
        sides.add("recipient")
    return sides


def is_at_desk(caller: Caller, report: Report) -> bool:
    """Return whether the caller is at the report's desk, which excludes an organisation named in the report."""
    return (
        report.desk in caller.desks
        and caller.organisation not in report.accused
        and not report.deleted
    )


def is_handed(caller: Caller, report: Report) -> bool:
    """Return whether the caller reads a report that became a case. The organisation that made the case reads the report
    while it holds the case."""
    case, own = report.case, caller.organisation
    return (
        caller.reads_cases
        and (report.wish or report.by_request)
        and own == report.handed
        and own not in report.accused
        and not report.deleted
        and (case is None or (case.holder == own and not case.erased))
    )


def concerns(caller: Caller, report: Report, request: Request) -> bool:
    """Return whether the request concerns the caller: the report's desk, or supervisors of the organisation that would
    receive the report."""
    receives = caller.organisation == request.to and caller.reads_cases and caller.works is None
    accused = caller.organisation in report.accused
    return is_at_desk(caller, report) or (receives and not accused and not report.deleted)


def answer_to(step: str, caller: Caller, sharing: Sharing, now: datetime) -> int | None:
    """Return the status of the response, or None if any refusal is allowed."""
    sources, side, _ = STEPS[step]
    sides = side_of(caller, sharing)
    if sharing.case.erased or not caller.reads_cases:
        return None
    if side not in sides:
        # Both sides became one organisation and the referral ended; the page defines no order of the two refusals.
        together = sharing.word.to == sharing.case.holder
        return None if together else 403 if sides else 404
    accused = sharing.word.to in sharing.case.implicated
    if sharing.state not in sources or accused:  # An accused recipient sees an ordinary recall.
        return 409
    refused = step == "answer-information" and not may_answer(sharing, now)
    unread = step == "accept" and not sharing.is_read(now)
    return None if refused or unread else 200


def may_know(
    caller: Caller,
    cases: Iterable[Case],
    sharings: Iterable[Sharing],
    accesses: Iterable[Access],
    reports: Iterable[Report],
    entries: Iterable[Entry],
    now: datetime,
) -> set[str]:
    """Return the facts that this person may learn now by any path."""
    known: set[str] = set()
    for case in cases:
        if holds(caller, case):
            known.update(case.facts.values())
    for sharing in sharings:
        if "recipient" in side_of(caller, sharing) and sharing.is_read(now):
            known.update(sharing.case.facts[item] for item in sharing.shown)
    for access in accesses:
        if access.caller == caller and is_open(access, now):
            case = access.case
            known.update(text for item, text in case.facts.items() if item not in case.hidden)
    for report in reports:
        if is_at_desk(caller, report) or is_handed(caller, report):
            known.update(report.words)
        known.update(e.words for e in report.requests if concerns(caller, report, e))
    known.update(each.words for each in entries if reads_entry(caller, each))
    return known


def is_open(access: Access, now: datetime) -> bool:
    case, organisation = access.case, access.caller.organisation
    shut = access.ended or case.erased or organisation in case.implicated
    return access.approved and not shut and now < access.until


@dataclass
class Past:
    """All state at one moment. `record` contains what another system sent, and the case made from it."""

    cases: list[Case] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    sharings: list[Sharing] = field(default_factory=list)
    accesses: list[Access] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    teams: dict[UUID, set[str]] = field(default_factory=dict)
    record: tuple[object, Case] | None = None


def restore(then: Past, now: Past) -> None:
    """Turn `then` into the state after a restore with the lists of `now`. Withdrawals, erasures, transfers, hand-overs,
    implications, withdrawal codes, retracted entries, a child's corrected age and restrictions survive."""
    _restore_cases(then, now)
    then.teams = {
        who: now.teams.get(who) or team for who, team in {**now.teams, **then.teams}.items()
    }
    words = {each.id: each for each in now.words}
    for word in then.words:
        word.stands &= words[word.id].stands
        word.accepted, word.code = words[word.id].accepted, words[word.id].code
    sharings = {each.id: each for each in now.sharings}
    for sharing in then.sharings:
        later_sharing = sharings[sharing.id]
        if later_sharing.ended and not sharing.ended:
            sharing.ended = True
            sharing.state = "recalled" if sharing.state in OPEN else sharing.state
    offers = {each.id: each for each in now.offers}
    for offer in then.offers:
        offer.state = offers[offer.id].state
    accesses = {each.id: each for each in now.accesses}
    for access in then.accesses:
        access.ended |= accesses[access.id].ended
    _restore_reports(then, now)


def _restore_cases(then: Past, now: Past) -> None:
    cases = {each.id: each for each in now.cases}
    for case in then.cases:
        later = cases[case.id]
        case.holder, case.erased, case.moves = later.holder, later.erased, later.moves
        case.implicated |= later.implicated
        if later.is_child(clock.now()):
            case.adult_at = later.adult_at
        if later.hidden and not case.hidden:
            case.caregiver = later.caregiver
    entries = {each.id: each for each in now.entries}
    for entry in then.entries:
        if entries[entry.id].taken_back and not entry.taken_back:
            entry.taken_back = True
            entry.version += 1


def _restore_reports(then: Past, now: Past) -> None:
    reports = {each.id: each for each in now.reports}
    for report in then.reports:
        later_report = reports[report.id]
        report.deleted = later_report.deleted
        report.wish &= later_report.wish
        report.desk = later_report.desk
        report.accused |= later_report.accused
        report.requests = [each for each in report.requests if each.to not in report.accused]
        refused = {each.id for each in later_report.requests if each.status == "refused"}
        for request in report.requests:
            request.status = "refused" if request.id in refused else request.status
        if report.handed != later_report.handed:
            report.handed = None
        report.by_request &= later_report.by_request
