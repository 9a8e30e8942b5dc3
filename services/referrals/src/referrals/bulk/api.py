"""HTTP of batches."""

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any

import orjson
from common.auth.principal import Principal
from common.database import retrying
from common.errors import INVALID
from common.web import InParts, SharedWork, Strict, context_of, router
from pydantic import BaseModel, Field
from starlette.requests import Request

from referrals.bulk.inner import call
from referrals.bulk.references import UnknownReference, is_allowed, resolve
from referrals.dependencies import Writer

bulk = router("/referrals/v1/bulk", ["bulk"])
MOST, MOST_TOGETHER = 100, 10


class OnlyIf(Strict):
    """What an earlier command must have answered, for this one to be carried out."""

    key: str = Field(max_length=60, description="That of the earlier command.")
    status: str = Field(
        max_length=40, description="The `status` in its answer.", examples=["active"]
    )


class BulkCommand(Strict):
    """`key` is the command's own Idempotency-Key; later commands may use `${key.id}`."""

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


class _Refused(Exception):
    """Ends a transaction in which a command was refused. `results`: of all commands."""

    def __init__(self, results: list[BulkResult]) -> None:
        self.results = results


@bulk.post("", dependencies=[InParts])
async def run_batch(batch: Batch, request: Request, caller: Writer) -> BatchResult:
    """Run POST commands in order, each for itself: a failed one does not undo the others, unless they are
    sent to be done `together`.

    Repeating a batch is safe: each command answers as it did the first time.
    """
    if not batch.together:
        return BatchResult(results=[one async for one in _each(batch, request, {})])
    if len(batch.commands) > MOST_TOGETHER:
        raise INVALID.because(
            f"At most {MOST_TOGETHER} commands are done together.", pointer="/commands"
        )

    async def whole() -> list[BulkResult]:
        return await _together(batch, request, caller)

    try:
        return BatchResult(results=await retrying(whole))
    except _Refused as refused:
        return BatchResult(results=refused.results)


async def _together(batch: Batch, request: Request, caller: Principal) -> list[BulkResult]:
    async with context_of(request).database.transaction(caller) as session:
        work = SharedWork(session)
        results = []
        async for one in _each(batch, request, work.scope):
            if work.given_up is not None:
                raise work.given_up
            results.append(one)
            if one.status >= 300:
                raise _Refused([_undone(each.key, one) for each in batch.commands])
        return results


def _undone(key: str, refused: BulkResult) -> BulkResult:
    if key == refused.key:
        return refused
    said = f"Nothing was done: '{refused.key}' was refused."
    return BulkResult(key=key, status=424, body={"code": "failed_dependency", "detail": said})


async def _each(
    batch: Batch, request: Request, beside: Mapping[str, Any]
) -> AsyncIterator[BulkResult]:
    made: dict[str, dict[str, Any]] = {}
    for command in batch.commands:
        wanted = command.only_if
        if wanted is not None and made.get(wanted.key, {}).get("status") != wanted.status:
            yield BulkResult(key=command.key, status=204, body=None)
            continue
        status, body = await _run(request, command, made, beside)
        if status < 300 and isinstance(body, dict):
            made[command.key] = body
        yield BulkResult(key=command.key, status=status, body=body)


async def _run(
    request: Request,
    command: BulkCommand,
    made: dict[str, dict[str, Any]],
    beside: Mapping[str, Any],
) -> tuple[int, Any]:
    try:
        path, body = resolve(command.path, made), resolve(command.body, made)
    except UnknownReference as error:
        return 424, {"code": "failed_dependency", "detail": f"'{error}' made nothing to refer to."}
    if not is_allowed(path):
        return 404, {
            "code": "not_found",
            "detail": "A batch takes commands of cases, consents, "
            "exceptions, referrals, transfers, tasks and screenings.",
        }
    headers = {"idempotency-key": command.key}
    return await call(request.app, dict(request.scope), path, orjson.dumps(body), headers, beside)
