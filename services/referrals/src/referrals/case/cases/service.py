"""Case use cases: register, read, change, search, hand over."""

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal, Role
from common.errors import CONFLICT, FORBIDDEN, INVALID, VERSION_CONFLICT
from common.events.referrals import CaseRegistered
from common.happenings import tell
from common.ids import new_id
from common.messaging import append
from common.words.places import Places
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.case.cases import person, queries
from referrals.case.cases.models import Case, CaseLookup, ImplicatedOrganisation
from referrals.case.cases.person import may_assign, open_with
from referrals.case.cases.schemas import Attributes, CaseChange, CaseSearch, Identity, NewCase
from referrals.errors import ERASED
from referrals.ground import happenings
from referrals.ground.audit.service import record
from referrals.ground.directory.queries import is_known
from referrals.ground.keys.blind_index import BlindIndex
from referrals.ground.keys.sealed_columns import open_column, seal_column
from referrals.ground.keys.store import CaseKeys, KeyDestroyed
from referrals.ground.locking_queries import hold_pairing
from referrals.ground.restrictions.queries import ended_organisations
from referrals.ground.restrictions.service import remember_word
from referrals.ground.restrictions.words import Kind, accusing
from referrals.ground.vocabulary.ages import SUPPRESSED, Caregiver
from referrals.tables import COMMON

AREA_LEVEL = 2
_lookups = CaseLookup.metadata.tables["case_lookups"]


async def register(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    blind: BlindIndex,
    body: NewCase,
    *,
    owned: bool = True,
) -> Case:
    """Register a case. With `owned`, the caller becomes its caseworker; otherwise it has no caseworker yet."""
    await _refuse_unknown_organisation(session, caller)
    if body.unless_alike:
        await _refuse_if_alike(session, caller, blind, body.identity)
    now = clock.now()
    case_id = new_id()
    key = await keys.create(case_id)
    identity = _dumped_identity(body.identity, clock.day_of(now))
    case = Case(
        id=case_id,
        organisation_id=caller.organisation,
        reference=person.new_reference(),
        version=1,
        status="open",
        area=body.area,
        country=body.country or country_of(body.area),
        minor=person.is_minor(identity, clock.day_of(now)),
        caregiver=body.caregiver,
        identity=seal_column(
            key, identity, organisation=caller.organisation, row=case_id, column="identity"
        ),
        attributes=seal_column(
            key,
            body.attributes.model_dump(mode="json"),
            organisation=caller.organisation,
            row=case_id,
            column="attributes",
        ),
        created_at=now,
        created_by=caller.subject,
        assigned_to=caller.subject if owned else None,
        changed_at=now,
    )
    session.add(case)
    await session.flush()
    await _add_digests(session, case, blind.digests(caller.organisation, identity))
    await append(
        session,
        COMMON,
        CaseRegistered(
            case_id=case.id,
            organisation_id=case.organisation_id,
            version=case.version,
            area=coarse(case.area),
            occurred_at=now,
        ),
    )
    await record(session, caller, "case.registered", chain=case.id)
    return case


async def _refuse_if_alike(
    session: AsyncSession, caller: Principal, blind: BlindIndex, identity: Identity
) -> None:
    """Raise 409 if a case of the caller's organisation may concern the same person. A one-word name matches too many
    people to ask about."""
    of, name, document = caller.organisation, identity.name or "", identity.document
    for digests in (
        blind.wanted(of, name) if len(name.split()) > 1 else set(),
        blind.wanted(of, document=document.number if document else None),
        blind.wanted(of, own_reference=identity.own_reference),
    ):
        if digests and await queries.cases_with_digests(session, caller, digests, 1):
            raise CONFLICT.because("case_may_exist_already")


def country_of(area: str | None) -> str:
    """Return the country (level 0) of a P-code."""
    if area is None:
        raise ValueError("a case without area names its country")
    return next(reversed((area, *Places.load().ancestors(area))))


def coarse(area: str | None) -> str | None:
    """Return the area for events: a municipality or a larger area."""
    return None if area is None else Places.load().at_most(area, AREA_LEVEL)


async def _refuse_unknown_organisation(session: AsyncSession, caller: Principal) -> None:
    """Raise 403 for an organisation that has ended or that only an external identity provider knows."""
    if caller.organisation in await ended_organisations(session):
        raise FORBIDDEN.because("your_organisation_has_ended")
    if caller.outside and not await is_known(session, caller.organisation):
        raise FORBIDDEN.because("directory_does_not_know_your_organisation")


