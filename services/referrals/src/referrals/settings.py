"""What the referrals service reads from its environment."""

from pathlib import Path
from typing import ClassVar, Self

from common.settings import ServiceSettings
from pydantic import Field, SecretStr, model_validator


class Settings(ServiceSettings):
    service: ClassVar[str] = "referrals"

    key_store_url: SecretStr = Field(
        description="postgresql+asyncpg:// URL of the key store's run-time role: a database apart "
        "from the cases, with backups of its own."
    )
    key_store_owner_url: SecretStr | None = Field(
        None, description="URL of the key store's owner role; only `migrate` needs it."
    )
    key_store_role: str = Field(
        "referral_keys_app", description="Name of the key store's run-time role, for grants."
    )
    key_encryption_keys_file: Path = Field(
        description='JSON {"active": id, "keys": {id: base64 of 32 bytes}}: wraps the case keys.'
    )
    blind_index_key: SecretStr = Field(
        description="32 bytes in base64: an organisation finds its own case by name or document."
    )
    audit_anchor_file: Path | None = Field(
        None, description="Append-only file outside the database that the audit is anchored in."
    )
    tombstone_file: Path | None = Field(
        None,
        description="Append-only list of the erased, outside the databases: a restore applies it.",
    )
    second_places: str = Field(
        "",
        description="Folders outside this machine, by comma, that the list of the erased and the "
        "audit's anchor are copied into as they grow.",
    )
    webhook_private_networks: str = Field(
        "",
        description="Embedded stack only: networks by comma that webhooks may reach although they "
        "are private, e.g. 127.0.0.0/8.",
    )
    retention_years: int = Field(
        5, ge=1, le=100, description="Years that a closed case is kept before it is erased."
    )
    home_country: str = Field(
        "VEN",
        pattern="^[A-Z]{3}$",
        description="ISO 3166-1 alpha-3 of the country whose states the public pages offer.",
    )
    line_thread_days: int = Field(
        180, ge=30, le=730, description="Days after its last message that an anonymous thread ends."
    )
    exit_url: str = Field(
        "https://www.wikipedia.org/",
        pattern="^https://",
        description="Where the quick exit of the public pages leads.",
    )
    emergency_number: str = Field(
        "911", pattern="^[0-9 +]{2,20}$", description="What the public pages tell people in danger."
    )
    screening_retention_days: int = Field(
        180,
        ge=1,
        le=3660,
        description="Days after which a screening without a case, or a submission in quarantine, "
        "is erased if nothing was done with it.",
    )
    answer_link_days: int = Field(7, ge=1, le=60, description="Days that an answer link is valid.")

    @property
    def second_folders(self) -> list[Path]:
        return [Path(part.strip()) for part in self.second_places.split(",") if part.strip()]

    @model_validator(mode="after")
    def _public_webhooks_only(self) -> Self:
        if self.environment == "production" and self.webhook_private_networks:
            raise ValueError("RUTA_WEBHOOK_PRIVATE_NETWORKS is for the embedded stack only")
        return self
