"""Subscriber use cases: subscribe, confirm, unsubscribe."""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.errors import NOT_FOUND, UNAVAILABLE
from common.ids import new_id
from common.messages.bounces import Bounce
from common.words.languages import PageLanguage
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.publish.subscribers import queries
from reporting.publish.subscribers.keys import Keys, Use
from reporting.publish.subscribers.models import UNCONFIRMED_FOR, subscribers

_MAILS_UNASKED = 3
"""The most mails to an unconfirmed mailbox during the two days for which it is stored."""
_NEW_AN_HOUR = 100
_LOCK = 0x5255_5441_5355  # "RUTASU": only one transaction at a time counts and writes


async def ask(session: AsyncSession, keys: Keys, address: str, language: PageLanguage) -> None:
    """Send a confirmation link to the address. The effect looks the same for everybody, so it does not reveal whether
    the address was known."""
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    now, digest = clock.now(), keys.digest(address)
    known = await queries.by_digest(session, digest)
    if known is None:
        if await queries.unconfirmed_since(session, now - timedelta(hours=1)) >= _NEW_AN_HOUR:
            raise UNAVAILABLE.because("too_many_people_subscribe_now_try_again")
        subscriber = new_id()
        await session.execute(
            subscribers.insert().values(
                id=subscriber,
                address=keys.seal(subscriber, address),
                address_digest=digest,
                language=language,
                asked_at=now,
                asked=1,
                confirm_wanted=True,
                attempts=0,
                next_attempt_at=now,
            )
        )
    elif known.confirmed_at is None and not known.confirm_wanted and known.asked < _MAILS_UNASKED:
        await session.execute(
            subscribers.update()
            .where(subscribers.c.id == known.id)
            .values(confirm_wanted=True, asked=known.asked + 1, attempts=0, next_attempt_at=now)
        )


async def confirm(session: AsyncSession, keys: Keys, key: str) -> str:
    """Start sending to this address. Repeating this changes nothing. Return the key for unsubscribing."""
    now = clock.now()
    known = await queries.locked(session, _whose(keys, "confirm", key))
    if known is None or (known.confirmed_at is None and known.asked_at <= now - UNCONFIRMED_FOR):
        raise NOT_FOUND.because("this_link_is_too_old")
    if known.confirmed_at is None:
        await session.execute(
            subscribers.update()
            .where(subscribers.c.id == known.id)
            .values(confirmed_at=now, told_until=now, confirm_wanted=False)
        )
    return keys.link("leave", known.id)


async def leave(session: AsyncSession, keys: Keys, key: str) -> None:
    """Delete the subscriber. Repeating this changes nothing."""
    whose = _whose(keys, "leave", key)
    await session.execute(subscribers.delete().where(subscribers.c.id == whose))


async def bounced(session: AsyncSession, bounce: Bounce) -> None:
    """Delete a subscriber whose address rejects e-mail. A later subscription creates a new subscriber, to whom older
    bounce reports do not apply."""
    if bounce.status is not None:
        await session.execute(subscribers.delete().where(subscribers.c.id == bounce.about))


def _whose(keys: Keys, use: Use, key: str) -> UUID:
    found = keys.subscriber(use, key)
    if found is None:
        raise NOT_FOUND.because("is_not_link_of_ours")
    return found
