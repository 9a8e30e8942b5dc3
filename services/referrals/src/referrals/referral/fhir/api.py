"""HTTP routes for the FHIR facade: reading and writing one resource, or several in a transaction. `search_api` contains
the searches."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import orjson
from common.auth import Principal
from common.auth.smart import ANY
from common.errors import BAD_REQUEST, INVALID, FieldError
from common.http import (
    IdempotencyRequired,
    IfMatch,
    Session,
    answered_as,
    check_fhir,
    check_if_match,
    router,
    store_instead,
)
from common.http.problems import pointer
from common.process.lazily import lazily
from common.words.referral_states import ReferralState
from fastapi import Depends, Response
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from referrals.case.consents import queries as consents
from referrals.case.consents import service as consent_service
from referrals.case.consents.decision_service import shown_status
from referrals.case.consents.models import Grant
from referrals.case.consents.schemas import NewConsent
from referrals.ground.dependencies import Keys, ServiceSettingsOf
from referrals.ground.keys.store import CaseKeys
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
from referrals.referral.fhir.replies import (
    MEDIA_TYPE,
    PREFIX,
    AnyFormat,
    answer,
    base_of,
    etag,
    offers,
    reads,
    writes,
)
from referrals.referral.fhir.transactions import (
    Entry,
    answered,
    entries_of,
    referral_of,
    reply,
    with_ids,
)
from referrals.referral.referrals import drafts, queries, renewals, schemas, service, withdrawal
from referrals.referral.referrals.lifecycle import Command
from referrals.referral.referrals.models import Referral
from referrals.referral.referrals.shared_content import seen_now

if TYPE_CHECKING:
    from referrals.referral.fhir import resources
else:
    resources = lazily("referrals.referral.fhir.resources")

fhir = router(PREFIX, ["fhir"])
fhir.dependencies.append(Depends(offers))
_BODIES: dict[Command, type[Any]] = {
    **schemas.STEPS,
    Command.SEND: schemas.Send,
    Command.WITHDRAW: schemas.Withdraw,
}


@fhir.get("/Task/{referral_id}", **answered_as(MEDIA_TYPE))
async def read_task(
    referral_id: UUID,
    session: Session,
    caller: Annotated[Principal, reads("Task")],
    _format: AnyFormat = None,
) -> Response:
    """A referral as a Task, with its ETag. It contains codes only."""
    return _task(await seen_now(session, caller, referral_id))


@fhir.get("/ServiceRequest/{referral_id}", **answered_as(MEDIA_TYPE))
async def read_service_request(
    referral_id: UUID,
    session: Session,
    caller: Annotated[Principal, reads("ServiceRequest")],
    _format: AnyFormat = None,
) -> Response:
    """The service that the Task with the same id requests."""
    referral = await seen_now(session, caller, referral_id)
    return answer(resources.ServiceRequest, service_request(referral))


@fhir.get("/Consent/{grant_id}", **answered_as(MEDIA_TYPE))
async def read_consent_resource(
    grant_id: UUID,
    session: Session,
    caller: Annotated[Principal, reads("Consent")],
    _format: AnyFormat = None,
) -> Response:
    """A decision that your organisation recorded."""
    return answer(resources.Consent, _shown(await consents.own_grant(session, caller, grant_id)))


@fhir.post(
    "",
    status_code=200,
    dependencies=[IdempotencyRequired],
    **answered_as(MEDIA_TYPE),
)
async def take_transaction(
    request: Request,
    session: Session,
    caller: Annotated[Principal, writes(ANY, "cu")],
    keys: Keys,
    settings: ServiceSettingsOf,
) -> Response:
    """Make Consents and ServiceRequests of one person and take steps by Tasks: all of it or nothing."""
    bundle = _read(resources.Bundle, await request.body())
    with _mapped():
        entries = entries_of(bundle)
    base, ids, cases = base_of(settings), dict[str, str](), set[UUID]()
    told: dict[int, dict[str, Any]] = {}
    codes: dict[int, str] = {}
    for entry in entries:
        check_fhir(caller, entry.kind, "u" if entry.updates else "c")
    for entry in entries:
        raw = with_ids(entry.resource, ids)
        if entry.kind == "Consent":
            grant, codes[entry.at] = await _decide(session, caller, keys, raw, entry.where)
            shown, case_id = _shown(grant), grant.case_id
        else:
            referral = await _write(session, caller, keys, entry, raw)
            shown = (task if entry.kind == "Task" else service_request)(referral)
            case_id = referral.case_id
        cases.add(case_id)
        if entry.full_url:
            ids[entry.full_url] = f"{entry.kind}/{shown['id']}"
        told[entry.at] = reply(base, shown, is_new=entry.updates is None)
    if len(cases) > 1:
        raise INVALID.because("transaction_concerns_one_person", pointer="/entry")
    replies = [each for _, each in sorted(told.items())]
    store_instead(request, answer(resources.Bundle, answered(replies)))
    for at, code in codes.items():
        told[at]["resource"]["extension"] = [extension(WITHDRAWAL_CODE, code)]
    return answer(resources.Bundle, answered(replies))


async def _write(
    session: Session, caller: Principal, keys: CaseKeys, entry: Entry, raw: dict[str, Any]
) -> Referral:
    if entry.kind == "ServiceRequest":
        return await _draft(session, caller, keys, raw, entry.where)
    with _mapped():
        referral_id = referral_of(entry, raw)
    referral = await _step(session, caller, keys, referral_id, raw, entry.if_match, entry.where)
    return queries.seen_by(caller, referral)


@fhir.post(
    "/ServiceRequest",
    status_code=201,
    dependencies=[IdempotencyRequired],
    **answered_as(MEDIA_TYPE, status=201),
)
async def create_service_request(
    request: Request,
    session: Session,
    caller: Annotated[Principal, writes("ServiceRequest")],
    keys: Keys,
    settings: ServiceSettingsOf,
) -> Response:
    """Write a draft: nothing is shared until its Task is requested under a Consent."""
    raw = _read(resources.ServiceRequest, await request.body())
    referral = await _draft(session, caller, keys, raw)
    location = f"{base_of(settings)}/ServiceRequest/{referral.id}"
    return answer(resources.ServiceRequest, service_request(referral), location=location)


async def _draft(
    session: Session, caller: Principal, keys: CaseKeys, raw: dict[str, Any], where: str = ""
) -> Referral:
    with _mapped(where):
        given = schemas.NewReferral.model_validate(draft_of(raw))
    return await drafts.draft(session, caller, keys, given)


@fhir.post(
    "/Consent",
    status_code=201,
    dependencies=[IdempotencyRequired],
    **answered_as(MEDIA_TYPE, status=201),
)
async def create_consent_resource(
    request: Request,
    session: Session,
    caller: Annotated[Principal, writes("Consent")],
    keys: Keys,
    settings: ServiceSettingsOf,
) -> Response:
    """Record what the person decided; the answer has the code that lets them withdraw it."""
    raw = _read(resources.Consent, await request.body())
    grant, code = await _decide(session, caller, keys, raw)
    location, resource = f"{base_of(settings)}/Consent/{grant.id}", _shown(grant)
    store_instead(request, answer(resources.Consent, resource, location=location))
    resource["extension"] = [extension(WITHDRAWAL_CODE, code)]
    return answer(resources.Consent, resource, location=location)


async def _decide(
    session: Session, caller: Principal, keys: CaseKeys, raw: dict[str, Any], where: str = ""
) -> tuple[Grant, str]:
    with _mapped(where):
        given = NewConsent.model_validate(decision_of(raw))
    return await consent_service.give(session, caller, keys, given)


@fhir.put("/Task/{referral_id}", **answered_as(MEDIA_TYPE))
async def update_task(
    referral_id: UUID,
    request: Request,
    session: Session,
    caller: Annotated[Principal, writes("Task", "u")],
    keys: Keys,
    if_match: IfMatch = None,
) -> Response:
    """Take a step by updating the Task: the same rules, the same refusals.

    With `If-Match` only if nobody has taken one since it was read.
    """
    body = _read(resources.Task, await request.body())
    if body.get("id") != str(referral_id):
        raise INVALID.because("id_differs_from_one_in_path", pointer="/id")
    referral = await _step(session, caller, keys, referral_id, body, if_match)
    return _task(queries.seen_by(caller, referral))


async def _step(
    session: Session,
    caller: Principal,
    keys: CaseKeys,
    referral_id: UUID,
    body: dict[str, Any],
    if_match: str | None,
    where: str = "",
) -> Referral:
    referral = await queries.one(session, caller, referral_id)
    with _mapped(where):
        refuse_what_turns_it_around(body)
        given = _own_body(body, referral)
    if if_match is not None and isinstance(given, schemas.Versioned):
        check_if_match(if_match, etag(queries.seen_by(caller, referral).version))
        # The service checks this again after locking the referral.
        given.expected_version = referral.version
    if isinstance(given, schemas.RenewConsent):
        return await renewals.renew(session, caller, keys, referral_id, given)
    if isinstance(given, schemas.Send):
        return await drafts.send(session, caller, keys, referral_id, given)
    if isinstance(given, schemas.Withdraw):
        return await withdrawal.withdraw_referral(
            session, caller, keys, referral_id, given.method, given.withdrawn_at
        )
    return await service.move(session, caller, keys, referral_id, given)


def _own_body(body: dict[str, Any], referral: Referral) -> Any:
    """Return our own request body for the updated Task."""
    state = ReferralState(referral.state)
    if (grant_id := fresh_consent(body, state, referral.grant_id)) is not None:
        return schemas.RenewConsent.model_validate({"grant_id": grant_id})
    command, values = command_of(body, state)
    return _BODIES[command].model_validate(values)


def _shown(grant: Any) -> dict[str, Any]:
    return consent(grant, shown_status(grant), consents.changed_at(grant))


def _task(seen: Referral) -> Response:
    return answer(resources.Task, task(seen), version=seen.version)


@contextmanager
def _mapped(where: str = "") -> Iterator[None]:
    """Raise 422 for a resource that maps to nothing here; `where` is its pointer in the body."""
    try:
        yield
    except CannotMap as error:
        raise INVALID.saying(str(error), pointer=where + error.pointer) from error
    except ValidationError as error:
        raise _invalid(error, where) from error


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


def _invalid(error: ValidationError, where: str = "") -> Exception:
    found = [
        FieldError(where + pointer(["body", *e["loc"]]), "not valid here", str(e["type"]))
        for e in error.errors(include_input=False)[:20]
    ]
    return INVALID.because("it_describes_nothing_that_is_possible_here", errors=found)
