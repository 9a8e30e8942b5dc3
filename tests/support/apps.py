"""Builds apps of one service that share their routes between tests."""

from fastapi import FastAPI
from starlette.routing import BaseRoute

_built: dict[tuple[str, int], list[BaseRoute]] = {}


def with_built_routes(app: FastAPI) -> FastAPI:
    """Give the app the routes of the first app with the same service and role.

    FastAPI parses route signatures for every new app, which takes 50 ms. Routes do not depend on the app, because they
    get context, settings and database from the request.
    """
    place = (app.title, len(app.router.routes))
    app.router.routes = _built.setdefault(place, app.router.routes)
    app.middleware_stack = app.build_middleware_stack()
    return app
