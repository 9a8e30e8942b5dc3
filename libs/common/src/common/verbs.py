"""`python -m <package> api|worker|migrate` starts every service. Each verb loads only what it needs, because every
start waits for the migrations, which need no app."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pkgutil import resolve_name
from typing import Any

import asyncpg

from common.db.errors import remedy
from common.process.logs import get_logger
from common.process.start import TEMPORARY_FAILURE, fail, load, prepare
from common.settings import ServiceSettings
from common.words.command_texts import said, told

_log = get_logger(__name__)
_SERVING = ("api", "worker")
NO_OWNER = "RUTA_DATABASE_OWNER_URL is missing (migrations run as the owner role)"


def main(
    package: str,
    settings: type[ServiceSettings],
    *,
    commands: str,
    migrations: Callable[[Any], Any] | None = None,
) -> None:
    """Run the verb in `sys.argv[1]`.

    `<package>.app:create_app(settings, role="api"|"worker")` builds the app; a worker's app has only the health and
    metrics routes. `commands` are the service's own verbs (settings → exit status). All services have `republish` and
    `replay-dead-letters`. `migrations` (settings → awaitable) replaces the default migration of one database.
    """
    # Set this before NumPy is imported. More threads take twice as long for our small matrices, because they spin
    # while waiting. They also add numbers in a different order, so stored results would depend on the number of
    # cores.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    verb = sys.argv[1] if len(sys.argv) > 1 else ""
    if verb == "migrate":
        loaded = _ready(settings)
        run_migrations((migrations or (lambda s: _migrate(package, s)))(loaded))
        return
    own: Mapping[str, Callable[[Any], int]] = {}
    if verb not in _SERVING:
        own = resolve_name(commands)
        if verb in own:
            raise SystemExit(own[verb](_ready(settings)))
    from common.http import server  # noqa: PLC0415 - neither a migration nor a command of its own serves
    from common.process import http_server  # noqa: PLC0415 - neither a migration nor a command of its own serves

    if verb not in {*_SERVING, *server.OPERATIONS}:
        verbs = [*_SERVING, "migrate", *server.OPERATIONS, *own]
        text = "choose a command: python -m {package} {verbs}"
        fail(said(text, package=package, verbs="|".join(verbs)))
    loaded = _ready(settings)
    create_app = resolve_name(f"{package}.app:create_app")
    if verb in server.OPERATIONS:
        # A worker's app contains the tables and consumers. Only its lifespan would start them.
        context = create_app(loaded, role="worker").state.context
        raise SystemExit(asyncio.run(server.OPERATIONS[verb](context)))
    app = create_app(loaded, role=verb)
    server.refuse_wrong_keys(app)
    http_server.serve(app, loaded)


def run_migrations(migrating: Coroutine[Any, Any, object]) -> None:
    """Run the migrations. If one fails, exit with one line that names its revision."""
    from common.db.migrations import MigrationFailedError  # noqa: PLC0415 - as in `_migrate`

    try:
        asyncio.run(migrating)
    except MigrationFailedError as error:
        fail(told(error), status=TEMPORARY_FAILURE if error.in_the_way else 1)


@contextmanager
def let_in_by(setting: str) -> Iterator[None]:
    """Exit with one line if the database at this URL is unavailable or refuses the connection."""
    try:
        yield
    except (
        OSError,
        asyncpg.InvalidAuthorizationSpecificationError,
        asyncpg.ClientConfigurationError,
    ) as error:
        reason = "; ".join([type(error).__name__, *remedy(error).values()])
        text = "{setting}: the database refused the connection ({reason})"
        fail(said(text, setting=setting, reason=reason), status=TEMPORARY_FAILURE)


def _ready(kind: type[ServiceSettings]) -> ServiceSettings:
    loaded = load(kind)
    prepare(loaded)
    return loaded


async def _migrate(package: str, settings: ServiceSettings) -> None:
    from common.db.migrations import migrate  # noqa: PLC0415 - Alembic, which nothing but a migration needs

    if settings.database_owner_url is None:
        fail(said(NO_OWNER))
    with let_in_by("RUTA_DATABASE_OWNER_URL"):
        revision = await migrate(
            package, settings.database_owner_url.get_secret_value(), settings.run_time_role
        )
    _log.info("migrated", package=package, revision=revision)
