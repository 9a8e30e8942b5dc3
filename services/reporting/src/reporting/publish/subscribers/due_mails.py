"""The subscriber worker: finds due e-mails, writes them, and records the result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.crypto import key_from_base64
from common.db.due_rows import or_none
from common.db.session import Database
from common.http import BackgroundTask, ServiceContext
from common.ids import new_id
from common.messages.delivery import Handing, Message, Result
from common.messages.mail import Mail
from common.messages.rounds import hand_round, tried_again
from common.words.languages import PageLanguage, page_language
from common.words.tables import completed
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.publish.bulletins import queries as bulletins
from reporting.publish.bulletins.queries import Bulletin
from reporting.publish.bulletins.rendering.feed import reason_of
from reporting.publish.subscribers import queries
from reporting.publish.subscribers.keys import Keys
from reporting.publish.subscribers.models import subscribers
from reporting.settings import Settings

PATH = "/reports/v1/subscriptions"
_BULLETINS = "/reports/v1/bulletins"
_AT_ONCE = 10
_MOST_TOLD = 5
_LEASE = timedelta(seconds=180)
_SECONDS = 3.0


def task(context: ServiceContext, mail: Mail) -> BackgroundTask:
    settings = context.settings
    assert isinstance(settings, Settings)  # noqa: S101 - create_app gives no other
    keys = Keys(key_from_base64(settings.stored_result_key.get_secret_value()))
    work = partial(send_due, context.database, mail, keys, settings.public_url)
    return BackgroundTask.repeated("subscribers", work, _SECONDS)


@dataclass(frozen=True)
class _Claimed:
    """A claimed e-mail. It covers bulletins published or withdrawn up to `until`; None means a confirmation e-mail."""

    subscriber: UUID
    address: str
    message: Message
    message_id: str
    until: datetime | None


async def send_due(database: Database, mail: Mail, keys: Keys, front: str) -> int:
    """Send all due e-mails; return the number of subscribers with a due e-mail."""
    return await hand_round(
        database,
        partial(_claim, keys=keys, front=front.rstrip("/")),
        lambda one: mail.hand_over(one.address, one.message, one.message_id),
        _settle,
    )


async def _claim(session: AsyncSession, keys: Keys, front: str) -> tuple[int, list[_Claimed]]:
    now = clock.now()
    newest = await bulletins.last_told(session)
    rows = await queries.due(session, now, newest, _AT_ONCE)
    if not rows:
        return 0, []
    await session.execute(
        subscribers.update()
        .where(subscribers.c.id.in_([row.id for row in rows]))
        .values(next_attempt_at=now + _LEASE)
    )
    issues = await bulletins.published(session, limit=_MOST_TOLD)
    written = (
        or_none("subscribers", row.id, partial(_written, row, issues, newest, keys, front))
        for row in rows
    )
    return len(rows), [each for each in written if each is not None]


def _written(
    row: Any, issues: Sequence[Bulletin], newest: datetime | None, keys: Keys, front: str
) -> _Claimed:
    language = page_language(row.language, None)
    address = keys.open(row.id, row.address)
    if row.confirm_wanted:
        link = f"{front}{PATH}/confirm?language={language}&key={keys.link('confirm', row.id)}"
        name = f"{row.id}.{new_id().hex}"  # a different e-mail each time
        return _Claimed(row.id, address, confirm(language, link), name, None)
    told = [
        (
            f"{each.content.title[language]}, {each.content.period_label[language]}",
            reason_of(each, language)
            or f"{front}{_BULLETINS}/{each.id}/files/{language}/bulletin.html",
        )
        for each in issues
        if each.told_at and each.told_at > row.told_until
    ]
    leave = f"{front}{PATH}/leave?language={language}&key={keys.link('leave', row.id)}"
    # The same for every attempt to send one e-mail, so that mailboxes show it once.
    message_id = f"{row.id}.{int(newest.timestamp()) if newest else 0}"
    return _Claimed(row.id, address, new(language, told, leave), message_id, newest)


async def _settle(session: AsyncSession, one: _Claimed, handing: Handing) -> None:
    row = await queries.locked(session, one.subscriber)
    if row is None:  # unsubscribed meanwhile
        return
    now = clock.now()
    here = subscribers.c.id == one.subscriber
    if handing.result in {Result.REFUSED, Result.GONE}:
        await session.execute(sa.delete(subscribers).where(here))
        return
    values: dict[str, Any]
    if later := tried_again(handing, row.attempts + 1, now):
        values = {"attempts": row.attempts + 1, "next_attempt_at": later}
    else:  # Delivered, or abandoned after more than a day; the page lists the bulletin anyway.
        values = {"attempts": 0, "next_attempt_at": now}
        values |= {"confirm_wanted": False} if one.until is None else {"told_until": one.until}
    await session.execute(subscribers.update().where(here).values(**values))


_CONFIRM: Mapping[PageLanguage, tuple[str, str]] = completed(
    "reporting",
    {
        "es": (
            "Ruta: confirme su suscripción",
            (
                "Alguien pidió recibir los boletines en este correo. Si fue usted, confírmelo aquí:\n\n"
                "{link}\n\nSi no fue usted, no haga nada: en dos días esta dirección se borra."
            ),
        ),
        "en": (
            "Ruta: confirm your subscription",
            (
                "Somebody asked for bulletins to be sent to this mailbox. If it was you, confirm it here:\n\n"
                "{link}\n\nIf it was not, do nothing: in two days this address is deleted."
            ),
        ),
    },
)
_NEW: Mapping[PageLanguage, tuple[str, str]] = completed(
    "reporting",
    {
        "es": (
            "Ruta: boletines",
            "{list}\n\nPara no recibir más boletines y borrar esta dirección:\n{leave}",
        ),
        "en": ("Ruta: bulletins", "{list}\n\nTo unsubscribe and delete this address:\n{leave}"),
    },
)


def confirm(language: PageLanguage, link: str) -> Message:
    subject, text = _CONFIRM[language]
    return Message(subject, text.format(link=link))


def new(language: PageLanguage, issues: Sequence[tuple[str, str]], leave: str) -> Message:
    """Return the e-mail. `issues` are titles, each with its URL or the reason for the withdrawal; `leave` is the
    unsubscription link (RFC 8058)."""
    subject, text = _NEW[language]
    listed = "\n\n".join(f"{title}\n{address}" for title, address in issues)
    headers = {
        "List-Unsubscribe": f"<{leave}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    return Message(subject, text.format(list=listed, leave=leave), headers)
