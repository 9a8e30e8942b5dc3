"""HTTP routes for the FHIR facade: its capabilities, its searches, and its read-only resources."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from common import clock
from common.auth import Principal
from common.errors import BAD_REQUEST, UNSUPPORTED_MEDIA_TYPE
from common.http import (
    OwnQuery,
    Reading,
    Session,
    answered_as,
    check_fhir,
    open_to_all,
    router,
)
from common.process.lazily import lazily
from fastapi import Depends, Response
from starlette.requests import Request

from referrals.case.consents import queries as consents
from referrals.case.consents.decision_service import shown_status
from referrals.errors import SEARCH_NOT_UNDERSTOOD
from referrals.ground.dependencies import ServiceSettingsOf
from referrals.ground.directory.queries import is_choosable
from referrals.referral.fhir import queries as searching
from referrals.referral.fhir import statements
from referrals.referral.fhir.mapping import (
    consent,
    healthcare_service,
    named_by,
    organization,
    patient,
    service_request,
    task,
)
from referrals.referral.fhir.parameters import (
    KINDS,
    Kind,
    NotAsked,
    Search,
    of_form,
    prefers_lenient,
    read,
)
from referrals.referral.fhir.parameters import described as parameters_of
from referrals.referral.fhir.replies import (
    MEDIA_TYPE,
    PREFIX,
    AnyFormat,
    answer,
    base_of,
    offers,
    reads,
)
from referrals.referral.referrals import queries
from referrals.referral.referrals.shared_content import granted_now
from referrals.settings import Settings

if TYPE_CHECKING:
    from referrals.referral.fhir import resources
else:
    resources = lazily("referrals.referral.fhir.resources")

fhir_search = router(PREFIX, ["fhir"])
fhir_search.dependencies.append(Depends(offers))
FORM = "application/x-www-form-urlencoded"
_PREFER = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "`handling=lenient`: parameters that are not known are ignored, and told.",
    "schema": {"type": "string", "maxLength": 200},
}
Anyone = Annotated[Principal, open_to_all()]


@fhir_search.get("/metadata", **answered_as(MEDIA_TYPE))
async def read_capabilities(
    _anyone: Anyone, settings: ServiceSettingsOf, _format: AnyFormat = None
) -> Response:
    """What this facade can do."""
    statement = statements.capability_statement(
        base_of(settings), version("ruta-referrals"), clock.today()
    )
    return answer(resources.CapabilityStatement, statement)


def _searches(name: str) -> dict[str, Any]:
    """Return a search's route options. A search parses its own query, so OpenAPI needs these parameters."""
    parameters = [_PREFER, *parameters_of(KINDS[name])]
    return {
        **answered_as(MEDIA_TYPE),
        "openapi_extra": {"parameters": parameters},
        "dependencies": [OwnQuery],
    }


def _searches_by_form(name: str) -> dict[str, Any]:
    """Return the route options for a search by POST (R4 §3.1.1.1), with the parameters in a form."""
    said = {
        each["name"]: {**each["schema"], "description": each["description"]}
        for each in parameters_of(KINDS[name])
    }
    schema = {"type": "object", "properties": said}
    body = {"required": False, "content": {FORM: {"schema": schema}}}
    return {
        **answered_as(MEDIA_TYPE),
        "dependencies": [Reading, OwnQuery],
        "openapi_extra": {"parameters": [_PREFER], "requestBody": body},
    }


# Each search's operation name and description.
_SEARCHES = {
    "Task": (
        "search_tasks",
        "Referrals of both sides: what is addressed to you, and what you refer, drafts included.",
    ),
    "ServiceRequest": ("search_service_requests", "What the Tasks are to fulfil."),
    "Consent": ("search_consents", "The decisions that your organisation recorded."),
    "Patient": (
        "search_patients",
        "Case codes: your organisation's cases, and those of referrals that concern you.",
    ),
    "Organization": (
        "search_organizations",
        "Whose services the directory shows you, and who takes part in your referrals.",
    ),
    "HealthcareService": (
        "search_healthcare_services",
        "The services that the directory shows you.",
    ),
}


def _endpoint(kind: str) -> Callable[..., Awaitable[Response]]:
    async def search(
        request: Request,
        session: Session,
        caller: Annotated[Principal, reads(kind, "s")],
        settings: ServiceSettingsOf,
    ) -> Response:
        return await _searched(kind, request, session, caller, settings)

    search.__name__, search.__doc__ = _SEARCHES[kind]
    return search


for _kind in _SEARCHES:
    _search = _endpoint(_kind)
    fhir_search.get(f"/{_kind}", **_searches(_kind))(_search)
    fhir_search.post(f"/{_kind}/_search", **_searches_by_form(_kind))(_search)


