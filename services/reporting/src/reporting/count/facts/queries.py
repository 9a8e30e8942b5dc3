"""Queries for recording facts, for closing a period, and for the directory's services."""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.count.facts.models import (
    forgotten_persons,
    gap_counts,
    late_arrivals,
    referral_facts,
    referral_steps,
    reporting_grants,
    services,
)
from reporting.count.facts.progress import STATE, ReferralFact
from reporting.count.facts.service_facts import ServiceFact
from reporting.count.facts.steps import Step
from reporting.tables import COMMON


async def forgotten_among(session: AsyncSession, marks: Collection[bytes]) -> set[bytes]:
    """Return those marks that belong to erased people."""
    given = sa.literal(list(marks), sa.ARRAY(sa.LargeBinary))
    mark = forgotten_persons.c.mark
    return set(await session.scalars(sa.select(mark).where(mark == sa.any_(given))))


async def referrals_among(
    session: AsyncSession, referral_ids: Collection[UUID]
) -> dict[UUID, ReferralFact]:
    """Return the facts of previously seen referrals."""
    rows = await session.execute(
        sa.select(*(referral_facts.c[name] for name in ReferralFact._fields)).where(
            referral_facts.c.referral_id == sa.any_(_uuids(referral_ids))
        )
    )
    return {row.referral_id: ReferralFact(*row) for row in rows}


async def remembered_arrivals(
    session: AsyncSession, event_ids: Collection[UUID]
) -> dict[UUID, date]:
    """Return earlier decisions to count an event on a later day."""
    if not event_ids:
        return {}
    rows = await session.execute(
        sa.select(late_arrivals.c.event_id, late_arrivals.c.counted_on).where(
            late_arrivals.c.event_id == sa.any_(_uuids(event_ids))
        )
    )
    return dict(map(tuple, rows))


async def seen_events(session: AsyncSession, event_ids: Collection[UUID]) -> set[UUID]:
    """Return the events that have already taken effect."""
    seen = COMMON.inbox.c.event_id
    return set(await session.scalars(sa.select(seen).where(seen == sa.any_(_uuids(event_ids)))))


async def known_services(
    session: AsyncSession, service_ids: Collection[UUID]
) -> dict[UUID, ServiceFact]:
    """Return the facts of previously seen services."""
    rows = await session.execute(
        sa.select(*(services.c[name] for name in ServiceFact.__dataclass_fields__)).where(
            services.c.service_id == sa.any_(_uuids(service_ids))
        )
    )
    return {row.service_id: _service_fact(row) for row in rows}


def _service_fact(row: Sequence[Any]) -> ServiceFact:
    values: list[Any] = [tuple(value) if isinstance(value, list) else value for value in row]
    return ServiceFact(*values)


STREAMED_AT_ONCE = 1000
"""Rows fetched per turn of the event loop: one turn for each would take longer than counting it."""


async def steps_by_person(
    session: AsyncSession, start: date, end: date
) -> AsyncIterator[list[Step]]:
    """Yield a period's countable steps, one list per person, streamed so that memory stays bounded. Omit a step if a
    later one was already counted before the period, because it adds nothing and nobody is counted twice."""
    statement = (
        sa.select(
            referral_steps.c.person,
            referral_steps.c.counted_on,
            referral_steps.c.referral_id,
            referral_steps.c.version,
            referral_steps.c.state,
            referral_steps.c.occurred_at,
            referral_steps.c.category,
            referral_steps.c.aor,
            referral_steps.c.area,
            referral_steps.c.sex,
            referral_steps.c.age_band,
        )
        .where(
            referral_steps.c.counted_on.between(start, end),
            referral_steps.c.countable,
            referral_steps.c.kind == STATE,
            referral_steps.c.person.is_not(None),
            ~_after_withdrawal(),
            ~_counted_later(start),
        )
        .order_by(referral_steps.c.person, referral_steps.c.referral_id, referral_steps.c.version)
    )
    group: list[Step] = []
    async for rows in (await session.stream(statement)).partitions(STREAMED_AT_ONCE):
        for row in rows:
            step = Step._make(row)
            if group and group[-1].person != step.person:
                yield group
                group = []
            group.append(step)
    if group:
        yield group


def _counted_later(start: date) -> sa.Exists:
    step, later = referral_steps.c, referral_steps.alias("later").c
    return sa.exists().where(
        later.referral_id == step.referral_id,
        later.version > step.version,
        later.counted_on < start,
        later.countable,
        later.kind == STATE,
        later.person.is_not(None),
    )


def _after_withdrawal() -> sa.Exists:
    """Return the condition that the person withdrew the reporting grant before the step and gave no new grant."""
    withdrawn, renewed = reporting_grants.alias("withdrawn"), reporting_grants.alias("renewed")
    step = referral_steps.c
    renewal = sa.exists().where(
        renewed.c.person == withdrawn.c.person,
        renewed.c.given_at > withdrawn.c.withdrawn_at,
        renewed.c.given_at <= step.occurred_at,
    )
    return sa.exists().where(
        withdrawn.c.person == step.person,
        withdrawn.c.withdrawn_at <= step.occurred_at,
        ~renewal,
    )


def listed(*columns: str) -> sa.Select[Any]:
    """Return these columns of the directory's listed services."""
    return sa.select(*(services.c[name] for name in columns)).where(services.c.listed)


async def contributors(session: AsyncSession, start: date, end: date) -> list[UUID]:
    """Return the organisations whose steps count in a period; they sign off (R8)."""
    sender, recipient = referral_steps.c.from_organisation, referral_steps.c.to_organisation
    counted = (
        referral_steps.c.counted_on.between(start, end),
        referral_steps.c.countable,
        referral_steps.c.kind == STATE,
        referral_steps.c.person.is_not(None),
    )
    union = sa.union(
        sa.select(sender.label("organisation")).where(*counted),
        sa.select(recipient.label("organisation")).where(*counted),
    ).subquery()
    rows = await session.scalars(
        sa.select(union.c.organisation)
        .where(union.c.organisation.is_not(None))
        .order_by(union.c.organisation)
    )
    return list(rows)


async def gap_increments(
    session: AsyncSession, start: date, end: date
) -> list[tuple[dict[str, str | None], int]]:
    """Return the increase in unsuccessful searches that counts in the period, by area, need and group."""
    grown = gap_counts.c.count - sa.func.coalesce(
        sa.func.lag(gap_counts.c.count).over(
            partition_by=[
                gap_counts.c.area,
                gap_counts.c.need,
                gap_counts.c.group,
                gap_counts.c.week,
            ],
            order_by=gap_counts.c.version,
        ),
        0,
    )
    growth = sa.select(gap_counts, sa.func.greatest(grown, 0).label("grown")).subquery()
    rows = await session.execute(
        sa.select(growth.c.area, growth.c.need, growth.c.group, sa.func.sum(growth.c.grown))
        .where(growth.c.counted_on.between(start, end))
        .group_by(growth.c.area, growth.c.need, growth.c.group)
    )
    return [
        ({"area": area, "need": need, "group": group}, int(count))
        for area, need, group, count in rows
    ]


def _uuids(values: Iterable[UUID]) -> sa.BindParameter[list[UUID]]:
    return sa.literal(list(values), sa.ARRAY(sa.Uuid))
