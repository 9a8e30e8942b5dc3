"""Idempotency-Key (IETF draft-ietf-httpapi-idempotency-key-header-07).

The stored answer is written in the transaction of the command itself, so a command and its
answer exist together or not at all. An answer is kept for a day, sealed, and given again only to
whom its subject may still be shown (see `common.answers`). That the command was carried out is
known for half a year (`common.endings`): whatever becomes of its answer, it has no effect a second
time.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, cached_property
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from common import clock, crypto
from common.answers import AnswerRule, Subject, subjects_from_json, subjects_of, subjects_to_json
from common.auth.principal import Principal
from common.database import OpeningRead, answer_of
from common.errors import (
    ANSWER_GONE,
    IDEMPOTENCY_IN_FLIGHT,
    IDEMPOTENCY_KEY_INVALID,
    IDEMPOTENCY_KEY_MISSING,
    IDEMPOTENCY_KEY_REUSED,
    Problem,
)
from common.tables import CommonTables
from common.writes import RowWriter, write_soon

HEADER = "Idempotency-Key"
KEPT_FOR = timedelta(days=1)
_BARE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,255}")
_KEPT_HEADERS = frozenset({b"content-type", b"location", b"etag", b"content-language"})


async def require_key(request: Request) -> None:
    """Dependency of routes where the key is mandatory."""
    if HEADER not in request.headers:
        raise IDEMPOTENCY_KEY_MISSING.because("send_idempotency_key_new_uuid_when_you")


def parse_key(text: str) -> str:
    """The key of the header, quoted (structured field) or bare; 400 if it is neither."""
    bare = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    if not _BARE.fullmatch(bare):
        raise IDEMPOTENCY_KEY_INVALID.because("1_to_255_visible_ascii_characters_without")
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
        for part in (request.scope["query_string"], await request.body()):
            digest.update(len(part).to_bytes(8, "big") + part)
        route = f"{request.method} {request.scope['path']}"
        return cls(client_id, route, parse_key(text), digest.digest())

    @classmethod
    def named(cls, client_id: str, path: str, key: str) -> "KeyedCommand":
        """A POST of which only the name is known yet."""
        return cls(client_id, f"POST {path}", parse_key(key), b"")

    @property
    def name(self) -> tuple[str, str]:
        return self.route, self.key

    @cached_property
    def identity(self) -> dict[str, str]:
        """How it is stored. A key is whatever the client likes, so only its digest is kept."""
        digest = hashlib.sha256(self.key.encode()).hexdigest()
        return {"client_id": self.client_id, "route": self.route, "key": digest}

    @property
    def context(self) -> bytes:
        return f"{self.client_id}\n{self.route}\n{self.key}".encode()

    @property
    def question(self) -> OpeningRead:
        """Whether somebody is at this command now, and what was answered the first time.

        Takes a lock on the key that lasts until the transaction ends. It may be taken just after
        the first command's commit that the same statement does not see yet: then the second row
        is refused at the end (`is_repeat`).
        """
        since = clock.now() - KEPT_FOR
        return OpeningRead(_LOOK, (self.lock, self.client_id, self.route, self.keys, since))

    @property
    def lock(self) -> int:
        return int.from_bytes(hashlib.sha256(self.context).digest()[:8], "big", signed=True)

    @property
    def keys(self) -> list[str]:
        """Rows from before 2026-11 have the bare key."""
        return [self.identity["key"], self.key]


NEVER_ANSWERED = (True, False, None, None, None, None)
"""What the question of a command is answered that is new, and whose key this transaction holds."""


def are_new(commands: Sequence[KeyedCommand]) -> OpeningRead:
    """Of each of these of one client whether nobody has carried it out or is at it: a list. The keys of those are
    held until the transaction ends, so they stay new but for what the transaction itself carries out."""
    digests, bare = zip(*(each.keys for each in commands), strict=True)
    locks, routes = [each.lock for each in commands], [each.route for each in commands]
    return OpeningRead(
        _LOOK_FOR_ALL, (locks, commands[0].client_id, routes, list(digests), list(bare))
    )


@dataclass(frozen=True)
class Answered:
    """A command that was carried out now. `owner`: whose key seals the answer, if `subjects` or the rule say that
    it is kept."""

    command: KeyedCommand
    owner: UUID | None
    subjects: Sequence[Subject]
    packed: bytes


@dataclass(frozen=True)
class StoredAnswers:
    """Answers of one service's commands. `rule`: how they are kept where they may be about people;
    without one, all are sealed under the service's own `key`."""

    tables: CommonTables
    key: bytes
    rule: AnswerRule | None

    async def replay(
        self, session: AsyncSession, caller: Principal, command: KeyedCommand
    ) -> Response | None:
        """The first answer, or None if this is the first time.

        Refuses with 409 in flight, 422 other body, 410 where it is not kept any more, and with
        what a reading would be refused with. `session` was opened with the command's `question`.
        """
        free, known, fingerprint, result, owner, concerns = (await answer_of(session))[-6:]
        if not free:
            raise in_flight()
        if not known:
            return None
        if fingerprint and fingerprint != command.fingerprint:
            raise IDEMPOTENCY_KEY_REUSED.because("body_or_query_differs_from_first_request")
        sealing = self.key
        if self.rule is not None:
            subjects = subjects_from_json(orjson.loads(concerns)) if concerns else []
            await self.rule.refuse_unless_readable(session, caller, subjects)
            if owner is not None:
                sealing = (await self.rule.keys_of([owner])).get(owner) or b""
        if not result or not sealing:
            raise answer_gone()
        return _unpack(crypto.open_sealed(sealing, result, command.context))

    def answered(
        self,
        session: AsyncSession,
        caller: Principal,
        command: KeyedCommand,
        response: Response,
    ) -> Answered:
        """What `remember` stores of the command that has just run in this session."""
        subjects: Sequence[Subject] = subjects_of(session)
        owner = None
        if self.rule is not None and subjects:
            owner, subjects = self.rule.about(caller, subjects)
        return Answered(command, owner, subjects, _pack(response))

    async def remember(self, session: AsyncSession, commands: Sequence[Answered]) -> None:
        """Store that they were carried out, and their answers; committed with the commands' own rows."""
        keys: Mapping[UUID, bytes] = {}
        if self.rule is not None and (owners := list({c.owner: None for c in commands if c.owner})):
            keys = await self.rule.keys_of(owners)
        for each in commands:
            sealing = self._sealing_key(each, keys)
            write_soon(
                session,
                _writer(self.tables.stored_results),
                {
                    **each.command.identity,
                    "fingerprint": each.command.fingerprint if sealing else b"",
                    "result": crypto.seal(sealing, each.packed, each.command.context)
                    if sealing
                    else b"",
                    "created_at": clock.now(),
                    "subject": each.owner,
                    "concerns": orjson.dumps(subjects_to_json(each.subjects)).decode()
                    if each.subjects
                    else None,
                },
            )

    def _sealing_key(self, answered: Answered, keys: Mapping[UUID, bytes]) -> bytes | None:
        """None: the answer is not kept, as nobody could say whether it may be given again."""
        if self.rule is None:
            return self.key
        if not answered.subjects:
            return None
        return self.key if answered.owner is None else keys.get(answered.owner)


