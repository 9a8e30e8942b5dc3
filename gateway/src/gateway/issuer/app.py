"""Assembles the issuer's app."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import cast

from common.crypto import derived, key_from_base64
from common.db.session import Database
from common.http import BackgroundTask, ServiceContext, service_app
from common.key_ages import tell_key_ages
from fastapi import FastAPI

from gateway.issuer.account.api import NotSignedIn, led_to_sign_in
from gateway.issuer.account.api import routes as account
from gateway.issuer.account.enrolment import LIFETIME_INVITED, Enrolments
from gateway.issuer.account.invitations_api import routes as invitations
from gateway.issuer.account.passkeys_api import routes as passkeys
from gateway.issuer.authorize.api import routes as authorize
from gateway.issuer.authorize.tickets import Tickets
from gateway.issuer.clients.api import routes as clients
from gateway.issuer.keys.api import keys, well_known
from gateway.issuer.keys.ring import KeyRing
from gateway.issuer.organisations.api import routes as organisations
from gateway.issuer.people.api import changes, colleagues, sign_ins
from gateway.issuer.people.api import routes as people
from gateway.issuer.people.factors import Passkeys, RecoveryCodes, SecondFactors
from gateway.issuer.registry import Registry
from gateway.issuer.requests import Turns
from gateway.issuer.secrets import SecretChecks
from gateway.issuer.settings import IssuerSettings
from gateway.issuer.tables import COMMON
from gateway.issuer.tokens.api import internal, oauth
from gateway.issuer.tokens.service import Desk

_HOLD_SECONDS = 2.0
_MEASURE_SECONDS = 15.0


def _held(context: ServiceContext, forgotten: int) -> Sequence[BackgroundTask]:
    settings = cast("IssuerSettings", context.settings)
    registry = Registry(settings, context.database, context.metrics, forgotten)
    return [
        BackgroundTask.repeated("registry", registry.look, _HOLD_SECONDS),
        BackgroundTask.repeated("measuring", registry.measure, _MEASURE_SECONDS),
    ]


def create_app(
    settings: IssuerSettings, *, database: Database | None = None, forgotten: int = 0
) -> FastAPI:
    """Build the app. `forgotten` is the number of changes that the database had lost at startup and that were restored
    from the list."""
    ring = KeyRing(settings.signing_keys_dir, settings.signing_algorithm)
    ring.current()  # create the keys of a new installation before the first request
    # Further keys are derived from the key that seals stored responses, each for its own use.
    master = key_from_base64(settings.stored_result_key.get_secret_value())
    checks = SecretChecks()
    # half of the connections that a busy process may open
    turns = asyncio.Semaphore(settings.database_pool_size)
    app = service_app(
        settings,
        title="Ruta issuer",
        description="Tokens, keys, organisations, clients and people.",
        tables=COMMON,
        routers=[
            well_known,
            oauth,
            authorize,
            account,
            passkeys,
            invitations,
            organisations,
            clients,
            people,
            colleagues,
            sign_ins,
            keys,
            changes,
            internal,
        ],
        database=database,
        beside=partial(_held, forgotten=forgotten),
        parts={
            "ring": ring,
            "secrets": checks,
            "desk": Desk(settings, ring, checks, derived(master, b"ruta refresh successor")),
            "second_factors": SecondFactors(master),
            "recovery_codes": RecoveryCodes(master),
            "enrolments": Enrolments(master, b"ruta second factor enrolment"),
            "passkey_enrolments": Enrolments(master, b"ruta passkey enrolment"),
            "invited_enrolments": Enrolments(master, b"ruta invitation", LIFETIME_INVITED),
            "passkeys": Passkeys(settings.token_issuer_url),
            "tickets": Tickets(master),
            "turns": turns,
        },
    )
    app.add_middleware(Turns, turns=turns)
    app.add_exception_handler(NotSignedIn, led_to_sign_in)
    tell_key_ages(
        app.state.context.metrics.registry, lambda: {"token-signing": ring.file_of_current()}
    )
    return app
