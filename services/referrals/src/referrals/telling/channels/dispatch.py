"""The worker of channels: notices become pings, due pings one message a channel. The message settles the pings due
when its channel was claimed."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import aiohttp
import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.db.session import Database
from common.db.sweeping import or_none
from common.ids import new_id
from common.messages.handing import Handing, Message, Result
from common.messages.retries import OWED_FOR, PAUSES
from common.messages.rounds import hand_round, tried_again
from common.words.languages import page_language
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.case.transfers import queries as transfers
from referrals.ground.directory.queries import teams_of
from referrals.ground.notices.kinds import News, NoticeKind
from referrals.ground.notices.models import Notice
from referrals.ground.notices.queries import by_ids
from referrals.ground.row_security import act_as_service
from referrals.referral.referrals import queries as referrals
from referrals.telling.channels import messages, queries, service
from referrals.telling.channels.kinds import ChannelKind, PingStatus, SwitchedOff
from referrals.telling.channels.messages import Matter, Turn, due_at, turns
from referrals.telling.channels.models import Channel, Ping
from referrals.telling.channels.sealing import Sealing, new_code
from referrals.telling.channels.transports.offered import Transports
from referrals.telling.readable_queries import receiver_of, still_told

_AT_ONCE = 20
_LEASE = timedelta(seconds=120)
_pings = Ping.metadata.tables["pings"]


async def ping(
    session: AsyncSession, notices: Sequence[Any], zone: ZoneInfo, hand_over: timedelta
) -> None:
    """Pings for these notices (id, organisation_id, kind, subject_type, subject_id, for_supervisor), by channel and
    moment; needs service rights."""
    organisations = {notice.organisation_id for notice in notices}
    listeners = await queries.listeners(session, organisations)
    if not listeners:
        return
    now = clock.now()
    on_call = await queries.on_call(session, organisations, now)
    rows = []
    for notice, matter in await _matters(session, notices):
        told = turns(
            matter,
            listeners.get(notice.organisation_id, ()),
            on_call.get(notice.organisation_id, ()),
            hand_over,
        )
        rows += [_row(notice, matter, turn, now, zone) for turn in told]
    if rows:
        await session.execute(insert(_pings).inline().on_conflict_do_nothing(), rows)


def _row(notice: Any, matter: Matter, turn: Turn, now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    emergency = matter.emergency
    return {
        "id": new_id(),
        "channel_id": turn.listener.channel,
        "organisation_id": notice.organisation_id,
        "notice_id": notice.id,
        "emergency": emergency and turn.listener.wakes,
        "status": PingStatus.WAITING,
        "due_at": due_at(turn.listener, now + turn.after, zone, emergency=emergency),
    }


async def _matters(session: AsyncSession, notices: Sequence[Any]) -> list[tuple[Any, Matter]]:
    named = defaultdict(set)
    for notice in notices:
        named[notice.subject_type].add(notice.subject_id)
    of_referrals = await referrals.outlines(session, named["referral"])
    sides = await transfers.sides(session, named["transfer"])
    teams = await teams_of(
        session, {(r.to_organisation, r.service_id) for r in of_referrals.values()}
    )
    found = []
    for notice in notices:
        referral = of_referrals.get(notice.subject_id)
        team: Collection[str] = ()
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
        )
        found.append((notice, matter))
    return found


@dataclass(frozen=True)
class _Claimed:
    channel: UUID
    kind: ChannelKind
    address: str
    message: Message
    message_id: str
    pings: tuple[UUID, ...]
    code: str | None = None


async def tell_due(
    database: Database,
    http: aiohttp.ClientSession,
    transports: Transports,
    sealing: Sealing,
    front: str,
) -> int:
    """Tell what is due; returns how many channels were looked at. `front`: the address to say."""
    return await hand_round(
        database,
        partial(_claim, sealing=sealing, front=front),
        lambda one: transports.hand_over(http, one.kind, one.address, one.message, one.message_id),
        partial(_settle, sealing=sealing),
    )


async def _claim(
    session: AsyncSession, sealing: Sealing, front: str
) -> tuple[int, Sequence[_Claimed]]:
    """How many channels were due, and the messages of those that still have something to tell."""
    # Asked twice a second, mostly in vain.
    await act_as_service(session)
    now = clock.now()
    channels = await queries.due(session, now, _AT_ONCE)
    if not channels:
        return 0, ()
    pings = await queries.pings_due(session, [each.id for each in channels], now)
    due = [each for some in pings.values() for each in some]
    notices = await by_ids(session, {each.notice_id for each in due}) if due else {}
    moot = await _moot(session, due, notices)
    claimed = []
    for channel in channels:
        told = []
        own = pings.get(channel.id, ())
        about = [notices[each.notice_id] for each in own if each.notice_id in notices]
        known = await still_told(session, _receiver(channel), about)
        for each in own:
            if each.notice_id not in known:
                each.status, each.settled_at = PingStatus.ACCESS_ENDED, now
            elif each.id in moot:
                each.status, each.settled_at = PingStatus.MOOT, now
            else:
                told.append(each)
        if told or channel.code_wanted:
            channel.next_attempt_at = now + _LEASE
            write = partial(_message, channel, told, sealing, front)
            if (message := or_none("channels", channel.id, write)) is not None:
                claimed.append(message)
    return len(channels), claimed


def _message(channel: Channel, told: Sequence[Ping], sealing: Sealing, front: str) -> _Claimed:
    language = page_language(channel.language, None)
    code = new_code() if channel.code_wanted else None
    # Of the first thing to tell, so that a later attempt is the same message to a mailbox.
    # A code is another message each time, of a channel that a report of its failure names.
    about = min(str(each.id) for each in told) if not code else f"{channel.id}.{new_id().hex}"
    return _Claimed(
        channel=channel.id,
        kind=ChannelKind(channel.kind),
        address=sealing.open(channel.id, channel.address),
        message=messages.code(language, code) if code else messages.something_new(language, front),
        message_id=about,
        pings=() if code else tuple(each.id for each in told),
        code=code,
    )


def _receiver(channel: Channel) -> Principal:
    return receiver_of(channel.organisation_id, channel.person, supervisor=channel.supervisor)


async def _moot(
    session: AsyncSession, pings: Sequence[Ping], notices: Mapping[UUID, Notice]
) -> frozenset[UUID]:
    """Pings about referrals that somebody has acted on since, except those about the other side's acts."""
    ids = {n.subject_id for n in notices.values() if n.subject_type == "referral"}
    now = await referrals.outlines(session, ids)
    overtaken = set()
    for each in pings:
        notice = notices.get(each.notice_id)
        referral = now.get(notice.subject_id) if notice else None
        if notice is None or referral is None or NoticeKind(notice.kind).news is News.SENDER:
            continue
        if notice.version is not None and referral.version > notice.version:
            overtaken.add(each.id)
    return frozenset(overtaken)


