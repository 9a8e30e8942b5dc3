"""FHIR facade responses; fhir.resources validates each response before it is sent."""

from typing import Annotated, Any

import orjson
from common.errors import NOT_ACCEPTABLE
from common.http import requires_fhir
from fastapi import Query, Response
from pydantic import BaseModel
from starlette.requests import Request

from referrals.ground.vocabulary.case_roles import CASE_ROLES
from referrals.settings import Settings

PREFIX = "/referrals/v1/fhir"
MEDIA_TYPE = "application/fhir+json"
_JSON = frozenset(
    {"*/*", "application/*", "application/json", MEDIA_TYPE, "application/problem+json", "json"}
)
# FHIR clients send this parameter with every read, but we support only one format.
AnyFormat = Annotated[str | None, Query(alias="_format", max_length=60, include_in_schema=False)]


def reads(kind: str, letter: str = "r") -> Any:
    """Return the access rule for reading (`r`) or searching (`s`) this kind of resource."""
    return requires_fhir("referrals:read", CASE_ROLES, kind, letter)


def writes(kind: str, letters: str = "c") -> Any:
    """Return the access rule for creating (`c`) or updating (`u`) this kind of resource."""
    return requires_fhir("referrals:write", CASE_ROLES, kind, letters)


async def offers(request: Request) -> None:
    """Raise 406 unless the client accepts JSON. `_format` overrides `Accept` (R4 §3.1.0.1.11)."""
    asked = request.query_params.get("_format") or request.headers.get("accept") or "*/*"
    if not _JSON & {each.partition(";")[0].strip().lower() for each in asked.split(",")}:
        raise NOT_ACCEPTABLE.because("only_this_format_is_offered", MEDIA_TYPE)


def base_of(settings: Settings) -> str:
    """Return the public URL of the facade, the base of relative references."""
    return f"{settings.public_url.rstrip('/')}{PREFIX}"


def answer(
    kind: type[BaseModel],
    resource: dict[str, Any],
    version: int | None = None,
    location: str | None = None,
) -> Response:
    checked = kind.model_validate(orjson.loads(as_json(resource)))
    headers = {"ETag": etag(version)} if version is not None else {}
    if location is not None:
        headers["Location"] = location
    return Response(
        checked.model_dump_json(exclude_none=True, by_alias=True),
        201 if location else 200,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def as_json(resource: dict[str, Any]) -> bytes:
    return orjson.dumps(resource, default=str, option=orjson.OPT_UTC_Z)


def etag(version: int) -> str:
    return f'W/"{version}"'
