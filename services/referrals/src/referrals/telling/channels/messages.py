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
from referrals.ground.vocabulary.work_kinds import WorkKind
from referrals.ground.vocabulary.work_order import RANKS, Rank, rank_of
from referrals.telling.channels.kinds import Pace

SPACING = timedelta(minutes=30)
"""Between two messages to one channel that are no emergency: one unread message says it all."""
CONFIRMED_FOR = timedelta(days=180)
"""After this an address falls silent until it is confirmed again: numbers and mailboxes change hands."""
_WAITS_AS = {NoticeKind.BREAK_GLASS_ASKED: WorkKind.BREAK_GLASS_TO_DECIDE}
"""What has no urgency of its own is as urgent as the work that it announces."""


@dataclass(frozen=True)
class Matter:
    """What of a notice decides who is told. `sides`: sender and recipient, if there are two; `team`: who works the
    queue; `owner`: of the channel that it is about."""

    kind: NoticeKind
    organisation: UUID
    for_supervisor: bool = False
    urgency: str | None = None
    sides: tuple[UUID, UUID] | None = None
    team: frozenset[str] = frozenset()
    owner: str | None = None

    @property
    def emergency(self) -> bool:
        work = _WAITS_AS.get(self.kind)
        if work is not None:
            return rank_of(work, self.urgency) is Rank.FIRST
        return RANKS.get(self.urgency or "") is Rank.FIRST


@dataclass(frozen=True)
class Listener:
    """A channel as far as telling depends on it; `wakes`: emergencies pass through quiet hours."""

    channel: UUID
    person: str
    supervisor: bool
    pace: Pace
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
    supervisors_only = news is News.SUPERVISORS or matter.for_supervisor
    return [
        each
        for each in listeners
        if each.supervisor
        or each.person == matter.owner
        or (not supervisors_only and (not matter.team or each.person in matter.team))
    ]


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
    """Everybody at once; in an emergency with a rota those on call in its order, each `hand_over` after the one
    before, then the rest."""
    told = concerned(matter, listeners)
    if not matter.emergency:
        return [Turn(each, timedelta(0)) for each in told if each.pace is not Pace.EMERGENCIES]
    ranks = [person for person in on_call if any(each.person == person for each in told)]
    return [
        Turn(each, hand_over * (ranks.index(each.person) if each.person in ranks else len(ranks)))
        for each in told
    ]


def due_at(listener: Listener, moment: datetime, zone: ZoneInfo, *, emergency: bool) -> datetime:
    """When this channel may be told what is to be told at `moment` (aware); never before it."""
    if emergency and listener.wakes:
        return moment
    if not emergency and listener.pace is Pace.DIGEST:
        return _next(listener.digest_at, moment, zone)
    if listener.quiet_from is None or listener.quiet_until is None:
        return moment
    if _within(moment.astimezone(zone).time(), listener.quiet_from, listener.quiet_until):
        return _next(listener.quiet_until, moment, zone)
    return moment


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
