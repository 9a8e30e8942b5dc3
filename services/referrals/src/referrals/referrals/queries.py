"""Reading referrals, always as one of the two parties."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal, Role
from common.errors import NOT_FOUND
from common.reads import QuickStatement, Searchable, split
from common.referral_states import OPEN, ReferralState
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.consents.models import GrantRecord
from referrals.consents.queries import HELD, covers
from referrals.directory.queries import works_queue
from referrals.locking_queries import held, sending
from referrals.referrals.lifecycle import Party
from referrals.referrals.models import Referral, Snapshot, Step
from referrals.referrals.seeing import shown_instead, sides_of
from referrals.tables import Instant, Texts
from referrals.vocabulary.disclosure import Item

# Statements are composed once for each kind of caller: it costs more than to send them.
_CALLER = sa.bindparam("caller_organisation", type_=sa.Uuid())
_NAMES = sa.bindparam("caller_names", type_=Texts())


def addressed_to(supervisor: bool) -> sa.ColumnElement[bool]:
    """Addressed to the caller's organisation, and to a service whose queue the caller works in."""
    addressed = sa.and_(
        col(Referral.to_organisation) == _CALLER, col(Referral.sent_at).is_not(None)
    )
    if supervisor:
        return addressed
    return sa.and_(addressed, works_queue(_CALLER, col(Referral.service_id), _NAMES))


def caller_values(caller: Principal) -> dict[str, Any]:
    values: dict[str, Any] = {"caller_organisation": caller.organisation}
    if Role.SUPERVISOR not in caller.roles:
        values["caller_names"] = [caller.subject]
    return values


def _named(supervisor: bool, *, of_case: bool) -> list[sa.ColumnElement[bool]]:
    """The referral that is asked for, if it concerns the caller; `of_case`: if it is of the case that is named."""
    named = [
        col(Referral.id) == sa.bindparam("referral_id", type_=sa.Uuid()),
        sa.or_(col(Referral.from_organisation) == _CALLER, addressed_to(supervisor)),
    ]
    if of_case:
        named.append(col(Referral.case_id) == sa.bindparam("of_case", type_=sa.Uuid()))
    return named


@cache
def _one(supervisor: bool, of_case: bool, lock: bool) -> sa.Select[Any]:
    statement = sa.select(Referral).where(*_named(supervisor, of_case=of_case))
    if lock:
        statement = statement.where(held(col(Referral.case_id))).with_for_update(of=Referral)
    return statement.execution_options(populate_existing=lock)


async def one(
    session: AsyncSession,
    caller: Principal,
    referral_id: UUID,
    *,
    case_id: UUID | None = None,
    lock: bool = False,
) -> Referral:
    """The referral, or 404 for everybody that it does not concern.

    `case_id`: the case that the URL names; a referral of another case is not found under it.
    """
    statement = _one(Role.SUPERVISOR in caller.roles, case_id is not None, lock)
    wanted = {"referral_id": referral_id, "of_case": case_id, **caller_values(caller)}
    referral: Referral | None = (await session.scalars(statement, wanted)).one_or_none()
    if referral is None:
        raise NOT_FOUND.because("no_such_that_concerns_you", "referral")
    return referral


@cache
def _to_move(supervisor: bool, of_case: bool) -> QuickStatement:
    statement = sa.select(*_COLUMNS).where(*_named(supervisor, of_case=of_case))
    statement = statement.where(held(col(Referral.case_id)))
    return QuickStatement(statement.with_for_update(of=Referral))


async def to_move(
    session: AsyncSession, caller: Principal, referral_id: UUID, case_id: UUID | None
) -> Referral:
    """As `one` with `lock`, but read without mapping: `steps.take` writes back what a step changes, and nothing
    else that is changed of it is kept."""
    wanted = {"referral_id": referral_id, "of_case": case_id, **caller_values(caller)}
    row = await _to_move(Role.SUPERVISOR in caller.roles, case_id is not None).first(
        session, wanted
    )
    if row is None:
        raise NOT_FOUND.because("no_such_that_concerns_you", "referral")
    return Referral.of(**row)


