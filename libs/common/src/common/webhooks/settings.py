"""Settings of a process that calls webhooks."""

from typing import Self

from pydantic import Field, model_validator

from common.settings import ServiceSettings


class WebhookSettings(ServiceSettings):
    webhook_private_networks: str = Field(
        "",
        description="Embedded stack only: networks by comma that webhooks may reach although they "
        "are private, e.g. 127.0.0.0/8.",
    )

    @model_validator(mode="after")
    def _public_webhooks_only(self) -> Self:
        if self.environment == "production" and self.webhook_private_networks:
            raise ValueError("RUTA_WEBHOOK_PRIVATE_NETWORKS is for the embedded stack only")
        return self
