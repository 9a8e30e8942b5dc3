"""Builds a service's app, with everything that all services have in common."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from common import clock
from common.auth import JwksFile
from common.db.endings import AsWhom, Ending
from common.db.errors import remedy
from common.db.migrations.state import Revisions, Schema
from common.db.session import Database
from common.db.tables import CommonTables
from common.http import problems
from common.http.answers import AnswerRule
from common.http.bodies import BodyLimitMiddleware, RepeatedNamesMiddleware
from common.http.context import BackgroundTask, HoldsKeys, ServiceContext, measuring
from common.http.health import health
from common.http.idempotency import ending, forgetting
from common.http.key_gate import KeyGate, KeyGateMiddleware
from common.http.returned_mail import Followed, told_rights
from common.messaging.connection import Broker
from common.middleware import CallerMiddleware, HeadMiddleware, ObservationMiddleware
from common.process.certificates import tell_certificates
from common.process.logs import get_logger
from common.process.loops import pause
from common.process.telemetry import Metrics
from common.settings import ServiceSettings

_log = get_logger(__name__)
_GIVE_BACK_SECONDS = 60.0
# Starting all tasks at once would need one connection each. Staggered starts need only two.
_ONE_AFTER_THE_OTHER_SECONDS = 0.05
_RESTART_SECONDS = 1.0
_RESTART_MAX_SECONDS = 30.0

Worker = Callable[[ServiceContext], Sequence[BackgroundTask]]


def service_app(
    settings: ServiceSettings,
    *,
    title: str,
    description: str,
    tables: CommonTables,
    routers: Sequence[APIRouter],
    worker: Worker | None = None,
    beside: Worker | None = None,
    run_worker: bool | None = None,
    database: Database | None = None,
    parts: Mapping[str, Any] | None = None,
    answers: AnswerRule | None = None,
    key_holders: Sequence[HoldsKeys] = (),
    body_limit_of: Callable[[str], int | None] | None = None,
    endings: Sequence[Ending] = (),
    endings_as: AsWhom | None = None,
    ended_rights: sa.Table | None = None,
    rights_followed: Followed | None = None,
) -> FastAPI:
    """Build the app of one service.

    `worker` returns background tasks, which run if `run_worker` (default: the setting) is true. `beside` returns tasks
    that run in every process and need no broker. `database` replaces the one in the settings (for tests), and `parts`
    becomes `ServiceContext.parts`. `answers` is the rule for stored responses that may concern people. `endings` are
    retention rules for the service's own tables, and `endings_as` sets the caller in their transactions. `ended_rights`
    is the table of ended rights, for a service that acts by itself; `rights_followed` runs for newly suspended
    identities. `key_holders` are verified, with the settings' own keys, before anything is served.
    """
    clock.follow(settings.clock_file)
    clock.live_in(settings.home_timezone)
    context = ServiceContext(
        settings=settings,
        database=database or _database(settings),
        broker=Broker(settings),
        tables=tables,
        metrics=Metrics(),
        parts=dict(parts or {}),
        answers=answers,
        # A service's settings and migrations are in the same package.
        revisions=Revisions.shipped_by(type(settings).__module__.rpartition(".")[0]),
        key_holders=list(key_holders),
    )
    tell_certificates(context.metrics.registry, settings)
    gate = KeyGate(context)
    running = settings.run_worker if run_worker is None else run_worker
    tasks = list(worker(context)) if worker is not None and running else []
    with_broker = bool(tasks)
    if tasks:
        tasks.append(measuring(context))
    if tasks or worker is None:  # nobody else does it
        tasks += [forgetting(context), ending(context, endings, endings_as)]
    if database is None:
        give_back = context.database.give_back
        tasks.append(BackgroundTask.repeated("connections", give_back, _GIVE_BACK_SECONDS))
    tasks += beside(context) if beside is not None else ()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        stop = asyncio.Event()
        await _say_what_is_missing(context)
        async with gate.watched(), _running(tasks, stop, gate):
            if with_broker:
                await context.broker.start()
            yield
            stop.set()
        await context.broker.stop()
        if database is None:
            await context.close()

    app = FastAPI(
        responses={"default": problems.DESCRIBED},
        title=title,
        description=description,
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        separate_input_output_schemas=False,
        # A slash redirect would reveal the internal address and send the body with its secrets there again.
        redirect_slashes=False,
        # FastAPI's own spans contain the query string, and its logs contain error messages; both may name a person.
        # ObservationMiddleware records what is needed.
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    app.state.context = context
    app.state.key_gate = gate
    app.include_router(health)
    for part in routers:
        app.include_router(part)
    if routers and ended_rights is not None:
        app.include_router(told_rights(ended_rights, rights_followed))
    problems.install(app)
    app.add_middleware(_kept_as_inner, context=context)
    app.add_middleware(RepeatedNamesMiddleware, larger=body_limit_of)
    app.add_middleware(BodyLimitMiddleware, limit=settings.body_limit_bytes, larger=body_limit_of)
    app.add_middleware(
        CallerMiddleware,
        keys=JwksFile(settings.internal_jwks_file),
        issuer=settings.internal_issuer,
        audience=settings.audience,
    )
    app.add_middleware(KeyGateMiddleware, gate=gate)
    app.add_middleware(ObservationMiddleware, metrics=context.metrics)
    app.add_middleware(HeadMiddleware)
    return app


def _kept_as_inner(app: ASGIApp, context: ServiceContext) -> ASGIApp:
    """Remember the innermost app, where the commands of a batch enter."""
    context.inner = app
    return app


def _database(settings: ServiceSettings) -> Database:
    return Database.at(
        settings.database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        via_pgbouncer=settings.database_via_pgbouncer,
        name=f"ruta-{settings.service}",
    )


async def _say_what_is_missing(context: ServiceContext) -> None:
    """Log one line at startup if the database is missing or not migrated. The service starts anyway: databases recover,
    and migrations may still run."""
    try:
        schema = await context.revisions.compare(context.database) if context.revisions else None
    except Exception as error:  # noqa: BLE001 - whatever it is: `/readyz` and each request say so too
        reason = type(error).__name__
        _log.warning(
            "database_unreachable", setting="RUTA_DATABASE_URL", reason=reason, **remedy(error)
        )
    else:
        if schema is Schema.BEHIND:
            _log.warning("schema_behind", remedy="run the migration of this release")


@asynccontextmanager
async def _running(
    tasks: Sequence[BackgroundTask], stop: asyncio.Event, gate: KeyGate
) -> AsyncIterator[None]:
    """Run the tasks during the block. Afterwards, give them time to finish, then cancel them."""
    running = [
        asyncio.create_task(
            _kept_alive(task, stop, gate, place * _ONE_AFTER_THE_OTHER_SECONDS), name=task.name
        )
        for place, task in enumerate(tasks)
    ]
    try:
        yield
    finally:
        stop.set()
        if running:
            _, late = await asyncio.wait(running, timeout=10)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


async def _kept_alive(
    task: BackgroundTask, stop: asyncio.Event, gate: KeyGate, after: float
) -> None:
    """Run a background task. If it fails, log the error and restart the task; a failure never ends the process."""
    await gate.opened(stop)
    await pause(stop, after)
    seconds = _RESTART_SECONDS
    while not stop.is_set():
        started = asyncio.get_running_loop().time()
        try:
            await task.run(stop)
        except Exception as error:  # noqa: BLE001 - whatever failed, the next run may succeed
            _log.warning("background_task_failed", task=task.name, exc_info=error)
        if asyncio.get_running_loop().time() - started > _RESTART_MAX_SECONDS:
            seconds = _RESTART_SECONDS
        await pause(stop, seconds)
        seconds = min(seconds * 2, _RESTART_MAX_SECONDS)