_LOOK = (
    "pg_try_advisory_xact_lock($5), s.key IS NOT NULL, s.fingerprint,"
    " CASE WHEN s.created_at > $9 THEN s.result END, s.subject, s.concerns::text"
    " FROM (VALUES (1)) AS here LEFT JOIN stored_results s"
    " ON s.client_id = $6 AND s.route = $7 AND s.key = ANY ($8::text[])"
)
_LOOK_FOR_ALL = (
    "ARRAY (SELECT there.key IS NULL AND pg_try_advisory_xact_lock(a.lock)"
    " FROM unnest($5::bigint[], $7::text[], $8::text[], $9::text[])"
    " WITH ORDINALITY AS a (lock, route, digest, bare, place)"
    " LEFT JOIN LATERAL (SELECT s.key FROM stored_results s WHERE s.client_id = $6"
    " AND s.route = a.route AND s.key = ANY (ARRAY[a.digest, a.bare]) LIMIT 1) AS there ON true"
    " ORDER BY a.place)"
)


@cache
def _writer(stored_results: sa.Table) -> RowWriter:
    return RowWriter(
        stored_results,
        "client_id",
        "route",
        "key",
        "fingerprint",
        "result",
        "created_at",
        "subject",
        "concerns",
    )


def in_flight() -> Problem:
    return IDEMPOTENCY_IN_FLIGHT.because("wait_second_and_repeat_it", headers={"Retry-After": "1"})


def answer_gone() -> Problem:
    return ANSWER_GONE.because("was_carried_out_first_time_and_nothing")


def is_repeat(error: IntegrityError) -> bool:
    """Whether a commit failed because the same command had been committed in between."""
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
