"""How people stand: said for the list that leaves the machine, and held to it where the record went back."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.people import queries
from gateway.issuer.people.models import passkeys, people, recovery_codes
from gateway.issuer.sign_ins.service import end_all_of_person
from gateway.issuer.standing import Marks, Word, rights_again, rights_of
from gateway.issuer.tables import change_version


async def standing(session: AsyncSession, marks: Marks, person_id: UUID) -> Word | None:
    """None for somebody who is not there."""
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
    }


async def hold_to(session: AsyncSession, marks: Marks, person_id: UUID, word: Word) -> bool:
    """Their last rights; a credential that is not the last one is none any more: they get new ones from an
    administrator. Whether they stood otherwise."""
    row = await queries.held(session, person_id)
    if row is None:
        return False
    now = await _standing(session, marks, row)
    values = rights_again(row, word)
    if now["password"] != word["password"]:
        values["password_hash"] = None
    if now["second_factor"] != word["second_factor"]:
        values["second_factor"] = None
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
