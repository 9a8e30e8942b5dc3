"""Emergencies that reached nobody in time, and abandoned messages. The sender, the recipient's supervisors and the
coordinators each get one notice. The sender sees the mark until the recipient has been reached."""

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from common import clock
from common.db.session import Database
from common.process.telemetry import Metrics
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases.queries import looks_into
from referrals.ground.audit.service import record
from referrals.ground.directory.queries import is_shown
from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.notices.queries import by_ids
from referrals.ground.notices.service import notify
from referrals.ground.people.queries import coordinators
from referrals.ground.row_security import act_as_service
from referrals.ground.sweeps import sweep
from referrals.listening.line.queries import count_urgent_unreached
from referrals.referral.referrals import queries as referrals
from referrals.referral.referrals.models import Referral
from referrals.telling.channels import queries as channels
from referrals.telling.unheard_queries import reached, reached_or_owed, report_reached

# Pings are deleted after thirty days, so older deliveries can no longer be checked.
_LOOKED_BACK = timedelta(days=14)
_GIVEN_UP_SINCE = timedelta(days=2)


class Unheard:
    """Checks every few seconds. `after` is the time within which an emergency should reach somebody."""

    def __init__(self, database: Database, metrics: Metrics, after: timedelta) -> None:
        self._database, self._after = database, after
        self._emergencies = metrics.gauge(
            "ruta_emergencies_unheard", "Emergencies that wait and reached nobody in time."
        )
        self._messages = metrics.gauge(
            "ruta_messages_unheard",
            "Other referrals that wait and whose recipient's messages were given up.",
        )

    async def look(self) -> int:
        """Mark emergencies that reached nobody, and unmark those that have since reached somebody; return the number of
        new marks."""
        now = clock.now()
        due = partial(_due, now=now, after=self._after)
        mark = partial(_mark, now=now, after=self._after)
        marked = await sweep("unheard", self._database, due, mark)
        await sweep(
            "heard", self._database, partial(referrals.reached_since, reached=reached), _unmark
        )
        return marked

    async def measure(self) -> None:
        async with self._database.transaction() as session:
            await act_as_service(session)
            emergencies, others = await referrals.count_unheard(session)
            now = clock.now()
            since, until = now - _LOOKED_BACK, now - self._after
            reports = await count_urgent_unreached(session, since, until, report_reached)
        self._emergencies.set(emergencies + reports)
        self._messages.set(others)


async def _due(
    session: AsyncSession, *, now: datetime, after: timedelta, only: UUID | None = None
) -> set[UUID]:
    late = await referrals.emergencies_unreached(
        session, now - _LOOKED_BACK, now - after, reached, only
    )
    dropped = await channels.given_up_since(session, now - _GIVEN_UP_SINCE)
    about = {
        notice.subject_id
        for notice in (await by_ids(session, dropped)).values()
        if notice.kind == NoticeKind.REFERRAL_SENT and only in (None, notice.subject_id)
    }
    return {*late, *await referrals.unreached_among(session, about, reached_or_owed)}


async def _mark(
    session: AsyncSession, referral_id: UUID, *, now: datetime, after: timedelta
) -> int:
    referral = await referrals.hold_if_free(session, referral_id)
    if referral is None or referral_id not in await _due(
        session, now=now, after=after, only=referral_id
    ):
        return 0
    referral.unheard_at = now
    await session.flush()
    await _tell(session, referral)
    await record(
        session,
        None,
        "referral.unheard",
        chain=referral.case_id,
        target_id=referral.id,
        detail={"urgency": referral.urgency},
    )
    return 1


async def _tell(session: AsyncSession, referral: Referral) -> None:
    """Notify the sender, the recipient's supervisors (whose channels may work later), and the coordinators. The
    coordinators' notice identifies the organisation but no referral."""
    for organisation in (referral.from_organisation, referral.to_organisation):
        await notify(
            session,
            [organisation],
            NoticeKind.REFERRAL_UNHEARD,
            subject_type="referral",
            subject_id=referral.id,
            version=referral.version,
            for_supervisor=organisation != referral.from_organisation,
        )
    await notify(
        session,
        await _coordinators(session, referral),
        NoticeKind.ORGANISATION_UNHEARD,
        subject_type="organisation",
        subject_id=referral.to_organisation,
    )


async def _coordinators(session: AsyncSession, referral: Referral) -> set[UUID]:
    """Return organisations whose coordinators may see the service, because the notice names the service's
    organisation."""
    aor = None if referral.aor == referrals.SHARED else referral.aor
    return {
        person.organisation
        for person in await coordinators(session, aor)
        if await looks_into(session, person, referral.case_id)
        and await is_shown(session, person, referral.service_id)
    }


async def _unmark(session: AsyncSession, referral_id: UUID) -> int:
    referral = await referrals.hold_if_free(session, referral_id)
    if referral is None:
        return 0
    referral.unheard_at = None
    await session.flush()
    return 1
