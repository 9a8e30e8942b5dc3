"""The console's own app with a gateway that returns the recorded responses (`answers.json` of the description), except
where a test removes or replaces one."""

import base64
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from common.auth import SCOPES, Role
from common.pages.form_tokens import FIELD, form_token
from console.app import create_app
from console.settings import Settings
from gateway.front.description.document import ANSWERS_FILE
from httpx import ASGITransport, AsyncClient, Response

from tests.support.principals import internal_token, organisation, write_internal_jwks

CSRF = "secret-of-the-session"
SOMEBODY = "0190a000-0000-7000-8000-00000000aaaa"
ROLES = [str(role) for role in Role]
AWAY = (503, {"code": "unavailable", "status": 503})
Said = tuple[int, Any]


_NEWER: list[tuple[str, re.Pattern[str], int, Any]] = [
    ("GET", re.compile("/directory/v1/records/houses"), 200, {"items": [], "next_cursor": None}),
]
"""Answers that nobody has recorded yet."""


def _with_what_is_newer(asked: str, body: Any) -> None:
    """Add fields that are newer than the recording, or that only the console requests."""
    match asked:
        case "GET /directory/v1/records/services":
            for one in body["items"]:
                one["withheld"] = False
        case "GET /directory/v1/records/services/{service_id}":
            body["withheld"] = False
        case "GET /directory/v1/risk-messages/own":
            for one in body:
                one["possible_steps"] = ["rewrite", "publish"]
        case "GET /reports/v1/bulletins/{bulletin_id}":
            body["content"].setdefault("hidden", [])
        case "GET /referrals/v1/referrals/{referral_id}":
            body |= {"history": [], "readings": None, "alternatives": None}


def _recorded() -> list[tuple[str, re.Pattern[str], int, Any]]:
    """Return the method, path, status and body of each successful response. Templates with names come before those with
    ids."""
    found = []
    for name, body in json.loads(ANSWERS_FILE.read_text()).items():
        method, path, status = name.split(" ")
        if status.startswith("2"):
            _with_what_is_newer(f"{method} {path}", body)
            shape = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path))
            found.append((path.count("{"), method, re.compile(shape), int(status), body))
    found += [(0, *each) for each in _NEWER]
    return [each[1:] for each in sorted(found, key=lambda each: each[0])]


class Examples:
    """The recorded responses. `instead` replaces some by method and path; `asked` contains the requests in order, with
    bodies."""

    def __init__(self) -> None:
        self._recorded = _recorded()
        self.instead: dict[str, Said] = {}
        self.asked: list[tuple[str, Any]] = []

    def of(self, method: str, path: str) -> Said:
        if f"{method} {path}" in self.instead:
            return self.instead[f"{method} {path}"]
        for wanted, shape, status, body in self._recorded:
            if wanted == method and shape.fullmatch(path):
                return status, body
        return 404, {"code": "not_found", "status": 404}

    async def answer(self, request: web.Request) -> web.Response:
        text = await request.read()
        self.asked.append((f"{request.method} {request.path}", json.loads(text) if text else None))
        status, body = self.of(request.method, request.path)
        return web.json_response(body, status=status, headers={"etag": '"3"'})


class Console:
    """The pages for a person with all roles and scopes."""

    def __init__(self, http: AsyncClient, api: Examples) -> None:
        self.http, self.api = http, api

    async def open(self, path: str) -> Response:
        return await self.http.get(path)

    async def send(self, path: str, fields: Mapping[str, Any], *, key: str = "k") -> Response:
        """Send the form; return the next page, also after a redirect."""
        answer = await self.post(path, fields, key=key)
        there = answer.headers.get("location", "")
        return await self.open(there) if "form=" in there else answer

    async def post(self, path: str, fields: Mapping[str, Any], *, key: str = "k") -> Response:
        sent = {FIELD: form_token(CSRF, path), "key": key, **fields}
        return await self.http.post(path, data=sent)


@asynccontextmanager
async def console(folder: Path, *, public_url: str = "http://localhost") -> AsyncIterator[Console]:
    api = Examples()
    served = web.Application()
    served.router.add_route("*", "/{path:.*}", api.answer)
    runner = web.AppRunner(served, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    settings = Settings.model_validate(
        {
            "gateway_url": f"http://127.0.0.1:{runner.addresses[0][1]}",
            "public_url": public_url,
            "internal_jwks_file": write_internal_jwks(folder / "jwks.json"),
        }
    )
    app = create_app(settings)
    told = json.dumps({"sign_in_name": "ana", "organisation_name": "Refugio", "idle_in": 900})
    claims: dict[str, object] = {
        "sub": SOMEBODY, "client_id": "web", "org": str(organisation(1)), "roles": ROLES,
        "scope": " ".join(SCOPES), "aors": ["GBV"], "areas": [],
    }  # fmt: skip
    headers = {
        "Authorization": f"Bearer {internal_token('ruta-console', claims)}",
        "Ruta-Person-Token": "token",
        "Ruta-Person": base64.b64encode(told.encode()).decode(),
        "Ruta-Csrf": CSRF,
        "Accept-Language": "en",
    }
    await app.state.kit.gateway.start()
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://ruta", headers=headers) as http:
        yield Console(http, api)
    await app.state.kit.gateway.close()
    await runner.cleanup()
