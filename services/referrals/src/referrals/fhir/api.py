"""HTTP of the FHIR facade. Every answer is checked by fhir.resources before it leaves."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import orjson
from common import clock
from common.auth import Principal
from common.errors import BAD_REQUEST, INVALID, FieldError
from common.paging import CursorText, Limit
from common.referral_states import ReferralState
from common.web import (
    IdempotencyRequired,
    IfMatch,
    Session,
    answered_as,
    check_if_match,
    open_to_all,
    router,
)
from common.web.problems import pointer
from fastapi import Query, Response
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.consent import Consent
from fhir.resources.R4B.servicerequest import ServiceRequest
from fhir.resources.R4B.task import Task
from pydantic import AfterValidator, BaseModel, ValidationError
from starlette.requests import Request

from referrals.consents import queries as consents
from referrals.consents import service as consent_service
from referrals.consents.schemas import NewConsent
from referrals.dependencies import CaseReader, Keys, Writer
from referrals.fhir.mapping import (
    STATUS,
    WITHDRAWAL_CODE,
    CannotMap,
    command_of,
    consent,
    decision_of,
    draft_of,
    extension,
    service_request,
    task,
)
from referrals.referrals import list_queries, queries, schemas, sending, service, withdrawal
from referrals.referrals.lifecycle import Command
from referrals.referrals.models import Referral

fhir = router("/referrals/v1/fhir", ["fhir"])
MEDIA_TYPE = "application/fhir+json"
Anyone = Annotated[Principal, open_to_all()]
# FHIR clients say it with every read; there is one form only.
AnyFormat = Annotated[str | None, Query(alias="_format", max_length=60, include_in_schema=False)]


def _known_statuses(text: str) -> str:
    known = sorted(set(STATUS.values()))
    for code in text.split(","):
        if code not in known:
            raise ValueError(f"not a status of a Task here; known: {', '.join(known)}")
    return text


TaskStatuses = Annotated[
    str,
    Query(max_length=200, description="One status, or several with commas between them."),
    AfterValidator(_known_statuses),
]
_BODIES: dict[Command, type[Any]] = {
    **schemas.STEPS,
    Command.SEND: schemas.Send,
    Command.WITHDRAW: schemas.Withdraw,
}


@fhir.get("/metadata", **answered_as(MEDIA_TYPE))
async def read_capabilities(_anyone: Anyone) -> Response:
    """What this facade can do."""
    return _answer(
        CapabilityStatement,
        {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": clock.now().date(),
            "kind": "instance",
            "fhirVersion": "4.0.1",
            "format": ["json"],
            "implementation": {"description": "Ruta referrals"},
            "rest": [
                {
                    "mode": "server",
                    "resource": [
                        {
                            "type": "Task",
                            "versioning": "versioned",
                            "interaction": [
                                {"code": "read"},
                                {"code": "update"},
                                {"code": "search-type"},
                            ],
                        },
                        *(
                            {"type": kind, "interaction": [{"code": "read"}, {"code": "create"}]}
                            for kind in ("ServiceRequest", "Consent")
                        ),
                    ],
                }
            ],
        },
    )


@fhir.get("/Task", **answered_as(MEDIA_TYPE))
async def search_tasks(
    session: Session,
    caller: CaseReader,
    status: TaskStatuses | None = None,
    cursor: CursorText = None,
    count: Annotated[Limit, Query(alias="_count")] = 50,
    _format: AnyFormat = None,
) -> Response:
    """The recipient's queue as a searchset."""
    asked = status.split(",") if status else []
    states = [state.value for state, code in STATUS.items() if code in asked]
    wanted = list_queries.Wanted(states=states, cursor=cursor, limit=count)
    rows = await list_queries.received(session, caller, wanted)
    query = {"status": status, "_count": str(count)} if status else {"_count": str(count)}
    link = [_link("self", {**query, "cursor": cursor} if cursor else query)]
    following = list_queries.next_cursor(rows, wanted)
    if following is not None:
        link.append(_link("next", {**query, "cursor": following}))
    entries = [
        {"fullUrl": f"urn:uuid:{row.id}", "resource": task(queries.seen_by(caller, row))}
        for row in rows[:count]
    ]
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "link": link}
    return _answer(Bundle, {**bundle, "entry": entries} if entries else bundle)


def _link(relation: str, query: dict[str, str]) -> dict[str, str]:
    return {"relation": relation, "url": f"/referrals/v1/fhir/Task?{urlencode(query)}"}


@fhir.get("/Task/{referral_id}", **answered_as(MEDIA_TYPE))
async def read_task(
    referral_id: UUID, session: Session, caller: CaseReader, _format: AnyFormat = None
) -> Response:
    return _task(caller, await queries.one(session, caller, referral_id))


@fhir.get("/ServiceRequest/{referral_id}", **answered_as(MEDIA_TYPE))
async def read_service_request(
    referral_id: UUID, session: Session, caller: CaseReader, _format: AnyFormat = None
) -> Response:
    referral = queries.seen_by(caller, await queries.one(session, caller, referral_id))
    return _answer(ServiceRequest, service_request(referral))