async def _settle(session: AsyncSession, one: _Claimed, handing: Handing, sealing: Sealing) -> None:
    await act_as_service(session)
    channel = await session.get(Channel, one.channel, with_for_update=True)
    if channel is None:  # removed meanwhile, its pings with it
        return
    now = clock.now()
    channel.failure = handing.failure
    match handing.result:
        case Result.HANDED | Result.UNCLEAR:
            channel.attempts, channel.next_attempt_at = 0, now
            if one.code:
                service.give_code(channel, sealing.code_digest(channel.id, one.code))
            else:
                channel.told_at = now
            await _close(session, one.pings, PingStatus.TOLD, now)
        case Result.REFUSED | Result.GONE:
            gone = handing.result is Result.GONE
            await service.switch_off(
                session, channel, SwitchedOff.GONE if gone else SwitchedOff.REFUSED
            )
            await _close(session, one.pings, PingStatus.GIVEN_UP, now)
        case Result.LATER:
            channel.attempts += 1
            if later := tried_again(handing, channel.attempts, now):
                channel.next_attempt_at = later
                return
            await _give_up(session, channel, one, now)


async def _give_up(session: AsyncSession, channel: Channel, one: _Claimed, now: datetime) -> None:
    """What was owed all that time. What came later is owed as long, and tried at the slowest pace."""
    channel.code_wanted = False
    given_up = await _close(session, one.pings, PingStatus.GIVEN_UP, now, due_until=now - OWED_FOR)
    if given_up < len(one.pings):
        channel.attempts = len(PAUSES)
        channel.next_attempt_at = now + timedelta(seconds=PAUSES[-1])
    else:
        channel.attempts, channel.next_attempt_at = 0, now


async def _close(
    session: AsyncSession,
    pings: Sequence[UUID],
    status: PingStatus,
    now: datetime,
    due_until: datetime | None = None,
) -> int:
    """How many were closed: of those that were due until then, where that is said."""
    of = [col(Ping.id).in_(pings), col(Ping.status) == PingStatus.WAITING]
    if due_until is not None:
        of.append(col(Ping.due_at) <= due_until)
    closed = await session.scalars(
        sa.update(Ping)
        .where(*of)
        .values(status=status, settled_at=now)
        .returning(col(Ping.id))
        .execution_options(synchronize_session=False)
    )
    return len(closed.all())


async def lapse(database: Database) -> int:
    """Switch off what nobody confirmed again; returns how many."""

    async def work(session: AsyncSession) -> int:
        await act_as_service(session)
        return await service.lapse(session)

    return await database.retried(work)
