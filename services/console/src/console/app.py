"""Assembles the console's app."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from zoneinfo import ZoneInfo

from common import clock
from common.auth import JwksFile
from common.middleware import CallerMiddleware, HeadMiddleware, ObservationMiddleware
from common.process.certificates import tell_certificates
from common.process.logs import get_logger
from common.process.telemetry import Metrics
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from console import assets
from console.accounts.access_api import screens as access
from console.accounts.api import screens as accounts
from console.audit.api import screens as audit
from console.bulletins.api import screens as bulletins
from console.calls import Gateway
from console.care.api import screens as care
from console.cases.api import screens as cases
from console.cases.copy_api import screens as copies
from console.channels.api import screens as channels
from console.consents.api import screens as consents
from console.context.api import screens as context
from console.costs import Costs
from console.curation.api import screens as curation
from console.curation.upkeep_api import screens as upkeep
from console.decisions.api import screens as decisions
from console.emergency.api import screens as emergency
from console.figures.api import screens as figures
from console.fivews.api import screens as fivews
from console.handing.api import screens as handing
from console.health import health
from console.imports.api import screens as imports
from console.intake.api import screens as intake
from console.letterhead.api import screens as letterhead
from console.line.api import screens as line
from console.matches.api import screens as matches
from console.meeting.api import screens as meeting
from console.pathways.api import screens as pathways
from console.planning.api import screens as planning
from console.record.api import screens as record
from console.referrals.api import screens as referrals
from console.releases.api import screens as releases
from console.screening.api import screens as screening
from console.screens.renderer import draw_plain
from console.screens.routing import HEADERS, Kit, language_of
from console.services.api import screens as services
from console.services.directory_api import screens as directory
from console.services.slips_api import screens as slips
from console.settings import Settings
from console.supervision.api import screens as supervision
from console.texts import load_all, wording
from console.work.api import screens as work
from console.work.calendar_api import screens as calendar
from console.work.late_api import screens as late

_log = get_logger(__name__)
SCREENS = (
    work,
    calendar,
    late,
    cases,
    copies,
    record,
    care,
    handing,
    screening,
    matches,
    referrals,
    consents,
    services,
    directory,
    slips,
    decisions,
    supervision,
    intake,
    emergency,
    line,
    channels,
    audit,
    access,
    accounts,
    curation,
    upkeep,
    figures,
    releases,
    bulletins,
    letterhead,
    imports,
    pathways,
    planning,
    fivews,
    meeting,
    context,
)


def create_app(settings: Settings | None = None) -> FastAPI:
    settings = settings or Settings()
    clock.follow(settings.clock_file)
    clock.live_in(settings.home_timezone)
    load_all()
    gateway = Gateway(settings)
    metrics = Metrics()
    tell_certificates(metrics.registry, settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await gateway.start()
        yield
        await gateway.close()

    app = FastAPI(
        title="Ruta console",
        lifespan=lifespan,
        openapi_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    app.state.kit = Kit(
        gateway,
        Costs(metrics.registry),
        ZoneInfo(settings.home_timezone),
        settings.home_country,
        settings.public_url.startswith("https://"),
        settings.missing_lists_file,
    )
    app.state.metrics = metrics
    app.include_router(health)
    for screens in SCREENS:
        app.router.routes.extend(screens.router.routes)
    app.add_api_route(
        f"/console/static/{assets.digest()}/{{name}}", _static, include_in_schema=False
    )
    app.add_api_route(f"/console/{assets.WORKER}", _worker, include_in_schema=False)
    app.add_exception_handler(404, _absent)
    app.add_exception_handler(405, _absent)
    app.add_exception_handler(Exception, _failed)
    app.add_middleware(
        CallerMiddleware,
        keys=JwksFile(settings.internal_jwks_file),
        issuer=settings.internal_issuer,
        audience="ruta-console",
    )
    app.add_middleware(ObservationMiddleware, metrics=metrics)
    app.add_middleware(HeadMiddleware)
    return app


async def _static(name: str) -> Response:
    content = assets.contents().get(name)
    if content is None:
        return Response(status_code=404)
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return Response(content, headers=headers, media_type=assets.NAMES[name])


async def _worker() -> Response:
    headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": "default-src 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return Response(assets.worker(), headers=headers, media_type=assets.NAMES["push.js"])


async def _absent(request: Request, _error: Exception) -> Response:
    return _plain(request, 404)


async def _failed(request: Request, error: Exception) -> Response:
    _log.error("unhandled_error", error_type=type(error).__name__, exc_info=error)
    return _plain(request, 500)


def _plain(request: Request, status: int) -> Response:
    language = language_of(request)
    say = wording(language)
    html = draw_plain(
        "templates/plain_problem.html",
        say,
        "title.problem",
        "/console",
        heading=say("status.5xx" if status >= 500 else "status.404"),
        remedy=say("remedy.5xx" if status >= 500 else "remedy.404"),
    )
    return HTMLResponse(html, status, headers={**HEADERS, "Content-Language": language})
