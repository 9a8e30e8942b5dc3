"""HTTP routes for the work list: all kinds of work that are waiting for the caller, in one order."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from common.auth import Role
from common.events.codes import Urgency
from common.http import Session, router
from common.paging import CursorText, Limit, id_in, keys_in, moment_in, page_of
from fastapi import Query

from referrals.case.cases.queries import references_of
from referrals.ground.dependencies import Reader
from referrals.ground.vocabulary.fields import Account, Aor
from referrals.ground.vocabulary.work_kinds import ROWS, Whose, WorkKind
from referrals.ground.vocabulary.work_order import Rank
from referrals.referral.escalations.late_service import to_call
from referrals.telling.todo import work_service
from referrals.telling.todo.headings import NOW, Group
from referrals.telling.todo.schemas import WorkCounts, WorkItem, WorkLoad, WorkPage
from referrals.telling.todo.work_service import Found, Wanted

work = router("/referrals/v1/work", ["work"])

WhoseWork = Annotated[
    Whose,
    Query(
        alias="of",
        description="`mine`: what you have, and what nobody has that you may take. `team`: also what "
        "those have with whom you work the queue of a service. `organisation`: all that your own "
        "lists show.",
    ),
]
Kinds = Annotated[list[WorkKind] | None, Query(description="Only these.", max_length=30)]
Urgencies = Annotated[
    list[Urgency] | None, Query(description="Only these; what has none is left out.", max_length=3)
]
Aors = Annotated[
    list[Aor] | None, Query(description="Only these; what has none is left out.", max_length=4)
]


@work.get("")
async def list_work(
    *,
    session: Session,
    caller: Reader,
    of: WhoseWork = "organisation",
    kind: Kinds = None,
    urgency: Urgencies = None,
    aor: Aors = None,
    person: Annotated[
        Account | None, Query(description="Only what this person has, as `/work/load` names them.")
    ] = None,
    cursor: CursorText = None,
    limit: Limit = 50,
) -> WorkPage:
    """List everything that waits for you: by urgency, then time left, danger to a person, kind of work.

    Each row is also in the list of its own kind, here in ids and codes.
    """
    wanted = Wanted(
        whose=of,
        kinds=kind or (),
        urgencies=urgency or (),
        aors=aor or (),
        person=person,
        after=keys_in(cursor, Rank, moment_in, WorkKind, id_in),
        limit=limit,
    )
    rows = await work_service.listed(session, caller, wanted)
    cases = {row.row.ids["case_id"] for row in rows if "case_id" in row.row.ids}
    codes = await references_of(session, caller, cases)
    page = page_of(rows, limit, lambda row: _item(row, codes), lambda row: row.key)
    narrowed = cursor or kind or urgency or aor or person
    late = Role.COORDINATOR in caller.roles and not narrowed
    return WorkPage(
        items=page.items,
        next_cursor=page.next_cursor,
        to_call=await to_call(session, caller) if late else [],
    )


@work.get("/count")
async def count_work(
    *,
    session: Session,
    caller: Reader,
    of: WhoseWork = "organisation",
    kind: Kinds = None,
    urgency: Urgencies = None,
    aor: Aors = None,
) -> WorkCounts:
    """Count your waiting work by deadline and by kind."""
    wanted = Wanted(whose=of, kinds=kind or (), urgencies=urgency or (), aors=aor or ())
    groups, kinds = await work_service.counted(session, caller, wanted)
    return WorkCounts(
        now=sum(groups[group] for group in NOW),
        by_group={group: groups[group] for group in Group},
        by_kind={kind: count for kind, count in sorted(kinds.items()) if count},
    )


@work.get("/load")
async def count_load(
    *, session: Session, caller: Reader, of: WhoseWork = "organisation", kind: Kinds = None
) -> list[WorkLoad]:
    """What waits, since when and with whom: how much of each kind each person has. Kinds whose rows are decided one
    by one, such as emergency access, are only in the list."""
    wanted = Wanted(whose=of, kinds=kind or ())
    return [
        WorkLoad.model_validate(one, from_attributes=True)
        for one in await work_service.load(session, caller, wanted)
    ]


def _item(found: Found, codes: Mapping[UUID, str]) -> WorkItem:
    row = found.row
    case_id = row.ids.get("case_id")
    return WorkItem(
        kind=found.kind,
        verb=ROWS[found.kind]["verb"],
        rank=found.rank,
        group=found.group,
        due=found.due,
        since=row.since,
        ids=dict(row.ids),
        case_reference=codes.get(case_id) if case_id else None,
        urgency=row.urgency,
        about=row.about,
        aor=row.aor,
        area=row.area,
        state=row.state,
        organisation_id=row.organisation_id,
        reasons=list(row.reasons),
    )
