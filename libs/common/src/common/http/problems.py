"""Turns exceptions into problem details: 4xx for the caller's errors, 503 for unavailable dependencies."""

import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

import asyncpg
import orjson
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from common import errors
from common.db import errors as database_errors
from common.db.key_checks import WrongKeys
from common.errors import FieldError, Problem, ProblemType
from common.process.logs import get_logger
from common.words.details import Detail, WrongValue

_log = get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
# Responses that every operation may return besides its own. The front's description of all services describes them by
# status.
DESCRIBED: dict[str, Any] = {
    "description": "A problem detail (RFC 9457); `code` is stable.",
    "content": {
        MEDIA_TYPE: {
            "schema": {
                "type": "object",
                "required": ["type", "title", "status", "code", "detail"],
                "properties": {
                    "type": {"type": "string"},
                    "title": {"type": "string"},
                    "status": {"type": "integer", "minimum": 400, "maximum": 599},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            }
        }
    },
}
_FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,59}")
_LIMITS = ("ge", "gt", "le", "lt", "min_length", "max_length", "multiple_of", "expected")
_RETRY = {"Retry-After": "2"}
_BY_STATUS = {
    400: errors.BAD_REQUEST,
    401: errors.UNAUTHENTICATED,
    403: errors.FORBIDDEN,
    404: errors.NOT_FOUND,
    405: errors.METHOD_NOT_ALLOWED,
    413: errors.TOO_LARGE,
    406: errors.NOT_ACCEPTABLE,
    415: errors.UNSUPPORTED_MEDIA_TYPE,
    422: errors.INVALID,
}
# PostgreSQL error classes (first two characters) and codes: appendix A of its manual.
_UNAVAILABLE_CLASSES = ("08", "53", "57", "58")
_RETRIABLE = ("40001", "40P01", "55P03")


# For the operator: shown in the log and at `/readyz`, which clients cannot reach.
WITHOUT_KEYS = errors.UNAVAILABLE.because(
    "service_has_not_got_keys",
    headers={"Retry-After": "30"},
)


def problem_response(problem: Problem) -> Response:
    return Response(
        orjson.dumps(problem.body(), default=str),
        status_code=problem.kind.status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **problem.headers},
    )


