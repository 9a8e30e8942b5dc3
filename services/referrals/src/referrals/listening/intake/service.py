"""Intake use cases: manage forms, accept each submission once, process the quarantine."""

import base64
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from common import clock, crypto
from common.auth import Principal
from common.db.session import Database
from common.errors import CONFLICT, INVALID, FieldError, Problem
from common.http.answers import forget_answers
from common.ids import new_id
from common.words.details import Detail
from pydantic import ValidationError
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from standardwebhooks import Webhook as Signature
from standardwebhooks import WebhookVerificationError

from referrals.case.cases import service as case_service
from referrals.case.cases.schemas import CaseSearch
from referrals.errors import (
    FORM_HELD,
    FORM_UNKNOWN,
    NOT_SAFE_NOW,
    SCREENING_DECLINED,
    SUBMISSION_CHANGED,
)
from referrals.ground.audit.service import record
from referrals.ground.keys.blind_index import BlindIndex
from referrals.ground.keys.sealed_columns import open_column, seal_column
from referrals.ground.keys.store import CaseKeys, KeyDestroyed
from referrals.ground.restrictions.service import remember_word
from referrals.ground.restrictions.words import Kind, Word, door, shuts
from referrals.ground.row_security import act_as_service
from referrals.ground.sweeps import sweep
from referrals.listening.intake import queries, records_service
from referrals.listening.intake.account import STANDINGS, Account, account_of
from referrals.listening.intake.case_mapping import TARGETS
from referrals.listening.intake.mapping import (
    CORRECTED,
    FormMapping,
    Reason,
    first_id,
    is_corrected,
    moment_of,
    pointer_to,
    submission_id,
    translate,
)
from referrals.listening.intake.models import IntakeForm, Submission
from referrals.listening.intake.peer_words import CHANGING, Peer
from referrals.listening.intake.peers import NotThisPeer
from referrals.listening.intake.peers import read as read_peer
from referrals.listening.intake.records_service import Made
from referrals.listening.intake.schemas import FormChange, MappingBody, NewForm, SubmissionSearch
from referrals.screening.screenings import service as screenings
from referrals.screening.screenings.instrument import Instrument
from referrals.screening.screenings.instruments import usable
from referrals.screening.screenings.schemas import NewScreening
from referrals.tables import COMMON

_MOST_FORMS = 100
_MOST_REASONS = 50
_submissions = Submission.metadata.tables["intake_submissions"]
_DECLINED = frozenset({NOT_SAFE_NOW.code, SCREENING_DECLINED.code})
_VERSION_DIGITS = 16


@dataclass(frozen=True)
class Stores:
    """The keys for storing a submission: case keys, the blind index, and the digest key."""

    keys: CaseKeys
    blind: BlindIndex
    digests: bytes


async def add_form(
    session: AsyncSession, caller: Principal, key: bytes, body: NewForm
) -> tuple[IntakeForm, str]:
    """Create a form; return its secret, which is shown once."""
    await _check_mapping(session, caller, body)
    if len(await queries.forms(session, caller)) >= _MOST_FORMS:
        raise CONFLICT.because("organisation_has_at_most_forms", _MOST_FORMS)
    form_id, secret, now = new_id(), _new_secret(), clock.now()
    form = IntakeForm(
        id=form_id,
        organisation_id=caller.organisation,
        name=body.name,
        peer=body.peer.value,
        makes=body.makes,
        instrument_id=body.instrument_id,
        mapping=body.mapping.model_dump(mode="json"),
        secret=_seal_secret(key, form_id, secret),
        active=True,
        created_at=now,
        created_by=caller.subject,
        changed_at=now,
    )
    session.add(form)
    await session.flush()
    await record(session, caller, "intake_form.added", chain=caller.organisation, target_id=form_id)
    return form, secret


