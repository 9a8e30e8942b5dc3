"""HTTP routes for timers: the deadlines per pathway."""

from typing import Annotated, Literal

from common import clock
from common.auth import Principal, Role
from common.errors import FORBIDDEN, INVALID
from common.events.codes import Urgency
from common.http import Session, requires, router

from referrals.ground.audit.service import record
from referrals.ground.dependencies import Reader
from referrals.ground.timers import queries
from referrals.ground.timers.deadlines import Clock, default_policies
from referrals.ground.timers.models import TimerPolicy
from referrals.ground.timers.schemas import PolicyBody, PolicyView

timers = router("/referrals/v1/timers", ["timers"])
Coordinator = Annotated[Principal, requires("directory:curate", roles={Role.COORDINATOR})]


@timers.get("/policies")
async def list_policies(session: Session, _caller: Reader) -> list[PolicyView]:
    """List the times in force: the defaults (`*`), and those that coordinators set for their pathway."""
    defaults = [
        PolicyView(
            aor=aor,
            urgency=urgency,
            clock=Clock(kind),
            source="default",
            window_minutes=policy.window,
            supervisor_after_minutes=policy.supervisor_after,
            alternative_after_minutes=policy.alternative_after,
            expiry_after_minutes=policy.expiry_after,
            working_time=policy.working_time,
        )
        for (aor, urgency, kind), policy in default_policies().items()
    ]
    changed = [_view(row) for row in await queries.changed_policies(session)]
    return defaults + changed


@timers.put("/policies/{aor}/{urgency}/{clock_name}")
async def set_policy(
    aor: str,
    urgency: Urgency,
    clock_name: Literal["acknowledge", "decide"],
    body: PolicyBody,
    session: Session,
    caller: Coordinator,
) -> PolicyView:
    """Set the times of your own pathway, for referrals sent from now on."""
    if not caller.coordinates(aor):
        raise FORBIDDEN.because("you_do_not_coordinate", aor)
    if not (
        body.supervisor_after_minutes < body.alternative_after_minutes < body.expiry_after_minutes
    ):
        raise INVALID.because(
            "supervisor_alternative_expiry_must_follow_one_another",
            pointer="/supervisor_after_minutes",
        )
    row = await session.merge(
        TimerPolicy(
            aor=aor,
            urgency=urgency,
            clock=clock_name,
            **body.model_dump(),
            changed_at=clock.now(),
            changed_by=caller.subject,
        )
    )
    await session.flush()
    await record(
        session,
        caller,
        "timer_policy.set",
        chain=caller.organisation,
        target_type="organisation",
        detail={"aor": aor, "urgency": urgency, "clock": clock_name, **body.model_dump()},
    )
    return _view(row)


def _view(row: TimerPolicy) -> PolicyView:
    own = row.model_dump(exclude={"changed_at", "changed_by"})
    return PolicyView.model_validate({**own, "source": "coordinator"})
