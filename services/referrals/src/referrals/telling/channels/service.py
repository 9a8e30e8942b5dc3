"""Channel use cases: add, confirm, change and remove a channel; and the rota."""

import hmac
from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.errors import CONFLICT, INVALID, NOT_FOUND
from common.ids import new_id
from common.messages.addresses import NotAnAddress, mailbox, telephone
from common.messages.bounces import Bounce
from common.webhooks.addresses import Network, UnsafeUrl, check_url
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.errors import NO_SUCH_CHANNEL, UNSAFE_ADDRESS, WRONG_CODE
from referrals.ground.audit.service import record
from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.notices.service import notify
from referrals.ground.people.queries import is_away, may_be_on_call
from referrals.ground.people.service import learn, say_away
from referrals.ground.restrictions.service import remember_word
from referrals.ground.restrictions.words import OFF, Kind
from referrals.ground.row_security import acting_as_service
from referrals.telling.channels import queries
from referrals.telling.channels.kinds import (
    ChannelKind,
    PingStatus,
    SwitchedOff,
    masked,
    reached_by,
)
from referrals.telling.channels.messages import CONFIRMED_FOR, due_at
from referrals.telling.channels.models import Channel, CodeAsked, Ping, Shift, waiting
from referrals.telling.channels.schemas import Away, NewChannel, NewShift, Wishes
from referrals.telling.channels.sealed_addresses import Sealing
from referrals.telling.channels.wake_ups import Telling

_MOST = 6
_MOST_SHIFTS = 500
_AT_ONCE = 100
_CODE_VALID = timedelta(minutes=30)
_CODE_PAUSE = timedelta(minutes=2)
# The code limits per person and per address, because the receiver may not have requested any code.
_CODES_A_DAY, _CODES_THERE = 8, 4


async def add(
    session: AsyncSession,
    caller: Principal,
    sealing: Sealing,
    offered: Collection[ChannelKind],
    allowed: Collection[Network],
    body: NewChannel,
) -> Channel:
    """Add a channel. A mailbox or telephone stays silent until its code is confirmed; a browser needs no code."""
    kind = body.kind
    if kind not in offered:
        raise NO_SUCH_CHANNEL.because("this_operation_does_not_tell_people", kind, pointer="/kind")
    address = _address(body, allowed)
    mine = await queries.listed(session, caller, team=False)
    now = clock.now()
    if len(mine) >= _MOST:
        raise CONFLICT.because("you_have_channels_already_remove_one_first", _MOST)
    digest = sealing.digest(kind, address)
    if any(hmac.compare_digest(digest, each.address_digest) for each in mine):
        raise CONFLICT.because("you_have_this_channel_already", pointer="/address")
    channel_id = new_id()
    confirmed = kind is ChannelKind.PUSH
    if not confirmed:
        await _ask(session, caller, digest)
    channel = Channel(
        id=channel_id,
        organisation_id=caller.organisation,
        person=caller.subject,
        kind=kind,
        address=sealing.seal(channel_id, address),
        address_digest=digest,
        shown=masked(kind, address),
        active=True,
        confirmed_at=now if confirmed else None,
        code_wanted=not confirmed,
        attempts=0,
        next_attempt_at=now,
        created_at=now,
        **_columns(body),
    )
    session.add(channel)
    await learn(session, caller)
    await session.flush()
    if confirmed:
        await _take_over(session, channel)
    await _record(session, caller, "added", channel)
    return channel


async def _ask(session: AsyncSession, caller: Principal, digest: bytes) -> None:
    """Queue one more code, unless the caller or the address had too many; the response does not say which of them
    had."""
    now = clock.now()
    # A simultaneous request waits here, so that one lock covers both counting and writing.
    for key in sorted((f"codes {caller.organisation} {caller.subject}", f"codes {digest.hex()}")):
        await session.execute(
            sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(key, 0)))
        )
    async with acting_as_service(session):
        mine, there = await queries.codes_asked(session, caller, digest, now - timedelta(days=1))
    if mine >= _CODES_A_DAY or there >= _CODES_THERE:
        raise CONFLICT.because("too_many_codes_were_asked_for_today")
    session.add(
        CodeAsked(
            id=new_id(),
            organisation_id=caller.organisation,
            person=caller.subject,
            address_digest=digest,
            asked_at=now,
        )
    )


def _address(body: NewChannel, allowed: Collection[Network]) -> str:
    try:
        if body.endpoint is not None and body.keys is not None:
            check_url(body.endpoint, allowed)
            subscription = {"endpoint": body.endpoint, "keys": body.keys.model_dump()}
            return orjson.dumps(subscription).decode()
        return (mailbox if reached_by(body.kind) == "mailbox" else telephone)(body.address or "")
    except UnsafeUrl as error:
        raise UNSAFE_ADDRESS.because("not_this_url", error, pointer="/endpoint") from error
    except NotAnAddress as error:
        raise INVALID.because(error.said, pointer="/address") from error


