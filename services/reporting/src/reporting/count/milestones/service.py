"""Milestone use cases: set and change a milestone. All earlier states are kept."""

from typing import Any

from common import clock
from common.auth import Principal
from common.errors import INVALID, PROBLEMS, FieldError
from common.ids import new_id
from common.words.languages import LANGUAGES
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.count.milestones.models import milestone_changes, milestones
from reporting.count.milestones.plan import NEXT
from reporting.count.milestones.queries import FIELDS, Milestone
from reporting.count.milestones.schemas import MilestoneBody
from reporting.ground.periods import Period
from reporting.ground.unsourced_numbers import CONTACT, loose_numbers

MILESTONE_STATUS = PROBLEMS["milestone_status"]


async def add(session: AsyncSession, caller: Principal, body: MilestoneBody) -> Milestone:
    _refuse_numbers(body)
    made = Milestone(new_id(), 1, clock.now(), Period.parse(body.due).end, body)
    await session.execute(milestones.insert().values(id=made.id, **_values(made, caller)))
    await _keep(session, caller, made)
    return made


async def change(
    session: AsyncSession, caller: Principal, found: Milestone, body: MilestoneBody
) -> Milestone:
    """Replace a locked milestone; identical content changes nothing."""
    before = found.body.status
    if body.status not in (before, *NEXT[before]):
        raise MILESTONE_STATUS.because(
            "is_and_cannot_become",
            before,
            body.status,
            pointer="/status",
            allowed=[before, *NEXT[before]],
        )
    _refuse_numbers(body)
    if body == found.body:
        return found
    last_day = Period.parse(body.due).end
    changed = Milestone(found.id, found.version + 1, clock.now(), last_day, body)
    await session.execute(
        milestones.update().where(milestones.c.id == found.id).values(**_values(changed, caller))
    )
    await _keep(session, caller, changed)
    return changed


def _values(milestone: Milestone, caller: Principal) -> dict[str, Any]:
    document = milestone.body.model_dump(mode="json")
    return {
        **{field: document[field] for field in FIELDS},
        "organisation_id": milestone.body.organisation_id,
        "last_day": milestone.last_day,
        "version": milestone.version,
        "changed_at": milestone.changed_at,
        "changed_by": caller.subject,
    }


async def _keep(session: AsyncSession, caller: Principal, milestone: Milestone) -> None:
    await session.execute(
        milestone_changes.insert().values(
            milestone_id=milestone.id,
            version=milestone.version,
            body=milestone.body.model_dump(mode="json"),
            changed_at=milestone.changed_at,
            changed_by=caller.subject,
        )
    )


def _refuse_numbers(body: MilestoneBody) -> None:
    texts = {"what": body.what, "responsible": body.responsible, "reason": body.reason}
    errors = [
        FieldError(
            f"/{field}/{language}",
            f"{loose}: a number is a target (PUT /reports/v1/activities/targets), and an address"
            " has no place here.",
        )
        for field, told in texts.items()
        if told is not None
        for language in LANGUAGES
        for loose in _loose(getattr(told, language), language)
    ]
    if errors:
        raise INVALID.because("numbers_and_addresses_do_not_belong", errors=errors)


def _loose(said: str, language: str) -> list[str]:
    addresses = [match.group() for match in CONTACT.finditer(said)]
    return addresses or [number for _, number in loose_numbers(said, language)]
