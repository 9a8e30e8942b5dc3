"""Apps of one service that share what does not differ from test to test."""

from fastapi import FastAPI
from starlette.routing import BaseRoute

_built: dict[tuple[str, int], list[BaseRoute]] = {}


def with_built_routes(app: FastAPI) -> FastAPI:
    """The app with the routes of the first one of its service and role.

    FastAPI reads the signatures of a router's routes when its first request comes, anew in each app: a
    twentieth of a second. Routes know no app: context, settings and database are the request's.
    """
    place = (app.title, len(app.router.routes))
    app.router.routes = _built.setdefault(place, app.router.routes)
    app.middleware_stack = app.build_middleware_stack()
    return app
