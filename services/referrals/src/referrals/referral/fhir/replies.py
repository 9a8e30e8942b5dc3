"""Responses of the FHIR facade; fhir.resources validates each before it leaves."""

from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import Query, Response
from pydantic import BaseModel

from referrals.settings import Settings

PREFIX = "/referrals/v1/fhir"
MEDIA_TYPE = "application/fhir+json"
# FHIR clients send this parameter with every read; we support one format only.
AnyFormat = Annotated[str | None, Query(alias="_format", max_length=60, include_in_schema=False)]


def base_of(settings: Settings) -> str:
    """Return the public address of the facade, to which references are relative."""
    return f"{settings.public_url.rstrip('/')}{PREFIX}"


def answer(
    kind: type[BaseModel],
    resource: dict[str, Any],
    version: int | None = None,
    location: str | None = None,
) -> Response:
    content = orjson.loads(orjson.dumps(resource, default=_instant))
    checked = kind.model_validate(content)
    headers = {"ETag": etag(version)} if version is not None else {}
    if location is not None:
        headers["Location"] = location
    return Response(
        checked.model_dump_json(exclude_none=True, by_alias=True),
        201 if location else 200,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def etag(version: int) -> str:
    return f'W/"{version}"'


def _instant(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
