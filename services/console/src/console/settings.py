"""The console's settings. It has no database, events or keys."""

from pathlib import Path
from typing import ClassVar

from common.settings import CoreSettings, HttpAddress
from pydantic import Field, FilePath


class Settings(CoreSettings):
    service: ClassVar[str] = "console"
    ways_inside: ClassVar[dict[str, str]] = {"gateway_url": "https://"}

    gateway_url: HttpAddress = Field(
        description="Where the console reaches the gateway: it calls the API there as whoever looks."
    )
    internal_jwks_file: FilePath = Field(
        description="JWKS file with the public keys that verify the gateway's internal token."
    )
    internal_issuer: str = Field("ruta-gateway", description="`iss` of the internal token.")
    home_country: str = Field(
        "VE",
        pattern="^[A-Z]{2}$",
        description="Country (ISO 3166-1) whose places forms offer first.",
    )
    missing_lists_file: Path | None = Field(
        None,
        description="While this file is there, each page says that a backup was restored without its lists.",
    )
    answer_seconds: float = Field(
        20, gt=0, description="Longest wait for one call of the API before a page says so."
    )
