"""Settings that every process reads from its environment (prefix `RUTA_`). Secrets have no defaults."""

import base64
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, FilePath, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from common import EMBEDDED_MARK
from common.clock import HOME_TIMEZONE

_MINIMUM_SECRET_LENGTH = 16


def http_address(value: str) -> str:
    """Return `value` if it is an http or https address. Raise ValueError otherwise."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http or https address, such as http://directory:8000")
    return value


HttpAddress = Annotated[str, AfterValidator(http_address)]


def _database_address(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith("postgresql+asyncpg://"):
        raise ValueError("must begin with postgresql+asyncpg://")
    return value


DatabaseAddress = Annotated[SecretStr, AfterValidator(_database_address)]


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("must be an IANA time zone, such as America/Caracas") from error
    return value


TimeZone = Annotated[str, AfterValidator(_time_zone)]


class CoreSettings(BaseSettings):
    """Settings of any process, with or without a database."""

    model_config = SettingsConfigDict(env_prefix="RUTA_", extra="ignore", hide_input_in_errors=True)

    service: ClassVar[str] = "ruta"

    environment: Literal["embedded", "production"] = Field(
        "production", description="`embedded` only for the stack that `./ruta up` starts."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on.")
    public_url: HttpAddress = Field(
        "http://127.0.0.1:8080", description="The gateway's address as clients see it."
    )
    home_timezone: TimeZone = Field(
        HOME_TIMEZONE,
        description="IANA time zone of the people, the same for every process: their days end at its midnight"
        " (deadlines, consents, certificates, seasons, ages), and times are told in it.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe level that is logged."
    )
    certificate_file: FilePath | None = Field(
        None,
        description="Certificate that this process shows, as PEM; with it, it listens with TLS alone.",
    )
    certificate_key_file: FilePath | None = Field(
        None, description="Key of `RUTA_CERTIFICATE_FILE`, as PEM."
    )
    trust_file: FilePath | None = Field(
        None,
        description="Certificates of the authorities by which Ruta's processes know each other and the broker, as"
        " PEM; with it they dial each other with TLS alone (`https://`, `tls://`).",
    )
    otlp_endpoint: HttpAddress | None = Field(
        None, description="OTLP/HTTP collector, e.g. http://otel-collector:4318; none = no export."
    )
    clock_file: Path | None = Field(
        None, description="Embedded stack only: a file with seconds to add to the clock."
    )
    body_limit_bytes: int = Field(
        2 * 1024 * 1024, gt=0, description="Largest request body in bytes; 413 beyond it."
    )
    graceful_seconds: int = Field(
        20, ge=1, description="Seconds that open requests get to finish after SIGTERM."
    )

    ways_inside: ClassVar[dict[str, str]] = {}
    """Settings with addresses of Ruta's own processes and servers → the beginnings of addresses with TLS."""

    @model_validator(mode="after")
    def _refuse_clear_ways(self) -> Self:
        """Refuse unencrypted addresses of Ruta's own processes if authorities are configured. Refuse a certificate
        without its key."""
        if (self.certificate_file is None) != (self.certificate_key_file is None):
            raise ValueError(
                "RUTA_CERTIFICATE_FILE and RUTA_CERTIFICATE_KEY_FILE: set both or neither"
            )
        for name, begins in self.ways_inside.items() if self.trust_file else ():
            addresses = (getattr(self, name) or "").replace(",", " ").split()
            if not all(address.startswith(begins) for address in addresses):
                raise ValueError(
                    f"RUTA_{name.upper()} goes in clear, and RUTA_TRUST_FILE is set: begin it with {begins}"
                )
        return self

    @model_validator(mode="after")
    def _refuse_weak_secrets(self) -> Self:
        """Refuse short secrets, and in production also the secrets of the embedded stack."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, SecretStr):
                self._check_secret(name, value.get_secret_value())
        if self.environment == "production" and self.clock_file is not None:
            raise ValueError("RUTA_CLOCK_FILE is for the embedded stack only: remove it")
        return self

    def _check_secret(self, name: str, secret: str) -> None:
        if len(secret) < _MINIMUM_SECRET_LENGTH:
            raise ValueError(
                f"RUTA_{name.upper()} is shorter than {_MINIMUM_SECRET_LENGTH} characters"
            )
        if self.environment == "production" and _is_embedded(secret):
            raise ValueError(
                f"RUTA_{name.upper()} holds a secret of the embedded stack: make a new one"
            )


class BrokerSettings(CoreSettings):
    """Settings of a process that connects to the broker."""

    ways_inside: ClassVar[dict[str, str]] = {"nats_url": "tls://"}

    nats_url: str = Field("nats://127.0.0.1:4222", description="One or more servers, by comma.")
    nats_user: str | None = Field(None, description="NATS user; `<service>` if absent.")
    nats_password: SecretStr = Field(description="NATS password.")

    @property
    def broker_user(self) -> str:
        return self.nats_user or self.service


class StreamSettings(BrokerSettings):
    """Settings of the broker's operator, which creates the streams."""

    stream_replicas: int = Field(1, ge=1, le=5, description="Replicas of each stream.")
    stream_max_bytes: int = Field(
        5 * 2**30,
        gt=0,
        description="Largest size of each service's stream in bytes. A full one refuses events: "
        "they wait in the outbox.",
    )


