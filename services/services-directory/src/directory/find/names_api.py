"""Names of services and organisations by id, in one request, for lists that contain ids. An entry that the caller may
not see is left out, as if it did not exist."""

from typing import Annotated
from uuid import UUID

import orjson
from common.auth import Principal
from common.http import Session, open_to_all, router
from common.sight import audience_of
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from directory.find.search import queries
from directory.ground.reading.answers import answer, audit, language_of, search_route
from directory.ground.reading.parameters import Many
from directory.ground.reading.request_parameters import parameters
from directory.record.organizations.queries import names_of as names_of_organizations

routes = router("/directory/v1", ["HSDS"])
Anyone = Annotated[Principal, open_to_all()]
_AT_ONCE = 200


class NamesQuery(BaseModel):
    """Ids separated by commas, or as a repeated parameter. Ids that the caller may not see are left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    service_id: Annotated[list[UUID], Many] = Field(default_factory=list, max_length=_AT_ONCE)
    organization_id: Annotated[list[UUID], Many] = Field(default_factory=list, max_length=_AT_ONCE)


_NAMED = {
    "type": "object",
    "required": ["services", "organizations"],
    "properties": {
        "services": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "name", "organization_id", "organization_name"],
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "name": {"type": "string"},
                    "organization_id": {"type": ["string", "null"], "format": "uuid"},
                    "organization_name": {"type": ["string", "null"]},
                },
            },
        },
        "organizations": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "name"],
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "name": {"type": "string"},
                },
            },
        },
    },
}


@search_route(routes, "/names", NamesQuery, summary="Names by id", schema=_NAMED)
async def names(request: Request, session: Session, caller: Anyone) -> Response:
    """The names of services and organisations by id, in one call. Ids that you may not see are missing."""
    query = await parameters(request, NamesQuery)
    audience = audience_of(caller)
    found = await queries.names_of(session, query.service_id, audience, language_of(request))
    await audit(session, caller, request, found)
    organizations = await names_of_organizations(session, query.organization_id, audience)
    body = {
        "services": [
            {
                "id": row["service_id"],
                "name": row["name"],
                # If the organisation is hidden, its id is hidden too.
                "organization_id": row["shown_organization_id"],
                "organization_name": row["organization_name"],
            }
            for row in found
        ],
        "organizations": [
            {"id": row["organization_id"], "name": row["name"]} for row in organizations
        ],
    }
    return answer(
        request, orjson.dumps(body, default=str)
    )  # orjson cannot serialise the driver's own UUIDs
