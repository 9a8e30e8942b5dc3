"""Queries for outside series, and for the projected directory in the context pack."""

from collections.abc import Iterable
from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.words.places import Places
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.count.context.models import outside_series
from reporting.count.context.pack import Offer
from reporting.count.context.series import OutsideSeries, SeriesPoint
from reporting.count.facts.queries import listed


def _series(row: Any) -> OutsideSeries:
    values = {each.name: getattr(row, each.name) for each in fields(OutsideSeries)}
    points = tuple(
        SeriesPoint(date.fromisoformat(day), area, Decimal(value))
        for day, area, value in row.points
    )
    return OutsideSeries(**{**values, "points": points})


async def newest(session: AsyncSession) -> list[OutsideSeries]:
    """Return the latest edition of every series, by code."""
    statement = (
        sa.select(outside_series)
        .ext(pg.distinct_on(outside_series.c.code))
        .order_by(outside_series.c.code, outside_series.c.edition.desc())
    )
    return [_series(row) for row in await session.execute(statement)]


async def of_ids(session: AsyncSession, ids: Iterable[UUID]) -> list[OutsideSeries]:
    """Return these editions, even old ones, so that bulletin quotations remain traceable."""
    statement = sa.select(outside_series).where(outside_series.c.id.in_(list(ids)))
    return [_series(row) for row in await session.execute(statement)]


async def editions(session: AsyncSession, code: str) -> list[OutsideSeries]:
    """Return all editions of a series, newest first."""
    statement = (
        sa.select(outside_series)
        .where(outside_series.c.code == code)
        .order_by(outside_series.c.edition.desc())
    )
    return [_series(row) for row in await session.execute(statement)]


async def offers(session: AsyncSession, places: Places) -> list[Offer]:
    """Return the directory's listed services from its events, with places reduced to the first level."""
    rows = await session.execute(
        listed("organisation_id", "categories", "areas", "referable", "service_id").order_by(
            "organisation_id", "service_id"
        )
    )
    return [
        Offer(
            row.organisation_id,
            tuple(row.categories),
            tuple(sorted({places.at_most(a, 1) for a in row.areas if places.is_known(a)})),
            row.referable,
        )
        for row in rows
    ]
