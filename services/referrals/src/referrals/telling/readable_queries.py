"""Checks whether a caller could find a subject, for lists that name it (audit, feed) and for messages. A list hides
everything that a read would refuse."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal, Role
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases.queries import held_by
from referrals.case.consents import queries as consents
from referrals.case.transfers import queries as transfers
from referrals.ground.notices import queries as queued
from referrals.ground.notices.kinds import ENDS, News, NoticeKind
from referrals.ground.notices.models import Notice
from referrals.ground.tasks import queries as tasks
from referrals.ground.vocabulary.case_roles import works_with_cases
from referrals.listening.breakglass import queries as breakglass
from referrals.listening.intake import queries as intake
from referrals.listening.line import queries as line
from referrals.referral.referrals import queries as referrals
from referrals.screening.assistance import queries as assistance
from referrals.screening.screenings import queries as screenings

Found = Callable[[Principal, sa.ColumnElement[UUID]], sa.ColumnElement[bool]]

READING = tasks.Reading(held_by, referrals.readable)
# Keyed by the subject types of the audit and of notices; nobody finds an unlisted type. People who work with cases
# find these; each read refuses other members.
OF_CASES: Mapping[str, Found] = {
    "case": held_by,
    "consent": consents.readable,
    "exception": consents.readable_exception,
    "match": assistance.readable_match,
    "referral": referrals.readable,
    "screening": screenings.readable,
    "submission": intake.readable,
    "task": lambda caller, task: tasks.readable(caller, task, READING),
    "transfer": transfers.readable,
}
# Each of these checks the caller's roles itself.
BY_ROLE: Mapping[str, Found] = {
    "break_glass": breakglass.readable,
    "line_exception": line.readable_exception,
    "line_report": line.readable,
}
# Entries that are readable together with their case.
BY_CASE = frozenset({"assistance", "plan", "review", "route"})
# Subjects that belong to the organisation and do not concern a person.
OWN_BUSINESS = frozenset(
    {
        "certificate",
        "channel",
        "instrument",
        "intake_form",
        "organisation",
        "protocol",
        "service",
        "shift",
        "training",
        "webhook",
    }
)


def readable(
    caller: Principal,
    kind: sa.ColumnElement[str],
    subject: sa.ColumnElement[UUID],
    record: sa.ColumnElement[UUID] | None = None,
) -> sa.ColumnElement[bool]:
    """Return the SQL condition that the reader could find the subject of a row of their organisation. `record`: the
    entry's case, if known."""
    of_cases = works_with_cases(caller)
    by_id = {**OF_CASES, **BY_ROLE} if of_cases else BY_ROLE
    whens: list[tuple[Any, Any]] = [
        (kind == name, found(caller, _one_by_one(subject))) for name, found in by_id.items()
    ]
    if of_cases and record is not None:
        whens.append((kind.in_(sorted(BY_CASE)), held_by(caller, _one_by_one(record))))
    whens.append((kind.in_(sorted(OWN_BUSINESS)), sa.true()))
    return sa.case(*whens, else_=sa.false())


def _one_by_one(subject: sa.ColumnElement[UUID]) -> sa.ColumnElement[UUID]:
    """Return an expression that checks each subject separately, up to the end of the page. With a plain equality,
    PostgreSQL first collects years of findable rows."""
    return cast("sa.ColumnElement[UUID]", sa.any_(array([subject])))


# People find these through the areas that they coordinate; a webhook has no such areas.
_OF_THE_LINE: Mapping[str, Callable[[UUID, sa.ColumnElement[UUID]], sa.ColumnElement[bool]]] = {
    "line_exception": line.told_of_exception,
    "line_report": line.told_of,
}


async def still_told(
    session: AsyncSession,
    receiver: Principal,
    notices: Sequence[Notice],
    own: Collection[UUID] = (),
) -> frozenset[UUID]:
    """Return the queued notices whose subject the receiver could find now. Requires service rights.

    `receiver`: a person with current rights, or `the_organisation`. `own`: notices about the receiver's own items.
    Notices from before sharing ended are dropped, except those that announce the end (`ENDS`).
    """
    if not notices:
        return frozenset()
    which = sa.case(
        *(
            (sa.literal(kind) == queued.SUBJECT_TYPE, _told(receiver, kind))
            for kind in sorted({notice.subject_type for notice in notices})
        ),
        else_=sa.false(),
    )
    ids = [notice.id for notice in notices if notice.id in own or _is_for(receiver, notice)]
    return await queued.of_which(session, ids, which) if ids else frozenset()


def _is_for(receiver: Principal, notice: Notice) -> bool:
    """Return whether the notice still concerns somebody with these roles."""
    news = NoticeKind(notice.kind).news
    if news is News.COORDINATORS and receiver.subject != _THE_ORGANISATION:
        return Role.COORDINATOR in receiver.roles
    if news is News.SUPERVISORS or notice.for_supervisor:
        return Role.SUPERVISOR in receiver.roles
    return True


def _told(receiver: Principal, kind: str) -> sa.ColumnElement[bool]:
    if kind in OWN_BUSINESS:
        return sa.true()
    if kind in _OF_THE_LINE:
        if receiver.subject == _THE_ORGANISATION:
            return _OF_THE_LINE[kind](receiver.organisation, queued.SUBJECT_ID)
        return BY_ROLE[kind](receiver, queued.SUBJECT_ID)
    if kind not in OF_CASES or not works_with_cases(receiver):
        return sa.false()
    found = OF_CASES[kind](receiver, queued.SUBJECT_ID)
    over: sa.ColumnElement[bool] = sa.false()
    if kind == "referral":
        over = referrals.sharing_ended_after(receiver, queued.SUBJECT_ID, queued.AT)
    elif kind == "match":
        over = assistance.match_ended_after(queued.SUBJECT_ID, queued.AT)
    return sa.and_(found, sa.or_(queued.KIND.in_(sorted(ENDS)), sa.not_(over)))


_THE_ORGANISATION = "webhooks"


def the_organisation(organisation: UUID) -> Principal:
    """Return the reader for an organisation's webhooks: one of its systems, with a supervisor's rights."""
    return Principal(
        client_id=_THE_ORGANISATION,
        subject=_THE_ORGANISATION,
        organisation_id=organisation,
        roles=frozenset({Role.SUPERVISOR}),
    )
