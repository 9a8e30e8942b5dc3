"""Apps of one service that share what does not differ from test to test."""

from typing import Any

from fastapi import FastAPI
from starlette.routing import BaseRoute

_built: dict[tuple[str, int], list[BaseRoute]] = {}
_known: dict[tuple[str, int], tuple[Any, Any]] = {}


def with_built_routes(app: FastAPI) -> FastAPI:
    """The app with the routes of the first one of its service and role, and the commands that it knows.

    FastAPI reads the signatures of a router's routes when its first request comes, anew in each app: a
    twentieth of a second. Routes know no app: context, settings and database are the request's. A command passes
    the framework in the second test that sends it, as it does in a service.
    """
    place = (app.title, len(app.router.routes))
    app.router.routes = _built.setdefault(place, app.router.routes)
    app.middleware_stack = app.build_middleware_stack()
    commands = app.state.context.commands
    commands._known, commands._looked_at = _known.setdefault(
        place, (commands._known, commands._looked_at)
    )
    return app
