"""Stores people's rights, received from the issuer, or from people's own tokens if Ruta does not run the issuer."""

from datetime import UTC, date, datetime

import sqlalchemy as sa
from common.auth import Principal
from common.happenings import tell
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.happenings import CasesLost
from referrals.ground.people.models import KnownPerson
from referrals.ground.people.queries import SCOPE
from referrals.ground.people.schemas import PageOfPeople, Standing
from referrals.ground.vocabulary.case_roles import CASE_ROLES

_RIGHTS = ("organisation_id", "roles", "scopes", "aors", "areas")
_BY_BYTES = sa.collate(col(KnownPerson.subject), "C")


async def take_in(session: AsyncSession, page: PageOfPeople) -> None:
    """Replace this range of subjects with the issuer's data. Two gateways send pages, so an older page changes
    nothing."""
    said_at = datetime.fromtimestamp(page.as_of, UTC)
    older = sa.or_(col(KnownPerson.said_at).is_(None), col(KnownPerson.said_at) < said_at)
    gone = [page.after < _BY_BYTES, col(KnownPerson.subject).not_in(page.people), older]
    if page.until is not None:
        gone.append(page.until >= _BY_BYTES)
    await session.execute(sa.delete(KnownPerson).where(*gone))
    if page.people:
        asked = sa.select(KnownPerson).where(col(KnownPerson.subject).in_(page.people), older)
        former = (await session.scalars(asked)).all()
        lost = {row.subject for row in former if _loses(row, page.people[row.subject])}
        statement = insert(KnownPerson)
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=["subject"],
                set_={name: statement.excluded[name] for name in (*_RIGHTS, "said_at")},
                where=older,
            ),
            [
                {"subject": subject, **rights.model_dump(), "said_at": said_at}
                for subject, rights in sorted(page.people.items())
            ],
        )
        if lost:
            await tell(session, CasesLost(lost))


def _loses(former: KnownPerson, now: Standing) -> bool:
    """Return whether somebody who worked with cases was demoted or moved to another organisation."""
    moved = former.organisation_id != now.organisation_id
    return _works(former) and (moved or not _works(now))


def _works(rights: KnownPerson | Standing) -> bool:
    return SCOPE in rights.scopes and not CASE_ROLES.isdisjoint(rights.roles)


async def say_away(
    session: AsyncSession, caller: Principal, first: date | None, last: date | None
) -> None:
    """Set the days on which the caller gets no messages; None means that the caller is back."""
    await learn(session, caller)
    await session.execute(
        sa.update(KnownPerson)
        .where(col(KnownPerson.subject) == caller.subject)
        .values(away_from=first, away_until=last)
    )


async def learn(session: AsyncSession, caller: Principal) -> None:
    """Store the rights from the caller's token, unless the issuer has sent them."""
    values = {
        "organisation_id": caller.organisation,
        "roles": sorted(caller.roles),
        "scopes": sorted(caller.scopes),
        "aors": sorted(caller.aors),
        "areas": sorted(caller.areas),
    }
    await session.execute(
        insert(KnownPerson)
        .values(subject=caller.subject, **values)
        .on_conflict_do_update(
            index_elements=["subject"], set_=values, where=col(KnownPerson.said_at).is_(None)
        )
    )
