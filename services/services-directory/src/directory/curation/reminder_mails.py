"""Sends e-mails to organisations whose entries need verification, at most once a day. They go to the mailbox in the
organisation's public entry. Organisations that are hidden or have no mailbox find the reminders in the list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.crypto import key_from_base64
from common.db.session import Database
from common.http import BackgroundTask, ServiceContext
from common.messages.delivery import Handing, Message, Result
from common.messages.mail import Mail, mail_of
from common.messages.rounds import hand_round, tried_again
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from directory.curation import queries
from directory.curation.message_ids import Names, digest
from directory.curation.models import reminder_mails
from directory.record.organizations.queries import mailboxes_of
from directory.record.records.queries import to_be_verified
from directory.settings import Settings

_AT_ONCE = 10
_LEASE = timedelta(minutes=5)
_REST = timedelta(days=1)
_LOCK = 0x5255_5441_524D  # "RUTARM": only one worker claims e-mails at a time


def mailing_tasks(context: ServiceContext) -> list[BackgroundTask]:
    settings = context.settings
    assert isinstance(settings, Settings)  # noqa: S101 - create_app gives no other
    mail = mail_of(settings)
    if mail is None:
        return []
    names = Names(key_from_base64(settings.stored_result_key.get_secret_value()))
    work = partial(write_due, context.database, mail, names, settings.public_url)
    return [BackgroundTask.repeated("reminder-mails", work, settings.sweep_seconds)]


@dataclass(frozen=True)
class _Claimed:
    """A claimed e-mail. It covers reminders created up to `until`."""

    organisation: UUID
    mailbox: str
    message: Message
    message_id: str
    until: datetime


async def write_due(database: Database, mail: Mail, names: Names, front: str) -> int:
    """Send the e-mails that are due; return the number of organisations checked."""
    return await hand_round(
        database,
        partial(_claim, names=names, front=front),
        lambda one: mail.hand_over(one.mailbox, one.message, one.message_id),
        _settle,
    )


async def _claim(session: AsyncSession, names: Names, front: str) -> tuple[int, list[_Claimed]]:
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    now = clock.now()
    rows = await queries.to_write_to(session, now, _AT_ONCE)
    ids = [row.organisation_id for row in rows]
    mailboxes = await mailboxes_of(session, ids)
    reminders = await queries.to_verify(session, ids)
    standing = await to_be_verified(session, {each.service_id for each in reminders})
    claimed = []
    for row in rows:
        mailbox = mailboxes.get(row.organisation_id)
        due = {
            each.service_id: standing[each.service_id]
            for each in reminders
            if each.organisation_id == row.organisation_id
            and each.service_id in standing
            and standing[each.service_id].valid_until == each.due_on
        }
        tell = bool(due) and mailbox is not None and digest(mailbox) != row.refused
        values = (
            {"next_attempt_at": now + _LEASE}
            if tell
            else {"next_attempt_at": now + _REST, "told_until": row.newest}
        )
        await session.execute(
            insert(reminder_mails)
            .values(organisation_id=row.organisation_id, attempts=0, **values)
            .on_conflict_do_update(index_elements=["organisation_id"], set_=values)
        )
        if tell and mailbox is not None:
            public = sorted((e.name, e.valid_until) for e in due.values() if e.name)
            message = verify(public, front)
            name = names.called(row.organisation_id, mailbox, row.newest)
            claimed.append(_Claimed(row.organisation_id, mailbox, message, name, row.newest))
    return len(rows), claimed


async def _settle(session: AsyncSession, one: _Claimed, handing: Handing) -> None:
    row = await queries.mails_to(session, one.organisation)
    now = clock.now()
    values: dict[str, object] = {
        "attempts": 0,
        "next_attempt_at": now + _REST,
        "told_until": one.until,
    }
    if handing.result in {Result.REFUSED, Result.GONE}:
        values["refused"] = digest(one.mailbox)
    if later := tried_again(handing, row.attempts + 1, now):
        values = {"attempts": row.attempts + 1, "next_attempt_at": later}
    here = reminder_mails.c.organisation_id == one.organisation
    await session.execute(reminder_mails.update().where(here).values(**values))


_SUBJECT = "Ruta: verifique sus fichas / verify your entries"
# The text is in both languages, because the organisation's language is unknown.
_TEXT = """Verifique de nuevo las fichas de su organización en el directorio. Una ficha que no se verifica a tiempo
deja de recibir remisiones. {address}

Please verify your organisation's entries in the directory again. An entry that is not verified in time
receives no more referrals. {address}
"""


def verify(entries: Sequence[tuple[str, date]], address: str) -> Message:
    """Return the e-mail that requests verification. `entries` are public entries, each with the day until which it is
    valid; `address` is the gateway's URL."""
    listed = "\n".join(f"- {name}: {until.isoformat()}" for name, until in entries)
    return Message(_SUBJECT, f"{_TEXT.format(address=address)}\n{listed}".strip())
