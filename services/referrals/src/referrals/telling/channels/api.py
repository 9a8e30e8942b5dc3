"""HTTP routes for channels and the rota."""

from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from common import clock
from common.auth import Principal
from common.crypto import key_from_base64
from common.http import (
    IdempotencyRequired,
    Postmaster,
    ReturnedMail,
    Session,
    context_of,
    requires,
    router,
)
from common.webhooks.addresses import networks
from fastapi import Depends
from starlette.requests import Request

from referrals.ground.dependencies import ServiceSettingsOf, Supervisor
from referrals.ground.people.queries import MAY_LISTEN, absence
from referrals.telling.channels import queries, service
from referrals.telling.channels.kinds import ChannelKind
from referrals.telling.channels.models import Channel, Shift
from referrals.telling.channels.schemas import (
    Away,
    ChannelKinds,
    ChannelView,
    Code,
    NewChannel,
    NewShift,
    Nothing,
    ShiftView,
    Wishes,
)
from referrals.telling.channels.sealed_addresses import Sealing
from referrals.telling.channels.transports.offered import Transports

channels = router("/referrals/v1/channels", ["channels"])
on_call = router("/referrals/v1/on-call", ["channels"])

Listening = Annotated[Principal, requires("referrals:read", roles=MAY_LISTEN)]


async def _sealing(settings: ServiceSettingsOf) -> Sealing:
    return Sealing(key_from_base64(settings.stored_result_key.get_secret_value()))


async def _transports(request: Request) -> Transports:
    transports: Transports = context_of(request).parts["transports"]
    return transports


SealingOf = Annotated[Sealing, Depends(_sealing)]
TransportsOf = Annotated[Transports, Depends(_transports)]


@channels.get("/kinds")
async def list_kinds(_caller: Listening, transports: TransportsOf) -> ChannelKinds:
    """List the kinds of channels by which this operation can notify people."""
    return ChannelKinds(kinds=sorted(transports.offered), push_key=transports.push_key)


@channels.get("/away")
async def show_absence(session: Session, caller: Listening) -> Away:
    """Return the days on which you get no messages."""
    row = await absence(session, caller)
    return Away(away_from=row.away_from, away_until=row.away_until) if row else Away()


@channels.put("/away")
async def change_absence(
    body: Away, session: Session, caller: Listening, settings: ServiceSettingsOf
) -> Away:
    """Set the days of your absence. Meanwhile you get no message, not even for an emergency, and the rota skips you.
    When you return, you get one message if something waits."""
    await service.be_away(session, caller, body, ZoneInfo(settings.home_timezone))
    return body


@channels.post("", status_code=201, dependencies=[IdempotencyRequired])
async def add_channel(
    body: NewChannel,
    session: Session,
    caller: Listening,
    sealing: SealingOf,
    transports: TransportsOf,
    settings: ServiceSettingsOf,
) -> ChannelView:
    """Add a channel by mail, browser or SMS. A message only says that something waits, with the address of the front.
    A new mailbox or phone gets a code to confirm."""
    allowed = networks(settings.webhook_private_networks)
    return _view(await service.add(session, caller, sealing, transports.offered, allowed, body))


@channels.get("")
async def list_channels(session: Session, caller: Listening) -> list[ChannelView]:
    """The addresses at which you get messages, with their state."""
    return [_view(each) for each in await queries.listed(session, caller, team=False)]


@channels.get("/team")
async def list_team_channels(session: Session, caller: Supervisor) -> list[ChannelView]:
    """List the channels of your whole organisation: who can be reached, and what was switched off."""
    return [_view(each) for each in await queries.listed(session, caller, team=True)]


@channels.post("/bounces", status_code=204)
async def take_bounce(body: ReturnedMail, session: Session, _caller: Postmaster) -> None:
    """Report a mail that bounced later, from the mailbox that sends the mails. An address that rejects mail is
    switched off; other messages change nothing."""
    await service.bounced(session, body.bounce())


@channels.post("/{channel_id}/confirm")
async def confirm_channel(
    channel_id: UUID, body: Code, session: Session, caller: Listening, sealing: SealingOf
) -> ChannelView:
    """Confirm that the address is yours, by the code that Ruta sent there."""
    return _view(await service.confirm(session, caller, sealing, channel_id, body.code))


@channels.post("/{channel_id}/code", status_code=202)
async def ask_for_code(
    channel_id: UUID, _body: Nothing, session: Session, caller: Listening
) -> ChannelView:
    """Send another code, if the first was lost or the channel was switched off."""
    return _view(await service.ask_code(session, caller, channel_id))


@channels.put("/{channel_id}/wishes")
async def change_channel(
    channel_id: UUID, body: Wishes, session: Session, caller: Listening
) -> ChannelView:
    """Set which messages go to this channel."""
    return _view(await service.change(session, caller, channel_id, body))


@channels.delete("/{channel_id}", status_code=204)
async def remove_channel(channel_id: UUID, session: Session, caller: Listening) -> None:
    """Delete the channel. Ruta sends no more messages there."""
    await service.remove(session, caller, channel_id)


@on_call.get("")
async def list_shifts(session: Session, caller: Listening) -> list[ShiftView]:
    """List who is on call for emergencies, now and later."""
    reachable = await queries.reachable(session, caller)
    return [_shift(each, reachable) for each in await queries.shifts(session, caller, clock.now())]


@on_call.post("", status_code=201, dependencies=[IdempotencyRequired])
async def add_shift(body: NewShift, session: Session, caller: Supervisor) -> ShiftView:
    """Add a shift. An emergency is sent to the person on call with the lowest rank, then to the next if nobody acts
    in time, and in the end to everybody. Without a shift everybody is told at once."""
    shift = await service.add_shift(session, caller, body)
    return _shift(shift, await queries.reachable(session, caller))


@on_call.delete("/{shift_id}", status_code=204)
async def remove_shift(shift_id: UUID, session: Session, caller: Supervisor) -> None:
    """Delete a shift of your organisation's on-call list."""
    await service.remove_shift(session, caller, shift_id)


def _view(channel: Channel) -> ChannelView:
    state = "off" if not channel.active else "active" if channel.confirmed_at else "to_confirm"
    return ChannelView(
        **channel.model_dump(include=ChannelView.model_fields.keys() - {"kind", "address"}),
        kind=ChannelKind(channel.kind),
        address=channel.shown,
        status=state,
    )


def _shift(shift: Shift, reachable: frozenset[str]) -> ShiftView:
    return ShiftView(
        **shift.model_dump(include=set(ShiftView.model_fields)), reachable=shift.person in reachable
    )