class ServiceSettings(BrokerSettings):
    """Settings of a service with a database and events."""

    run_worker: bool = Field(
        False, description="Run relay, consumers and timers inside the API process."
    )
    database_url: DatabaseAddress = Field(
        description="postgresql+asyncpg:// URL of the run-time role, which owns nothing."
    )
    database_owner_url: DatabaseAddress | None = Field(
        None, description="URL of the owner role; only `migrate` needs it."
    )
    database_role: str | None = Field(
        None, description="Name of the run-time role for grants; `<service>_app` if absent."
    )
    database_pool_size: int = Field(
        8,
        ge=1,
        description="Connections per process; under load twice as many, until a minute does without.",
    )
    database_via_pgbouncer: bool = Field(
        False, description="True behind PgBouncer in transaction mode: no prepared statements."
    )
    database_session_url: SecretStr | None = Field(
        None,
        description="URL straight to PostgreSQL for the relay, whose lock and notifications belong "
        "to one connection, and for operators' commands; needed behind PgBouncer, else "
        "`RUTA_DATABASE_URL` serves.",
    )
    internal_jwks_file: FilePath = Field(
        description="JWKS file with the public keys that verify the gateway's internal token."
    )
    internal_issuer: str = Field("ruta-gateway", description="`iss` of the internal token.")
    step_up_minutes: int = Field(
        5,
        ge=0,
        le=60,
        description="What can do much harm asks a person for a sign-in not older than so many minutes;"
        " 0 = any sign-in will do.",
    )
    stored_result_key: SecretStr = Field(
        description="32 bytes in base64: seals the stored answers of idempotent commands."
    )

    def data_keys(self) -> dict[str, str]:
        """Return the secrets on which stored data depends, by environment variable: all settings named `…_key`."""
        return {
            f"RUTA_{name.upper()}": value.get_secret_value()
            for name in type(self).model_fields
            if name.endswith("_key") and isinstance(value := getattr(self, name), SecretStr)
        }

    @property
    def audience(self) -> str:
        """Return the `aud` that internal tokens for this service must contain."""
        return f"ruta-{self.service}"

    @property
    def run_time_role(self) -> str:
        return self.database_role or f"{self.service}_app"

    @property
    def session_url(self) -> str:
        """Return a database address that keeps one session per connection. This is never PgBouncer's address."""
        return (self.database_session_url or self.database_url).get_secret_value()


def _is_embedded(secret: str) -> bool:
    if EMBEDDED_MARK in secret:
        return True
    try:
        return EMBEDDED_MARK.encode() in base64.b64decode(secret, validate=True)
    except ValueError:
        return False


def explain(error: ValidationError) -> str:
    """Return one line that names each invalid setting by its environment variable."""
    parts = []
    for item in error.errors():
        name = "RUTA_" + str(item["loc"][0]).upper() + ": " if item["loc"] else ""
        message = "is missing" if item["type"] == "missing" else item["msg"]
        parts.append(f"{name}{message.removeprefix('Value error, ')}")
    return "; ".join(parts)
