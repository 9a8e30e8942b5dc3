"""Use cases for people: administration, sign-in, and restoring their rights from the external list."""

import secrets as random_secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal, Role, scopes_of
from common.errors import CONFLICT, INVALID, NOT_FOUND
from common.ids import new_id
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.changes.news import SIGN_IN
from gateway.issuer.changes.service import record
from gateway.issuer.organisations.queries import organisation
from gateway.issuer.people import queries
from gateway.issuer.people.factors import (
    Answer,
    NotAPasskey,
    Passkeys,
    RecoveryCodes,
    SecondFactors,
    credential_id,
    is_copied,
)
from gateway.issuer.people.models import NO_INVITATION, passkeys, people, recovery_codes
from gateway.issuer.people.models import passkeys as passkey_rows
from gateway.issuer.people.schemas import NewPerson, PersonChange
from gateway.issuer.rights import Marks, Word, rights_again, rights_of
from gateway.issuer.secrets import SecretChecks
from gateway.issuer.sign_ins.service import end_all_of_person
from gateway.issuer.tables import change_version
from gateway.issuer.throttle import service as attempts


async def found(session: AsyncSession, person_id: UUID) -> Any:
    """Return the row, or raise 404."""
    row = await queries.for_administrators(session, person_id)
    if row is None:
        raise NOT_FOUND.because("no_such_person")
    return row


async def create(session: AsyncSession, by: Principal, new: NewPerson) -> Any:
    """Create a person without credentials. Nobody can sign in as them before `renew_credentials`."""
    taken = await session.scalar(
        sa.select(people.c.id).where(people.c.sign_in_name == new.sign_in_name)
    )
    if taken is not None:
        raise CONFLICT.because("this_sign_in_name_is_taken", pointer="/sign_in_name")
    if await organisation(session, new.organisation_id) is None:
        raise INVALID.because("no_such_organisation", pointer="/organisation_id")
    _has_what_its_roles_need(new.roles, new.aors)
    scopes = new.scopes if "scopes" in new.model_fields_set else scopes_of(new.roles)
    identifier = new_id()
    await session.execute(
        sa.insert(people).values(
            **new.model_dump(exclude={"scopes", "invitation_days"}),
            scopes=scopes,
            id=identifier,
            second_factor_step=0,
            active=True,
            version=1,
            created_at=clock.now(),
        )
    )
    await record(session, by, "created", "person", identifier)
    return await found(session, identifier)


def _has_what_its_roles_need(roles: Iterable[str], aors: Iterable[str]) -> None:
    """Refuse coordinators without an area, because they would see nothing without knowing why."""
    if Role.COORDINATOR in roles and not list(aors):
        raise INVALID.because("coordinator_needs_area_of_responsibility", pointer="/aors")


async def renew_credentials(
    session: AsyncSession, by: Principal, secrets: SecretChecks, factors: SecondFactors, row: Any
) -> tuple[Any, str, str]:
    """Return a new password and second factor (base32). Void all sign-ins, recovery codes and passkeys of the
    person."""
    password = random_secrets.token_urlsafe(15)
    second, sealed = factors.new(row["id"])
    hashed = await secrets.hashed(password)
    given = {"password_hash": hashed, "second_factor": sealed, **NO_INVITATION}
    await replace_credentials(session, by, row, given, "gave credentials")
    return await found(session, row["id"]), password, second


async def replace_credentials(
    session: AsyncSession, by: Principal, row: Any, given: Mapping[str, Any], first: str
) -> None:
    """Replace every way in with the `given` values. `first` is recorded for a person without earlier credentials, to
    whom the change is not news."""
    await session.execute(
        sa.update(people)
        .where(people.c.id == row["id"])
        .values(**given, second_factor_step=0, version=row["version"] + 1)
    )
    for table in (recovery_codes, passkey_rows):
        await session.execute(sa.delete(table).where(table.c.person_id == row["id"]))
    await end_all_of_person(session, row["id"])
    what = first if row["password_hash"] is None else "renewed credentials"
    await record(session, by, what, "person", row["id"])


async def change(session: AsyncSession, by: Principal, row: Any, wanted: PersonChange) -> Any:
    values = wanted.model_dump(exclude_unset=True)
    values = {name: value for name, value in values.items() if value is not None}
    if {"roles", "aors"} & values.keys():
        _has_what_its_roles_need(*(values.get(name, row[name]) for name in ("roles", "aors")))
    ending = NO_INVITATION if values.get("active") is False else {}
    await change_version(session, people, row, **values, **ending)
    await end_all_of_person(session, row["id"])
    await record(session, by, f"changed {' '.join(sorted(values))}", "person", row["id"])
    return await found(session, row["id"])


