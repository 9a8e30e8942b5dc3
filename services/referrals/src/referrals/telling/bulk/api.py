"""HTTP routes of batches."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import orjson
from common.auth.principal import Principal
from common.db.session import retrying
from common.errors import INVALID
from common.http import InParts, Strict, context_of, inner, router
from common.http.routing import GIVEN_UP, OUTER
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from referrals.ground.dependencies import Writer

bulk = router("/referrals/v1/bulk", ["bulk"])
MOST, MOST_TOGETHER = 100, 30


class OnlyIf(Strict):
    """The response status that an earlier command must have; otherwise this command does not run."""

    key: str = Field(max_length=60, description="That of the earlier command.")
    status: str = Field(
        max_length=40, description="The `status` in its answer.", examples=["active"]
    )


class BulkCommand(Strict):
    """A command in a batch. `key` is the command's own Idempotency-Key; later commands may use `${key.id}`."""

    key: str = Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_-]+$")
    path: str = Field(max_length=300, examples=["/referrals/v1/referrals/${r1.id}/send"])
    body: dict[str, Any] = Field(default_factory=dict)
    only_if: OnlyIf | None = Field(
        None,
        description="Else it is passed over, with 204: a consent that somebody has yet to decide is no "
        "failure, and nothing is sent under it.",
    )


class Batch(Strict):
    commands: Annotated[list[BulkCommand], Field(min_length=1, max_length=MOST)]
    together: bool = Field(
        False,
        description=f"All of them or none, at most {MOST_TOGETHER}: the first that is refused undoes those "
        "before it, which then answer 424, as do those behind it.",
    )


class BulkResult(BaseModel):
    key: str
    status: int
    body: Any


class BatchResult(BaseModel):
    results: list[BulkResult]


@dataclass(frozen=True)
class _Done:
    """A command's response; `body` is the JSON that the command itself wrote."""

    key: str
    status: int
    body: bytes


class _Refused(Exception):
    """Aborts a transaction after a refused command. `results` contains the responses to all commands."""

    def __init__(self, results: list[_Done]) -> None:
        self.results = results


@bulk.post("", dependencies=[InParts], response_model=BatchResult)
async def run_batch(batch: Batch, request: Request, caller: Writer) -> Response:
    """Run POST commands in order. A failed command does not undo the others, unless you send them to be done
    `together`.

    Repeating a batch is safe: each command returns its first answer.
    """
    if not batch.together:
        return _answer([one async for one in _each(batch, request, {}, {})])
    if len(batch.commands) > MOST_TOGETHER:
        raise INVALID.because(
            "at_most_commands_are_done_together", MOST_TOGETHER, pointer="/commands"
        )

    try:
        return _answer(await retrying(partial(_together, batch, request, caller)))
    except _Refused as refused:
        return _answer(refused.results)


def _answer(results: Sequence[_Done]) -> Response:
    """Return a `BatchResult` without validating again, because each command validated its own response."""
    written = orjson.dumps(
        {
            "results": [
                {"key": one.key, "status": one.status, "body": orjson.Fragment(one.body or b"null")}
                for one in results
            ]
        }
    )
    return Response(written, media_type="application/json")


async def _together(batch: Batch, request: Request, caller: Principal) -> list[_Done]:
    """Run each command in a savepoint of one transaction; the first refusal rolls back all commands."""
    results: list[_Done] = []
    async with context_of(request).database.transaction(caller) as session:
        async for one in _each(batch, request, {OUTER: session}, {}):
            if GIVEN_UP in session.info:
                raise session.info[GIVEN_UP]
            results.append(one)
            if one.status >= 300:
                raise _Refused([_undone(each.key, one) for each in batch.commands])
    return results


def _undone(key: str, refused: _Done) -> _Done:
    if key == refused.key:
        return refused
    return _depending(key, f"Nothing was done: '{refused.key}' was refused.")


def _depending(key: str, said: str) -> _Done:
    return _Done(key, 424, orjson.dumps({"code": "failed_dependency", "detail": said}))


async def _each(
    batch: Batch, request: Request, beside: Mapping[str, Any], made: dict[str, dict[str, Any]]
) -> AsyncIterator[_Done]:
    """Run the commands in order, and store each response in `made` for later references."""
    for command in batch.commands:
        wanted = command.only_if
        if wanted is not None and made.get(wanted.key, {}).get("status") != wanted.status:
            yield _Done(command.key, 204, b"")
            continue
        done = await _run(request, command, made, beside)
        if done.status < 300 and done.body:
            said = orjson.loads(done.body)
            if isinstance(said, dict):
                made[command.key] = said
        yield done


async def _run(
    request: Request,
    command: BulkCommand,
    made: Mapping[str, dict[str, Any]],
    beside: Mapping[str, Any],
) -> _Done:
    try:
        path, body = resolve(command.path, made), resolve(command.body, made)
    except UnknownReference as error:
        return _depending(command.key, f"'{error}' made nothing to refer to.")
    if not is_allowed(path):
        said = "A batch takes commands of cases, consents, exceptions, referrals, transfers, tasks and screenings."
        return _Done(command.key, 404, orjson.dumps({"code": "not_found", "detail": said}))
    status, answered = await inner.post(request, path, orjson.dumps(body), command.key, beside)
    return _Done(command.key, status, answered)


# Commands allowed in a batch. Reads and administration have their own endpoints.
_ALLOWED = re.compile(
    r"/referrals/v1/(cases|consents|exceptions|referrals|transfers|tasks|screenings)(/[A-Za-z0-9-]+){0,4}"
)
_REFERENCE = re.compile(r"\$\{([A-Za-z0-9_-]{1,60})\.(id|version)\}")


class UnknownReference(Exception):
    """A reference to a command that failed or does not precede this one."""


def is_allowed(path: str) -> bool:
    return bool(_ALLOWED.fullmatch(path)) and not path.endswith("/search")


def resolve(value: Any, made: Mapping[str, dict[str, Any]]) -> Any:
    """Return `value` with every reference replaced; raise UnknownReference for an invalid one."""
    if isinstance(value, str):
        return _REFERENCE.sub(lambda match: _one(match, made), value)
    if isinstance(value, list):
        return [resolve(item, made) for item in value]
    if isinstance(value, dict):
        return {key: resolve(item, made) for key, item in value.items()}
    return value


def _one(match: "re.Match[str]", made: Mapping[str, dict[str, Any]]) -> str:
    key, name = match.groups()
    found = made.get(key, {}).get(name)
    if found is None:
        raise UnknownReference(key)
    return str(found)
