"""Queries for channels, shifts and due messages."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal, Role
from common.errors import NOT_FOUND
from common.sight import states_of
from sqlalchemy import orm
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.audit import queries as audit
from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.notices.queries import is_of
from referrals.ground.people.queries import (
    coordinators,
    is_on_leave,
    is_there,
    last_days_away,
    listens,
    principals,
)
from referrals.ground.vocabulary.case_roles import works_with_cases
from referrals.telling.channels.kinds import ChannelKind, Pace, PingStatus
from referrals.telling.channels.messages import SPACING, Listener
from referrals.telling.channels.models import Channel, CodeAsked, Ping, Shift, waiting

_LISTENS = listens(col(Channel.organisation_id), col(Channel.person))
_THERE = is_there(col(Channel.organisation_id), col(Channel.person))
_WORKS = sa.and_(col(Channel.active), col(Channel.confirmed_at).is_not(None))
_TELLS = sa.and_(_WORKS, _LISTENS)
_RESTS = sa.and_(_WORKS, is_on_leave(col(Channel.organisation_id), col(Channel.person)))


def _own(caller: Principal) -> sa.ColumnElement[bool]:
    return sa.and_(
        col(Channel.organisation_id) == caller.organisation, col(Channel.person) == caller.subject
    )


async def own(session: AsyncSession, caller: Principal, channel_id: UUID) -> Channel:
    """Return the caller's own channel, locked."""
    return await _one(session, _own(caller), channel_id)


async def of_organisation(session: AsyncSession, caller: Principal, channel_id: UUID) -> Channel:
    """Return a channel of the caller, or of a colleague if the caller is a supervisor, locked."""
    whose = (
        col(Channel.organisation_id) == caller.organisation
        if Role.SUPERVISOR in caller.roles
        else _own(caller)
    )
    return await _one(session, whose, channel_id)


async def _one(session: AsyncSession, whose: sa.ColumnElement[bool], channel_id: UUID) -> Channel:
    found = (
        await session.scalars(
            sa.select(Channel).where(col(Channel.id) == channel_id, whose).with_for_update()
        )
    ).one_or_none()
    if found is None:
        raise NOT_FOUND.because("you_have_no_such_channel")
    return found


async def listed(session: AsyncSession, caller: Principal, *, team: bool) -> Sequence[Channel]:
    """Return the caller's channels; with `team`, the whole organisation's channels (for supervisors)."""
    whose = col(Channel.organisation_id) == caller.organisation if team else _own(caller)
    rows = await session.scalars(sa.select(Channel).where(whose).order_by(col(Channel.id)))
    return rows.all()


async def written_to(session: AsyncSession, about: UUID) -> tuple[Channel, datetime | None] | None:
    """Return, by the mail's id, the mailbox that received it, locked, and the time. Requires service rights."""
    ping = await session.get(Ping, about)
    channel = await session.get(
        Channel, about if ping is None else ping.channel_id, with_for_update=True
    )
    return None if channel is None else (channel, ping.settled_at if ping else None)


async def codes_asked(
    session: AsyncSession, caller: Principal, address_digest: bytes, since: datetime
) -> tuple[int, int]:
    """Return the number of codes requested by the caller, and by anybody for the address. Requires service rights."""
    mine = sa.and_(
        col(CodeAsked.organisation_id) == caller.organisation,
        col(CodeAsked.person) == caller.subject,
    )
    there = col(CodeAsked.address_digest) == address_digest
    row = (
        await session.execute(
            sa.select(sa.func.count().filter(mine), sa.func.count().filter(there)).where(
                col(CodeAsked.asked_at) > since, sa.or_(mine, there)
            )
        )
    ).one()
    return row[0], row[1]


async def listeners(
    session: AsyncSession, organisations: Collection[UUID]
) -> Mapping[UUID, list[Listener]]:
    """Return active channels by organisation, with their people's current rights. A skipped person's turn passes to
    nobody. Requires service rights."""
    return await _listeners(session, _TELLS, col(Channel.organisation_id).in_(organisations))


async def on_leave(
    session: AsyncSession, organisations: Collection[UUID]
) -> Mapping[UUID, list[tuple[Listener, date]]]:
    """Return the channels of people who are away today, in the format of `listeners`, with their last day away."""
    found = await _listeners(session, _RESTS, col(Channel.organisation_id).in_(organisations))
    last = await last_days_away(session, {each.person for some in found.values() for each in some})
    return {
        organisation: [(each, last[each.person]) for each in some if each.person in last]
        for organisation, some in found.items()
    }


async def coordinating(
    session: AsyncSession, kinds: Collection[str]
) -> Mapping[UUID, list[Listener]]:
    """Return, by organisation, the coordinators' channels of these kinds whose last attempt did not fail. Requires
    service rights."""
    leading = {person.subject for person in await coordinators(session)}
    works = (col(Channel.kind).in_(kinds), col(Channel.failure).is_(None))
    return await _listeners(session, _TELLS, col(Channel.person).in_(leading), *works)