def install(app: FastAPI) -> None:
    """Make `app` respond to every failure with a problem detail."""

    async def problem(_request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)  # noqa: S101 - registered for this class only
        return problem_response(error)

    async def invalid(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
        return problem_response(from_validation(error.errors()))

    async def http(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - as above
        return problem_response(from_http(error))

    async def database(_request: Request, error: Exception) -> Response:
        return problem_response(from_database(error))

    async def keys(_request: Request, error: Exception) -> Response:
        _log.critical("wrong_keys", reason=str(error))
        return problem_response(WITHOUT_KEYS)

    async def internal(_request: Request, error: Exception) -> Response:
        _log.error("unhandled_error", exc_info=error)
        return problem_response(errors.INTERNAL.because("error_was_logged"))

    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(WrongKeys, keys)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    for kind in (
        # the whole hierarchy, because a broken connection also raises PendingRollbackError and others
        sa.exc.SQLAlchemyError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        ConnectionError,
        TimeoutError,
    ):
        app.add_exception_handler(kind, database)
    app.add_exception_handler(RecursionError, _too_deep)
    app.add_exception_handler(Exception, internal)


async def _too_deep(_request: Request, _error: Exception) -> Response:
    return problem_response(errors.INVALID.because("body_is_nested_too_deep", pointer=""))


def from_validation(found: Sequence[Mapping[str, Any]]) -> Problem:
    """Convert pydantic's errors to pointers. Messages never repeat the value, which may be a person's name."""
    items = [
        FieldError(pointer(shown_location(e)), _message(e), str(e["type"]), _limits(e), coded(e))
        for e in found[: errors.MOST_ERRORS]
    ]
    head = items[0] if items else FieldError("", "not valid")
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    if any(e["type"] == "json_invalid" for e in found):
        return errors.BAD_REQUEST.because("body_is_not_valid_json", errors=items)
    return errors.INVALID.saying(f"{head.pointer or 'The body'}: {head.detail}{more}", errors=items)


def pointer(location: Sequence[Any]) -> str:
    """Return a JSON pointer into the body, or `/query/name`, `/header/name`, `/path/name` for parameters."""
    parts = [str(p) for p in location]
    if parts and parts[0] == "body":
        parts = parts[1:]
    return "".join("/" + p.replace("~", "~0").replace("/", "~1") for p in parts)


def shown_location(error: Mapping[str, Any]) -> Sequence[Any]:
    """Return only the parts of the error's location that look like field names. A careless client may put personal data
    into other keys."""
    location: Sequence[Any] = error["loc"]
    return list(takewhile(is_name, location))


def is_name(part: Any) -> bool:
    """Return whether a part is a list index or looks like a field name."""
    return isinstance(part, int) or _FIELD_NAME.fullmatch(str(part)) is not None


def _limits(error: Mapping[str, Any]) -> dict[str, int | float | str]:
    """Return the limits in pydantic's error context, but never a value from the request."""
    beside = error.get("ctx") or {}
    return {
        name: beside[name] for name in _LIMITS if isinstance(beside.get(name), int | float | str)
    }


def coded(error: Mapping[str, Any]) -> Detail | None:
    """Return the row of `details.csv` that one of our validators named in the error."""
    raised = (error.get("ctx") or {}).get("error")
    return raised.said if isinstance(raised, WrongValue) else None


def _message(error: Mapping[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return "this field is not known here; remove it"
    if (
        error["type"] == "union_tag_invalid"
    ):  # pydantic's own message contains the tag from the request
        known = ", ".join(re.findall(r"'([^']+)'", str(error["ctx"]["expected_tags"])))
        return f"{error['ctx']['discriminator']} must be one of {known}"
    return str(error["msg"]).removeprefix("Value error, ")


def from_http(error: HTTPException) -> Problem:
    kind = _BY_STATUS.get(error.status_code) or ProblemType(
        f"http_{error.status_code}", error.status_code, "Not possible"
    )
    headers = dict(error.headers or {})
    if error.status_code == 404 and error.detail == "Not Found":
        return kind.because("no_such_path_api_description", headers=headers)
    return kind.saying(str(error.detail), headers=headers)


def from_database(error: Exception) -> Problem:
    """Return 503 if the database is unavailable, and 4xx if it rejected the caller's data."""
    chain, state = database_errors.chain(error), database_errors.sqlstate(error)
    if database_errors.is_out_of_range(error):
        return errors.INVALID.because("value_is_outside_what_can_be_stored")
    if state in _RETRIABLE:
        return errors.UNAVAILABLE.because("too_many_changes_at_once_nothing", headers=_RETRY)
    if state.startswith("23"):
        _log.warning("constraint_refused", exc_info=error, sqlstate=state)
        return errors.CONFLICT.because("it_conflicts_with_something_that_is_already")
    if state[:2] in _UNAVAILABLE_CLASSES or (not state and _is_absence(chain)):
        _log.warning("database_unavailable", exc_info=error, sqlstate=state)
        return errors.UNAVAILABLE.because("database_is_not_available", headers=_RETRY)
    _log.error("unhandled_error", exc_info=error, sqlstate=state)
    return errors.INTERNAL.because("error_was_logged")


def _is_absence(chain: Sequence[Any]) -> bool:
    """Return whether an error without SQLSTATE means a broken connection. The driver's InternalError does too: a server
    killed during a prepare leaves the protocol in a state that the driver considers impossible."""
    absence = (
        OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError,
        OperationalError, InterfaceError, sa.exc.InternalError, PoolTimeout,
        sa.exc.PendingRollbackError,
    )  # fmt: skip
    return any(isinstance(e, absence) for e in chain)
