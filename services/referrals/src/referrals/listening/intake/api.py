"""HTTP routes for intake. A form's URL accepts only that form's secret, because form tools have no account."""

from typing import Annotated
from uuid import UUID

import orjson
from common.auth import Principal
from common.crypto import key_from_base64
from common.errors import BAD_REQUEST, INVALID
from common.http import AnyQuery, IdempotencyRequired, Reading, Session, StepUp, open_to_all, router
from common.paging import CursorText, Limit, Page, id_cursor, page_of
from common.unseen import without_turning
from fastapi import Depends, Header
from starlette.requests import Request

from referrals.ground.dependencies import (
    Blind,
    CaseReader,
    Keys,
    ServiceSettingsOf,
    Supervisor,
    Writer,
)
from referrals.listening.intake import queries, service
from referrals.listening.intake.models import IntakeForm, Submission
from referrals.listening.intake.peer_words import Peer
from referrals.listening.intake.schemas import (
    FormChange,
    FormSecret,
    IntakeFormView,
    MappingBody,
    NewForm,
    Nothing,
    ReasonView,
    Received,
    SubmissionDetail,
    SubmissionSearch,
    SubmissionStatus,
    SubmissionSummary,
)

forms = router("/referrals/v1/intake/forms", ["intake"])
submissions = router("/referrals/v1/intake/submissions", ["intake"])
_NIL = UUID(int=0)
Anyone = Annotated[Principal, open_to_all()]
_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"type": "object", "additionalProperties": True},
            "example": {
                "_uuid": "4d8a2c1e-0f5b-4d0e-9b1a-2f6f5f2f7c11",
                "intro/safe_to_talk": "yes",
                "intro/consent": "yes",
                "person/age": "17",
            },
        }
    },
}


async def _sealing_key(settings: ServiceSettingsOf) -> bytes:
    return key_from_base64(settings.stored_result_key.get_secret_value())


SealingKey = Annotated[bytes, Depends(_sealing_key)]
Secret = Annotated[str | None, Header(alias="X-Form-Secret", max_length=200)]


@forms.post("", status_code=201, dependencies=[IdempotencyRequired, StepUp])
async def add_form(
    body: NewForm,
    session: Session,
    caller: Supervisor,
    settings: ServiceSettingsOf,
    key: SealingKey,
) -> FormSecret:
    """Add a form whose form tool sends submissions here. The secret is shown once."""
    form, secret = await service.add_form(session, caller, key, body)
    return FormSecret(**_form(form, settings.public_url).model_dump(), secret=secret)


@forms.get("")
async def list_forms(
    session: Session, caller: CaseReader, settings: ServiceSettingsOf
) -> list[IntakeFormView]:
    """Your organisation's forms of other systems, without their secrets."""
    return [_form(each, settings.public_url) for each in await queries.forms(session, caller)]


@forms.put("/{form_id}")
async def change_form(
    form_id: UUID,
    body: FormChange,
    session: Session,
    caller: Supervisor,
    settings: ServiceSettingsOf,
) -> IntakeFormView:
    """Replace the mapping or the instrument's version, or switch the form off."""
    return _form(await service.change_form(session, caller, form_id, body), settings.public_url)


@forms.post("/{form_id}/rotate-secret", dependencies=[StepUp])
async def rotate_form_secret(
    form_id: UUID,
    _body: Nothing,
    session: Session,
    caller: Supervisor,
    settings: ServiceSettingsOf,
    key: SealingKey,
) -> FormSecret:
    """Issue a new secret; the old one stops working at once."""
    form, secret = await service.rotate_secret(session, caller, key, form_id)
    return FormSecret(**_form(form, settings.public_url).model_dump(), secret=secret)


