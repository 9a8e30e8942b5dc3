"""Runs the issuer, its migrations, and key rotation."""

import asyncio

from common.chained import BrokenList
from common.db.errors import remedy
from common.db.key_checks import WrongKeys
from common.db.migrations import migrate as to_newest
from common.db.migrations.state import Revisions, Schema
from common.db.session import Database
from common.http import server
from common.process import http_server, start
from common.process.logs import get_logger
from common.process.telemetry import Metrics
from common.verbs import NO_OWNER, let_in_by, run_migrations
from sqlalchemy.exc import DBAPIError

from gateway.issuer import bootstrap
from gateway.issuer.app import create_app
from gateway.issuer.keys.ring import KeyRing, RotatedTooOften, recognise
from gateway.issuer.registry import Registry
from gateway.issuer.secrets import SecretChecks
from gateway.issuer.settings import IssuerSettings
from gateway.spoken import said, told

PACKAGE = "gateway.issuer"
_WAIT_SECONDS = 2.0
_log = get_logger(__name__)


def serve() -> None:
    settings = start.load(IssuerSettings)
    start.prepare(settings)
    app = create_app(settings, forgotten=asyncio.run(_bootstrap(settings)))
    server.refuse_wrong_keys(app)
    http_server.serve(app, settings)


def migrate() -> None:
    settings = start.load(IssuerSettings)
    start.prepare(settings)
    if settings.database_owner_url is None:
        start.fail(said(NO_OWNER))
    url = settings.database_owner_url.get_secret_value()
    with let_in_by("RUTA_DATABASE_OWNER_URL"):
        run_migrations(to_newest(PACKAGE, url, settings.run_time_role))


def rotate_keys() -> None:
    settings = start.load(IssuerSettings)
    asyncio.run(_rotate(settings))


async def _rotate(settings: IssuerSettings) -> None:
    ring = KeyRing(settings.signing_keys_dir, settings.signing_algorithm)
    database = Database.at(settings.session_url)
    try:
        await _recognise(database, ring)
        try:
            ring.rotate()
        except RotatedTooOften:
            text = "the keys were rotated many times within the last hour: wait before you rotate them again"
            start.fail(said(text))
        await _recognise(database, ring)
    finally:
        await database.close()
    start.say(said("from now on the gateway signs with {key}", key=ring.current().kid))


async def _recognise(database: Database, ring: KeyRing) -> None:
    try:
        await recognise(database, ring)
    except WrongKeys as error:
        start.fail(told(error))


async def _bootstrap(settings: IssuerSettings) -> int:
    """Prepare the database. Return the number of changes in the list that it had lost."""
    file = settings.bootstrap_clients_file
    if file is not None and not file.exists():
        start.fail(said("RUTA_BOOTSTRAP_CLIENTS_FILE: this file does not exist"))
    callback = f"{settings.public_url.rstrip('/')}/session/callback"
    database = Database.at(settings.database_url.get_secret_value())
    try:
        await _migrated(database)
        await _recognise(database, KeyRing(settings.signing_keys_dir, settings.signing_algorithm))
        forgotten = await _hold(settings, database)
        await bootstrap.ensure_console(database, settings.console_client_id, callback)
        if file is not None:
            await bootstrap.load(database, SecretChecks(), bootstrap.read(file))
        return forgotten
    finally:
        await database.close()


async def _hold(settings: IssuerSettings, database: Database) -> int:
    """Apply the list before the issuer serves requests, so that ended rights grant nobody access."""
    registry = Registry(settings, database, Metrics())
    try:
        await registry.look()
    except (OSError, BrokenList) as error:
        # Start anyway, because without the issuer nobody can make a referral. An alert informs the operators.
        _log.error("rights_unlisted", setting="RUTA_RIGHTS_FILE", reason=str(error))
    return registry.done


async def _migrated(database: Database) -> None:
    """Wait until the database is reachable and migrated. Both can take a while after startup."""
    revisions = Revisions.shipped_by(PACKAGE)
    while revisions is not None:
        try:
            if await revisions.compare(database) is Schema.OK:
                return
            _log.warning("waits_for_migration")
        except (OSError, DBAPIError, TimeoutError) as error:
            _log.warning("waits_for_database", reason=type(error).__name__, **remedy(error))
        await asyncio.sleep(_WAIT_SECONDS)
