"""The channel worker: turns notices into pings, and due pings into one message per channel. Each transport has a queue.
A message is settled once the relay or gateway has responded."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import aiohttp
import sqlalchemy as sa
from common import clock
from common.db.due_rows import or_none
from common.db.session import Database
from common.ids import new_id
from common.messages.delivery import Handing, Message, Result
from common.messages.retries import OWED_FOR
from common.messages.rounds import repeated_at, tried_again
from common.process.logs import get_logger
from common.words.languages import page_language
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.case.transfers import queries as transfers
from referrals.ground.directory.queries import teams_of
from referrals.ground.notices.kinds import News, NoticeKind
from referrals.ground.notices.models import Notice
from referrals.ground.notices.queries import by_ids
from referrals.ground.people.queries import last_days_away, principals
from referrals.ground.row_security import act_as_service
from referrals.listening.line import queries as line
from referrals.referral.referrals import queries as referrals
from referrals.telling.channels import messages, queries, service
from referrals.telling.channels.kinds import ChannelKind, PingStatus, SwitchedOff
from referrals.telling.channels.messages import (
    Listener,
    Matter,
    after_quiet_hours,
    after_report,
    back_at,
    due_at,
    learns_later,
    turns,
)
from referrals.telling.channels.models import Channel, Ping, waiting
from referrals.telling.channels.sealed_addresses import Sealing, new_code
from referrals.telling.channels.transports.offered import Transports
from referrals.telling.channels.wake_ups import Telling
from referrals.telling.readable_queries import still_told

_MARGIN = timedelta(seconds=30)
"""A lease outlasts the longest sending by this, to leave time for storing the outcome."""
_SETTLE_AGAIN_SECONDS = 1.0
_OPENED = ("referral", "line_report")
_pings = Ping.metadata.tables["pings"]
_log = get_logger(__name__)


async def ping(
    session: AsyncSession, notices: Sequence[Any], zone: ZoneInfo, hand_over: timedelta
) -> None:
    """Create pings for these notices, by channel and time. Each notice has id, organisation_id, kind, subject_type,
    subject_id and for_supervisor. People who are away get theirs when they are back. Requires service rights."""
    organisations = {notice.organisation_id for notice in notices}
    listeners = await queries.listeners(session, organisations)
    on_leave = await queries.on_leave(session, organisations)
    if not listeners and not on_leave:
        return
    now = clock.now()
    on_call = await queries.on_call(session, organisations, now)
    rows, later = [], []
    reports = {n.id for n in notices if n.kind == NoticeKind.LINE_REPORT_URGENT}
    channels = [each.channel for some in listeners.values() for each in some]
    last = await queries.last_reports(session, channels) if reports else {}
    for notice, matter in await _matters(session, notices):
        told = turns(
            matter,
            listeners.get(notice.organisation_id, ()),
            on_call.get(notice.organisation_id, ()),
            hand_over,
        )
        for turn in told:
            due = due_at(turn.listener, now + turn.after, zone, matter.telling)
            urgent = matter.telling is not Telling.PACE
            rows.append(_row(notice, turn.listener, due, emergency=urgent))
        for listener, last_day in on_leave.get(notice.organisation_id, ()):
            if learns_later(matter, listener):
                quiet = (listener.quiet_from, listener.quiet_until)
                due = back_at(listener.digest_at, quiet, last_day, zone)
                later.append(_row(notice, listener, due, emergency=False))
    for row in rows:
        if row["notice_id"] in reports:
            due = after_report(row["due_at"], last.get(row["channel_id"]), now)
            row["due_at"] = row["next_attempt_at"] = due
    if rows or later:
        statement = insert(_pings).inline().on_conflict_do_nothing()
        await session.execute(statement, [*rows, *later])


def _row(notice: Any, listener: Listener, due: datetime, *, emergency: bool) -> dict[str, Any]:
    return {
        "id": new_id(),
        "channel_id": listener.channel,
        "organisation_id": notice.organisation_id,
        "notice_id": notice.id,
        "emergency": emergency,
        "status": PingStatus.WAITING,
        "due_at": due,
        "attempts": 0,
        "next_attempt_at": due,
    }


async def _matters(session: AsyncSession, notices: Sequence[Any]) -> list[tuple[Any, Matter]]:
    named = defaultdict(set)
    for notice in notices:
        named[notice.subject_type].add(notice.subject_id)
    of_referrals = await referrals.outlines(session, named["referral"])
    sides = await transfers.sides(session, named["transfer"])
    owners = await queries.owners(session, named["channel"])
    desks = await line.desks(session, named["line_report"])
    teams = await teams_of(
        session, {(r.to_organisation, r.service_id) for r in of_referrals.values()}
    )
    found = []
    for notice in notices:
        referral = of_referrals.get(notice.subject_id)
        team: Collection[str] = ()
        aor, area = desks.get(notice.subject_id, (None, None))
        if referral is not None and notice.organisation_id == referral.to_organisation:
            team = teams.get((referral.to_organisation, referral.service_id), ())
        matter = Matter(
            kind=NoticeKind(notice.kind),
            organisation=notice.organisation_id,
            for_supervisor=notice.for_supervisor,
            urgency=referral.urgency if referral else None,
            sides=(referral.from_organisation, referral.to_organisation)
            if referral
            else sides.get(notice.subject_id),
            team=frozenset(team),
            owner=owners.get(notice.subject_id),
            aor=aor,
            area=area,
        )
        found.append((notice, matter))
    return found


@dataclass(frozen=True)
class Claimed:
    """A message leased to this worker until `until`. `attempts` includes the current attempt."""

    channel: UUID
    address: str
    message: Message
    message_id: str
    until: datetime
    pings: tuple[UUID, ...] = ()
    attempts: int = 1
    urgent: bool = False
    code: str | None = None


class Queue:
    """The message queue of one transport."""

    def __init__(
        self,
        database: Database,
        transports: Transports,
        sealing: Sealing,
        front: str,
        zone: ZoneInfo,
        kind: ChannelKind,
    ) -> None:
        """Create the queue. `front` is the URL in messages; `zone` is the time zone for quiet hours."""
        self._database, self._sealing, self._front = database, sealing, front
        self._transports, self._kind, self._zone = transports, kind, zone
        # All queues share the connection pool, so settling must leave connections for claiming.
        self._settling = asyncio.Semaphore(2)

    async def claim(self, limit: int, only_urgent: bool) -> tuple[int, Sequence[Claimed]]:
        """Return the number of examined channels and messages, and the messages that still contain something new."""
        return await self._database.retried(
            partial(self._claim, limit=limit, only_urgent=only_urgent)
        )

    async def tell(self, one: Claimed, http: aiohttp.ClientSession) -> None:
        """Send the message and store the outcome. After an error here, the lease expires and the outcome is unclear."""
        if clock.now() + self._longest > one.until:
            return  # This process stalled, and another worker may now have the message.
        try:
            handing = await self._transports.hand_over(
                http, self._kind, one.address, one.message, one.message_id
            )
        except Exception as error:  # noqa: BLE001 - one message keeps no other from being told
            _log.error("not_handed_over", exc_info=error)
            return
        # Try at least once, whatever the time: the process may have stalled since the claim, or its clock jumped.
        while True:
            try:
                async with self._settling:
                    await self._database.retried(
                        lambda session: self._settle(session, one, handing)
                    )
                return
            except Exception as error:  # noqa: BLE001 - the message was told: only the record is missing
                _log.error("not_settled", exc_info=error)
            if clock.now() >= one.until + _MARGIN:
                return
            await asyncio.sleep(_SETTLE_AGAIN_SECONDS)

    @property
    def _longest(self) -> timedelta:
        return timedelta(seconds=self._transports.seconds(self._kind))

    async def _claim(
        self, session: AsyncSession, limit: int, only_urgent: bool
    ) -> tuple[int, Sequence[Claimed]]:
        # This runs twice a second and usually finds nothing.
        await act_as_service(session)
        now = clock.now()
        closed = 0
        if not self._transports.repeatable(self._kind):
            left = queries.left_in_hand(self._kind, now)
            closed = await _close(session, PingStatus.UNCLEAR, now, left)
        channels = await queries.due(session, now, self._kind, limit, only_urgent=only_urgent)
        if not channels:
            return closed, ()
        until = now + self._longest + _MARGIN
        pings = await queries.pings_due(
            session, [each.id for each in channels if not each.code_wanted], now
        )
        due = [each for some in pings.values() for each in some]
        notices = await by_ids(session, {each.notice_id for each in due}) if due else {}
        moot = await _moot(session, due, notices)
        unclear = await self._unclear(session, due)
        persons = {each.person for each in channels}
        people = await principals(session, persons)
        away = await last_days_away(session, persons)
        owners = await queries.owners(session, {each.subject_id for each in notices.values()})
        claimed = []
        for channel in channels:
            own = pings.get(channel.id, ())
            about = [notices[each.notice_id] for each in own if each.notice_id in notices]
            mine = {n.id for n in about if owners.get(n.subject_id) == channel.person}
            known = await still_told(session, people[channel.person], about, mine)
            told = []
            for each in own:
                if each.id in unclear:
                    each.status, each.settled_at = PingStatus.UNCLEAR, now
                elif each.notice_id not in known:
                    each.status, each.settled_at = PingStatus.ACCESS_ENDED, now
                elif each.id in moot:
                    each.status, each.settled_at = PingStatus.MOOT, now
                else:
                    told.append(each)
            if (
                self._rests(channel, told, now, away.get(channel.person))
                and not channel.code_wanted
            ):
                continue
            write = partial(self._message, channel, told, until)
            if (message := or_none("channels", channel.id, write)) is not None:
                claimed.append(message)
        return closed + len(channels), claimed

    def _rests(
        self, channel: Channel, told: Sequence[Ping], now: datetime, last_day: date | None
    ) -> bool:
        """Return whether the channel waits: no news is left, or its person's leave or quiet hours have begun since the
        pings became due. The pings wait until those end. `last_day` is the last day of leave of somebody who is away
        today."""
        quiet = (channel.quiet_from, channel.quiet_until)
        if last_day is not None:
            back = back_at(channel.digest_at, quiet, last_day, self._zone)
            for each in told:
                # Days later, this is no longer an emergency and wakes nobody on the first morning.
                each.status, each.emergency, each.attempts = PingStatus.WAITING, False, 0
                each.due_at = each.next_attempt_at = back
            return True
        rested = after_quiet_hours(quiet, now, self._zone)
        if rested == now or any(each.emergency for each in told):
            return not told
        for each in told:
            each.status, each.next_attempt_at = PingStatus.WAITING, rested
        return True

    async def _unclear(self, session: AsyncSession, pings: Sequence[Ping]) -> frozenset[UUID]:
        """Return emergencies that a worker left unsettled and whose person was notified on another channel. Repeatable
        transports need no such check, because sending twice does no harm."""
        left = [] if self._transports.repeatable(self._kind) else pings
        taken = [each for each in left if each.status == PingStatus.HANDING]
        return await queries.told_otherwise(session, [each.id for each in taken])

    def _message(self, channel: Channel, told: Sequence[Ping], until: datetime) -> Claimed:
        language = page_language(channel.language, None)
        address = self._sealing.open(channel.id, channel.address)
        if channel.code_wanted:
            code = new_code()
            channel.next_attempt_at = until
            text = messages.code(language, code)
            # A new id for each message, including the channel's id, so that a bounce report identifies the channel.
            called = f"{channel.id}.{new_id().hex}"
            return Claimed(channel.id, address, text, called, until, code=code)
        new = [each for each in told if each.message_id is None]
        # A retry keeps the message id, so mailbox and gateway see the same message; new pings create a new id.
        fresh = [each for each in new if each.emergency]
        urgent = [each for each in told if each.emergency]
        name = max(each.message_id or each.id for each in fresh or new or urgent or told)
        attempts = 1 if fresh else 1 + max(each.attempts for each in told)
        for each in told:
            each.status, each.message_id = PingStatus.HANDING, name
            each.attempts, each.next_attempt_at = attempts, until
        return Claimed(
            channel.id,
            address,
            messages.something_new(language, self._front),
            str(name),
            until,
            pings=tuple(each.id for each in told),
            attempts=attempts,
            urgent=bool(urgent),
        )

    async def _settle(self, session: AsyncSession, one: Claimed, handing: Handing) -> None:
        await act_as_service(session)
        channel = await session.get(Channel, one.channel, with_for_update=True)
        if channel is None:  # somebody has since removed the channel and its pings
            return
        now = clock.now()
        channel.failure = handing.failure
        if one.code is not None:
            await self._settle_code(session, channel, one.code, handing)
            return
        match handing.result:
            case Result.HANDED:
                channel.told_at = now
                await _close(session, PingStatus.TOLD, now, col(Ping.id).in_(one.pings))
            case Result.REFUSED | Result.GONE:
                await _switch_off(session, channel, handing)
                await _close(session, PingStatus.GIVEN_UP, now, col(Ping.id).in_(one.pings))
            case Result.LATER:
                old = col(Ping.due_at) <= now - OWED_FOR
                await _close(session, PingStatus.GIVEN_UP, now, _held(one), old)
                await _again(session, one, handing, PingStatus.WAITING)
            case Result.UNCLEAR:
                channel.told_at = now
                heard = await queries.told_otherwise(session, one.pings)
                done = sa.or_(sa.not_(col(Ping.emergency)), col(Ping.id).in_(heard))
                await _close(session, PingStatus.UNCLEAR, now, _held(one), done)
                await _again(session, one, handing, PingStatus.HANDING)

    async def _settle_code(
        self, session: AsyncSession, channel: Channel, code: str, handing: Handing
    ) -> None:
        now = clock.now()
        match handing.result:
            case Result.HANDED | Result.UNCLEAR:
                channel.attempts, channel.next_attempt_at = 0, now
                service.give_code(channel, self._sealing.code_digest(channel.id, code))
            case Result.REFUSED | Result.GONE:
                await _switch_off(session, channel, handing)
            case Result.LATER:
                channel.attempts += 1
                later = tried_again(handing, channel.attempts, now)
                channel.code_wanted = later is not None
                channel.next_attempt_at = later or now


async def _switch_off(session: AsyncSession, channel: Channel, handing: Handing) -> None:
    gone = handing.result is Result.GONE
    await service.switch_off(session, channel, SwitchedOff.GONE if gone else SwitchedOff.REFUSED)


async def _moot(
    session: AsyncSession, pings: Sequence[Ping], notices: Mapping[UUID, Notice]
) -> frozenset[UUID]:
    """Return pings that events have made obsolete. A ping about a referral is obsolete once somebody has acted on the
    referral, unless it reports the other side's action. An emergency is obsolete once a notified colleague has opened
    it or acted on it."""
    ids = {n.subject_id for n in notices.values() if n.subject_type == "referral"}
    now = await referrals.outlines(session, ids)
    opened = {n.subject_id for n in notices.values() if n.subject_type in _OPENED}
    attended = await queries.attended(session, opened)
    overtaken = set()
    for each in pings:
        notice = notices.get(each.notice_id)
        if notice is None:
            continue
        at = attended.get((notice.subject_id, each.organisation_id))
        if each.emergency and at is not None and at > notice.at:
            overtaken.add(each.id)
        referral = now.get(notice.subject_id)
        if referral is None or NoticeKind(notice.kind).news is News.SENDER:
            continue
        if notice.version is not None and referral.version > notice.version:
            overtaken.add(each.id)
    return frozenset(overtaken)


def _held(one: Claimed) -> sa.ColumnElement[bool]:
    """Select this message's pings whose lease still belongs to this worker."""
    return sa.and_(
        col(Ping.id).in_(one.pings),
        col(Ping.status) == PingStatus.HANDING,
        col(Ping.next_attempt_at) == one.until,
    )


async def _again(session: AsyncSession, one: Claimed, handing: Handing, status: PingStatus) -> None:
    later = repeated_at(handing, one.attempts, clock.now(), urgent=one.urgent)
    await session.execute(
        sa.update(Ping)
        .where(_held(one), waiting())
        .values(status=status, next_attempt_at=later)
        .execution_options(synchronize_session=False)
    )


async def _close(
    session: AsyncSession, status: PingStatus, now: datetime, *which: sa.ColumnElement[bool]
) -> int:
    """Close these pings with the status; return their number."""
    closed = await session.scalars(
        sa.update(Ping)
        .where(waiting(), *which)
        .values(status=status, settled_at=now)
        .returning(col(Ping.id))
        .execution_options(synchronize_session=False)
    )
    return len(closed.all())


async def lapse(database: Database) -> int:
    """Switch off addresses whose confirmation has expired; return their number."""

    async def work(session: AsyncSession) -> int:
        await act_as_service(session)
        return await service.lapse(session)

    return await database.retried(work)
