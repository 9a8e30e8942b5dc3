"""Reads the parameters of a request: from the query for GET, and also from the body for POST."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import orjson
from common.errors import BAD_REQUEST, UNKNOWN_PARAMETER, UNSUPPORTED_MEDIA_TYPE, FieldError
from common.http.problems import coded, shown_location
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

Q = TypeVar("Q", bound=BaseModel)


async def parameters(
    request: Request, kind: type[Q], *, without: Sequence[str] = (), any_query: bool = False
) -> Q:
    """Return the parameters of a GET request, or those of a POST request from the query and a JSON or form body. A body
    leaves no trace in logs of addresses. `without` names parameters that the route reads itself. `any_query` ignores
    unknown parameters in the address (`AnyQuery`), but not in the body."""
    left = {name for name in request.query_params if any_query and name not in kind.model_fields}
    pairs = request.query_params.multi_items()
    given = _pairs([pair for pair in pairs if pair[0] not in {*without, *left}])
    if request.method == "POST":
        body = await fields_of_body(request)
        given |= {name: value for name, value in body.items() if name not in without}
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise _refused(error, [*kind.model_fields, *without]) from None


def _pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in items:
        if key in found:
            before = found[key]
            found[key] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            found[key] = value
    return found


async def fields_of_body(request: Request) -> dict[str, Any]:
    """Return the fields of a JSON object or a form."""
    body = await request.body()
    if not body.strip():
        return {}
    kind = request.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return _pairs([(k, v) for k, v in (await request.form()).multi_items()])
    if kind != "application/json":
        raise UNSUPPORTED_MEDIA_TYPE.because("send_parameters_as_json_object")
    try:
        found = orjson.loads(body)
    except ValueError as error:
        raise BAD_REQUEST.because("body_is_not_json_because", error) from None
    if not isinstance(found, dict):
        raise BAD_REQUEST.because("body_must_be_json_object_of_parameters")
    return {key: value for key, value in found.items() if value is not None}


def _refused(error: ValidationError, known: Iterable[str]) -> Exception:
    errors: list[FieldError] = []
    for item in error.errors(include_url=False, include_input=False, include_context=True):
        where = "/" + "/".join(str(part) for part in shown_location(item)[:1])
        detail = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            detail = f"no such parameter; known: {', '.join(sorted(known))}"
        errors.append(FieldError(where, detail, item["type"], said=coded(item)))
    first = errors[0]
    return UNKNOWN_PARAMETER.saying(
        f"{first.pointer[1:] or 'A parameter'}: {first.detail}", errors=errors
    )
