"""The issuer's app: wiring only."""

from common.database import Database
from common.web import service_app
from fastapi import FastAPI

from gateway.issuer.revocations.api import internal
from gateway.issuer.secrets import SecretChecks
from gateway.issuer.settings import IssuerSettings
from gateway.issuer.signing.api import keys, well_known
from gateway.issuer.signing.ring import KeyRing
from gateway.issuer.tables import COMMON
from gateway.issuer.tokens.api import oauth
from gateway.issuer.tokens.service import Desk


def create_app(settings: IssuerSettings, *, database: Database | None = None) -> FastAPI:
    ring = KeyRing(settings.signing_keys_dir, settings.signing_algorithm)
    ring.current()  # makes the keys of a new installation before the first request
    return service_app(
        settings,
        title="Ruta issuer",
        description="Tokens, keys, organisations, clients and people.",
        tables=COMMON,
        routers=[well_known, oauth, keys, internal],
        database=database,
        parts={"ring": ring, "desk": Desk(settings, ring, SecretChecks())},
    )
