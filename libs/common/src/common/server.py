"""`python -m <package> api|worker|migrate`: how every service is started, everywhere."""

import asyncio
import gc
import sys
from collections.abc import Callable, Mapping
from typing import Any

import asyncpg
import uvicorn
from fastapi import FastAPI

from common.key_checks import WrongKeys
from common.logs import get_logger
from common.messaging.outbox import republish
from common.migrations import migrate
from common.settings import CoreSettings, ServiceSettings
from common.start import TEMPORARY_FAILURE, fail, load, prepare
from common.web.context import ServiceContext
from common.web.key_gate import key_gate_of

_log = get_logger(__name__)


def main(
    package: str,
    settings: type[ServiceSettings],
    create_app: Callable[..., FastAPI],
    commands: Mapping[str, Callable[[Any], int]] | None = None,
    migrations: Callable[[Any], Any] | None = None,
) -> None:
    """Run the verb in `sys.argv[1]`.

    `create_app(settings, role="api"|"worker")` builds the app; a worker's app has no routes but
    health and metrics. `commands` are a service's own verbs (settings → exit status).
    `republish` and `replay-dead-letters` are every service's. `migrations` (settings → awaitable) replaces the default migration of one database.
    """
    verbs = ["api", "worker", "migrate", *_OPERATIONS, *(commands or {})]
    verb = sys.argv[1] if len(sys.argv) > 1 else ""
    if verb not in verbs:
        fail(f"say what to run: python -m {package} {'|'.join(verbs)}")
    loaded = load(settings)
    prepare(loaded)
    if verb == "migrate":
        asyncio.run((migrations or (lambda s: _migrate(package, s)))(loaded))
    elif verb in {"api", "worker"}:
        app = create_app(loaded, role=verb)
        refuse_wrong_keys(app)
        serve(app, loaded)
    elif verb in _OPERATIONS:
        # A worker's app knows the tables and the consumers; only its lifespan would start them.
        context = create_app(loaded, role="worker").state.context
        asyncio.run(_OPERATIONS[verb](context))
    elif commands:
        raise SystemExit(commands[verb](loaded))


def refuse_wrong_keys(app: FastAPI) -> None:
    """End with one line if the keys are not those of the data; an absent database says nothing."""
    try:
        asyncio.run(key_gate_of(app).look_once())
    except WrongKeys as error:
        fail(str(error))


def serve(app: Any, settings: CoreSettings) -> None:
    """uvicorn with the choices that matter: httptools refuses smuggled requests, and nobody's
    X-Forwarded-For is believed."""
    # What imports left behind lives as long as the process: looking at it again with each
    # collection took a third of the time of large answers.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        proxy_headers=False,
        server_header=False,
        date_header=True,
        access_log=False,
        log_config=None,
        lifespan="on",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=settings.graceful_seconds,
    )


async def _republish(context: ServiceContext) -> None:
    count = await republish(context.database, context.tables)
    sys.stdout.write(f"{count} events of {context.settings.service} go out again\n")


async def _replay_dead_letters(context: ServiceContext) -> None:
    for consumer in context.consumers:
        resolved, failing = await consumer.replay_dead_letters()
        sys.stdout.write(f"{consumer.name}: {resolved} resolved, {failing} still failing\n")


_OPERATIONS = {"republish": _republish, "replay-dead-letters": _replay_dead_letters}


async def _migrate(package: str, settings: ServiceSettings) -> None:
    if settings.database_owner_url is None:
        fail("RUTA_DATABASE_OWNER_URL: is missing (migrations run as the owner role)")
    try:
        revision = await migrate(
            package, settings.database_owner_url.get_secret_value(), settings.run_time_role
        )
    except (OSError, asyncpg.InvalidAuthorizationSpecificationError) as error:
        fail(
            f"RUTA_DATABASE_OWNER_URL: the database does not let us in ({type(error).__name__})",
            status=TEMPORARY_FAILURE,
        )
    _log.info("migrated", package=package, revision=revision)
