"""Who gets a notice, and when. Pure. Messages never contain their subject. These rules choose the side, the order in an
emergency, and the time (quiet hours, digests)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from common.messages.delivery import Message
from common.words.languages import PageLanguage
from common.words.tables import completed

from referrals.ground.notices.kinds import News, NoticeKind
from referrals.telling.channels.kinds import Pace
from referrals.telling.channels.wake_ups import Side, Telling, telling

SPACING = timedelta(minutes=30)
"""The time between two routine messages to one channel: one unread message is enough."""
BETWEEN_REPORTS = timedelta(minutes=5)
CONFIRMED_FOR = timedelta(days=180)
"""After this an address is silent until it is confirmed again: numbers and mailboxes change hands."""


@dataclass(frozen=True)
class Matter:
    """The facts of a notice that decide who gets it.

    `sides`: sender and recipient, if any. `team`: the people who work the queue. `owner`: the owner of the channel in
    question. `aor`, `area`: the responsible desk; None means any coordinator.
    """

    kind: NoticeKind
    organisation: UUID
    for_supervisor: bool = False
    urgency: str | None = None
    sides: tuple[UUID, UUID] | None = None
    team: frozenset[str] = frozenset()
    owner: str | None = None
    aor: str | None = None
    area: str | None = None

    @property
    def telling(self) -> Telling:
        return telling(self.kind, self.urgency, self.side)

    @property
    def side(self) -> Side:
        if self.sides is None:
            return Side.ALONE
        return Side.SENDER if self.organisation == self.sides[0] else Side.RECIPIENT


@dataclass(frozen=True)
class Listener:
    """The facts of a channel that decide notification, with its person's current rights. `wakes`: emergencies ignore
    quiet hours. `states`: the states in which the person coordinates; empty means all states."""

    channel: UUID
    person: str
    pace: Pace
    supervisor: bool = False
    works: bool = True
    coordinates: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    wakes: bool = True
    quiet_from: time | None = None
    quiet_until: time | None = None
    digest_at: time = time(8)


@dataclass(frozen=True)
class Turn:
    """A place in the order. `after` is the delay after the notice, if nobody has acted by then."""

    listener: Listener
    after: timedelta


def concerned(matter: Matter, listeners: Sequence[Listener]) -> list[Listener]:
    """Return one organisation's channels whose person should know about the matter."""
    news = matter.kind.news
    if news is News.NOBODY or _is_own_deed(news, matter):
        return []
    if news is News.COORDINATORS:
        return [each for each in listeners if coordinates(each, matter.aor, matter.area)]
    supervisors_only = news is News.SUPERVISORS or matter.for_supervisor
    return [
        each
        for each in listeners
        if each.supervisor
        or each.person == matter.owner
        or (
            not supervisors_only
            and (each.works or matter.sides is None)
            and (not matter.team or each.person in matter.team)
        )
    ]


def coordinates(listener: Listener, aor: str | None, area: str | None) -> bool:
    """Return whether this person coordinates this area of responsibility in this state; None matches any."""
    if aor is None:
        return bool(listener.coordinates)
    near = not listener.states or area is None or area in listener.states
    return aor in listener.coordinates and near


def _is_own_deed(news: News, matter: Matter) -> bool:
    if matter.sides is None:
        return False
    sender, recipient = matter.sides
    if news is News.RECIPIENT:
        return matter.organisation != recipient
    if news is News.SENDER:
        return matter.organisation != sender
    return False


def turns(
    matter: Matter, listeners: Sequence[Listener], on_call: Sequence[str], hand_over: timedelta
) -> list[Turn]:
    """Return the order of channels. All are due at once, with one exception: an urgent matter with a rota first goes to
    the people on call by rank, `hand_over` apart, then to the others."""
    told = concerned(matter, listeners)
    match matter.telling:
        case Telling.PACE:
            return [Turn(each, timedelta(0)) for each in told if each.pace is not Pace.EMERGENCIES]
        case Telling.AT_ONCE:
            return [Turn(each, timedelta(0)) for each in told]
        case Telling.CHAIN:
            ranks = [person for person in on_call if any(each.person == person for each in told)]
            place = {person: ranks.index(person) for person in ranks}
            return [Turn(each, hand_over * place.get(each.person, len(ranks))) for each in told]


def learns_later(matter: Matter, listener: Listener) -> bool:
    """Return whether somebody who is away should learn of the matter when they are back."""
    routine = matter.telling is Telling.PACE
    return bool(concerned(matter, [listener])) and not (
        routine and listener.pace is Pace.EMERGENCIES
    )


def back_at(
    digest_at: time, quiet: tuple[time | None, time | None], last_day: date, zone: ZoneInfo
) -> datetime:
    """Return when to notify a returning person of earlier matters: at their digest time on the first day."""
    morning = datetime.combine(last_day + timedelta(days=1), digest_at, zone)
    return after_quiet_hours(quiet, morning, zone)


def due_at(listener: Listener, moment: datetime, zone: ZoneInfo, how: Telling) -> datetime:
    """Return when to notify this channel of a matter that is due at `moment` (aware), never before `moment`."""
    if how is Telling.CHAIN and listener.wakes:
        return moment
    if how is Telling.PACE and listener.pace is Pace.DIGEST:
        return _next(listener.digest_at, moment, zone)
    return after_quiet_hours((listener.quiet_from, listener.quiet_until), moment, zone)


def after_quiet_hours(
    quiet: tuple[time | None, time | None], moment: datetime, zone: ZoneInfo
) -> datetime:
    """Return `moment` (aware), or the end of the quiet hours that contain it."""
    start, end = quiet
    if start is None or end is None or not _within(moment.astimezone(zone).time(), start, end):
        return moment
    return _next(end, moment, zone)


def after_report(moment: datetime, last: datetime | None, now: datetime) -> datetime:
    """Return when to notify a channel of an anonymous report that would be due at `moment`. Anybody can send reports,
    so a flood of reports causes only one message per `BETWEEN_REPORTS`. `last`: when the previous message was or is due
    on the channel."""
    if last is None or last <= now - BETWEEN_REPORTS:
        return moment
    following = last if last > now else last + BETWEEN_REPORTS
    return max(moment, min(following, now + BETWEEN_REPORTS))


def _within(now: time, start: time, end: time) -> bool:
    """Return whether the time is in the half-open interval, which spans midnight if its end is before its start."""
    return start <= now < end if start <= end else now >= start or now < end


def _next(at: time, moment: datetime, zone: ZoneInfo) -> datetime:
    local = moment.astimezone(zone)
    found = local.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    return found if found >= local else found + timedelta(days=1)


_SUBJECT = "Ruta"
_SOMETHING: Mapping[PageLanguage, str] = completed(
    "referrals",
    {
        "es": "Hay algo nuevo en Ruta: {address}",
        "en": "There is something new in Ruta: {address}",
    },
)
_CODE: Mapping[PageLanguage, str] = completed(
    "referrals",
    {
        "es": "Ruta: {code} confirma este contacto. Si no es para usted, no haga nada.",
        "en": "Your Ruta code: {code}. If you did not ask for it, do nothing.",
    },
)


def something_new(language: PageLanguage, address: str) -> Message:
    """Return the neutral message. `address` is the gateway's URL, which is the same for everybody."""
    return Message(_SUBJECT, _SOMETHING[language].format(address=address))


def code(language: PageLanguage, digits: str) -> Message:
    return Message(_SUBJECT, _CODE[language].format(code=digits))