async def _listeners(
    session: AsyncSession, *which: sa.ColumnElement[bool]
) -> Mapping[UUID, list[Listener]]:
    rows = await session.scalars(sa.select(Channel).where(*which).order_by(col(Channel.id)))
    channels = rows.all()
    people = await principals(session, {each.person for each in channels})
    found = defaultdict(list)
    for channel in channels:
        if channel.person in people:
            found[channel.organisation_id].append(_listener(channel, people[channel.person]))
    return found


async def own_listeners(session: AsyncSession, caller: Principal) -> list[Listener]:
    found = await _listeners(session, _TELLS, _own(caller))
    return list(found.get(caller.organisation, ()))


def _listener(row: Channel, person: Principal) -> Listener:
    leads = Role.COORDINATOR in person.roles
    return Listener(
        channel=row.id,
        person=row.person,
        pace=Pace(row.pace),
        supervisor=Role.SUPERVISOR in person.roles,
        works=works_with_cases(person),
        coordinates=person.aors if leads else frozenset(),
        states=frozenset(states_of(person.areas)) if person.areas else frozenset(),
        wakes=row.wakes,
        quiet_from=row.quiet_from,
        quiet_until=row.quiet_until,
        digest_at=row.digest_at,
    )


async def owners(session: AsyncSession, channels: Collection[UUID]) -> Mapping[UUID, str]:
    """Return the owners of these channels. Requires service rights."""
    rows = await session.execute(
        sa.select(col(Channel.id), col(Channel.person)).where(col(Channel.id).in_(channels))
    )
    return {row.id: row.person for row in rows}


async def on_call(
    session: AsyncSession, organisations: Collection[UUID], now: datetime
) -> Mapping[UUID, list[str]]:
    """Return, by organisation, the people currently on call, in notification order. Requires service rights."""
    rows = await session.execute(
        sa.select(col(Shift.organisation_id), col(Shift.person))
        .where(
            col(Shift.organisation_id).in_(organisations),
            col(Shift.starts_at) <= now,
            col(Shift.ends_at) > now,
        )
        .order_by(col(Shift.rank), col(Shift.starts_at), col(Shift.id))
    )
    found: dict[UUID, list[str]] = defaultdict(list)
    for organisation, person in rows:
        if person not in found[organisation]:
            found[organisation].append(person)
    return found


async def shifts(session: AsyncSession, caller: Principal, now: datetime) -> Sequence[Shift]:
    """Return current and future shifts of the caller's organisation."""
    rows = await session.scalars(
        sa.select(Shift)
        .where(col(Shift.organisation_id) == caller.organisation, col(Shift.ends_at) > now)
        .order_by(col(Shift.starts_at), col(Shift.rank), col(Shift.id))
    )
    return rows.all()


async def reachable(session: AsyncSession, caller: Principal) -> frozenset[str]:
    """Return people of the caller's organisation with a working channel and the right to be notified."""
    rows = await session.scalars(
        sa.select(col(Channel.person)).where(
            col(Channel.organisation_id) == caller.organisation, _TELLS
        )
    )
    return frozenset(rows)


_OWN = sa.select(sa.literal(1)).where(col(Ping.channel_id) == col(Channel.id), waiting())


def _urgent(now: Any) -> sa.ColumnElement[bool]:
    """Return the condition for due emergencies, which are sent even if the channel's other messages rest or wait for a
    retry."""
    return _OWN.where(col(Ping.next_attempt_at) <= now, col(Ping.emergency)).exists()


def _due(now: Any, kind: ChannelKind) -> sa.ColumnElement[bool]:
    ready = _OWN.where(col(Ping.next_attempt_at) <= now)
    trying = _OWN.where(col(Ping.next_attempt_at) > now, col(Ping.attempts) > 0)
    rested = sa.or_(col(Channel.told_at).is_(None), col(Channel.told_at) <= now - SPACING)
    routine = sa.and_(ready.exists(), rested, sa.not_(trying.exists()))
    return sa.and_(
        col(Channel.kind) == kind,
        col(Channel.active),
        _THERE,
        sa.or_(
            sa.and_(col(Channel.code_wanted), col(Channel.next_attempt_at) <= now),
            sa.and_(col(Channel.confirmed_at).is_not(None), sa.or_(_urgent(now), routine)),
        ),
    )


def any_due(now: Any, kind: ChannelKind) -> sa.Exists:
    """Return the SQL condition that a channel has a message due by this time. Requires service rights."""
    return sa.exists().where(_due(now, kind))


