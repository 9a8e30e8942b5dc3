"""Use cases of people: added and changed by administrators, signed in by themselves."""

import secrets as random_secrets
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common import clock
from common.auth import Principal
from common.errors import CONFLICT, INVALID, NOT_FOUND
from common.ids import new_id
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.changes.news import SIGN_IN
from gateway.issuer.changes.service import record
from gateway.issuer.organisations.queries import organisation
from gateway.issuer.people import queries
from gateway.issuer.people.models import passkeys as passkey_rows
from gateway.issuer.people.models import people, recovery_codes
from gateway.issuer.people.passkeys import Answer, NotAPasskey, Passkeys, credential_id, is_copied
from gateway.issuer.people.recovery import RecoveryCodes
from gateway.issuer.people.schemas import NewPerson, PersonChange
from gateway.issuer.people.second_factor import SecondFactors
from gateway.issuer.secrets import SecretChecks
from gateway.issuer.sign_ins.service import end_all_of_person
from gateway.issuer.tables import change_version
from gateway.issuer.throttle import service as attempts


async def found(session: AsyncSession, person_id: UUID) -> Any:
    """The row, or 404."""
    row = await queries.for_administrators(session, person_id)
    if row is None:
        raise NOT_FOUND.because("No such person.")
    return row


async def create(session: AsyncSession, by: Principal, new: NewPerson) -> Any:
    """Added without credentials: nobody can sign in as them before `renew_credentials`."""
    taken = await session.scalar(
        sa.select(people.c.id).where(people.c.sign_in_name == new.sign_in_name)
    )
    if taken is not None:
        raise CONFLICT.because("This sign-in name is taken.", pointer="/sign_in_name")
    if await organisation(session, new.organisation_id) is None:
        raise INVALID.because("No such organisation.", pointer="/organisation_id")
    identifier = new_id()
    await session.execute(
        sa.insert(people).values(
            **new.model_dump(),
            id=identifier,
            second_factor_step=0,
            active=True,
            version=1,
            created_at=clock.now(),
        )
    )
    await record(session, by, "created", "person", identifier)
    return await found(session, identifier)


async def renew_credentials(
    session: AsyncSession, by: Principal, secrets: SecretChecks, factors: SecondFactors, row: Any
) -> tuple[Any, str, str]:
    """New password and second factor (base32); everything signed in before is void, and so are the
    recovery codes and passkeys."""
    password = random_secrets.token_urlsafe(15)
    second, sealed = factors.new(row["id"])
    await session.execute(
        sa.update(people)
        .where(people.c.id == row["id"])
        .values(
            password_hash=await secrets.hashed(password),
            second_factor=sealed,
            second_factor_step=0,
            version=row["version"] + 1,
        )
    )
    for table in (recovery_codes, passkey_rows):
        await session.execute(sa.delete(table).where(table.c.person_id == row["id"]))
    await end_all_of_person(session, row["id"])
    # Who was just added had none before: that is no news to them.
    what = "gave credentials" if row["version"] == 1 else "renewed credentials"
    await record(session, by, what, "person", row["id"])
    return await found(session, row["id"]), password, second


async def change(session: AsyncSession, by: Principal, row: Any, wanted: PersonChange) -> Any:
    values = wanted.model_dump(exclude_unset=True)
    values = {name: value for name, value in values.items() if value is not None}
    await change_version(session, people, row, **values)
    await end_all_of_person(session, row["id"])
    await record(session, by, f"changed {' '.join(sorted(values))}", "person", row["id"])
    return await found(session, row["id"])


async def take_turn(session: AsyncSession, sign_in_name: str) -> None:
    """Before anything is looked at, of names that nobody has, too: how long it takes tells nothing of them."""
    await attempts.take_turn(session, attempt_name(sign_in_name))


async def seconds_to_wait(session: AsyncSession, sign_in_name: str, source: str) -> int:
    return await attempts.seconds_to_wait(session, attempt_name(sign_in_name), source)


async def signed_in(
    session: AsyncSession,
    secrets: SecretChecks,
    factors: SecondFactors,
    *,
    sign_in_name: str,
    password: str,
    code: str,
    recovery: RecoveryCodes,
    recovery_code: str | None = None,
    passkeys: Passkeys,
    answer: Answer | None = None,
    source: str,
) -> Any | None:
    """The person's row, if the password is right, and either code or what a passkey answered; every failure looks the same and is
    counted."""
    row = await queries.by_name(session, sign_in_name)
    matches = await secrets.matches(row["password_hash"] if row is not None else None, password)
    usable = row is not None and row["active"] and row["organisation_active"]
    # A recovery code is used up only by whoever knows the password, too.
    if row is None or not matches or not usable:
        proved = False
    elif recovery_code is not None:
        proved = await _used_recovery_code(session, recovery, row["id"], recovery_code)
    elif answer is not None:
        proved = await _used_passkey(session, passkeys, row["id"], answer)
    else:
        proved = await _used_code(session, factors, row, code)
    if row is None or not proved:
        await attempts.failed(session, attempt_name(sign_in_name), source)
        return None
    await attempts.succeeded(session, attempt_name(sign_in_name), source)
    return row


def attempt_name(sign_in_name: str) -> str:
    return f"person/{sign_in_name}"


async def _used_code(session: AsyncSession, factors: SecondFactors, row: Any, code: str) -> bool:
    """Six figures can be guessed by whoever has the password and asks from many places: tries are counted of all of
    them together. A passkey and a recovery code cannot be guessed, and stay."""
    guessed = f"code/{row['id']}"
    if row["second_factor"] is None or await attempts.must_wait_anywhere(session, guessed):
        return False
    step = factors.step_of(
        row["id"],
        row["second_factor"],
        code,
        now=clock.now(),
        last_step=row["second_factor_step"],
    )
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


async def _used_passkey(
    session: AsyncSession, passkeys: Passkeys, person_id: UUID, answer: Answer
) -> bool:
    try:
        key = await queries.passkey_of(session, person_id, credential_id(answer.credential))
        if key is None:
            return False
        count = passkeys.sign_count(answer, person_id, key["public_key"])
    except NotAPasskey:
        return False
    if key["asked_at"] is not None and answer.asked_at <= key["asked_at"]:
        return False
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