_COLUMNS = [col(getattr(Referral, name)) for name in Referral.model_fields]
_THE_DRAFT = (
    col(Referral.id) == sa.bindparam("referral_id", type_=sa.Uuid()),
    col(Referral.from_organisation) == _CALLER,
    col(Referral.state) == ReferralState.DRAFT.value,
)
_DRAFT = QuickStatement(
    sa.select(*_COLUMNS)
    .where(*_THE_DRAFT, held(col(Referral.case_id)), sending())
    .with_for_update(of=Referral)
)
# The consent holds the case, and its row is locked before the joined one is there to be locked.
_CONSENT = HELD.cte("consent")
_CONSENT_AND_DRAFT = QuickStatement(
    sa.select(*_CONSENT.c, *_COLUMNS)
    .where(*_THE_DRAFT, col(Referral.case_id) == _CONSENT.c.case_id, sending())
    .with_for_update(of=Referral)
)


async def draft_to_send(
    session: AsyncSession, caller: Principal, referral_id: UUID, case_id: UUID | None
) -> Referral:
    """The caller's draft, locked and read without mapping: `steps.take` writes it back.

    Anything else is what `one` says of it.
    """
    wanted = {"referral_id": referral_id, "caller_organisation": caller.organisation}
    row = await _DRAFT.first(session, wanted)
    if row is None or case_id not in (None, row["case_id"]):
        return await one(session, caller, referral_id, case_id=case_id, lock=True)
    return Referral.of(**row)


async def consent_and_draft_to_send(
    session: AsyncSession,
    caller: Principal,
    grant_id: UUID,
    referral_id: UUID,
    case_id: UUID | None,
) -> tuple[GrantRecord, Referral] | None:
    """Both at once, of one case, which is held; None if one of them is not what it should be."""
    row = await _CONSENT_AND_DRAFT.first(
        session,
        {
            "grant_id": grant_id,
            "organisation": caller.organisation,
            "referral_id": referral_id,
            "caller_organisation": caller.organisation,
        },
    )
    if row is None:
        return None
    (grant,), values = split(row, GrantRecord)
    referral = Referral.of(**dict(zip(Referral.model_fields, values, strict=True)))
    return (grant, referral) if case_id in (None, referral.case_id) else None


