"""Idempotency-Key (IETF draft-ietf-httpapi-idempotency-key-header-07).

The response is stored in the command's own transaction, so both exist or neither does. It is sealed, kept for a day,
and repeated only to callers who may still see its subjects (`common.http.answers`). The key is remembered for half a
year (`common.db.endings`). Even without the response, the command does not take effect a second time.
"""

import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from common import clock, clocks, crypto
from common.auth.principal import Principal
from common.db.endings import AsWhom, Ending, common_endings, end_all
from common.db.tables import CommonTables
from common.errors import (
    ANSWER_GONE,
    IDEMPOTENCY_IN_FLIGHT,
    IDEMPOTENCY_KEY_INVALID,
    IDEMPOTENCY_KEY_MISSING,
    IDEMPOTENCY_KEY_REUSED,
    Problem,
)
from common.http.answers import (
    AnswerRule,
    Subject,
    forget_old_answers,
    subjects_from_json,
    subjects_of,
    subjects_to_json,
)
from common.http.context import BackgroundTask, ServiceContext
from common.process.logs import get_logger

HEADER = "Idempotency-Key"
KEPT_FOR = timedelta(days=1)
_BARE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,255}")
_KEPT_HEADERS = frozenset({b"content-type", b"location", b"etag", b"content-language"})


async def require_key(request: Request) -> None:
    """Check that the request has a key, on routes that require one."""
    if HEADER not in request.headers:
        raise IDEMPOTENCY_KEY_MISSING.because("send_idempotency_key_new_uuid_when_you")


def parse_key(text: str) -> str:
    """Parse the header's key, quoted (structured field) or bare. Raise 400 if it is malformed."""
    bare = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    if not _BARE.fullmatch(bare):
        raise IDEMPOTENCY_KEY_INVALID.because("1_to_255_visible_ascii_characters_without")
    return bare


@dataclass(frozen=True)
class KeyedCommand:
    """One request with an idempotency key: its client, its route, and the digest of its body."""

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
        for part in (request.scope["query_string"], await request.body()):
            digest.update(len(part).to_bytes(8, "big") + part)
        route = f"{request.method} {request.scope['path']}"
        return cls(client_id, route, parse_key(text), digest.digest())

    @cached_property
    def identity(self) -> dict[str, str]:
        """Return the stored form of the key, which is only a digest because clients choose keys freely."""
        digest = hashlib.sha256(self.key.encode()).hexdigest()
        return {"client_id": self.client_id, "route": self.route, "key": digest}

    @property
    def context(self) -> bytes:
        return f"{self.client_id}\n{self.route}\n{self.key}".encode()

    @property
    def lock(self) -> int:
        return int.from_bytes(hashlib.sha256(self.context).digest()[:8], "big", signed=True)


@dataclass(frozen=True)
class StoredAnswers:
    """Stored responses of one service. `rule` decides how to store them if they may concern people. Without a rule, the
    service's own `key` seals all of them."""

    tables: CommonTables
    key: bytes
    rule: AnswerRule | None

    async def replay(
        self, session: AsyncSession, caller: Principal, command: KeyedCommand
    ) -> Response | None:
        """Return the first response, or None on the first request. Lock the key until the transaction ends. Raise 409
        while the command runs, 422 for another body, 410 if the response is gone, and the error that reading its
        subjects would raise."""
        if not await session.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(command.lock))):
            raise in_flight()
        stored = self.tables.stored_results
        found = (
            await session.execute(
                sa.select(stored).where(
                    stored.c.client_id == command.client_id,
                    stored.c.route == command.route,
                    stored.c.key == command.identity["key"],
                )
            )
        ).first()
        if found is None:
            return None
        if found.fingerprint and found.fingerprint != command.fingerprint:
            raise IDEMPOTENCY_KEY_REUSED.because("body_or_query_differs_from_first_request")
        sealing = self.key
        if self.rule is not None:
            subjects = subjects_from_json(found.concerns or [])
            await self.rule.refuse_unless_readable(session, caller, subjects)
            if found.subject is not None:
                sealing = (await self.rule.keys_of([found.subject])).get(found.subject) or b""
        if not found.result or not sealing or found.created_at <= clock.now() - KEPT_FOR:
            raise answer_gone()
        return _unpack(crypto.open_sealed(sealing, found.result, command.context))

    async def remember(
        self, session: AsyncSession, caller: Principal, command: KeyedCommand, response: Response
    ) -> None:
        """Store the response in the command's transaction."""
        subjects: Sequence[Subject] = subjects_of(session)
        owner, sealing = None, self.key
        if self.rule is not None and subjects:
            owner, subjects = self.rule.about(caller, subjects)
        if self.rule is not None:
            # Without subjects, no rule can decide who may read the response again.
            sealing = self.key if subjects else b""
            if owner is not None:
                sealing = (await self.rule.keys_of([owner])).get(owner) or b""
        packed = crypto.seal(sealing, _pack(response), command.context) if sealing else b""
        await session.execute(
            self.tables.stored_results.insert().values(
                **command.identity,
                fingerprint=command.fingerprint if sealing else b"",
                result=packed,
                created_at=clock.now(),
                subject=owner,
                concerns=subjects_to_json(subjects) if subjects else sa.null(),
            )
        )


def in_flight() -> Problem:
    return IDEMPOTENCY_IN_FLIGHT.because("wait_second_and_repeat_it", headers={"Retry-After": "1"})


def answer_gone() -> Problem:
    return ANSWER_GONE.because("was_carried_out_first_time_and_nothing")


def is_repeat(error: IntegrityError) -> bool:
    """Return whether a commit failed because the same command was committed in the meantime."""
    cause = getattr(error.orig, "__cause__", None)
    return getattr(cause, "constraint_name", None) == "stored_results_pkey"


def _pack(response: Response) -> bytes:
    headers = {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in response.raw_headers
        if name in _KEPT_HEADERS
    }
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


_ANSWERS_SECONDS = 300.0
_ROWS_SECONDS = 6 * 3600.0
_log = get_logger(__name__)


def forgetting(context: ServiceContext) -> BackgroundTask:
    """Return the task that deletes stored responses after a day; `replay` refuses older ones anyway."""

    async def forget() -> None:
        async with context.database.transaction() as session:
            await forget_old_answers(session, context.tables, clock.now() - KEPT_FOR)

    return BackgroundTask.repeated("stored-answers", forget, _ANSWERS_SECONDS)


def ending(
    context: ServiceContext, endings: Sequence[Ending] = (), as_whom: AsWhom | None = None
) -> BackgroundTask:
    """Return the task that deletes expired rows of the common tables and of `endings`, at startup and then every six
    hours. It skips a run if the clocks of this machine and the database differ. `as_whom` sets the caller in each
    transaction, for row security."""
    all_endings = (*common_endings(context.tables), *endings)

    async def end() -> None:
        seconds, _ = await context.database.told()
        if clocks.too_far(time.time(), seconds):
            said = clocks.compared(time.time(), seconds, "the database")
            _log.warning("clock_doubted", said=said, remedy=clocks.DOUBTED)
            return
        ended = await end_all(context.database, all_endings, clock.now(), as_whom)
        if any(ended.values()):
            _log.info("rows_ended", **{name: count for name, count in ended.items() if count})

    return BackgroundTask.repeated("endings", end, _ROWS_SECONDS)
