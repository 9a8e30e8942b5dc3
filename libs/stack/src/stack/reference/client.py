"""A typed Python client of one module, written from the API description. It needs only httpx."""

from collections.abc import Iterable, Mapping
from typing import Any

from stack.reference.types import identifier, type_of, typed_dict

_METHODS = ("get", "put", "post", "delete", "patch")
_HEAD = '''"""Client of the Ruta API. Generated from its description: do not edit, generate it again."""

# ruff: noqa

from __future__ import annotations

import time
import uuid
from typing import Any, Literal, NotRequired, Self, TypeAlias, TypedDict, cast
from urllib.parse import quote

import httpx


class RutaProblem(Exception):
    """A refusal (RFC 9457). Decide by `code`."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"{status} {body.get('code')}: {body.get('detail')}")
        self.status = status
        self.code = str(body.get("code") or body.get("error") or "")
        self.pointer = body.get("pointer")
        self.body = body


class Connection:
    """Tokens, Idempotency-Keys, and waiting where the server asks to."""

    def __init__(self, base_url: str, client_id: str = "", client_secret: str = "") -> None:
        self._http = httpx.Client(base_url=base_url, timeout=60)
        self._credentials = (client_id, client_secret)
        self._token, self._until = "", 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. Use the client as `with Ruta(…) as ruta:`."""
        self._http.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Any],
        headers: dict[str, Any],
        json: Any = None,
        content: bytes | None = None,
    ) -> Any:
        sent = {k: str(v) for k, v in headers.items() if v is not None}
        if method not in {"GET", "HEAD"}:
            sent.setdefault("Idempotency-Key", str(uuid.uuid4()))
        asked = {k: v for k, v in query.items() if v is not None}
        for _ in range(4):
            answer = self._http.request(
                method, path, params=asked, headers={**sent, **self._auth()}, json=json, content=content
            )
            if answer.status_code == 401 and self._token:
                self._token = ""
            elif answer.status_code in {429, 503}:
                time.sleep(float(answer.headers.get("Retry-After", "1")))
            else:
                break
        if answer.status_code >= 400:
            raise RutaProblem(answer.status_code, _problem(answer))
        if "json" in answer.headers.get("content-type", ""):
            return answer.json()
        return answer.content or None

    def _auth(self) -> dict[str, str]:
        if not self._credentials[0]:
            return {}
        if not self._token or time.monotonic() > self._until:
            answer = self._http.post(
                "/oauth/token", data={"grant_type": "client_credentials"}, auth=self._credentials
            )
            if answer.status_code != 200:
                raise RutaProblem(answer.status_code, _problem(answer))
            grant = answer.json()
            self._token = str(grant["access_token"])
            self._until = time.monotonic() + float(grant["expires_in"]) - 30
        return {"Authorization": f"Bearer {self._token}"}


def _problem(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = {}
    return body if isinstance(body, dict) else {}


'''


def module(document: Mapping[str, Any]) -> str:
    """The module's source."""
    schemas = document.get("components", {}).get("schemas", {})
    types = "\n\n".join(typed_dict(name, schema) for name, schema in sorted(schemas.items()))
    methods = "\n".join(
        _method(path, method, operation) for path, method, operation in _operations(document)
    )
    return f'{_HEAD}{types}\n\n\nclass Ruta(Connection):\n    """One method per operation."""\n\n{methods}'


def _operations(document: Mapping[str, Any]) -> Iterable[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item and not path.startswith(("/oauth", "/.well-known")):
                yield path, method, item[method]


def _method(path: str, method: str, operation: Mapping[str, Any]) -> str:
    parameters = operation.get("parameters", [])
    inside = [p for p in parameters if p["in"] == "path"]
    others = [p for p in parameters if p["in"] in {"query", "header"}]
    arguments = [f"{identifier(p['name'])}: str" for p in inside]
    body, json, content, kind = _body(operation)
    named = [
        *body,
        *(f"{identifier(p['name'])}: {type_of(p.get('schema', {}))} | None = None" for p in others),
    ]
    if named:
        arguments += ["*", *named]
    headers = {p["name"]: identifier(p["name"]) for p in others if p["in"] == "header"}
    head = [f"{name!r}: {variable}" for name, variable in headers.items()]
    if kind:
        head.append(f"'Content-Type': {kind}")
    query = [f"{p['name']!r}: {identifier(p['name'])}" for p in others if p["in"] == "query"]
    target = path
    for parameter in inside:
        name = parameter["name"]
        target = target.replace(f"{{{name}}}", f"{{quote(str({identifier(name)}), safe='')}}")
    returned = _returned(operation)
    summary = str(operation.get("summary", path)).replace('"', "'").replace("\\", "")
    return (
        f"    def {identifier(operation['operationId'])}({', '.join(['self', *arguments])}) -> {returned}:\n"
        f'        """{summary}."""\n'
        f"        return cast({returned!r}, self.call(\n"
        f"            {method.upper()!r}, f{target!r}, query={{{', '.join(query)}}},\n"
        f"            headers={{{', '.join(head)}}}, json={json}, content={content},\n"
        "        ))\n"
    )


def _body(operation: Mapping[str, Any]) -> tuple[list[str], str, str, str]:
    """Arguments of the body; what to send as json, as content, and the content type's expression."""
    content = operation.get("requestBody", {}).get("content", {})
    if not content:
        return [], "None", "None", ""
    if "application/json" in content:
        return (
            [f"body: {type_of(content['application/json'].get('schema', {}))}"],
            "body",
            "None",
            "",
        )
    return ["content: bytes", "content_type: str"], "None", "content", "content_type"


def _returned(operation: Mapping[str, Any]) -> str:
    for status, answer in operation.get("responses", {}).items():
        if status.startswith("2"):
            media = answer.get("content", {})
            if "application/json" in media:
                return type_of(media["application/json"].get("schema", {}))
            return "bytes | None" if media else "None"
    return "Any"