def readable(caller: Principal, referral_id: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    """Whether the caller would find this referral one by one (`one`): for lists of other things that
    name referrals. Its values are `caller_values`."""
    found = sa.select(sa.literal(1)).where(
        col(Referral.id) == referral_id,
        sa.or_(
            col(Referral.from_organisation) == _CALLER,
            addressed_to(Role.SUPERVISOR in caller.roles),
        ),
    )
    return found.exists()


def sharing_ended_after(
    caller: Principal, referral_id: sa.ColumnElement[UUID], moment: sa.ColumnElement[datetime]
) -> sa.ColumnElement[bool]:
    """Whether what was shared with the caller by this referral ended after `moment`; never for its sender. Needs
    service rights: a recipient does not see the row of what it may not read any more."""
    ended = sa.select(sa.literal(1)).where(
        col(Referral.id) == referral_id,
        col(Referral.from_organisation) != caller.organisation,
        col(Snapshot.referral_id) == col(Referral.id),
        col(Snapshot.revoked_at) > moment,
    )
    return ended.exists()


def searchable(caller: Principal) -> Searchable:
    """The referrals that `one` finds for the caller, as `seen_by` shows them."""
    mine = col(Referral.from_organisation) == _CALLER
    still = col(Referral.held_still)
    columns: dict[str, Any] = {
        name: col(getattr(Referral, name))
        for name in ("id", "case_id", "service_id", "category", "state", "urgency", "created_at")
    }
    columns["to_organisation"] = col(Referral.to_organisation)
    columns["from_organisation"] = _as_shown(
        mine, sa.cast(still["from_organisation"].astext, sa.Uuid()), col(Referral.from_organisation)
    )
    columns["changed_at"] = _as_shown(
        mine, sa.cast(still["changed_at"].astext, Instant()), col(Referral.changed_at)
    )
    rows = sa.select(Referral).where(sa.or_(mine, addressed_to(Role.SUPERVISOR in caller.roles)))
    return Searchable(rows, columns, caller_values(caller))


def _as_shown(
    mine: sa.ColumnElement[bool], still: sa.ColumnElement[Any], own: Any
) -> sa.ColumnElement[Any]:
    return sa.case((mine, own), else_=sa.func.coalesce(still, own))


class _Uses:
    """What referrals were sent under (`consents.queries.Uses`)."""

    def grant(self, grant_id: Any) -> sa.ColumnElement[bool]:
        return sa.exists().where(col(Referral.grant_id) == grant_id)

    def exception(self, exception_id: Any) -> sa.ColumnElement[bool]:
        return sa.exists().where(col(Referral.exception_id) == exception_id)


USES = _Uses()


async def told_the_contact(session: AsyncSession, case_id: UUID) -> list[tuple[UUID, UUID, int]]:
    """Referral, recipient and version where the caregiver's contact may have been read; needs service
    rights."""
    statement = (
        sa.select(col(Referral.id), col(Referral.to_organisation), col(Referral.version))
        .join(Snapshot, col(Snapshot.referral_id) == col(Referral.id))
        .where(
            col(Referral.case_id) == case_id,
            col(Referral.held_still).is_(None),
            col(Snapshot.revoked_at).is_(None),
            covers(
                Item.CAREGIVER_CONTACT.value, col(Referral.grant_id), col(Referral.exception_id)
            ),
        )
        .order_by(col(Referral.id))
    )
    return [(row[0], row[1], row[2]) for row in await session.execute(statement)]


def ids_of_case(case_id: UUID) -> sa.Select[Any]:
    """For statements about what belongs to the case's referrals."""
    return sa.select(col(Referral.id)).where(col(Referral.case_id) == case_id)


def parties_of(caller: Principal, referral: Referral) -> frozenset[Party]:
    return sides_of(caller.organisation, referral)


def seen_by(
    caller: Principal, referral: Referral, granted: Collection[str] | None = frozenset()
) -> Referral:
    """The referral as the caller's side sees it: to show, never to change. `granted`: see `shown_instead`."""
    instead = shown_instead(referral, parties_of(caller, referral), granted)
    return Referral(**{**referral.model_dump(), **instead})


async def snapshot_of(session: AsyncSession, referral_id: UUID) -> Snapshot | None:
    return await session.get(Snapshot, referral_id)


async def steps_of(session: AsyncSession, referral_id: UUID) -> Sequence[Step]:
    rows = await session.scalars(
        sa.select(Step).where(col(Step.referral_id) == referral_id).order_by(col(Step.version))
    )
    return rows.all()


async def one_held(session: AsyncSession, referral_id: UUID) -> Referral | None:
    """With its case held; needs service rights."""
    which = col(Referral.id) == referral_id, held(col(Referral.case_id))
    found = await session.scalars(sa.select(Referral).where(*which).with_for_update())
    return found.one_or_none()


async def sharing(session: AsyncSession, ids: Collection[UUID]) -> set[UUID]:
    """Those that were sent and go on, or whose snapshot was not revoked; needs service rights."""
    shared = sa.exists().where(
        col(Snapshot.referral_id) == col(Referral.id), col(Snapshot.revoked_at).is_(None)
    )
    those = (
        col(Referral.id).in_(ids),
        col(Referral.sent_at).is_not(None),
        sa.or_(col(Referral.state).in_([state.value for state in OPEN]), shared),
    )
    return set(await session.scalars(sa.select(col(Referral.id)).where(*those)))


async def unrevoked(session: AsyncSession, ids: Collection[UUID]) -> set[UUID]:
    """Those of which something is shared still; needs service rights."""
    asked = sa.select(col(Snapshot.referral_id)).where(
        col(Snapshot.referral_id).in_(ids), col(Snapshot.revoked_at).is_(None)
    )
    return set(await session.scalars(asked))


async def open_under_grant(
    session: AsyncSession, *, grant_id: UUID | None = None, exception_id: UUID | None = None
) -> Sequence[Referral]:
    """Referrals under a grant or exception, locked in the order of their ids."""
    statement = sa.select(Referral).order_by(col(Referral.id)).with_for_update()
    if grant_id is not None:
        statement = statement.where(col(Referral.grant_id) == grant_id)
    else:
        statement = statement.where(col(Referral.exception_id) == exception_id)
    return (await session.scalars(statement)).all()


async def open_beside(session: AsyncSession, referral: Referral) -> Sequence[UUID]:
    """Other referrals of the same person to the same service that are sent and have not ended."""
    rows = await session.scalars(
        sa.select(col(Referral.id)).where(
            col(Referral.case_id) == referral.case_id,
            col(Referral.service_id) == referral.service_id,
            col(Referral.id) != referral.id,
            col(Referral.sent_at).is_not(None),
            col(Referral.state).in_(sorted(state.value for state in OPEN)),
        )
    )
    return rows.all()


async def services_tried(session: AsyncSession, referral: Referral) -> Sequence[UUID]:
    """Services that the person of the referral was referred to for the same need."""
    rows = await session.scalars(
        sa.select(col(Referral.service_id))
        .where(
            col(Referral.case_id) == referral.case_id,
            col(Referral.category) == referral.category,
            col(Referral.sent_at).is_not(None),
        )
        .distinct()
    )
    return [*rows, referral.service_id]


async def aors_of_case(session: AsyncSession, case_id: UUID) -> set[str]:
    """Areas of responsibility of the case's referrals; needs service rights to see them all."""
    return set(
        await session.scalars(
            sa.select(col(Referral.aor)).where(col(Referral.case_id) == case_id).distinct()
        )
    )


async def of_case(
    session: AsyncSession, case_id: UUID, *, open_only: bool = False
) -> Sequence[Referral]:
    """All referrals of a case, locked in the order of their ids."""
    statement = (
        sa.select(Referral)
        .where(col(Referral.case_id) == case_id)
        .order_by(col(Referral.id))
        .with_for_update()
    )
    if open_only:
        statement = statement.where(col(Referral.state).in_([state.value for state in OPEN]))
    return (await session.scalars(statement)).all()


async def hold_if_free(session: AsyncSession, referral_id: UUID) -> Referral | None:
    """The referral with its case, held; None while somebody else holds it. Needs service rights."""
    found = await session.scalars(
        sa.select(Referral)
        .where(col(Referral.id) == referral_id, held(col(Referral.case_id), wait=False))
        .with_for_update()
    )
    return found.one_or_none()


async def by_id(session: AsyncSession, referral_id: UUID) -> Referral | None:
    """Needs service rights."""
    return await session.get(Referral, referral_id)


@dataclass(frozen=True)
class Outline:
    """Between whom a referral is, how urgent it is and how far it has come."""

    from_organisation: UUID
    to_organisation: UUID
    service_id: UUID
    urgency: str
    version: int


async def outlines(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Outline]:
    """By id; needs service rights."""
    if not ids:
        return {}
    names = [f.name for f in fields(Outline)]
    rows = await session.execute(
        sa.select(col(Referral.id), *(col(getattr(Referral, name)) for name in names)).where(
            col(Referral.id).in_(ids)
        )
    )
    return {found: Outline(*values) for found, *values in rows}
