"""The transports that this deployment supports."""

from dataclasses import dataclass

import aiohttp
from common.messages.delivery import Handing, Message, Result
from common.messages.mail import Mail, mail_of
from common.messages.sms import Sms, gateway_of
from common.webhooks.addresses import networks

from referrals.settings import Settings
from referrals.telling.channels.kinds import ChannelKind, reached_by
from referrals.telling.channels.transports.push import Push


@dataclass(frozen=True)
class Transports:
    mail: Mail | None = None
    push: Push | None = None
    sms: Sms | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Transports":
        """Build the transports from the settings. Raise ValueError or OSError for an unusable file, which ends the
        process."""
        also = networks(settings.webhook_private_networks)
        return cls(
            mail=mail_of(settings),
            push=Push(settings.push_key_file, settings.push_contact, also)
            if settings.push_key_file and settings.push_contact
            else None,
            sms=Sms(gateway_of(settings.sms_gateway_file)) if settings.sms_gateway_file else None,
        )

    @property
    def offered(self) -> frozenset[ChannelKind]:
        return frozenset(kind for kind in ChannelKind if self._of(kind) is not None)

    def _of(self, kind: ChannelKind) -> Mail | Push | Sms | None:
        return {
            ChannelKind.EMAIL: self.mail,
            ChannelKind.PUSH: self.push,
            ChannelKind.SMS: self.sms,
        }[kind]

    @property
    def push_key(self) -> str | None:
        return self.push.public_key if self.push else None

    def seconds(self, kind: ChannelKind) -> float:
        """Return the longest time that sending one message takes. The deployment must support `kind`."""
        way = self._of(kind)
        return 0.0 if way is None else way.seconds

    def repeatable(self, kind: ChannelKind) -> bool:
        """Return whether a message sent twice appears only once: a mailbox compares Message-IDs, and a browser shows
        only one of our messages."""
        way = self._of(kind)
        return reached_by(kind) != "telephone" or (isinstance(way, Sms) and way.once_per_id)

    async def hand_over(
        self,
        http: aiohttp.ClientSession,
        kind: ChannelKind,
        address: str,
        message: Message,
        message_id: str,
    ) -> Handing:
        match self._of(kind):
            case Mail() as mail:
                return await mail.hand_over(address, message, message_id)
            case Push() as push:
                return await push.hand_over(http, address, message, message_id)
            case Sms() as sms:
                return await sms.hand_over(http, address, message, message_id)
            case None:
                return Handing(Result.LATER, "not_offered")
