"""Who is told of what, and when. Pure. Messages never say what they are about: these rules choose the side, the turn
in an emergency, and the time (quiet hours, digests)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from common.messages.handing import Message
from common.words.languages import PageLanguage
from common.words.tables import completed

from referrals.ground.notices.kinds import News, NoticeKind
from referrals.telling.channels.kinds import Pace
from referrals.telling.channels.waking import Side, Telling, telling

SPACING = timedelta(minutes=30)
"""Between two messages to one channel that are no emergency: one unread message says it all."""
BETWEEN_REPORTS = timedelta(minutes=5)
CONFIRMED_FOR = timedelta(days=180)
"""After this an address falls silent until it is confirmed again: numbers and mailboxes change hands."""


@dataclass(frozen=True)
class Matter:
    """What of a notice decides who is told. `sides`: sender and recipient, if there are two; `team`: who works the
    queue; `owner`: of the channel that it is about; `aor`, `area`: whose desk it is at, None for any coordinator's."""

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
    """A channel as far as telling depends on it, with the rights of its person now. `wakes`: emergencies pass through
    quiet hours. `states`: that somebody coordinates in; empty: all."""

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
    """`after`: how long after the notice this channel is told, if nobody has acted by then."""

    listener: Listener
    after: timedelta


def concerned(matter: Matter, listeners: Sequence[Listener]) -> list[Listener]:
    """Those of one organisation's channels whose person the notice is news for."""
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
    """Whether this person answers what is about this area of responsibility in this state; None: whichever."""
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
    """Everybody at once. What wakes is told with a rota to those on call in its order, each `hand_over` after the one
    before, then to the rest."""
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


def due_at(listener: Listener, moment: datetime, zone: ZoneInfo, how: Telling) -> datetime:
    """When this channel may be told what is to be told at `moment` (aware); never before it."""
    if how is Telling.CHAIN and listener.wakes:
        return moment
    if how is Telling.PACE and listener.pace is Pace.DIGEST:
        return _next(listener.digest_at, moment, zone)
    return after_quiet_hours((listener.quiet_from, listener.quiet_until), moment, zone)


def after_quiet_hours(
    quiet: tuple[time | None, time | None], moment: datetime, zone: ZoneInfo
) -> datetime:
    """`moment` (aware), or the end of the quiet hours that it falls in."""
    start, end = quiet
    if start is None or end is None or not _within(moment.astimezone(zone).time(), start, end):
        return moment
    return _next(end, moment, zone)


def after_report(moment: datetime, last: datetime | None, now: datetime) -> datetime:
    """When a channel is told of a report of the line, for which it would be at `moment`: anybody can send one, so that a
    thousand of them are one message in `BETWEEN_REPORTS`. `last`: when the one before is or was due there."""
    if last is None or last <= now - BETWEEN_REPORTS:
        return moment
    following = last if last > now else last + BETWEEN_REPORTS
    return max(moment, min(following, now + BETWEEN_REPORTS))


def _within(now: time, start: time, end: time) -> bool:
    """Half open; over midnight where it ends before it starts."""
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
    """`address`: that of the front, the same for everybody."""
    return Message(_SUBJECT, _SOMETHING[language].format(address=address))


def code(language: PageLanguage, digits: str) -> Message:
    return Message(_SUBJECT, _CODE[language].format(code=digits))
