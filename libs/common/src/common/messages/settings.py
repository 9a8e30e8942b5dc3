"""Settings of a process that sends e-mail or text messages."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from common.settings import ServiceSettings


class MailSettings(ServiceSettings):
    smtp_url: SecretStr | None = Field(
        None,
        description="Relay that mail goes through: smtp+starttls://user:password@host:587 or "
        "smtps://…:465 (smtp://, in clear, in the embedded stack only). None = nobody is told by mail.",
    )
    mail_sender: str | None = Field(
        None,
        description="Mailbox that mail comes from, e.g. ruta@example.org; needed with a relay.",
    )

    @model_validator(mode="after")
    def _whole_relay(self) -> Self:
        """Check that a transport is configured completely. It must fail at startup instead of silently sending
        nothing."""
        if (self.smtp_url is None) != (self.mail_sender is None):
            raise ValueError("RUTA_SMTP_URL and RUTA_MAIL_SENDER go together")
        in_clear = self.smtp_url and self.smtp_url.get_secret_value().startswith("smtp://")
        if self.environment == "production" and in_clear:
            raise ValueError(
                "RUTA_SMTP_URL: smtp:// is for the embedded stack only: smtp+starttls://"
            )
        return self


class MessageSettings(MailSettings):
    sms_gateway_file: Path | None = Field(
        None,
        description="JSON that describes the gateway for short messages (docs/channels.md); none = "
        "nobody is told by them.",
    )
