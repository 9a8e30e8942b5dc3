"""Sends e-mail through one relay (SMTP, RFC 5321). The relay is responsible for DKIM and for final delivery."""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

import aiosmtplib

from common import clock
from common.messages.delivery import ADDRESS_REFUSED, HANDED, Handing, Message, Result
from common.messages.names import Names
from common.messages.settings import MailSettings

_SECONDS = 30
_GOODBYE_SECONDS = 1
_AT_ONCE = 20
_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_NO_MAILBOX = frozenset({550, 551, 553})


@dataclass(frozen=True)
class Relay:
    """A relay's address: `smtp+starttls://user:password@host:587`, `smtps://…` or, unencrypted, `smtp://…`."""

    scheme: str
    host: str
    port: int
    user: str | None
    password: str | None

    @classmethod
    def at(cls, url: str) -> "Relay":
        """Parse the address. Raise ValueError for any other scheme."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError("must be smtp+starttls://, smtps:// or smtp:// and a host")
        return cls(
            parts.scheme,
            parts.hostname,
            parts.port or _PORTS[parts.scheme],
            unquote(parts.username) if parts.username else None,
            unquote(parts.password) if parts.password else None,
        )

    @property
    def in_clear(self) -> bool:
        return self.scheme == "smtp"


class Mail:
    def __init__(
        self,
        relay: Relay,
        sender: str,
        trusted: ssl.SSLContext | None = None,
        seconds: float = _SECONDS,
    ) -> None:
        """Create the client. `seconds` limits the delivery of one e-mail to the relay, including all of the relay's
        replies."""
        self._relay = relay
        self._sender = sender
        self._trusted = trusted
        self._names = Names(_AT_ONCE)
        self.seconds = seconds

    async def hand_over(self, address: str, message: Message, message_id: str) -> Handing:
        """Send one e-mail. Use the same `message_id` for all attempts of a message, so that mailboxes show it once."""
        client = aiosmtplib.SMTP(
            hostname=self._relay.host,
            username=self._relay.user,
            password=self._relay.password,
            use_tls=self._relay.scheme == "smtps",
            start_tls=self._relay.scheme == "smtp+starttls",
            tls_context=self._trusted,
            timeout=self.seconds,
            # Do not reveal the name of this machine.
            local_hostname=self._sender.rpartition("@")[2],
        )
        try:
            async with asyncio.timeout(self.seconds):
                relay = self._relay.host, self._relay.port
                await client.connect(sock=await self._names.connected(*relay, self.seconds))
                await client.send_message(self._mail(address, message, message_id))
            # The relay has accepted the e-mail, so its last reply does not matter.
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=_GOODBYE_SECONDS)
        except TimeoutError:
            return Handing(Result.LATER, "timeout")
        except aiosmtplib.SMTPRecipientsRefused as refused:
            return _of(refused.recipients[0])
        except aiosmtplib.SMTPResponseException as answer:
            return _of(answer)
        except (aiosmtplib.SMTPException, OSError):
            return Handing(Result.LATER, "unreachable")
        finally:
            client.close()
        return HANDED

    def _mail(self, address: str, message: Message, message_id: str) -> EmailMessage:
        mail = EmailMessage(policy=SMTP)
        mail["From"] = self._sender
        mail["To"] = address
        mail["Subject"] = message.subject
        mail["Date"] = format_datetime(clock.now())
        mail["Message-ID"] = f"<{message_id}@{self._sender.rpartition('@')[2]}>"
        # prevents automatic replies such as out-of-office messages (RFC 3834)
        mail["Auto-Submitted"] = "auto-generated"
        for name, value in message.headers.items():
            mail[name] = value
        mail.set_content(message.text + "\n")
        return mail


def mail_of(settings: MailSettings, trusted: ssl.SSLContext | None = None) -> Mail | None:
    """Return the client, or None without a relay. Raise ValueError if the relay's address is malformed."""
    if settings.smtp_url is None or settings.mail_sender is None:
        return None
    return Mail(Relay.at(settings.smtp_url.get_secret_value()), settings.mail_sender, trusted)


def _of(answer: aiosmtplib.SMTPResponseException) -> Handing:
    """Return the result for an SMTP error. It is final only if it concerns the address. A relay that rejects everything
    today (authentication, policy) must not disable everybody's channel."""
    if 500 <= answer.code < 600 and (
        isinstance(answer, aiosmtplib.SMTPRecipientRefused)
        and (answer.code in _NO_MAILBOX or answer.message.startswith(ADDRESS_REFUSED))
    ):
        return Handing(Result.REFUSED, f"smtp_{answer.code}")
    return Handing(Result.LATER, f"smtp_{answer.code}")
