"""Turns trainings recorded by the referrals service into 5W activities of their organisation. The event contains only
codes and numbers. The organisation's name comes from its latest activity. If it has none yet, its id is used."""

from typing import Any

import sqlalchemy as sa
from common.events.envelope import Envelope
from common.events.referrals import TrainingHeld
from common.ids import new_id
from common.words.places import Places
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.count.activities.models import activities
from reporting.count.activities.rules import completed

_CODE, _TYPE, _STATUS, _KIND = "TIP/TRN", "training", "Completed", "OTH"
_WRITER = "referrals"


async def record_training(session: AsyncSession, event: TrainingHeld, envelope: Envelope) -> None:
    """Write the training according to its newest event; ignore older events. If somebody has corrected the row here,
    the later of the correction and the event applies."""
    row = completed({**_row(event), **await _named(session, event)})
    statement = pg.insert(activities).values(
        id=new_id(),
        organisation_id=event.organisation_id,
        version=event.version,
        changed_at=envelope.time,
        changed_by=_WRITER,
        withdrawn_at=envelope.time if event.cancelled else None,
        **row,
    )
    new, known = statement.excluded, activities.c
    replaced = ("version", "changed_at", "changed_by", "withdrawn_at", *_row(event), "reached")
    untouched = known.changed_by == _WRITER
    await session.execute(
        statement.on_conflict_do_update(
            constraint="activities_once",
            set_={name: new[name] for name in replaced},
            where=sa.case(
                (untouched, known.version < new.version), else_=known.changed_at < new.changed_at
            ),
        )
    )


def _row(event: TrainingHeld) -> dict[str, Any]:
    places = Places.load()
    levels = {
        place.level: place.pcode
        for pcode in (event.area, *places.ancestors(event.area))
        if (place := places.get(pcode)) is not None
    }
    return {
        "external_id": f"training-{event.training_id}",
        "report_month": event.starts_on.replace(day=1),
        "type": _TYPE,
        "activity_code": _CODE,
        "activity_detail": event.topic,
        "adm1_pcode": levels.get(1, event.area),
        "adm2_pcode": levels.get(2),
        "adm3_pcode": levels.get(3),
        "start": event.starts_on,
        "end": event.ends_on,
        "status": _STATUS,
        "quantity": event.sessions,
        "women": event.women,
        "men": event.men,
        "other_adults": event.others,
    }


async def _named(session: AsyncSession, event: TrainingHeld) -> dict[str, Any]:
    """Return the organisation's name from its latest activity."""
    latest = (
        await session.execute(
            sa.select(activities.c.org_leader, activities.c.org_leader_type)
            .where(
                activities.c.organisation_id == event.organisation_id,
                activities.c.changed_by != _WRITER,
            )
            .order_by(activities.c.changed_at.desc())
            .limit(1)
        )
    ).one_or_none()
    if latest is None:
        return {"org_leader": str(event.organisation_id), "org_leader_type": _KIND}
    return {"org_leader": latest.org_leader, "org_leader_type": latest.org_leader_type}
