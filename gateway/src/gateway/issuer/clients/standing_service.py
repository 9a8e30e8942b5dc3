"""How clients stand: said for the list that leaves the machine, and held to it where the record went back."""

from sqlalchemy.ext.asyncio import AsyncSession

from gateway.issuer.clients import queries
from gateway.issuer.clients.models import clients
from gateway.issuer.secrets import SecretChecks, new_secret
from gateway.issuer.sign_ins.service import end_all_through
from gateway.issuer.standing import Marks, Word, rights_again, rights_of
from gateway.issuer.tables import change_version


async def standing(session: AsyncSession, marks: Marks, client_id: str) -> Word | None:
    """None for one that is not there."""
    row = await queries.client(session, client_id)
    return None if row is None else _standing(marks, row)


async def hold_to(
    session: AsyncSession, marks: Marks, secrets: SecretChecks, client_id: str, word: Word
) -> bool:
    """Its last rights. A secret that is not the last one opens nothing any more, and where its people are led back to
    has to be said again. Whether it stood otherwise."""
    await queries.hold(session, client_id)
    row = await queries.client(session, client_id)
    if row is None:
        return False
    now, values = _standing(marks, row), rights_again(row, word)
    if now["secret"] != word["secret"] and row["secret_hash"] is not None:
        # Without any it would be one that proves itself by none.
        values["secret_hash"] = await secrets.hashed(new_secret())
    if now["redirects"] != word["redirects"]:
        values["redirect_uris"] = []
    await change_version(session, clients, row, **values)
    await end_all_through(session, client_id)
    return now != word


def _standing(marks: Marks, row: queries.Row) -> Word:
    redirects = "\n".join(row["redirect_uris"]) or None
    return {
        **rights_of(row),
        "secret": marks.of(row["id"], "secret", row["secret_hash"]),
        "redirects": marks.of(row["id"], "redirects", redirects),
    }
