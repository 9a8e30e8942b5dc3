"""The services' apps, used only for their API descriptions, without a database or broker."""

import base64
import json
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from common.db.session import Database
from directory.app import create_app as directory_app
from directory.settings import Settings as DirectorySettings
from fastapi import FastAPI
from gateway.front.description.document import combined
from gateway.front.routes import ROUTES, Upstream
from gateway.issuer.app import create_app as issuer_app
from gateway.issuer.settings import IssuerSettings
from pydantic import SecretStr
from referrals.app import create_app as referrals_app
from referrals.ground.keys.store import CaseKeys
from referrals.settings import Settings as ReferralsSettings
from reporting.app import create_app as reporting_app
from reporting.settings import Settings as ReportingSettings

RUTA = "https://ruta.example"
NOWHERE = "postgresql+asyncpg://nobody:nothing@127.0.0.1:1/none"


def document() -> dict[str, Any]:
    """Return this release's description. Each deployment serves it with its own address."""
    release = version("ruta-stack")
    return combined(descriptions(), ROUTES, public_url=RUTA, version=release)


def descriptions() -> dict[Upstream, dict[str, Any]]:
    """Return the description of each app. It is built once per process, and each caller gets a copy."""
    return {Upstream(name): part for name, part in json.loads(_descriptions()).items()}


@cache
def _descriptions() -> str:
    with tempfile.TemporaryDirectory() as folder:
        return json.dumps(
            {name: app.openapi() for name, app in described_apps(Path(folder)).items()}
        )


def described_apps(folder: Path) -> dict[Upstream, FastAPI]:
    key = base64.b64encode(bytes(32)).decode()
    keys, ring = folder / "jwks.json", folder / "keys.json"
    keys.write_text('{"keys": []}')
    ring.write_text(json.dumps({"active": "k1", "keys": {"k1": key}}))
    common: dict[str, Any] = {
        "database_url": NOWHERE,
        "nats_password": "no-broker-in-this-test",
        "nats_url": "nats://127.0.0.1:1",
        "internal_jwks_file": keys,
        "stored_result_key": key,
    }
    away = Database.at(NOWHERE)
    return {
        Upstream.DIRECTORY: directory_app(DirectorySettings(**common), database=away),
        Upstream.REFERRALS: referrals_app(
            ReferralsSettings(
                **common,
                key_store_url=NOWHERE,
                key_encryption_keys_file=ring,
                blind_index_key=SecretStr(key),
            ),
            database=away,
            keys=CaseKeys(away, ring),
        ),
        Upstream.REPORTING: reporting_app(
            ReportingSettings(**common, rounding_key=SecretStr(key), pseudonym_key=SecretStr(key)),
            database=away,
        ),
        Upstream.ISSUER: issuer_app(
            IssuerSettings(
                **common,
                token_issuer_url=RUTA,
                public_url=RUTA,
                signing_keys_dir=folder / "signing",
            ),
            database=away,
        ),
    }
