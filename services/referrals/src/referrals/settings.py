"""Settings that the referrals service reads from its environment."""

from pathlib import Path
from typing import ClassVar, Self

from common.chained import places_of
from common.messages.settings import MessageSettings
from common.settings import HttpAddress
from common.webhooks.settings import WebhookSettings
from pydantic import Field, SecretStr, model_validator


class Settings(MessageSettings, WebhookSettings):
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
    vault_url: HttpAddress | None = Field(
        None,
        description="Address of a Vault or OpenBao whose transit engine keeps the key-encryption keys "
        "closed; none = they stand in their file in clear.",
    )
    vault_engine: str = Field(
        "transit", pattern="^[A-Za-z0-9_/-]+$", description="Path of the Vault's transit engine."
    )
    vault_key: str = Field(
        "ruta", pattern="^[A-Za-z0-9_-]+$", description="Name of the transit engine's key."
    )
    vault_token_file: Path | None = Field(
        None, description="File with the token for the Vault; read anew at each call."
    )
    vault_seconds: int = Field(
        60,
        ge=0,
        le=3600,
        description="How long keys that the Vault opened are used before it is asked again: how soon "
        "sealing it takes effect, and how long it may be away unnoticed.",
    )
    blind_index_key: SecretStr = Field(
        description="32 bytes in base64: an organisation finds its own case by name or document."
    )
    audit_anchor_file: Path | None = Field(
        None, description="Append-only file outside the database that the audit is anchored in."
    )
    tombstone_file: Path | None = Field(
        None,
        description="Append-only list of the erased, outside the databases: a restore applies it. Beside it"
        " lies restrictions.jsonl, the list of what was restricted.",
    )
    second_places: str = Field(
        "",
        description="Folders outside this machine, by comma, that the lists of the erased and of what was "
        "restricted and the audit's anchor are copied into as they grow.",
    )
    operator_mail: str | None = Field(
        None,
        pattern="^[^@ ]+@[^@ ]+$",
        description="Mailbox of the person who keeps this operation running: told once a day while a second "
        "place is away. Needs a relay.",
    )
    push_key_file: Path | None = Field(
        None,
        description="Private key (PEM, P-256) that signs messages to browsers; none = no Web Push.",
    )
    push_contact: str | None = Field(
        None,
        pattern="^(mailto:.+@.+|https://.+)$",
        description="Whom a push service asks about this operation; needed with the key.",
    )
    hand_over_minutes: int = Field(
        10,
        ge=1,
        le=240,
        description="Minutes after which an emergency that nobody acted on is told to the next on call.",
    )
    unheard_minutes: int = Field(
        15,
        ge=1,
        le=240,
        description="Minutes after which an emergency that reached nobody is told to the sender, the supervisors and the"
        " coordinators.",
    )
    virus_scanner: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9.-]+:\d{1,5}$",
        description="host:port of a clamd that looks at each picture before it is kept; none = no scanner.",
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
    def restriction_file(self) -> Path | None:
        """Return the path of the restriction list, which is stored beside the erasure list and copied with it."""
        return self.tombstone_file and self.tombstone_file.with_name("restrictions.jsonl")

    @property
    def second_folders(self) -> list[Path]:
        return places_of(self.second_places)

    @model_validator(mode="after")
    def _whole_channels(self) -> Self:
        """Raise at startup if a channel is only half configured, because it would otherwise stay silent."""
        if (self.push_key_file is None) != (self.push_contact is None):
            raise ValueError("RUTA_PUSH_KEY_FILE and RUTA_PUSH_CONTACT go together")
        if self.operator_mail is not None and self.smtp_url is None:
            raise ValueError("RUTA_OPERATOR_MAIL needs a relay: set RUTA_SMTP_URL, too")
        return self

    @model_validator(mode="after")
    def _vault_with_token(self) -> Self:
        if (self.vault_url is None) != (self.vault_token_file is None):
            raise ValueError("RUTA_VAULT_URL and RUTA_VAULT_TOKEN_FILE go together: set both")
        return self