def _columns(wishes: Wishes) -> dict[str, Any]:
    return {
        "language": wishes.language,
        "pace": wishes.pace.value,
        "wakes": wishes.wakes,
        "quiet_from": wishes.quiet_from,
        "quiet_until": wishes.quiet_until,
        "digest_at": wishes.digest_at,
    }


async def confirm(
    session: AsyncSession, caller: Principal, sealing: Sealing, channel_id: UUID, code: str
) -> Channel:
    channel = await queries.own(session, caller, channel_id)
    now = clock.now()
    if channel.code_digest is None or channel.code_until is None or channel.code_until <= now:
        raise WRONG_CODE.because("no_code_of_this_channel_is_valid")
    if not hmac.compare_digest(channel.code_digest, sealing.code_digest(channel.id, code)):
        # Attempts are not counted. Eight digits are safe for half an hour behind the gateway's rate limits. A correct guess
        # only sends messages without content to another mailbox.
        raise WRONG_CODE.because("is_not_code_that_was_sent_there", pointer="/code")
    channel.code_digest = channel.code_until = channel.switched_off = channel.failure = None
    channel.attempts = 0
    channel.confirmed_at, channel.active = now, True
    await learn(session, caller)
    await session.flush()
    await remember_word(session, Kind.CHANNEL, channel.id, {})
    await _take_over(session, channel)
    await _record(session, caller, "confirmed", channel)
    return channel


async def _take_over(session: AsyncSession, channel: Channel) -> None:
    """Assign an address to the last person who confirmed it, in any organisation, because it may have changed hands."""
    async with acting_as_service(session):
        others = await session.scalars(
            sa.select(Channel)
            .where(
                col(Channel.address_digest) == channel.address_digest,
                col(Channel.id) != channel.id,
                col(Channel.active),
            )
            .with_for_update()
        )
        for other in others:
            await switch_off(session, other, SwitchedOff.TAKEN)


async def switch_off(session: AsyncSession, channel: Channel, why: SwitchedOff) -> None:
    """Switch the channel off and notify the organisation's supervisors. Requires service rights."""
    channel.active, channel.switched_off = False, why.value
    channel.code_wanted, channel.code_digest, channel.code_until = False, None, None
    await notify(
        session,
        [channel.organisation_id],
        NoticeKind.CHANNEL_SWITCHED_OFF,
        subject_type="channel",
        subject_id=channel.id,
        for_supervisor=True,
    )
    await session.flush()
    await remember_word(session, Kind.CHANNEL, channel.id, OFF)


async def switch_off_again(session: AsyncSession, channel_id: UUID) -> int:
    """Silence again a channel that a restored backup activated, until somebody confirms it again. Requires service
    rights."""
    channel = await session.get(Channel, channel_id, with_for_update=True)
    if channel is None or not channel.active:
        return 0
    await switch_off(session, channel, SwitchedOff.UNCONFIRMED)
    return 1


async def bounced(session: AsyncSession, bounce: Bounce) -> None:
    """Handle a bounced e-mail. It reached nobody, so silence its channel and notify supervisors. Ignore e-mails from
    before the last confirmation. The report identifies a channel, or the first ping of the e-mail."""
    if bounce.status is None:
        return
    async with acting_as_service(session):
        found = await queries.written_to(session, bounce.about)
        if found is None:
            return
        channel, told_at = found
        outdated = channel.confirmed_at is not None and (
            told_at is None or told_at < channel.confirmed_at
        )
        if channel.kind != ChannelKind.EMAIL or not channel.active or outdated:
            return
        channel.failure = f"smtp_{bounce.status}"
        await session.execute(
            sa.update(Ping)
            .where(col(Ping.message_id) == bounce.about, col(Ping.status) == PingStatus.TOLD)
            .values(status=PingStatus.GIVEN_UP, settled_at=clock.now())
            .execution_options(synchronize_session=False)
        )
        await switch_off(session, channel, SwitchedOff.REFUSED)


async def ask_code(session: AsyncSession, caller: Principal, channel_id: UUID) -> Channel:
    """Queue another code, for a new address or to reactivate an address that was switched off."""
    channel = await queries.own(session, caller, channel_id)
    if channel.kind == ChannelKind.PUSH:
        raise CONFLICT.because("browser_is_not_confirmed_remove")
    if channel.confirmed_at is not None and channel.active:
        raise CONFLICT.because("this_channel_is_confirmed_and_tells")
    now = clock.now()
    if channel.code_until is not None and channel.code_until - _CODE_VALID > now - _CODE_PAUSE:
        raise CONFLICT.because("code_was_sent_moment_ago_wait_two")
    await _ask(session, caller, channel.address_digest)
    channel.code_wanted, channel.active, channel.confirmed_at = True, True, None
    channel.attempts, channel.next_attempt_at = 0, now
    await session.flush()
    await _record(session, caller, "code_asked", channel)
    return channel


