"""Idempotency-Key (IETF draft-ietf-httpapi-idempotency-key-header-07).

The stored answer is written in the transaction of the command itself, so a command and its
answer exist together or not at all. Answers are sealed: they may quote what the person granted.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from common import clock, crypto
from common.database import Question, answer_of
from common.errors import (
    IDEMPOTENCY_IN_FLIGHT,
    IDEMPOTENCY_KEY_INVALID,
    IDEMPOTENCY_KEY_MISSING,
    IDEMPOTENCY_KEY_REUSED,
    Problem,
)
from common.tables import CommonTables
from common.writes import RowWriter, write_soon

HEADER = "Idempotency-Key"
_BARE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,255}")
_KEPT_HEADERS = ("content-type", "location", "etag", "content-language")


async def require_key(request: Request) -> None:
    """Dependency of routes where the key is mandatory."""
    if HEADER not in request.headers:
        raise IDEMPOTENCY_KEY_MISSING.because(
            "Send 'Idempotency-Key: <a new UUID>'; when you repeat the command, send the same one."
        )


def parse_key(text: str) -> str:
    """The key of the header, quoted (structured field) or bare; 400 if it is neither."""
    bare = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    if not _BARE.fullmatch(bare):
        raise IDEMPOTENCY_KEY_INVALID.because(
            "1 to 255 visible ASCII characters without quotes or backslashes, e.g. a UUID."
        )
    return bare


@dataclass(frozen=True)
class KeyedCommand:
    """One request with a key: which client, which route, and the digest of what it asks."""

    client_id: str
    route: str
    key: str
    fingerprint: bytes

    @classmethod
    async def of(cls, request: Request, client_id: str) -> "KeyedCommand | None":
        text = request.headers.get(HEADER)
        if text is None:
            return None
        digest = hashlib.sha256()
        for part in (request.url.query.encode(), await request.body()):
            digest.update(len(part).to_bytes(8, "big") + part)
        route = f"{request.method} {request.url.path}"
        return cls(client_id, route, parse_key(text), digest.digest())

    @property
    def _identity(self) -> dict[str, str]:
        return {"client_id": self.client_id, "route": self.route, "key": self.key}

    @property
    def context(self) -> bytes:
        return "\n".join(self._identity.values()).encode()

    @property
    def question(self) -> Question:
        """Whether somebody is at this command now, and what was answered the first time.

        Takes a lock on the key that lasts until the transaction ends. It may be taken just after
        the first command's commit that the same statement does not see yet: then the second row
        is refused at the end (`is_repeat`).
        """
        lock = int.from_bytes(hashlib.sha256(self.context).digest()[:8], "big", signed=True)
        return Question(_LOOK, (lock, self.client_id, self.route, self.key))

    async def replay(self, session: AsyncSession, sealing_key: bytes) -> Response | None:
        """The stored answer, or None if this is the first time; 409 in flight, 422 other body.

        `session` was opened with this command's `question`.
        """
        free, stored = (await answer_of(session))[-2:]
        if not free:
            raise in_flight()
        if stored is None:
            return None
        fingerprint, result = stored
        if fingerprint != self.fingerprint:
            raise IDEMPOTENCY_KEY_REUSED.because(
                "The body or the query differs from the first request with this key."
            )
        return _unpack(crypto.open_sealed(sealing_key, result, self.context))

    def remember(
        self, session: AsyncSession, tables: CommonTables, sealing_key: bytes, response: Response
    ) -> None:
        """Store the answer; it is committed with the command's own rows."""
        write_soon(
            session,
            _writer(tables.stored_results),
            {
                **self._identity,
                "fingerprint": self.fingerprint,
                "result": crypto.seal(sealing_key, _pack(response), self.context),
                "created_at": clock.now(),
            },
        )


_LOOK = (
    "pg_try_advisory_xact_lock($5), (SELECT ARRAY[fingerprint, result] FROM stored_results"
    " WHERE client_id = $6 AND route = $7 AND key = $8)"
)


@cache
def _writer(stored_results: sa.Table) -> RowWriter:
    return RowWriter(
        stored_results, "client_id", "route", "key", "fingerprint", "result", "created_at"
    )


def in_flight() -> Problem:
    return IDEMPOTENCY_IN_FLIGHT.because(
        "Wait a second and repeat it.", headers={"Retry-After": "1"}
    )


def is_repeat(error: IntegrityError) -> bool:
    """Whether a commit failed because the same command had been committed in between."""
    cause = getattr(error.orig, "__cause__", None)
    return getattr(cause, "constraint_name", None) == "stored_results_pkey"


def _pack(response: Response) -> bytes:
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    head = orjson.dumps({"status": response.status_code, "headers": headers})
    return head + b"\n" + bytes(response.body)


def _unpack(stored: bytes) -> Response:
    head, body = stored.split(b"\n", 1)
    kept: Mapping[str, Any] = orjson.loads(head)
    return Response(
        body,
        status_code=kept["status"],
        headers={**kept["headers"], "Idempotent-Replayed": "true"},
    )