@fhir.get("/Consent/{grant_id}", **answered_as(MEDIA_TYPE))
async def read_consent_resource(
    grant_id: UUID, session: Session, caller: CaseReader, _format: AnyFormat = None
) -> Response:
    return _answer(Consent, consent(await consents.own_grant(session, caller, grant_id)))


@fhir.post(
    "/ServiceRequest",
    status_code=201,
    dependencies=[IdempotencyRequired],
    **answered_as(MEDIA_TYPE, status=201),
)
async def create_service_request(
    request: Request, session: Session, caller: Writer, keys: Keys
) -> Response:
    """Write a draft: nothing is shared until its Task is requested under a Consent."""
    given = _given(schemas.NewReferral, draft_of, ServiceRequest, await request.body())
    referral = await sending.draft(session, caller, keys, given)
    location = f"/referrals/v1/fhir/ServiceRequest/{referral.id}"
    return _answer(ServiceRequest, service_request(referral), location=location)


@fhir.post(
    "/Consent",
    status_code=201,
    dependencies=[IdempotencyRequired],
    **answered_as(MEDIA_TYPE, status=201),
)
async def create_consent_resource(
    request: Request, session: Session, caller: Writer, keys: Keys
) -> Response:
    """Record what the person decided; the answer has the code that lets them withdraw it."""
    given = _given(NewConsent, decision_of, Consent, await request.body())
    grant, code = await consent_service.give(session, caller, keys, given)
    resource = {**consent(grant), "extension": [extension(WITHDRAWAL_CODE, code)]}
    return _answer(Consent, resource, location=f"/referrals/v1/fhir/Consent/{grant.id}")


@fhir.put("/Task/{referral_id}", **answered_as(MEDIA_TYPE))
async def update_task(
    referral_id: UUID,
    request: Request,
    session: Session,
    caller: Writer,
    keys: Keys,
    if_match: IfMatch = None,
) -> Response:
    """Take a step by updating the Task: the same rules, the same refusals.

    With `If-Match` only if nobody has taken one since it was read.
    """
    body = _read_task(await request.body(), referral_id)
    referral = await queries.one(session, caller, referral_id)
    try:
        command, values = command_of(body, ReferralState(referral.state))
        given = _BODIES[command].model_validate(values)
        if if_match is not None and isinstance(given, schemas.Versioned):
            check_if_match(if_match, _etag(queries.seen_by(caller, referral).version))
            given.expected_version = referral.version  # checked again once it is locked
    except CannotMap as error:
        raise INVALID.because(str(error), pointer=error.pointer) from error
    except ValidationError as error:
        raise _invalid(error) from error
    if isinstance(given, schemas.Send):
        referral = await sending.send(session, caller, keys, referral_id, given)
    elif isinstance(given, schemas.Withdraw):
        referral = await withdrawal.withdraw_referral(
            session, caller, keys, referral_id, given.method, given.withdrawn_at
        )
    else:
        referral = await service.move(session, caller, keys, referral_id, given)
    return _task(caller, referral)


def _task(caller: Principal, referral: Referral) -> Response:
    seen = queries.seen_by(caller, referral)
    return _answer(Task, task(seen), version=seen.version)


B = TypeVar("B", bound=BaseModel)


def _given(
    kind: type[B],
    mapped: Callable[[dict[str, Any]], dict[str, Any]],
    resource: type[BaseModel],
    content: bytes,
) -> B:
    """What a new resource stands for, as the body of our own that it is handled as."""
    try:
        return kind.model_validate(mapped(_read(resource, content)))
    except CannotMap as error:
        raise INVALID.because(str(error), pointer=error.pointer) from error
    except ValidationError as error:
        raise _invalid(error) from error


def _read(kind: type[BaseModel], content: bytes) -> dict[str, Any]:
    try:
        raw: dict[str, Any] = orjson.loads(content)
    except ValueError as error:
        raise BAD_REQUEST.because("The body is not valid JSON.") from error
    try:
        kind.model_validate(raw)
    except (ValidationError, RecursionError, TypeError) as error:
        if isinstance(error, ValidationError):
            raise _invalid(error) from error
        raise INVALID.because(f"The body is not a valid {kind.__name__}.", pointer="") from error
    return raw


def _read_task(content: bytes, referral_id: UUID) -> dict[str, Any]:
    raw = _read(Task, content)
    if raw.get("id") != str(referral_id):
        raise INVALID.because("The id differs from the one in the path.", pointer="/id")
    return raw


def _invalid(error: ValidationError) -> Exception:
    found = [
        FieldError(pointer(["body", *e["loc"]]), "not valid here", str(e["type"]))
        for e in error.errors(include_input=False)[:20]
    ]
    return INVALID.because("It describes nothing that is possible here.", errors=found)


def _answer(
    kind: type[BaseModel],
    resource: dict[str, Any],
    version: int | None = None,
    location: str | None = None,
) -> Response:
    content = orjson.loads(orjson.dumps(resource, default=_instant))
    checked = kind.model_validate(content)
    headers = {"ETag": _etag(version)} if version is not None else {}
    if location is not None:
        headers["Location"] = location
    return Response(
        checked.model_dump_json(exclude_none=True, by_alias=True),
        201 if location else 200,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def _etag(version: int) -> str:
    return f'W/"{version}"'


def _instant(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