async def open_record(keys: CaseKeys, case: Case) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the decrypted identity and attributes; raise 410 after erasure."""
    if case.identity is None or case.attributes is None:
        raise ERASED.because("only_case_code_and_its_history_remain")
    return open_with(await key_of(keys, case.id), case)


async def key_of(keys: CaseKeys, case_id: UUID) -> bytes:
    """Return the key of the case; raise 410 after erasure."""
    try:
        return await keys.of(case_id)
    except KeyDestroyed as error:
        raise ERASED.because("only_case_code_and_its_history_remain") from error


async def read(
    session: AsyncSession, caller: Principal, keys: CaseKeys, case_id: UUID
) -> tuple[Case, dict[str, Any], dict[str, Any]]:
    """Return a decrypted case, and audit the access."""
    case = await queries.own_case(session, caller, case_id)
    identity, attributes = await open_record(keys, case)
    await record(session, caller, "case.read", chain=case.id)
    return case, identity, attributes


async def change(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    blind: BlindIndex,
    case_id: UUID,
    body: CaseChange,
) -> Case:
    """Correct the record. `_tell_changed` applies the consequences."""
    if body.word is not None:
        await hold_pairing(session)  # two cases must not take the same word at the same time
    case = await queries.own_case(session, caller, case_id, lock=True)
    refuse_unless_open(case)
    if body.expected_version not in (None, case.version):
        raise VERSION_CONFLICT.because(
            "you_read_version_it_is_now", body.expected_version, case.version, version=case.version
        )
    minor, caregiver = case.minor, Caregiver(case.caregiver)
    identity, attributes = await open_record(keys, case)
    today = clock.today()
    reached, age = person.reached_by(identity, caregiver), person.age_of(identity, today)
    if body.identity is not None:
        identity = _dumped_identity(body.identity, today)
        await _index(session, case, blind.digests(caller.organisation, identity))
    if body.attributes is not None:
        attributes = body.attributes.model_dump(mode="json")
    seal_record(await keys.of(case.id), case, identity, attributes)
    case.minor = person.is_minor(identity, today)
    if body.area is not None:
        case.area, case.country = body.area, country_of(body.area)
    if body.caregiver is not None:
        case.caregiver = body.caregiver
    if body.word is not None and body.word != case.word:
        if await queries.uses_word(session, caller, body.word):
            raise INVALID.because("another_open_case_has_this_word", pointer="/word")
        case.word = body.word
    touch(case)
    await session.flush()
    if reached != person.reached_by(identity, Caregiver(case.caregiver)):
        await _remember_contact(session, case)
    await _remember_age(session, await keys.of(case.id), case, age, identity)
    await record(session, caller, "case.changed", chain=case.id)
    await _tell_changed(session, case, minor, caregiver)
    return case


async def _remember_contact(session: AsyncSession, case: Case) -> None:
    word: dict[str, Any] = {"at": case.changed_at.isoformat()}
    if Caregiver(case.caregiver) in SUPPRESSED:
        word["caregiver"] = True
    await remember_word(session, Kind.CONTACT, case.id, word, case_id=case.id)


async def _remember_age(
    session: AsyncSession, key: bytes, case: Case, former: int | None, identity: dict[str, Any]
) -> None:
    """Add a corrected age to the list. Erasing the case destroys the age's key. The entry is bound to the case, not to
    an organisation, because a hand-over does not change the age."""
    if former == person.age_of(identity, clock.today()):
        return
    age = {name: identity.get(name) for name in person.AGE}
    sealed = seal_column(key, age, organisation=case.id, row=case.id, column="age")
    word = {"sealed_age": b64encode(sealed).decode()}
    await remember_word(session, Kind.AGE, case.id, word, case_id=case.id)


async def correct_age_again(
    session: AsyncSession, keys: CaseKeys, case: Case, word: Mapping[str, Any]
) -> int:
    """After a restore, record a child's corrected age again. This never turns a child into an adult. Requires service
    rights."""
    await remember_word(session, Kind.AGE, case.id, word, case_id=case.id)
    key, sealed, today = await key_of(keys, case.id), b64decode(word["sealed_age"]), clock.today()
    age = open_column(key, sealed, organisation=case.id, row=case.id, column="age")
    identity, attributes = await open_record(keys, case)
    if not person.is_minor(age, today) or person.age_of(identity, today) == person.age_of(
        age, today
    ):
        return 0
    seal_record(key, case, {**identity, **age}, attributes)
    case.minor = True
    touch(case)
    await session.flush()
    await record(session, None, "case.age_corrected_again", chain=case.id)
    return 1


async def doubt_contact(
    session: AsyncSession, keys: CaseKeys, case: Case, *, caregiver_too: bool
) -> None:
    """After a restore, warn readers that the contact has changed since this record, and suppress the caregiver's
    contact where needed. Requires service rights."""
    identity, attributes = await open_record(keys, case)
    minor, caregiver = case.minor, Caregiver(case.caregiver)
    contact = identity.get("contact") or {}
    former = contact.get("safe_way") or ""
    if not former.startswith(CONTACT_IN_DOUBT):
        way = f"{CONTACT_IN_DOUBT} {former}".strip()[:_LONGEST_WAY]
        identity = {**identity, "contact": {**contact, "safe_way": way}}
    seal_record(await keys.of(case.id), case, identity, attributes)
    if caregiver_too and caregiver not in SUPPRESSED:
        case.caregiver = Caregiver.ABSENT
    touch(case)
    await session.flush()
    await record(session, None, "case.contact_in_doubt", chain=case.id)
    await _tell_changed(session, case, minor, caregiver)


async def warn(session: AsyncSession, keys: CaseKeys, case: Case, notes: list[str]) -> bool:
    """Prepend notes from another system to the safe contact instructions. Return False if the text becomes too long.
    The caller has locked the case."""
    identity, attributes = await open_record(keys, case)
    contact = identity.get("contact") or {}
    way = with_notes(contact.get("safe_way"), notes)
    if way is None:
        return False
    if way != contact.get("safe_way"):
        identity = {**identity, "contact": {**contact, "safe_way": way}}
        seal_record(await keys.of(case.id), case, identity, attributes)
        touch(case)
        await session.flush()
        await _remember_contact(session, case)
        await record(session, None, "case.contact_in_doubt", chain=case.id)
    return True


def with_notes(way: str | None, notes: list[str]) -> str | None:
    """Return the safe contact instructions with each note prepended once; None if the text is too long."""
    former = way or ""
    new = [note for note in notes if note not in former]
    warned = f"{NOTE_OF_SENDER} {' · '.join(new)} · {former}".strip(" ·") if new else former
    return warned if len(warned) <= _LONGEST_WAY else None


async def _tell_changed(
    session: AsyncSession, case: Case, was_minor: bool | None, caregiver: Caregiver
) -> None:
    of = (case.id, case.organisation_id, clock.today())
    if case.minor is False and was_minor is not False:
        await tell(session, happenings.CameOfAge(*of))
    if Caregiver(case.caregiver) in SUPPRESSED and caregiver not in SUPPRESSED:
        await tell(session, happenings.CaregiverSuppressed(*of))


CONTACT_IN_DOUBT = (
    "Restaurado de un respaldo: el contacto cambió después; confírmelo antes de usarlo."
    " Restored from a backup: the contact changed later; confirm it before you use it."
)
NOTE_OF_SENDER = (
    "Nota de otro sistema; confírmela antes de contactar. Note of another system; confirm it before"
    " you make contact:"
)
_LONGEST_WAY = 500


def seal_record(
    key: bytes, case: Case, identity: dict[str, Any], attributes: dict[str, Any]
) -> None:
    """Seal both columns for the organisation that now holds the case."""
    owner = case.organisation_id
    case.identity = seal_column(key, identity, organisation=owner, row=case.id, column="identity")
    case.attributes = seal_column(
        key, attributes, organisation=owner, row=case.id, column="attributes"
    )


async def search(
    session: AsyncSession,
    caller: Principal,
    blind: BlindIndex,
    body: CaseSearch,
    *,
    before: UUID | None = None,
    limit: int | None = None,
) -> Sequence[Case]:
    """Return the organisation's own cases that match, newest first, up to `limit` + 1. The audit records the search but
    not its terms."""
    digests = blind.wanted(caller.organisation, body.name, body.document, body.own_reference)
    found = (
        await queries.cases_with_digests(
            session, caller, digests, None if limit is None else limit + 1, before=before
        )
        if digests
        else []
    )
    await record(
        session,
        caller,
        "case.searched",
        chain=caller.organisation,
        target_type="organisation",
        detail={"found": len(found[:limit])},
    )
    return found


async def set_implicated(
    session: AsyncSession,
    caller: Principal,
    keys: CaseKeys,
    case_id: UUID,
    organisations: set[UUID],
) -> Case:
    case = await queries.own_case(session, caller, case_id, lock=True)
    now = clock.now()
    await session.execute(
        sa.delete(ImplicatedOrganisation).where(col(ImplicatedOrganisation.case_id) == case.id)
    )
    session.add_all(
        ImplicatedOrganisation(
            case_id=case.id, organisation_id=o, marked_at=now, marked_by=caller.subject
        )
        for o in organisations
    )
    touch(case)
    await session.flush()
    await record(
        session, caller, "case.implicated_set", chain=case.id, detail={"count": len(organisations)}
    )
    word = accusing(organisations)
    await remember_word(session, Kind.IMPLICATED, case.id, word, case_id=case.id)
    await tell(session, happenings.ConflictRecorded(case.id, organisations, caller, keys))
    return case


async def assign(session: AsyncSession, caller: Principal, case_id: UUID, to: str | None) -> Case:
    case = await queries.own_case(session, caller, case_id, lock=True)
    refuse_unless_open(case)
    if not may_assign(caller, case.assigned_to, to):
        raise FORBIDDEN.because(
            "somebody_else_has_this_case_they_hand", needed_roles=[Role.SUPERVISOR]
        )
    if case.assigned_to != to:
        case.assigned_to = to
        touch(case)
        await session.flush()
        await record(session, caller, "case.assigned", chain=case.id)
    return case


def refuse_if_erased(case: Case) -> None:
    if case.status == "erased":
        raise ERASED.because("only_case_code_and_its_history_remain")


def refuse_unless_open(case: Case) -> None:
    refuse_if_erased(case)
    if case.status != "open":
        raise CONFLICT.because("case_is_closed")


def _dumped_identity(identity: Identity, today: date) -> dict[str, Any]:
    dumped = identity.model_dump(mode="json")
    if identity.age is not None:
        dumped["recorded_on"] = today.isoformat()
    return dumped


def shown_identity(identity: dict[str, Any]) -> Identity:
    return Identity.model_validate({k: v for k, v in identity.items() if k != "recorded_on"})


def shown_attributes(attributes: dict[str, Any]) -> Attributes:
    return Attributes.model_validate(attributes)


async def _index(session: AsyncSession, case: Case, digests: set[bytes]) -> None:
    await session.execute(sa.delete(_lookups).where(_lookups.c.case_id == case.id))
    await _add_digests(session, case, digests)


async def _add_digests(session: AsyncSession, case: Case, digests: set[bytes]) -> None:
    session.add_all(
        CaseLookup(case_id=case.id, organisation_id=case.organisation_id, digest=digest)
        for digest in sorted(digests)
    )
    await session.flush()


async def hand_over(
    session: AsyncSession,
    keys: CaseKeys,
    blind: BlindIndex,
    case: Case,
    identity: dict[str, Any],
    attributes: dict[str, Any],
    to: UUID,
    taken_by: str | None,
) -> None:
    """Seal the case for the other organisation; after the commit, only it can find the case. Requires service
    rights."""
    former = case.organisation_id
    case.organisation_id = to
    case.assigned_to = taken_by
    case.word = None  # the word could mean something in the former team's office
    touch(case)
    seal_record(await keys.of(case.id), case, identity, attributes)
    await session.flush()
    await _index(session, case, blind.digests(to, identity))
    await remember_word(session, Kind.HOLDER, case.id, {"holder": str(to)}, case_id=case.id)
    await tell(session, happenings.CaseHandedOver(case.id, former, to, keys))


async def hand_over_again(
    session: AsyncSession, keys: CaseKeys, blind: BlindIndex, case: Case, to: UUID
) -> None:
    """Return the case to its last holder after a restored backup assigned it to an earlier one. Requires service
    rights."""
    identity, attributes = await open_record(keys, case)
    await hand_over(session, keys, blind, case, identity, attributes, to, taken_by=None)
    await record(session, None, "case.handed_over_again", chain=case.id)


def touch(case: Case) -> None:
    case.version += 1
    case.changed_at = clock.now()
