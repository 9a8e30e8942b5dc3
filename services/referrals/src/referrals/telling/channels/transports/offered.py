"""Which ways to a person this operation has set up."""

from dataclasses import dataclass

import aiohttp
from common.messages.handing import Handing, Message
from common.messages.mail import Mail, mail_of
from common.messages.sms import Sms, gateway_of

from referrals.settings import Settings
from referrals.telling.channels.kinds import ChannelKind
from referrals.telling.channels.transports.push import Push
from referrals.telling.webhooks.addresses import networks


@dataclass(frozen=True)
class Transports:
    mail: Mail | None = None
    push: Push | None = None
    sms: Sms | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Transports":
        """ValueError or OSError where a file of the settings cannot be used: the process ends."""
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
        ways = {
            ChannelKind.EMAIL: self.mail,
            ChannelKind.PUSH: self.push,
            ChannelKind.SMS: self.sms,
        }
        return frozenset(kind for kind, way in ways.items() if way is not None)

    @property
    def push_key(self) -> str | None:
        return self.push.public_key if self.push else None

    async def hand_over(
        self,
        http: aiohttp.ClientSession,
        kind: ChannelKind,
        address: str,
        message: Message,
        message_id: str,
    ) -> Handing | None:
        """None where this operation does not tell by it any more."""
        if kind is ChannelKind.EMAIL and self.mail:
            return await self.mail.hand_over(address, message, message_id)
        if kind is ChannelKind.PUSH and self.push:
            return await self.push.hand_over(http, address, message, message_id)
        if kind is ChannelKind.SMS and self.sms:
            return await self.sms.hand_over(http, address, message, message_id)
        return None