async def change_form(
    session: AsyncSession, caller: Principal, form_id: UUID, body: FormChange
) -> IntakeForm:
    """Replace the mapping; users retry quarantined submissions separately (`retry`)."""
    form = await queries.own_form(session, caller, form_id, lock=True)
    await _check_mapping(session, caller, body)
    if body.makes != form.makes:
        raise CONFLICT.because("this_form_makes_another", form.makes, pointer="/makes")
    form.name, form.instrument_id, form.active = body.name, body.instrument_id, body.active
    form.peer = body.peer.value
    form.mapping = body.mapping.model_dump(mode="json")
    form.changed_at = clock.now()
    await session.flush()
    await record(
        session, caller, "intake_form.changed", chain=caller.organisation, target_id=form_id
    )
    await _remember(session, form)
    return form


async def rotate_secret(
    session: AsyncSession, caller: Principal, key: bytes, form_id: UUID
) -> tuple[IntakeForm, str]:
    form = await queries.own_form(session, caller, form_id, lock=True)
    secret = _new_secret()
    form.secret, form.changed_at = _seal_secret(key, form.id, secret), clock.now()
    await session.flush()
    await record(
        session, caller, "intake_form.secret_rotated", chain=caller.organisation, target_id=form_id
    )
    await _remember(session, form)
    return form, secret


async def _remember(session: AsyncSession, form: IntakeForm) -> None:
    """Record the form's on/off state and its secret, for a later restore."""
    await remember_word(session, Kind.FORM, form.id, door(form.secret, active=form.active))


async def hold_to_word(session: AsyncSession, form_id: UUID, word: Word) -> int:
    """After a restore, a form that had been switched off or given another secret accepts nothing until its organisation
    enables it."""
    form = await session.get(IntakeForm, form_id, with_for_update=True)
    if form is None or not form.active or not shuts(word, form.secret):
        return 0
    form.active = False
    await session.flush()
    await _remember(session, form)
    return 1


async def authenticated(
    session: AsyncSession, key: bytes, form_id: UUID, headers: Mapping[str, str], body: bytes
) -> IntakeForm:
    """Return the form if the request has its secret; otherwise raise 404 whether or not the form exists. Raise 403
    while its organisation is suspended. Requires service rights."""
    await act_as_service(session)
    form, held = await queries.form_and_held(session, form_id)
    # An unknown form takes the same time as a wrong secret.
    secret = _open_secret(key, form) if form is not None else _new_secret()
    if not _knows(secret, headers, body) or form is None or not form.active:
        raise FORM_UNKNOWN.because("nothing_was_taken")
    if held:
        raise FORM_HELD.because("nothing_was_taken")
    return form


async def take(
    session: AsyncSession, stores: Stores, form: IntakeForm, sent: dict[str, Any]
) -> tuple[Submission, bool]:
    """Accept a submission once; the flag marks a duplicate. Raise 409 if a duplicate has other content. If a system
    sends a record after each change, accept every version once."""
    rules = MappingBody.model_validate(form.mapping)
    submission = _as_sent(form, rules, sent)
    tool_id = submission_id(submission)
    if tool_id is None:
        raise INVALID.because("submission_has_no_id_of_its_own", pointer="/_uuid")
    account = account_of(Peer(form.peer), rules.rules(), submission)
    # A correction is also a version: it must not create the person twice or restore an erased person. The same applies
    # once the sender adds a note or status.
    version = form.makes == "case" and (
        form.peer in CHANGING or is_corrected(submission) or account.has_word
    )
    fingerprint = records_service.digest(stores.digests, form.id, asdict(account))
    of_one_person = first_id(submission) if form.makes == "case" else None
    named = records_service.record_name(stores.digests, form.id, of_one_person or tool_id)
    if form.makes == "screening" and not queries.NAMED_HERE.fullmatch(tool_id):
        await queries.rename(session, form.id, tool_id, named)
    if version:
        named += f":{fingerprint.hex()[:_VERSION_DIGITS]}"
    now, row_id = clock.now(), new_id()
    written = await session.execute(
        insert(_submissions)
        .values(
            id=row_id,
            form_id=form.id,
            organisation_id=form.organisation_id,
            submission_id=named,
            fingerprint=fingerprint,
            status="taken",
            reasons=[],
            received_at=now,
            changed_at=now,
        )
        .on_conflict_do_nothing()
        .returning(_submissions.c.id)
    )
    first = written.first() is not None
    row = await queries.received(session, form.id, named)
    if not first:
        if row.fingerprint != fingerprint:
            raise SUBMISSION_CHANGED.because("first_one_stays_as_it_was_taken")
        if form.makes == "case" and (await queries.newest_version(session, row)).id != row.id:
            # The sender returned to an earlier version, for example after a mistaken rejection.
            row.received_at = now
        return row, True
    await _become(session, _as_form(form), stores, form, row, submission)
    return row, False