async def seconds_to_wait(session: AsyncSession, sign_in_name: str, source: str) -> int:
    return await attempts.seconds_to_wait(session, attempt_name(sign_in_name), source)


@dataclass(frozen=True)
class Attempt:
    """The values of the sign-in form, except the password."""

    sign_in_name: str
    code: str
    recovery_code: str | None
    answer: Answer | None
    source: str


@dataclass(frozen=True)
class Proofs:
    """Verifies the second factor."""

    factors: SecondFactors
    recovery: RecoveryCodes
    passkeys: Passkeys

    async def hold(self, session: AsyncSession, row: Any, attempt: Attempt) -> bool:
        """Return whether the second factor is correct, without using it up or counting a failure."""
        if attempt.recovery_code is not None:
            digest = self.recovery.digest(row["id"], attempt.recovery_code)
            return digest in await queries.unused_codes(session, row["id"])
        if attempt.answer is not None:
            return await _answered(session, self.passkeys, row["id"], attempt.answer) is not None
        return self.step(row, attempt.code) is not None

    async def used(self, session: AsyncSession, row: Any, attempt: Attempt) -> bool:
        """Return whether the second factor is correct, and use it up. Call this only after a correct password."""
        if attempt.recovery_code is not None:
            return await _used_recovery_code(
                session, self.recovery, row["id"], attempt.recovery_code
            )
        if attempt.answer is not None:
            return await _used_passkey(session, self.passkeys, row["id"], attempt.answer)
        return await _used_code(session, self, row, attempt.code)

    def step(self, row: Any, code: str) -> int | None:
        if row["second_factor"] is None:
            return None
        return self.factors.step_of(
            row["id"],
            row["second_factor"],
            code,
            now=clock.now(),
            last_step=row["second_factor_step"],
        )


@dataclass(frozen=True)
class Admission:
    """The decision about an attempt. `wait` is the number of seconds until this source may retry. If `compares` is set,
    the password must be compared with `password_hash`, which is None for an unknown name."""

    wait: int = 0
    compares: bool = False
    password_hash: str | None = None


async def admitted(session: AsyncSession, proofs: Proofs, attempt: Attempt) -> Admission:
    """Decide whether to compare a password. The attempt counts as a failure until it succeeds, so that the slow
    comparison needs neither a lock nor a connection."""
    name, source = attempt_name(attempt.sign_in_name), attempt.source
    await attempts.take_turn(session, name, source)
    if wait := await attempts.seconds_to_wait(session, name, source):
        return Admission(wait)
    crowded = await attempts.begin(session, name, source)
    row = await queries.by_name(session, attempt.sign_in_name)
    if crowded and (row is None or not await proofs.hold(session, row, attempt)):
        return Admission()
    return Admission(compares=True, password_hash=row["password_hash"] if row else None)


async def signed_in(
    session: AsyncSession, proofs: Proofs, attempt: Attempt, matched: str | None
) -> Any | None:
    """Return the person's row if the second factor is also correct. `matched` is the hash that the password matched, or
    None. All failures are counted and look the same."""
    row = None
    if matched is not None:
        row = await queries.by_name(session, attempt.sign_in_name, hold=True)
    usable = row is not None and row["active"] and row["organisation_active"]
    changed = row is not None and row["password_hash"] != matched
    if row is None or not usable or changed or not await proofs.used(session, row, attempt):
        await attempts.failed_here(session, attempt.source)
        return None
    name = attempt_name(attempt.sign_in_name)
    await attempts.succeeded(session, name, attempt.source, begun=1)
    return row


def attempt_name(sign_in_name: str) -> str:
    return f"person/{sign_in_name}"


