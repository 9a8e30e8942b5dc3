"""API calls on behalf of the page's visitor, with their token, their rights and their name in the audit record."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
from common.process.certificates import remedy, trusting
from common.process.logs import get_logger
from common.process.telemetry import inject

from console.answers import Answer, FileAnswer, Upload
from console.costs import Cost
from console.settings import Settings

_log = get_logger(__name__)
_AWAY = {"code": "unavailable", "status": 503}
_UNDONE = 424
_IN_PATHS = "/:@!$&'()*+,;="
# If a form is submitted twice, the first command may still be running. Wait for its response.
_IN_FLIGHT, _TRIES, _PAUSE_SECONDS = "idempotency_in_flight", 6, 0.5


class Gateway:
    """A process's connection pool to the gateway. It stores no responses."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._url = settings.gateway_url.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=settings.answer_seconds, connect=2)
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=256, ssl=trusting(self._settings) or True),
            # The gateway is on the same machine, so compression would cost more than it saves.
            headers={"accept-encoding": "identity"},
            trust_env=False,
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def answers(self) -> bool:
        """Return whether the gateway responds; this does not check the services behind it."""
        try:
            return (await self._ask("GET", "/healthz", {}, None, {})).answer.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    async def call(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: Any = None,
        params: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Always return a response: 503 if the gateway is unreachable."""
        return (await self.file(method, path, headers, body, params)).answer

    async def file(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: Any = None,
        params: Mapping[str, Any] | None = None,
    ) -> FileAnswer:
        """Return the response as raw bytes. Refuse `.` and `..` in the path, because anybody can craft such an
        address."""
        if {".", ".."} & set(path.split("/")):
            return FileAnswer(Answer(404, {"code": "not_found", "status": 404}))
        try:
            return await self._ask(method, path, headers, body, params or {})
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # Log neither the path nor the message, because both may contain names.
            _log.warning(
                "gateway_unreachable",
                reason=type(error).__name__,
                **remedy(error, self._settings),
            )
            return FileAnswer(Answer(503, dict(_AWAY)))

    async def _ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: Any,
        params: Mapping[str, Any],
    ) -> FileAnswer:
        if self._session is None:
            raise RuntimeError("the console has not started")
        inject(headers)
        data: Any = None
        if isinstance(body, aiohttp.FormData):
            data = body
        elif isinstance(body, bytes):
            headers["content-type"] = "application/octet-stream"
            data = body
        elif body is not None:
            headers["content-type"] = "application/json"
            data = orjson.dumps(body)
        pairs = [
            (name, str(one))
            for name, value in params.items()
            if value not in (None, "")
            for one in (value if isinstance(value, list | tuple) else [value])
        ]
        async with self._session.request(
            method,
            self._url + quote(path, safe=_IN_PATHS),
            headers=headers,
            data=data,
            params=pairs,
            allow_redirects=False,
        ) as answer:
            content = await answer.read()
            kind = answer.headers.get("content-type", "")
            body = _json(content) if "json" in kind else None
            number = answer.headers.get("x-request-id", "")
            version = answer.headers.get("etag", "").strip('"')
            policy = answer.headers.get("content-security-policy", "")
            return FileAnswer(Answer(answer.status, body, number, version), content, kind, policy)


def _json(text: bytes) -> Any:
    try:
        return orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        return None


@dataclass(frozen=True)
class Calls:
    """The API as one person calls it, in that person's language."""

    gateway: Gateway
    token: str = field(repr=False)
    language: str
    request_id: str
    cost: Cost = field(default_factory=Cost)
    _missed: list[int] = field(default_factory=list)

    @property
    def missed(self) -> bool:
        return bool(self._missed)

    async def get(self, path: str, **params: Any) -> Answer:
        return await self._read(path, self._headers(), params)

    async def get_as_nobody(self, path: str) -> Answer:
        headers = self._headers()
        del headers["authorization"]
        return await self._read(path, headers)

    async def _read(
        self, path: str, headers: dict[str, str], params: Mapping[str, Any] | None = None
    ) -> Answer:
        with self.cost.call():
            answer = await self.gateway.call("GET", path, headers, params=params)
        if not answer.answered:
            self._missed.append(answer.status)
        return answer

    async def post(
        self, path: str, body: Any, *, key: str | None = None, version: str | None = None
    ) -> Answer:
        """Send a command. `key` is its `Idempotency-Key`: resubmitting the form has no second effect."""
        return await self._send("POST", path, body, key, version)

    async def put(
        self, path: str, body: Any, *, key: str | None = None, version: str | None = None
    ) -> Answer:
        return await self._send("PUT", path, body, key, version)

    async def patch(
        self, path: str, body: Any, *, key: str | None = None, version: str | None = None
    ) -> Answer:
        return await self._send("PATCH", path, body, key, version)

    async def delete(
        self, path: str, *, key: str | None = None, version: str | None = None
    ) -> Answer:
        return await self._send("DELETE", path, None, key, version)

    async def upload(
        self, path: str, content: bytes, *, key: str | None = None, **params: Any
    ) -> Answer:
        return await self._send("POST", path, content, key, None, params)

    async def upload_form(
        self,
        path: str,
        upload: Upload,
        fields: Mapping[str, str] | None = None,
        *,
        key: str | None = None,
        **params: Any,
    ) -> Answer:
        form = aiohttp.FormData(quote_fields=True)
        for name, value in (fields or {}).items():
            form.add_field(name, value)
        form.add_field("file", upload.content, filename=upload.name)
        return await self._send("POST", path, form, key, None, params)

    async def file(self, path: str, **params: Any) -> FileAnswer:
        headers = self._headers() | {"accept": "*/*"}
        with self.cost.call():
            return await self.gateway.file("GET", path, headers, params=params)

    async def batch(self, commands: Sequence[Mapping[str, Any]], *, answer: int = 0) -> Answer:
        wanted = {"commands": commands, "together": True}
        for _ in range(_TRIES):
            whole = await self._send("POST", "/referrals/v1/bulk", wanted, None, None)
            if not whole.ok:
                return whole
            results = whole.body["results"]
            # After a refusal, all other commands report that they did nothing.
            refused = (one for one in results if one["status"] >= 300 and one["status"] != _UNDONE)
            said = next(refused, results[answer])
            told = Answer(said["status"], said["body"], whole.request_id)
            if told.code != _IN_FLIGHT:
                break
            await asyncio.sleep(_PAUSE_SECONDS)
        return told

    async def send(self, method: str, path: str, body: Any, *, key: str | None = None) -> Answer:
        sent = None if method == "delete" else body
        return await self._send(method.upper(), path, sent, key, None)

    async def _send(
        self,
        method: str,
        path: str,
        body: Any,
        key: str | None,
        version: str | None,
        params: Mapping[str, Any] | None = None,
    ) -> Answer:
        headers = self._headers()
        if key:
            headers["idempotency-key"] = key
        if version:
            headers["if-match"] = f'"{version}"'
        for _ in range(_TRIES):
            with self.cost.call():
                answer = await self.gateway.call(method, path, headers, body, params)
            if answer.code != _IN_FLIGHT:
                break
            await asyncio.sleep(_PAUSE_SECONDS)
        return answer

    def _headers(self) -> dict[str, str]:
        return {
            "authorization": f"Bearer {self.token}",
            "accept": "application/json",
            "accept-language": self.language,
            "x-request-id": self.request_id,
        }