def _as_sent(form: IntakeForm, rules: MappingBody, sent: dict[str, Any]) -> dict[str, Any]:
    try:
        return read_peer(Peer(form.peer), sent, rules.inside)
    except NotThisPeer as error:
        raise INVALID.saying(error.detail, pointer=error.pointer) from error


async def search(
    session: AsyncSession,
    caller: Principal,
    blind: BlindIndex,
    key: bytes,
    body: SubmissionSearch,
    *,
    before: UUID | None,
    limit: int,
) -> Sequence[Submission]:
    """Return the organisation's own submissions for a record, newest first, up to `limit` + 1. The audit records the
    search but not its terms."""
    if body.sender_id is not None:
        tool_id = body.sender_id.removeprefix("uuid:")
        forms = await queries.forms(session, caller)
        names = [records_service.record_name(key, form.id, tool_id) for form in forms]
        which = queries.of_records(names)
    else:
        wanted = CaseSearch(own_reference=body.own_reference)
        of_cases = await case_service.search(session, caller, blind, wanted)
        which = queries.of_cases([case.id for case in of_cases])
    found = await queries.submissions(session, caller, which, before=before, limit=limit)
    await record(
        session,
        caller,
        "submission.searched",
        chain=caller.organisation,
        target_type="organisation",
        detail={"found": len(found[:limit])},
    )
    return found


async def read(
    session: AsyncSession, caller: Principal, keys: CaseKeys, row_id: UUID
) -> tuple[Submission, list[Reason], dict[str, Any] | None]:
    """Return a submission with its content and reasons, and audit the access."""
    row = await queries.own_submission(session, caller, row_id)
    content = await _content(keys, row)
    await record(session, caller, "submission.read", chain=caller.organisation, target_id=row.id)
    if content is None:
        return row, [], None
    return row, [Reason(**each) for each in content["why"]], content["submission"]


async def retry(
    session: AsyncSession, caller: Principal, stores: Stores, row_id: UUID
) -> Submission:
    """Retry a quarantined submission with the form's current mapping."""
    row = await _quarantined(session, caller, row_id)
    form = await queries.own_form(session, caller, row.form_id)
    content = await _content(stores.keys, row)
    if content is None:
        raise CONFLICT.because("what_was_received_is_no_longer_kept")
    newest = await queries.newest_version(session, row)
    if newest.id != row.id and STANDINGS & set(newest.reasons):
        raise CONFLICT.because("newer_version_is_in_doubt", newest.id)
    await _become(session, caller, stores, form, row, content["submission"])
    await record(session, caller, "submission.retried", chain=caller.organisation, target_id=row.id)
    return row


async def discard(
    session: AsyncSession, caller: Principal, keys: CaseKeys, row_id: UUID
) -> Submission:
    """Discard a quarantined submission by destroying its key."""
    row = await _quarantined(session, caller, row_id)
    await forget(session, keys, row)
    await record(
        session, caller, "submission.discarded", chain=caller.organisation, target_id=row.id
    )
    return row


async def discard_old(database: Database, keys: CaseKeys, before: datetime) -> int:
    """Discard submissions that entered quarantine before this time; return their number."""

    async def discard_one(session: AsyncSession, submission_id: UUID) -> int:
        row = await queries.still_quarantined(session, submission_id, before)
        if row is None:
            return 0
        await forget(session, keys, row)
        return 1

    due = partial(queries.quarantined_before, moment=before)
    return await sweep("quarantine", database, due, discard_one)


