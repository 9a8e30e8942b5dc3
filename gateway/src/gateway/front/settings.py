"""The front's settings (prefix `RUTA_`). It has no database and no broker, because it stores nothing."""

import re
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, ClassVar

from common.settings import CoreSettings, HttpAddress, http_address
from pydantic import AfterValidator, Field, FilePath, SecretStr

from gateway.front.routes import MEBIBYTE, Upstream


def _addresses(value: str) -> str:
    for address in value.split():
        http_address(address)
    return value


_RATE = re.compile(r"([1-9][0-9]*)/([1-9][0-9]*)? ?(second|minute|hour|day)s?")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


def read_rate(text: str) -> tuple[int, int]:
    """Parse a rate such as `600/minute` or `20/10 seconds` into requests and seconds. Raise ValueError for other
    formats."""
    found = _RATE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no rate such as 600/minute")
    return int(found[1]), int(found[2] or 1) * _SECONDS[found[3]]


def _rate(value: str) -> str:
    read_rate(value)
    return value


Addresses = Annotated[str, AfterValidator(_addresses)]
RateText = Annotated[str, AfterValidator(_rate)]


class FrontSettings(CoreSettings):
    service: ClassVar[str] = "gateway"
    ways_inside: ClassVar[dict[str, str]] = {f"{upstream}_url": "https://" for upstream in Upstream}

    directory_url: Addresses | None = Field(
        None,
        description="Where the directory service listens; several replicas separated by spaces.",
    )
    referrals_url: Addresses | None = Field(
        None,
        description="Where the referrals service listens; several replicas separated by spaces.",
    )
    reporting_url: Addresses | None = Field(
        None,
        description="Where the reporting service listens; several replicas separated by spaces.",
    )
    console_url: Addresses | None = Field(
        None,
        description="Where the console listens; several replicas separated by spaces. None = no pages at"
        " /console.",
    )
    issuer_url: HttpAddress | None = Field(
        None, description="Where Ruta's own issuer listens; none with an outside OIDC provider."
    )

    token_issuer_url: HttpAddress = Field(description="`iss` that access tokens must carry.")
    token_audience: str = Field("ruta", description="`aud` that access tokens must carry.")
    token_types: list[str] = Field(
        ["at+jwt"], description='`typ` accepted; Keycloak sends "JWT". JSON list.'
    )
    token_claims: dict[str, str] = Field(
        {},
        description="Claim mapping for an outside provider: our claim → dotted path in its token,"
        ' e.g. {"roles": "realm_access.roles", "org": "organisation.id"}. JSON object. Its `areas` are P-codes, or'
        " `*` for everywhere; without any the token's AoRs do not count.",
    )
    token_longest_seconds: float = Field(
        3600,
        gt=0,
        le=86400,
        description="Seconds after its `iat` for which a token is believed at most, whatever its `exp` says.",
    )
    keys_refresh_seconds: float = Field(
        10, gt=0, description="How often keys are read again without being asked for."
    )
    keys_throttle_seconds: float = Field(
        10,
        gt=0,
        description="In this time each unknown key id causes one reading, and five ids at most.",
    )
    keys_stale_seconds: float = Field(
        86400, gt=0, description="How long known keys are used while the issuer is away."
    )
    revocations_seconds: float = Field(
        10, gt=0, le=60, description="How often revocations are read from Ruta's own issuer."
    )

    internal_signing_key_file: FilePath = Field(
        description="PEM (P-256) that signs the internal token towards services."
    )
    internal_issuer: str = Field("ruta-gateway", description="`iss` of the internal token.")

    trusted_proxies: list[IPv4Network | IPv6Network] = Field(
        [], description="Networks whose X-Forwarded-For is believed; none by default. JSON list."
    )
    cors_origins: list[str] = Field(
        [],
        description="Origins whose pages may call all of the API from a browser; the public directory"
        " answers any. JSON list.",
    )
    rate_per_client: RateText = Field("6000/minute", description="Requests of one client.")
    rate_anonymous: RateText = Field(
        "600/minute", description="Requests of one source without token."
    )
    rate_sign_in: RateText = Field("120/minute", description="Requests of one source to /oauth.")
    rate_form: RateText = Field(
        "60000/minute",
        description="Submissions of one source to one form: what a form tool kept during an outage comes"
        " at once. Refused ones count as requests without token.",
    )
    rate_line: RateText = Field(
        "30/minute",
        description="Sendings of one source to the anonymous line; counted in memory only.",
    )
    concurrency_per_client: int = Field(64, gt=0, description="Open requests of one caller.")
    concurrency: int = Field(
        1000,
        gt=0,
        description="Open requests in all; 503 beyond. Callers without a token or a session get half of them.",
    )
    memory_limit_bytes: int = Field(
        768 * MEBIBYTE,
        gt=0,
        description="New requests are answered 503 above this memory, or above 80 % of the container's.",
    )

    head_seconds: float = Field(15, gt=0, description="Longest time for a request head to arrive.")
    idle_seconds: int = Field(120, gt=0, description="Connections without a request are closed.")
    body_idle_seconds: float = Field(30, gt=0, description="Longest pause within a request body.")
    body_seconds: float = Field(600, gt=0, description="Longest time for a whole request body.")
    connect_seconds: float = Field(2, gt=0, description="Longest time to connect to a service.")
    write_seconds: float = Field(60, gt=0, description="Longest time that a client takes nothing.")
    answer_seconds: float = Field(60, gt=0, description="Longest silence of a service.")

    exit_url: str = Field(
        "https://www.wikipedia.org/",
        pattern="^https://",
        description="Where the quick exit of the public pages leads.",
    )
    emergency_number: str = Field(
        "911", pattern="^[0-9 +]{2,20}$", description="What the public pages tell people in danger."
    )

    metrics_key: SecretStr | None = Field(
        None,
        description="Bearer key of the Prometheus that reads the front's `/metrics`, 32 bytes in"
        " base64; none = nobody reads it there.",
    )

    session_key: SecretStr | None = Field(
        None, description="32 bytes in base64: seals the sign-in cookies of people; none = off."
    )
    session_idle_minutes: int = Field(
        15, ge=5, le=60, description="A person who does nothing for so long is signed out."
    )
    session_client_id: str = Field(
        "ruta-console", description="Client id of the web console at the OIDC provider."
    )
    session_client_secret: SecretStr | None = Field(
        None, description="Secret of the console's client, if the provider gave it one."
    )

    def upstream_urls(self, upstream: Upstream) -> tuple[str, ...]:
        """Return the addresses of a service's replicas, or an empty tuple if it is not deployed."""
        urls = {
            Upstream.DIRECTORY: self.directory_url,
            Upstream.REFERRALS: self.referrals_url,
            Upstream.REPORTING: self.reporting_url,
            Upstream.CONSOLE: self.console_url,
            Upstream.ISSUER: self.issuer_url,
        }
        return tuple(url.rstrip("/") for url in (urls[upstream] or "").split())
