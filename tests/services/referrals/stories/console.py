"""The console's own app on top of the story's API, with a front that forwards its requests."""

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web
from common.auth import SCOPES
from console.app import create_app
from console.settings import Settings
from fastapi.routing import APIRoute
from httpx import ASGITransport, AsyncClient, Response

from tests.services.referrals.story import AUDIENCE
from tests.support.principals import bearer, internal_token, write_internal_jwks

PREFIX = "/referrals/v1"
_PASSED_ON = ("authorization", "content-type", "idempotency-key", "if-match", "accept-language")
_PERSON = {"sign_in_name": "ana", "organisation_name": "Refugio", "idle_in": 900}
Ask = Callable[..., Awaitable[Response]]


class Console:
    """The console of a story. `api` is the client of the story's API; `heard` contains the API's responses by method
    and path."""

    def __init__(self) -> None:
        self.api: AsyncClient | None = None
        self.heard: list[tuple[str, str, Response]] = []

    async def start(self, folder: Path) -> None:
        served = web.Application()
        served.router.add_route("*", "/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(served, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._app = create_app(
            Settings.model_validate(
                {
                    "gateway_url": f"http://127.0.0.1:{self._runner.addresses[0][1]}",
                    "public_url": "http://localhost",
                    "internal_jwks_file": write_internal_jwks(folder / "jwks.json"),
                }
            )
        )
        await self._app.state.kit.gateway.start()
        transport = ASGITransport(self._app, raise_app_exceptions=False)
        self._http = AsyncClient(transport=transport, base_url="http://ruta")
        self.pages = sorted(_pages(self._app))

    async def close(self) -> None:
        await self._http.aclose()
        await self._app.state.kit.gateway.close()
        await self._runner.cleanup()

    async def open(self, path: str, client: str, claims: Mapping[str, Any]) -> Response:
        """Return the page as this person sees it."""
        said = bearer(client, audience=AUDIENCE, **claims)["Authorization"]
        inner = {**claims, "scope": " ".join(SCOPES), "aors": ["GBV"], "areas": []}
        return await self._http.get(
            path,
            headers={
                "Authorization": f"Bearer {internal_token('ruta-console', inner)}",
                "Ruta-Person-Token": said.removeprefix("Bearer "),
                "Ruta-Person": base64.b64encode(json.dumps(_PERSON).encode()).decode(),
                "Ruta-Csrf": "secret-of-the-session",
                "Accept-Language": "en",
            },
        )

    async def _pass_on(self, request: web.Request) -> web.Response:
        """Forward to the referrals API. The other services are down, and pages say so."""
        if self.api is None or not request.path.startswith(PREFIX):
            return web.json_response({"code": "unavailable", "status": 503}, status=503)
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        content = await request.read()
        answer = await self.api.request(
            request.method, str(request.rel_url), content=content, headers=headers
        )
        self.heard.append((request.method, request.path, answer))
        return web.Response(
            status=answer.status_code,
            body=answer.content,
            headers={"content-type": answer.headers.get("content-type", "application/json")},
        )


def _pages(app: Any) -> set[str]:
    return {
        route.path
        for route in app.routes
        if isinstance(route, APIRoute) and "GET" in (route.methods or ())
    }