async def hide_tool_ids(database: Database, key: bytes) -> int:
    """Rename old submissions to digests as `take` does, because a tool's own id identifies the person in that tool.
    Return the number of submissions."""

    async def rename_one(session: AsyncSession, row_id: UUID) -> int:
        row = await queries.kept_by_tool_id(session, row_id)
        if row is None:
            return 0
        named = records_service.record_name(key, row.form_id, row.submission_id)
        await queries.rename(session, row.form_id, row.submission_id, named)
        return 1

    return await sweep("tool-ids", database, queries.all_by_tool_id, rename_one)


async def _become(
    session: AsyncSession,
    caller: Principal,
    stores: Stores,
    form: IntakeForm,
    row: Submission,
    submission: dict[str, Any],
) -> None:
    """Create a screening or a case, or quarantine the submission. Store nothing without the person's agreement, or if
    the case was erased."""
    try:
        made = await _made(session, caller, stores, form, submission)
    except Problem as problem:
        if problem.kind.code not in _DECLINED:
            made = Made(reasons=_reasons_of(problem))
        else:
            made = Made(not_kept=problem.kind.code)
    row.changed_at = clock.now()
    row.screening_id, row.case_id = made.screening_id, made.case_id
    row.reasons = sorted({each.code for each in made.reasons} | set(made.told))
    if made.not_kept is not None:
        row.status, row.reasons, row.content = "not_kept", [made.not_kept], None
    elif made.reasons:
        await _quarantine(stores.keys, row, submission, made.reasons[:_MOST_REASONS])
    else:
        row.status, row.content = "taken", None
    await session.flush()


async def _made(
    session: AsyncSession,
    caller: Principal,
    stores: Stores,
    form: IntakeForm,
    submission: dict[str, Any],
) -> Made:
    rules = MappingBody.model_validate(form.mapping).rules()
    account = account_of(Peer(form.peer), rules, submission)
    if form.makes == "case":
        record_id = first_id(submission)
        if record_id is None:
            raise INVALID.because("submission_has_no_id_of_its_own", pointer="/_uuid")
        name = records_service.record_name(stores.digests, form.id, record_id)
        record = records_service.Arrived(form.id, name, account, Peer(form.peer) in CHANGING)
        return await records_service.become_case(
            session, caller, stores.keys, stores.blind, stores.digests, rules, record
        )
    if account.is_rejected:
        return Made(not_kept="record_rejected")
    return await _screening(session, caller, stores.keys, form, rules, account, submission)


async def _screening(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    form: IntakeForm,
    rules: FormMapping,
    account: Account,
    submission: dict[str, Any],
) -> Made:
    if form.instrument_id is None:
        raise INVALID.because("form_has_no_instrument", pointer="/instrument_id")
    instrument = await usable(session, form.organisation_id, form.instrument_id)
    # A screening has no contact field for the note, so a person must read it.
    found = translate(instrument, rules, {**account.said, **account.notes}, clock.today())
    reasons = [*account.reasons(), *found.reasons]
    if is_corrected(submission):
        detail = "It corrects a submission that was taken: correct the screening by hand."
        pointer = pointer_to(CORRECTED)
        reasons.append(Reason("edits_earlier_submission", pointer, detail))
    if reasons:
        return Made(reasons=reasons)
    try:
        body = NewScreening(
            instrument_id=form.instrument_id,
            area=found.area,
            held_at=moment_of(submission),
            answers=found.answers,
        )
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = "/" + "/".join(str(part) for part in first["loc"])
        return Made(reasons=[Reason("invalid", where, first["msg"])])
    opened = await screenings.begin(session, caller, keys, body, source="form")
    return Made(screening_id=opened.screening.id)


def _reasons_of(problem: Problem) -> list[Reason]:
    errors = problem.errors or (FieldError("", problem.detail, problem.kind.code),)
    return [Reason(each.code, each.pointer, each.detail) for each in errors]


async def _quarantine(
    keys: CaseKeys, row: Submission, submission: dict[str, Any], reasons: list[Reason]
) -> None:
    key = await (keys.create(row.id) if row.content is None else keys.of(row.id))
    content = {"submission": submission, "why": [asdict(each) for each in reasons]}
    row.status = "quarantined"
    row.content = seal_column(
        key, content, organisation=row.organisation_id, row=row.id, column="content"
    )