async def _searched(
    name: str, request: Request, session: Session, caller: Principal, settings: Settings
) -> Response:
    kind, now, base = KINDS[name], clock.now(), base_of(settings)
    lenient = prefers_lenient(request.headers.get("prefer"))
    try:
        search = read(kind, await _asked(request), lenient=lenient)
    except NotAsked as error:
        raise SEARCH_NOT_UNDERSTOOD.saying(
            f"{error.name}: {error}", pointer=f"/query/{error.name}"
        ) from error
    found = await searching.find(session, caller, kind, search, now)
    matches = await resources_of(name, session, caller, found.rows, now)
    bundle = statements.searchset(
        base,
        kind,
        search,
        matches=matches,
        included=await _included(session, caller, kind, search, matches),
        total=found.total,
        following=found.following,
    )
    reply = answer(resources.Bundle, bundle)
    if lenient:
        reply.headers["Preference-Applied"] = "handling=lenient"
    return reply


async def _asked(request: Request) -> list[tuple[str, str]]:
    """Return the parameters of the query and, for a POST, also of the form."""
    asked = request.query_params.multi_items()
    body = await request.body()
    if request.method != "POST" or not body:
        return asked
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise UNSUPPORTED_MEDIA_TYPE.because("search_is_sent_as", FORM)
    try:
        return asked + of_form(body)
    except ValueError as error:
        raise BAD_REQUEST.because("form_cannot_be_read") from error


async def _included(
    session: Session,
    caller: Principal,
    kind: Kind,
    search: Search,
    matches: Sequence[dict[str, Any]],
) -> list[dict[str, Any]]:
    """Return, once each, the resources that the matches reference and the caller may read."""
    now, wanted = clock.now(), dict[str, dict[UUID, None]]()
    for name in sorted(search.includes):
        for match in matches:
            for target, identifier in named_by(kind.name, name, match):
                wanted.setdefault(target, {})[UUID(identifier)] = None
    found: list[dict[str, Any]] = []
    for target, ids in wanted.items():
        check_fhir(caller, target, "r")
        rows = await searching.those(session, caller, KINDS[target], list(ids), now)
        found += await resources_of(target, session, caller, rows, now)
    return found


async def resources_of(
    name: str, session: Session, caller: Principal, rows: Sequence[Any], now: datetime
) -> list[dict[str, Any]]:
    if name not in _OF_REFERRALS:
        return [_resource_of(name, row, now) for row in rows]
    granted = await granted_now(session, caller, rows)
    made = _OF_REFERRALS[name]
    return [made(queries.seen_by(caller, row, granted.get(row.id))) for row in rows]


_OF_REFERRALS = {"Task": task, "ServiceRequest": service_request}


def _resource_of(name: str, row: Any, now: datetime) -> dict[str, Any]:
    match name:
        case "Consent":
            return consent(row, shown_status(row), consents.changed_at(row))
        case "Patient":
            return patient(row)
        case "Organization":
            return organization(row)
    return healthcare_service(row, choosable=is_choosable(row, now))


@fhir_search.get("/Patient/{case_id}", **answered_as(MEDIA_TYPE))
async def read_patient(
    case_id: UUID,
    session: Session,
    caller: Annotated[Principal, reads("Patient")],
    _format: AnyFormat = None,
) -> Response:
    """A case code, and nothing of the person."""
    row = await searching.one(session, caller, KINDS["Patient"], case_id, clock.now())
    return answer(resources.Patient, patient(row))


@fhir_search.get("/Organization/{organisation_id}", **answered_as(MEDIA_TYPE))
async def read_organization(
    organisation_id: UUID,
    session: Session,
    caller: Annotated[Principal, reads("Organization")],
    _format: AnyFormat = None,
) -> Response:
    """An organisation as its id. The directory has its name."""
    row = await searching.one(session, caller, KINDS["Organization"], organisation_id, clock.now())
    return answer(resources.Organization, organization(row))


@fhir_search.get("/HealthcareService/{service_id}", **answered_as(MEDIA_TYPE))
async def read_healthcare_service(
    service_id: UUID,
    session: Session,
    caller: Annotated[Principal, reads("HealthcareService")],
    _format: AnyFormat = None,
) -> Response:
    """A service of the directory: its categories, its areas, and whether it takes referrals."""
    now = clock.now()
    row = await searching.one(session, caller, KINDS["HealthcareService"], service_id, now)
    return answer(
        resources.HealthcareService, healthcare_service(row, choosable=is_choosable(row, now))
    )
