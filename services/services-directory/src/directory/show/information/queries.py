"""SELECTs for information points: services of the public level only, and risk messages."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.auth import Principal
from common.errors import NOT_FOUND, Problem
from common.sight import ANYONE
from common.words.places import Places, Point, kilometres
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from directory.errors import TOO_WIDE
from directory.find.search import queries as search
from directory.find.search.parameters import ServiceQuery
from directory.find.search.queries import Found
from directory.ground.reading.rows_queries import Row
from directory.show.information.models import risk_messages
from directory.show.information.needs import HOTLINE, needs
from directory.show.information.schemas import HelpQuery

PER_PAGE, LINES = 20, 3
# If there are too many services to sort by distance, use only those nearby.
NEAR_METRES = 50_000


async def one_locked(session: AsyncSession, message_id: UUID) -> Any:
    """Return the message's row, or None if it does not exist."""
    statement = sa.select(risk_messages).where(risk_messages.c.id == message_id)
    return (await session.execute(statement.with_for_update())).mappings().one_or_none()


async def withdrawn(session: AsyncSession) -> Sequence[UUID]:
    """Return the ids of all withdrawn messages."""
    statement = sa.select(risk_messages.c.id).where(risk_messages.c.state == "withdrawn")
    return (await session.scalars(statement)).all()


async def public_help(
    session: AsyncSession, query: HelpQuery, today: date, local: datetime
) -> Found:
    """Return one page of public services, for any caller: endorsed, functioning, verified."""
    given: dict[str, Any] = {
        "referable": True,
        "full": True,
        "explain": True,
        "page": query.page,
        "per_page": PER_PAGE,
    }
    if query.area is not None:
        given["area"] = query.area
    if query.words:
        given["search"] = query.words
    if query.need is not None:
        given["category"] = list(needs()[query.need].categories)
    if query.latitude is not None and query.longitude is not None:
        given["near"] = (query.latitude, query.longitude)
        given["sort"] = None if query.words else "distance"
    if query.open_now:
        given["open_at"] = local
    try:
        return await _asked(session, given, today)
    except Problem as problem:
        if problem.kind is not TOO_WIDE or "near" not in given:
            raise
        return await _asked(session, {**given, "radius": NEAR_METRES}, today)


async def open_lines(
    session: AsyncSession, query: HelpQuery, today: date, local: datetime
) -> list[Row]:
    """Return hotlines that serve the place and are open now."""
    given: dict[str, Any] = {
        "referable": True,
        "category": [HOTLINE],
        "open_at": local,
        "full": True,
        "per_page": LINES,
    }
    if area := _place_of(query):
        given["area"] = area
    return (await _asked(session, given, today)).rows


def _place_of(query: HelpQuery) -> str | None:
    """Return the query's place. For a position, return the municipality with the nearest point."""
    if query.area is not None or query.latitude is None or query.longitude is None:
        return query.area
    here = Point(query.latitude, query.longitude)
    known = [
        (kilometres(here, place.point), place.pcode)
        for place in Places.load().at_level(2)
        if place.point is not None
    ]
    return min(known)[1]


async def _asked(session: AsyncSession, given: dict[str, Any], today: date) -> Found:
    query = ServiceQuery.model_validate(given)
    return await search.service_page(session, query, ANYONE, today, "full_body")


async def published(
    session: AsyncSession, today: date, area: str | None, limit: int = 50
) -> Sequence[Any]:
    """Return messages in force, newest first: those for the area, for the areas that contain it, and for everywhere."""
    statement = sa.select(risk_messages).where(
        risk_messages.c.state == "published", risk_messages.c.valid_until >= today
    )
    if area is not None:
        around = [area, *Places.load().ancestors(area)]
        within = [area, *Places.load().descendants(area)]
        statement = statement.where(
            sa.or_(
                sa.func.cardinality(risk_messages.c.areas) == 0,
                risk_messages.c.areas.op("&&")(sa.cast(sorted({*around, *within}), ARRAY(sa.Text))),
            )
        )
    order = (risk_messages.c.published_at.desc(), risk_messages.c.id)
    return (await session.execute(statement.order_by(*order).limit(limit))).mappings().all()


async def one_published(session: AsyncSession, message_id: UUID, today: date) -> Any:
    row = (
        await session.execute(
            sa.select(risk_messages).where(
                risk_messages.c.id == message_id,
                risk_messages.c.state == "published",
                risk_messages.c.valid_until >= today,
            )
        )
    ).mappings().one_or_none()  # fmt: skip
    if row is None:
        raise NOT_FOUND.because("no_such_message_in_force")
    return row


async def own(
    session: AsyncSession, caller: Principal, state: str | None, limit: int = 200
) -> Sequence[Any]:
    """Return messages of the areas of responsibility that the caller coordinates, including drafts."""
    statement = sa.select(risk_messages).where(risk_messages.c.aor.in_(sorted(caller.aors)))
    if state is not None:
        statement = statement.where(risk_messages.c.state == state)
    rows = await session.execute(statement.order_by(risk_messages.c.id.desc()).limit(limit))
    return rows.mappings().all()


async def one_own(session: AsyncSession, caller: Principal, message_id: UUID) -> Any:
    row = (
        await session.execute(
            sa.select(risk_messages)
            .where(
                risk_messages.c.id == message_id, risk_messages.c.aor.in_(sorted(caller.aors))
            )
            .with_for_update()
        )
    ).mappings().one_or_none()  # fmt: skip
    if row is None:
        raise NOT_FOUND.because("no_such_message_of_your_area")
    return row
