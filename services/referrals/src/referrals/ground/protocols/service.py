"""Ends protocols. This module never commits."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from common import clock
from common.auth import Principal
from common.errors import NOT_FOUND
from common.words.places import Places
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.errors import CROSS_BORDER
from referrals.ground.audit.service import record
from referrals.ground.protocols.models import Protocol
from referrals.ground.protocols.queries import covered
from referrals.ground.restrictions.service import remember_end
from referrals.ground.restrictions.words import Kind


async def end(session: AsyncSession, caller: Principal, protocol_id: UUID) -> Protocol:
    protocol = await session.get(Protocol, protocol_id, with_for_update=True)
    if protocol is None:
        raise NOT_FOUND.because("no_such_protocol")
    if protocol.ended_at is None:
        protocol.ended_at = clock.now()
        await session.flush()
        await remember_end(session, Kind.PROTOCOL, protocol.id)
        await record(
            session, caller, "protocol.ended", chain=caller.organisation, target_id=protocol.id
        )
    return protocol


async def end_again(session: AsyncSession, protocol_id: UUID) -> int:
    """End again a protocol that a restored backup brought back."""
    protocol = await session.get(Protocol, protocol_id, with_for_update=True)
    if protocol is None or protocol.ended_at is not None:
        return 0
    protocol.ended_at = clock.now()
    await session.flush()
    await remember_end(session, Kind.PROTOCOL, protocol.id)
    return 1


_LETTERS = 2


def countries_of(areas: Collection[str]) -> list[str]:
    """Return the countries of these areas. For an unknown P-code, use the country in its prefix."""
    places = Places.load()
    return sorted(
        {places.at_most(area, 0) if places.is_known(area) else area[:_LETTERS] for area in areas}
    )


async def refuse_uncovered(
    session: AsyncSession,
    *,
    from_country: str,
    to_countries: Collection[str],
    from_organisation: UUID,
    to_organisation: UUID,
    on: date,
    category: str | None = None,
) -> None:
    """Raise 409 unless both organisations share a country or a protocol covers the pair today. With `category` None,
    the protocol must cover everything."""
    if from_country in to_countries:
        return
    if not await covered(
        session,
        from_country=from_country,
        to_countries=sorted(to_countries),
        from_organisation=from_organisation,
        to_organisation=to_organisation,
        category=category,
        on=on,
    ):
        raise CROSS_BORDER.because(
            "from_to_ask_your_im_team_whether", from_country, ", ".join(sorted(to_countries))
        )