@forms.post(
    "/{form_id}/submissions",
    status_code=202,
    openapi_extra={"requestBody": _BODY},
    dependencies=[AnyQuery],
)
async def receive_submission(
    form_id: UUID,
    request: Request,
    session: Session,
    _anyone: Anyone,
    keys: Keys,
    blind: Blind,
    key: SealingKey,
    _secret: Secret = None,
) -> Received:
    """Accept a submission, authenticated by the form's secret: in `X-Form-Secret`, as the password of HTTP Basic, or
    by a signature as in Standard Webhooks. Repeating a submission is safe; unmapped content is quarantined."""
    body = await request.body()
    form = await service.authenticated(session, key, form_id, request.headers, body)
    row, repeated = await service.take(
        session, service.Stores(keys, blind, key), form, _object(body)
    )
    return Received(
        id=row.id, submission_id=row.submission_id, status=row.status, repeated=repeated
    )


@submissions.get("")
async def list_submissions(
    session: Session,
    caller: CaseReader,
    status: SubmissionStatus | None = None,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[SubmissionSummary]:
    """List submissions, newest first, without their content."""
    rows = await queries.submissions(
        session, caller, queries.of_status(status), before=id_cursor(cursor), limit=limit
    )
    return page_of(rows, limit, _summary)


@submissions.post("/search", dependencies=[Reading])
async def search_submissions(
    *,
    body: SubmissionSearch,
    session: Session,
    caller: CaseReader,
    blind: Blind,
    key: SealingKey,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> Page[SubmissionSummary]:
    """Find the submissions of one record, by its id in its own system or by your reference of its case; newest first."""
    rows = await service.search(
        session, caller, blind, key, body, before=id_cursor(cursor), limit=limit
    )
    return page_of(rows, limit, _summary)


@submissions.get("/{submission_id}")
async def read_submission(
    submission_id: UUID, session: Session, caller: CaseReader, keys: Keys
) -> SubmissionDetail:
    """Return a quarantined submission with the reasons. The reading is audited."""
    row, why, content = await service.read(session, caller, keys, submission_id)
    return SubmissionDetail(
        **_summary(row).model_dump(),
        why=[ReasonView.model_validate(each, from_attributes=True) for each in why],
        content=content,
    )


@submissions.post("/{submission_id}/retry")
async def retry_submission(
    submission_id: UUID,
    _body: Nothing,
    session: Session,
    caller: Writer,
    keys: Keys,
    blind: Blind,
    key: SealingKey,
) -> SubmissionSummary:
    """Try the submission again with the form's present mapping."""
    stores = service.Stores(keys, blind, key)
    return _summary(await service.retry(session, caller, stores, submission_id))


@submissions.post("/{submission_id}/discard", dependencies=[StepUp])
async def discard_submission(
    submission_id: UUID, _body: Nothing, session: Session, caller: Supervisor, keys: Keys
) -> SubmissionSummary:
    """Discard the submission permanently."""
    return _summary(await service.discard(session, caller, keys, submission_id))


def _object(body: bytes) -> dict[str, object]:
    """Remove unprintable characters instead of rejecting them, because the person who fills in the form cannot see
    them."""
    try:
        read = orjson.loads(without_turning(orjson.dumps(orjson.loads(body)).decode()))
    except (orjson.JSONDecodeError, orjson.JSONEncodeError) as error:  # or nested too deeply
        raise BAD_REQUEST.because("body_is_not_json") from error
    if not isinstance(read, dict):
        raise INVALID.because("submission_is_one_json_object", pointer="")
    return read


def _form(form: IntakeForm, public_url: str) -> IntakeFormView:
    return IntakeFormView(
        id=form.id,
        name=form.name,
        peer=Peer(form.peer),
        makes=form.makes,
        instrument_id=form.instrument_id or _NIL,
        mapping=MappingBody.model_validate(form.mapping),
        active=form.active,
        address=f"{public_url.rstrip('/')}/referrals/v1/intake/forms/{form.id}/submissions",
        created_at=form.created_at,
        changed_at=form.changed_at,
    )


def _summary(row: Submission) -> SubmissionSummary:
    return SubmissionSummary.model_validate(row, from_attributes=True)
