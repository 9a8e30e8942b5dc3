"""Runs the issuer, its migrations, and the rotation of its keys."""

import asyncio
import sys

from common import server, start
from common.database import Database
from common.logs import get_logger
from common.migrations import migrate as run_migrations
from common.migrations.state import Revisions, Schema
from sqlalchemy.exc import DBAPIError

from gateway.issuer import bootstrap
from gateway.issuer.app import create_app
from gateway.issuer.secrets import SecretChecks
from gateway.issuer.settings import IssuerSettings
from gateway.issuer.signing.ring import KeyRing

PACKAGE = "gateway.issuer"
_WAIT_SECONDS = 2.0
_log = get_logger(__name__)


def serve() -> None:
    settings = start.load(IssuerSettings)
    start.prepare(settings)
    asyncio.run(_bootstrap(settings))
    server.serve(create_app(settings), settings)


def migrate() -> None:
    settings = start.load(IssuerSettings)
    start.prepare(settings)
    if settings.database_owner_url is None:
        start.fail("RUTA_DATABASE_OWNER_URL: is missing (migrations run as the owner role)")
    url = settings.database_owner_url.get_secret_value()
    asyncio.run(run_migrations(PACKAGE, url, settings.run_time_role))


def rotate_keys() -> None:
    settings = start.load(IssuerSettings)
    ring = KeyRing(settings.signing_keys_dir, settings.signing_algorithm)
    ring.current()
    sys.stdout.write(f"{ring.rotate().kid} signs from now on\n")


async def _bootstrap(settings: IssuerSettings) -> None:
    file = settings.bootstrap_clients_file
    if file is not None and not file.exists():
        start.fail("RUTA_BOOTSTRAP_CLIENTS_FILE: no such file")
    callback = f"{settings.public_url.rstrip('/')}/session/callback"
    database = Database.at(settings.database_url.get_secret_value())
    try:
        await _migrated(database)
        await bootstrap.ensure_console(database, settings.console_client_id, callback)
        if file is not None:
            await bootstrap.load(database, SecretChecks(), bootstrap.read(file))
    finally:
        await database.close()


async def _migrated(database: Database) -> None:
    """Wait for the database and its schema: nothing promises that they are there first."""
    revisions = Revisions.shipped_by(PACKAGE)
    while revisions is not None:
        try:
            if await revisions.compare(database) is Schema.OK:
                return
            _log.warning("waits_for_migration")
        except (OSError, DBAPIError, TimeoutError) as error:
            _log.warning("waits_for_database", reason=type(error).__name__)
        await asyncio.sleep(_WAIT_SECONDS)
