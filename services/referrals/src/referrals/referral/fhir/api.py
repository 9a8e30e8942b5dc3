"""HTTP routes of the FHIR facade: reads and writes one resource. `search_api` has the searches."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import orjson
from common.errors import BAD_REQUEST, INVALID, FieldError
from common.http import IdempotencyRequired, IfMatch, Session, answered_as, check_if_match, router
from common.http.problems import pointer
from common.process.lazily import lazily
from common.words.referral_states import ReferralState
from fastapi import Response
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from referrals.case.consents import queries as consents
from referrals.case.consents import service as consent_service
from referrals.case.consents.decision_service import shown_status
from referrals.case.consents.schemas import NewConsent
from referrals.ground.dependencies import CaseReader, Keys, ServiceSettingsOf, Writer
from referrals.referral.fhir.codes import WITHDRAWAL_CODE, extension
from referrals.referral.fhir.mapping import (
    CannotMap,
    command_of,
    consent,
    decision_of,
    draft_of,
    fresh_consent,
    refuse_what_turns_it_around,
    service_request,
    task,
)
from referrals.referral.fhir.replies import MEDIA_TYPE, PREFIX, AnyFormat, answer, base_of, etag
from referrals.referral.referrals import drafts, queries, renewals, schemas, service, withdrawal
from referrals.referral.referrals.lifecycle import Command
from referrals.referral.referrals.models import Referral
from referrals.referral.referrals.reading import seen_now

if TYPE_CHECKING:
    from referrals.referral.fhir import resources
else:
    resources = lazily("referrals.referral.fhir.resources")

fhir = router(PREFIX, ["fhir"])
_BODIES: dict[Command, type[Any]] = {
    **schemas.STEPS,
    Command.SEND: schemas.Send,
    Command.WITHDRAW: schemas.Withdraw,
}


@fhir.get("/Task/{referral_id}", **answered_as(MEDIA_TYPE))
async def read_task(
    referral_id: UUID, session: Session, caller: CaseReader, _format: AnyFormat = None
) -> Response:
    return _task(await seen_now(session, caller, referral_id))


@fhir.get("/ServiceRequest/{referral_id}", **answered_as(MEDIA_TYPE))
async def read_service_request(
    referral_id: UUID, session: Session, caller: CaseReader, _format: AnyFormat = None
) -> Response:
    referral = await seen_now(session, caller, referral_id)
    return answer(resources.ServiceRequest, service_request(referral))


@fhir.get("/Consent/{grant_id}", **answered_as(MEDIA_TYPE))
async def read_consent_resource(
    grant_id: UUID, session: Session, caller: CaseReader, _format: AnyFormat = None
) -> Response:
    return _consent(await consents.own_grant(session, caller, grant_id))


@fhir.post(
    "/ServiceRequest",
    status_code=201,
    dependencies=[IdempotencyRequired],
    **answered_as(MEDIA_TYPE, status=201),
)
async def create_service_request(
    request: Request, session: Session, caller: Writer, keys: Keys, settings: ServiceSettingsOf
) -> Response:
    """Write a draft: nothing is shared until its Task is requested under a Consent."""
    given = _given(schemas.NewReferral, draft_of, resources.ServiceRequest, await request.body())
    referral = await drafts.draft(session, caller, keys, given)
    location = f"{base_of(settings)}/ServiceRequest/{referral.id}"
    return answer(resources.ServiceRequest, service_request(referral), location=location)


@fhir.post(
    "/Consent",
    status_code=201,
    dependencies=[IdempotencyRequired],
    **answered_as(MEDIA_TYPE, status=201),
)
async def create_consent_resource(
    request: Request, session: Session, caller: Writer, keys: Keys, settings: ServiceSettingsOf
) -> Response:
    """Record what the person decided; the answer has the code that lets them withdraw it."""
    given = _given(NewConsent, decision_of, resources.Consent, await request.body())
    grant, code = await consent_service.give(session, caller, keys, given)
    resource = consent(grant, shown_status(grant), consents.changed_at(grant))
    resource["extension"] = [extension(WITHDRAWAL_CODE, code)]
    return answer(resources.Consent, resource, location=f"{base_of(settings)}/Consent/{grant.id}")


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
        refuse_what_turns_it_around(body)
        given = _step(body, referral)
        if if_match is not None and isinstance(given, schemas.Versioned):
            check_if_match(if_match, etag(queries.seen_by(caller, referral).version))
            given.expected_version = (
                referral.version
            )  # the service checks this again after it locks the referral
    except CannotMap as error:
        raise INVALID.saying(str(error), pointer=error.pointer) from error
    except ValidationError as error:
        raise _invalid(error) from error
    if isinstance(given, schemas.RenewConsent):
        referral = await renewals.renew(session, caller, keys, referral_id, given)
    elif isinstance(given, schemas.Send):
        referral = await drafts.send(session, caller, keys, referral_id, given)
    elif isinstance(given, schemas.Withdraw):
        referral = await withdrawal.withdraw_referral(
            session, caller, keys, referral_id, given.method, given.withdrawn_at
        )
    else:
        referral = await service.move(session, caller, keys, referral_id, given)
    return _task(queries.seen_by(caller, referral))


def _step(body: dict[str, Any], referral: Referral) -> Any:
    """Return our own request body for the updated Task."""
    state = ReferralState(referral.state)
    if (grant_id := fresh_consent(body, state, referral.grant_id)) is not None:
        return schemas.RenewConsent.model_validate({"grant_id": grant_id})
    command, values = command_of(body, state)
    return _BODIES[command].model_validate(values)


def _consent(grant: Any) -> Response:
    return answer(
        resources.Consent, consent(grant, shown_status(grant), consents.changed_at(grant))
    )


def _task(seen: Referral) -> Response:
    return answer(resources.Task, task(seen), version=seen.version)


B = TypeVar("B", bound=BaseModel)


def _given(
    kind: type[B],
    mapped: Callable[[dict[str, Any]], dict[str, Any]],
    resource: type[BaseModel],
    content: bytes,
) -> B:
    """Return our own request body for a new resource."""
    try:
        return kind.model_validate(mapped(_read(resource, content)))
    except CannotMap as error:
        raise INVALID.saying(str(error), pointer=error.pointer) from error
    except ValidationError as error:
        raise _invalid(error) from error


def _read(kind: type[BaseModel], content: bytes) -> dict[str, Any]:
    try:
        raw: dict[str, Any] = orjson.loads(content)
    except ValueError as error:
        raise BAD_REQUEST.because("body_is_not_valid_json") from error
    try:
        kind.model_validate(raw)
    except (ValidationError, RecursionError, TypeError) as error:
        if isinstance(error, ValidationError):
            raise _invalid(error) from error
        raise INVALID.because("body_is_not_valid", kind.__name__, pointer="") from error
    return raw


def _read_task(content: bytes, referral_id: UUID) -> dict[str, Any]:
    raw = _read(resources.Task, content)
    if raw.get("id") != str(referral_id):
        raise INVALID.because("id_differs_from_one_in_path", pointer="/id")
    return raw


def _invalid(error: ValidationError) -> Exception:
    found = [
        FieldError(pointer(["body", *e["loc"]]), "not valid here", str(e["type"]))
        for e in error.errors(include_input=False)[:20]
    ]
    return INVALID.because("it_describes_nothing_that_is_possible_here", errors=found)