async def due(
    session: AsyncSession, now: datetime, kind: ChannelKind, limit: int, *, only_urgent: bool
) -> Sequence[Channel]:
    """Return channels with due messages: emergencies first, then first attempts before retries. The rows are locked
    against other replicas. Requires service rights."""
    urgent = _urgent(now)
    tried = (
        sa.select(sa.func.coalesce(sa.func.min(col(Ping.attempts)), 0))
        .where(col(Ping.channel_id) == col(Channel.id), waiting(), col(Ping.next_attempt_at) <= now)
        .scalar_subquery()
    )
    rows = await session.scalars(
        sa.select(Channel)
        .where(_due(now, kind), urgent if only_urgent else sa.true())
        .order_by(urgent.desc(), tried, col(Channel.told_at).asc().nulls_first(), col(Channel.id))
        .limit(limit)
        .with_for_update(of=Channel, skip_locked=True)
    )
    return rows.all()


def left_in_hand(kind: ChannelKind, now: datetime) -> sa.ColumnElement[bool]:
    """Return the condition for routine messages on channels of this kind that a worker claimed and never settled."""
    channels = sa.select(col(Channel.id)).where(col(Channel.kind) == kind)
    return sa.and_(
        col(Ping.channel_id).in_(channels),
        col(Ping.status) == PingStatus.HANDING,
        col(Ping.next_attempt_at) <= now,
        sa.not_(col(Ping.emergency)),
    )


async def pings_due(
    session: AsyncSession, channels: Collection[UUID], now: datetime
) -> Mapping[UUID, list[Ping]]:
    """Return due pings by channel, except those being sent now. A message also includes pings that are waiting for a
    retry. Requires service rights."""
    rows = await session.scalars(
        sa.select(Ping).where(
            col(Ping.channel_id).in_(channels),
            waiting(),
            col(Ping.due_at) <= now,
            sa.or_(col(Ping.status) != PingStatus.HANDING, col(Ping.next_attempt_at) <= now),
        )
    )
    found = defaultdict(list)
    for row in rows:
        found[row.channel_id].append(row)
    return found


async def told_otherwise(session: AsyncSession, pings: Collection[UUID]) -> frozenset[UUID]:
    """Return which of these pings belong to a person who certainly received the same notice on another channel.
    Requires service rights."""
    there, other = orm.aliased(Channel), orm.aliased(Ping)
    rows = await session.scalars(
        sa.select(col(Ping.id))
        .join(Channel, col(Channel.id) == col(Ping.channel_id))
        .join(other, col(other.notice_id) == col(Ping.notice_id))
        .join(there, col(there.id) == col(other.channel_id))
        .where(
            col(Ping.id).in_(pings),
            col(other.status) == PingStatus.TOLD,
            col(there.organisation_id) == col(Channel.organisation_id),
            col(there.person) == col(Channel.person),
        )
    )
    return frozenset(rows)


async def attended(
    session: AsyncSession, subjects: Collection[UUID]
) -> dict[tuple[UUID, UUID], datetime]:
    """Return when a person with a channel last opened or changed each subject, by subject and organisation. Automated
    reads by systems do not count. Requires service rights."""
    told = sa.exists().where(
        col(Channel.person) == audit.DOER,
        col(Channel.organisation_id) == audit.OF_ORGANISATION,
        _TELLS,
    )
    return await audit.last_acts(session, subjects, told)


async def last_reports(session: AsyncSession, channels: Collection[UUID]) -> dict[UUID, datetime]:
    """Return when the last urgent anonymous report was or is due on each channel. Requires service rights."""
    rows = await session.execute(
        sa.select(col(Ping.channel_id), sa.func.max(col(Ping.due_at)))
        .where(
            col(Ping.channel_id).in_(channels),
            is_of(col(Ping.notice_id), NoticeKind.LINE_REPORT_URGENT),
        )
        .group_by(col(Ping.channel_id))
    )
    return {row[0]: row[1] for row in rows}


def was_told(notice: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    """Return the SQL condition that a message for this notice was sent. Requires service rights."""
    told = sa.select(sa.literal(1)).where(
        col(Ping.notice_id) == notice, col(Ping.status) == PingStatus.TOLD
    )
    return told.exists()


def is_owed(notice: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    """Return the SQL condition that a message for this notice waits on an active channel. Requires service rights."""
    owed = sa.select(sa.literal(1)).where(
        col(Ping.notice_id) == notice, waiting(), col(Channel.id) == col(Ping.channel_id), _TELLS
    )
    return owed.exists()


async def given_up_since(session: AsyncSession, moment: datetime) -> Sequence[UUID]:
    """Return notices with an abandoned message. Requires service rights."""
    rows = await session.scalars(
        sa.select(col(Ping.notice_id))
        .where(col(Ping.status) == PingStatus.GIVEN_UP, col(Ping.settled_at) > moment)
        .distinct()
    )
    return rows.all()