def give_code(channel: Channel, digest: bytes) -> None:
    """Record a sent code, which is valid for half an hour."""
    channel.code_digest, channel.code_until = digest, clock.now() + _CODE_VALID
    channel.code_wanted = False


async def change(
    session: AsyncSession, caller: Principal, channel_id: UUID, wishes: Wishes
) -> Channel:
    channel = await queries.own(session, caller, channel_id)
    for name, value in _columns(wishes).items():
        setattr(channel, name, value)
    await learn(session, caller)
    await session.flush()
    await _record(session, caller, "changed", channel)
    return channel


async def remove(session: AsyncSession, caller: Principal, channel_id: UUID) -> None:
    """Remove the caller's channel. A supervisor may remove a colleague's channel, because the colleague may have
    left."""
    channel = await queries.of_organisation(session, caller, channel_id)
    await session.delete(channel)
    await session.flush()
    await remember_word(session, Kind.CHANNEL, channel.id, OFF)
    await _record(session, caller, "removed", channel)


async def lapse(session: AsyncSession) -> int:
    """Switch off addresses confirmed long ago, because they may have changed hands; return their number. Requires
    service rights."""
    old = await session.scalars(
        sa.select(Channel)
        .where(
            col(Channel.active),
            col(Channel.kind) != ChannelKind.PUSH,
            col(Channel.confirmed_at) <= clock.now() - CONFIRMED_FOR,
        )
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    lapsed = old.all()
    for channel in lapsed:
        await switch_off(session, channel, SwitchedOff.UNCONFIRMED)
    return len(lapsed)


async def be_away(session: AsyncSession, caller: Principal, body: Away, zone: ZoneInfo) -> None:
    """Set the days away. Notify a person who is back earlier than planned of earlier matters now."""
    if body.away_until is not None and body.away_until < clock.today():
        raise INVALID.because("these_days_are_over", pointer="/away_until")
    await say_away(session, caller, body.away_from, body.away_until)
    for listener in await queries.own_listeners(session, caller):
        moment = due_at(listener, clock.now(), zone, Telling.PACE)
        await session.execute(
            sa.update(Ping)
            .where(
                col(Ping.channel_id) == listener.channel,
                waiting(),
                sa.not_(col(Ping.emergency)),
                col(Ping.attempts) == 0,
                col(Ping.due_at) > moment,
            )
            .values(due_at=moment, next_attempt_at=moment)
            .execution_options(synchronize_session=False)
        )
    # Audit this for the organisation, because a person has no id in the record.
    await record(
        session, caller, "person.away", chain=caller.organisation, target_id=caller.organisation
    )


async def add_shift(session: AsyncSession, caller: Principal, body: NewShift) -> Shift:
    now = clock.now()
    if body.ends_at <= now:
        raise INVALID.because("this_shift_is_over", pointer="/ends_at")
    if not await may_be_on_call(session, caller.organisation, body.person):
        raise INVALID.because("nobody_of_yours_who_may_be_on_call", pointer="/person")
    days = clock.day_of(body.starts_at), clock.day_of(body.ends_at)
    if await is_away(session, body.person, *days):
        raise INVALID.because("this_person_is_away_then", pointer="/person")
    if len(await queries.shifts(session, caller, now)) >= _MOST_SHIFTS:
        raise CONFLICT.because("organisation_plans_at_most_shifts_ahead", _MOST_SHIFTS)
    shift = Shift(
        id=new_id(),
        organisation_id=caller.organisation,
        person=body.person,
        rank=body.rank,
        starts_at=body.starts_at,
        ends_at=body.ends_at,
        created_at=now,
        created_by=caller.subject,
    )
    session.add(shift)
    await session.flush()
    await record(session, caller, "shift.added", chain=caller.organisation, target_id=shift.id)
    return shift


async def remove_shift(session: AsyncSession, caller: Principal, shift_id: UUID) -> None:
    shift = await session.get(Shift, shift_id, with_for_update=True)
    if shift is None or shift.organisation_id != caller.organisation:
        raise NOT_FOUND.because("your_organisation_has_no_such_shift")
    await session.delete(shift)
    await session.flush()
    await record(session, caller, "shift.removed", chain=caller.organisation, target_id=shift_id)


async def _record(session: AsyncSession, caller: Principal, what: str, channel: Channel) -> None:
    await record(
        session, caller, f"channel.{what}", chain=caller.organisation, target_id=channel.id
    )
