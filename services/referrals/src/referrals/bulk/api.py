"""HTTP of batches."""

from typing import Annotated, Any

import orjson
from common.web import InParts, Strict, router
from pydantic import BaseModel, Field
from starlette.requests import Request

from referrals.bulk.inner import call
from referrals.bulk.references import UnknownReference, is_allowed, resolve
from referrals.dependencies import Writer

bulk = router("/referrals/v1/bulk", ["bulk"])
MOST = 100


class BulkCommand(Strict):
    """`key` is the command's own Idempotency-Key; later commands may use `${key.id}`."""

    key: str = Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_-]+$")
    path: str = Field(max_length=300, examples=["/referrals/v1/referrals/${r1.id}/send"])
    body: dict[str, Any] = Field(default_factory=dict)


class Batch(Strict):
    commands: Annotated[list[BulkCommand], Field(min_length=1, max_length=MOST)]


class BulkResult(BaseModel):
    key: str
    status: int
    body: Any


class BatchResult(BaseModel):
    results: list[BulkResult]


@bulk.post("", dependencies=[InParts])
async def run_batch(batch: Batch, request: Request, _caller: Writer) -> BatchResult:
    """Run POST commands in order, each for itself: a failed one does not undo the others.

    Repeating a batch is safe: each command answers as it did the first time.
    """
    made: dict[str, dict[str, Any]] = {}
    results = []
    for command in batch.commands:
        status, body = await _run(request, command, made)
        if status < 300 and isinstance(body, dict):
            made[command.key] = body
        results.append(BulkResult(key=command.key, status=status, body=body))
    return BatchResult(results=results)


async def _run(
    request: Request, command: BulkCommand, made: dict[str, dict[str, Any]]
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
    return await call(
        request.app, dict(request.scope), path, orjson.dumps(body), {"idempotency-key": command.key}
    )