async def _used_code(session: AsyncSession, proofs: Proofs, row: Any, code: str) -> bool:
    """Return whether the one-time code is correct. Somebody with the password could guess six digits from many places,
    so failures count across all sources. Passkeys and recovery codes cannot be guessed, so they still work while codes
    are blocked."""
    guessed = f"code/{row['id']}"
    if row["second_factor"] is None or await attempts.must_wait_anywhere(session, guessed):
        return False
    step = proofs.step(row, code)
    if step is None:
        if await attempts.failed_anywhere(session, guessed):
            by = Principal(client_id=SIGN_IN, subject=str(row["id"]))
            await record(session, by, "refused several wrong codes", "person", row["id"])
        return False
    await attempts.succeeded_anywhere(session, guessed)
    await session.execute(
        sa.update(people).where(people.c.id == row["id"]).values(second_factor_step=step)
    )
    return True


async def _used_recovery_code(
    session: AsyncSession, recovery: RecoveryCodes, person_id: UUID, code: str
) -> bool:
    table = recovery_codes.c
    used = await session.execute(
        sa.update(recovery_codes)
        .where(
            table.person_id == person_id,
            table.code_digest == recovery.digest(person_id, code),
            table.used_at.is_(None),
        )
        .values(used_at=clock.now())
        .returning(table.person_id)
    )
    if used.scalar_one_or_none() is None:
        return False
    by = Principal(client_id=SIGN_IN, subject=str(person_id))
    await record(session, by, "used a recovery code", "person", person_id)
    return True


async def _answered(
    session: AsyncSession, passkeys: Passkeys, person_id: UUID, answer: Answer
) -> tuple[Any, int] | None:
    """Return the passkey that sent this response and its signature counter. Return None if the response is invalid or
    not new."""
    try:
        key = await queries.passkey_of(session, person_id, credential_id(answer.credential))
        if key is None:
            return None
        count = passkeys.sign_count(answer, person_id, key["public_key"])
    except NotAPasskey:
        return None
    if key["asked_at"] is not None and answer.asked_at <= key["asked_at"]:
        return None
    return key, count


async def _used_passkey(
    session: AsyncSession, passkeys: Passkeys, person_id: UUID, answer: Answer
) -> bool:
    found = await _answered(session, passkeys, person_id, answer)
    if found is None:
        return False
    key, count = found
    if is_copied(key["sign_count"], count):
        by = Principal(client_id=SIGN_IN, subject=str(person_id))
        await record(session, by, "refused a copied passkey", "person", person_id)
        return False
    await session.execute(
        sa.update(passkey_rows)
        .where(passkey_rows.c.id == key["id"])
        .values(sign_count=count, asked_at=answer.asked_at, used_at=clock.now())
    )
    return True


async def standing(session: AsyncSession, marks: Marks, person_id: UUID) -> Word | None:
    """Return the person's current state for the list, or None if the person does not exist."""
    row = await queries.by_id(session, person_id)
    return None if row is None else await _standing(session, marks, row)


async def _standing(session: AsyncSession, marks: Marks, row: queries.Row) -> Word:
    person_id = row["id"]
    codes = await queries.unused_codes(session, person_id)
    keys = await queries.passkeys_of(session, person_id)
    return {
        **rights_of(row),
        "password": marks.of(person_id, "password", row["password_hash"]),
        "second_factor": marks.of(person_id, "second factor", row["second_factor"]),
        "recovery": marks.of(person_id, "recovery", b"".join(sorted(codes))) if codes else "",
        "passkeys": marks.of_all(person_id, "passkey", (key["credential_id"] for key in keys)),
        "invitation": marks.of(person_id, "invitation", row["invitation_digest"]),
    }


async def hold_to(session: AsyncSession, marks: Marks, person_id: UUID, word: Word) -> bool:
    """Apply the rights from the list. Return whether anything differed. Credentials that differ from the list are
    removed, and an administrator must issue new ones."""
    row = await queries.held(session, person_id)
    if row is None:
        return False
    now = await _standing(session, marks, row)
    values = rights_again(row, word)
    if now["password"] != word["password"]:
        values["password_hash"] = None
    if now["second_factor"] != word["second_factor"]:
        values["second_factor"] = None
    if now["invitation"] != word["invitation"]:
        values |= NO_INVITATION
    if now["recovery"] != word["recovery"]:
        await session.execute(
            sa.delete(recovery_codes).where(recovery_codes.c.person_id == person_id)
        )
    for key in await queries.passkeys_of(session, person_id):
        if marks.of(person_id, "passkey", key["credential_id"]) not in word["passkeys"]:
            await session.execute(sa.delete(passkeys).where(passkeys.c.id == key["id"]))
    await change_version(session, people, row, **values)
    await end_all_of_person(session, person_id)
    return now != word