async def _content(keys: CaseKeys, row: Submission) -> dict[str, Any] | None:
    if row.content is None:
        return None
    try:
        key = await keys.of(row.id)
    except KeyDestroyed:
        return None
    opened: dict[str, Any] = open_column(
        key, row.content, organisation=row.organisation_id, row=row.id, column="content"
    )
    return opened


async def forget(session: AsyncSession, keys: CaseKeys, row: Submission) -> None:
    """Discard the content by destroying its key."""
    await keys.destroy(row.id)
    await forget_answers(session, COMMON, row.id)
    row.status, row.content, row.changed_at = "discarded", None, clock.now()
    await session.flush()


async def _quarantined(session: AsyncSession, caller: Principal, row_id: UUID) -> Submission:
    row = await queries.own_submission(session, caller, row_id, lock=True)
    if row.status != "quarantined":
        raise CONFLICT.because("is_not_in_quarantine", row.status)
    return row


async def _check_mapping(session: AsyncSession, caller: Principal, body: NewForm) -> None:
    """Check that mapped questions and codes exist, so that errors appear now and not with the first submission."""
    if body.instrument_id is None:
        errors = _unknown_targets(body.mapping)
    else:
        instrument = await usable(session, caller.organisation, body.instrument_id)
        errors = [
            *_unknown_questions(instrument, body.mapping),
            *_unknown_codes(instrument, body.mapping),
        ]
    if errors:
        raise INVALID.listing(errors)


def _unknown_targets(mapping: MappingBody) -> list[FieldError]:
    detail = Detail.of("case_has_no_such_part", ", ".join(TARGETS))
    fields = [
        FieldError.of(f"/mapping/fields/{_part(path)}", detail)
        for path, name in mapping.fields.items()
        if name not in TARGETS
    ]
    values = [
        FieldError.of(f"/mapping/values/{_part(name)}", detail)
        for name in mapping.values
        if name not in TARGETS
    ]
    needs = {each for codes in mapping.needs.values() for each in codes.values()}
    drafts = [
        FieldError.of(
            f"/mapping/drafts/{_part(name)}", Detail("no_service_type_means_this_category")
        )
        for name in mapping.drafts
        if name not in needs
    ]
    return [*fields, *values, *drafts]


def _unknown_questions(instrument: Instrument, mapping: MappingBody) -> list[FieldError]:
    return [
        FieldError.of(f"/mapping/fields/{_part(path)}", Detail("instrument_has_no_such_question"))
        for path, name in mapping.fields.items()
        if name not in instrument.by_id
    ]


def _unknown_codes(instrument: Instrument, mapping: MappingBody) -> list[FieldError]:
    errors = []
    for name, codes in mapping.values.items():
        question = instrument.by_id.get(name)
        for own, code in codes.items():
            if question is None or question.option(code) is None:
                pointer = f"/mapping/values/{_part(name)}/{_part(own)}"
                errors.append(FieldError.of(pointer, Detail("question_has_no_such_option")))
    return errors


def _part(text: str) -> str:
    return text.replace("~", "~0").replace("/", "~1")


def _knows(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether the request has the secret in a header (the gateway translates HTTP Basic) or a recent signature
    of the body."""
    plain = headers.get("x-form-secret")
    if plain is not None:
        return hmac.compare_digest(plain.encode(), secret.encode())
    try:
        Signature(secret).verify(body, dict(headers), json_parse=False)
    except WebhookVerificationError:
        return False
    return True


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _seal_secret(key: bytes, form_id: UUID, secret: str) -> bytes:
    return crypto.seal(key, secret.encode(), f"intake-form\n{form_id}".encode())


def _open_secret(key: bytes, form: IntakeForm) -> str:
    return crypto.open_sealed(key, form.secret, f"intake-form\n{form.id}".encode()).decode()


def _as_form(form: IntakeForm) -> Principal:
    return Principal(
        "intake-form",
        f"intake-form:{form.id}",
        form.organisation_id,
        # Drafts may use services that its supervisor sees; the form itself can read and send nothing.
        scopes=frozenset({"directory:read"}),
    )
