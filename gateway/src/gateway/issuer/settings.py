"""The issuer's settings (prefix `RUTA_`)."""

from pathlib import Path
from typing import ClassVar, Literal

from common.settings import ServiceSettings
from pydantic import Field, SecretStr


class IssuerSettings(ServiceSettings):
    service: ClassVar[str] = "issuer"

    token_issuer_url: str = Field(description="`iss` of the tokens: the address clients see.")
    token_audience: str = Field("ruta", description="`aud` of the access tokens.")
    token_seconds: int = Field(
        600, ge=60, le=900, description="Lifetime of an access token in seconds."
    )
    signing_keys_dir: Path = Field(description="Folder of the signing keys; made if missing.")
    signing_algorithm: Literal["ES256", "RS256"] = Field(
        "ES256", description="Algorithm of keys that are made from now on."
    )
    console_client_id: str = Field(
        "ruta-console", description="Public client of the web console; made at start."
    )
    bootstrap_clients_file: Path | None = Field(
        None, description="JSON list of clients that are made at start if they are missing."
    )
    rights_file: Path | None = Field(
        None,
        description="Signed list of who may do what, outside the database: rights that ended stay so when the database"
        " goes back (a standby that lagged is promoted, a disk is put back). None = they come back.",
    )
    second_places: str = Field(
        "",
        description="Folders outside this machine, by comma, that the list of rights is copied into as it grows.",
    )
    # Unused: the issuer publishes no events, but shares the settings of services that do.
    nats_password: SecretStr = Field(
        SecretStr("the issuer has no broker"), description="Not used by the issuer."
    )
