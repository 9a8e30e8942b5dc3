"""Use cases for information points: find help; write, publish and withdraw risk messages."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from common import clock
from common.auth import Principal, Role
from common.errors import CONFLICT, FORBIDDEN, INVALID
from common.http import check_if_match, etag_of
from common.ids import new_id
from common.two_people import is_same_person, refuse_same_person
from common.words import codelists
from common.words.details import Detail
from common.words.places import Places
from sqlalchemy.ext.asyncio import AsyncSession

from directory.ground.entries.restriction_events import tell_restricted
from directory.ground.hsds.opening_hours import minute_of_week
from directory.ground.hsds.reachability import (
    hours_of_document,
    next_opening,
    until_open,
    ways_of_document,
)
from directory.ground.hsds.restricted import Word
from directory.pathways.texts.hours import time_of_week
from directory.pathways.versions.service import covers
from directory.show.information import queries
from directory.show.information.asked_in_short import understood
from directory.show.information.models import risk_messages
from directory.show.information.needs import needs
from directory.show.information.queries import PER_PAGE
from directory.show.information.schemas import (
    HelpPage,
    HelpQuery,
    HelpView,
    NewRiskMessage,
    OwnRiskMessage,
    RiskMessageView,
)
from directory.show.posters.content import written_out
from directory.show.posters.service import spoken

LONGEST_DAYS = 365

RISK_MESSAGE = "risk_message"


async def find_help(
    session: AsyncSession, query: HelpQuery, language: str, country: str
) -> HelpPage:
    """Return public services for a need in or around a place, nearest or best first; for an area without any, the
    nearest. A person in danger first gets the helplines that respond now. Words may name a place in `country`."""
    today, local = clock.today(), clock.at_home()
    danger = query.need is not None and needs()[query.need].danger
    if query.words:
        asked = understood(query.words, country)
        danger = danger or asked.danger
        found_in = {"words": asked.words or None, "area": query.area or asked.area}
        query = query.model_copy(update=found_in)
    found = await queries.public_help(session, query, today, local)
    around = None if found.total else _around(query)
    if around is not None:
        found = await queries.public_help(session, around, today, local)
    items = [_help(row, language, local) for row in found.rows]
    by_distance = around is not None or query.latitude is not None
    if not by_distance and not query.words:  # otherwise keep the order: nearest or best first
        items.sort(key=lambda item: item.open_now is not True)
    if danger and query.page == 1:
        first = await open_lines(session, query, language)
        known = {line.id for line in first}
        items = [*first, *(item for item in items if item.id not in known)]
    return HelpPage(
        items=items,
        total=max(found.total, len(items)),
        page=query.page,
        more=query.page * PER_PAGE < found.total,
        updated=today,
    )


def _around(query: HelpQuery) -> HelpQuery | None:
    """Return the question for the nearest services around an area that has none."""
    point = Places.load().point(query.area) if query.area else None
    if point is None:
        return None
    own = query.latitude is not None
    near = {} if own else {"latitude": point.latitude, "longitude": point.longitude}
    return query.model_copy(update={"area": None, **near})


async def open_lines(session: AsyncSession, query: HelpQuery, language: str) -> list[HelpView]:
    """Return hotlines with a number that serve the place and are open now."""
    local = clock.at_home()
    rows = await queries.open_lines(session, query, local.date(), local)
    return [line for row in rows if (line := _help(row, language, local)).phones]


def _help(row: Any, language: str, local: datetime) -> HelpView:
    document = orjson.loads(row["body"])
    said = spoken(document, language, local.date())
    metres = row.get("metres")
    hours, minute = hours_of_document(document, local.date()), minute_of_week(local)
    wait, opens = until_open(hours, minute), next_opening(hours, minute)
    return HelpView(
        id=row["service_id"],
        name=said.name,
        organisation=said.organisation,
        place=said.place,
        phones=list(said.phones),
        hours=said.hours,
        open_now=None if wait is None else wait == 0,
        opens=None if opens is None else time_of_week(opens, language),
        ways=list(ways_of_document(document)),
        what=[
            written_out(codelists.categories().label(code, language), language)
            for code in document.get("categories", [])
        ],
        kilometres=None if metres is None else round(metres / 1000, 1),
    )


async def write_message(
    session: AsyncSession, caller: Principal, body: NewRiskMessage
) -> RiskMessageView:
    """Write a draft that only coordinators of its area of responsibility can see."""
    _check(caller, body)
    row = {
        "id": new_id(),
        "organisation_id": caller.organisation,
        "aor": body.aor,
        "areas": sorted(set(body.areas)),
        "state": "draft",
        "version": 1,
        "texts": body.texts.model_dump(),
        "valid_until": body.valid_until,
        "written_by": caller.subject,
        "written_at": clock.now(),
        "published_at": None,
    }
    await session.execute(risk_messages.insert().values(**row))
    return view(row)


async def rewrite_message(
    session: AsyncSession,
    caller: Principal,
    message_id: UUID,
    body: NewRiskMessage,
    *,
    if_match: str | None = None,
) -> RiskMessageView:
    """Replace a draft. A published message never changes; withdraw it and write another one."""
    row = await _as_read(session, caller, message_id, if_match)
    _check_holds(caller, row)
    _check(caller, body)
    if row["state"] != "draft":
        raise CONFLICT.because("is_only_draft_can_be_changed", row["state"])
    return await _change(
        session,
        row,
        aor=body.aor,
        areas=sorted(set(body.areas)),
        texts=body.texts.model_dump(),
        valid_until=body.valid_until,
        written_by=caller.subject,
        written_at=clock.now(),
    )


async def publish_message(
    session: AsyncSession,
    caller: Principal,
    message_id: UUID,
    *,
    alone: bool,
    if_match: str | None = None,
) -> RiskMessageView:
    """Publish a message until it is withdrawn or expires. With `alone`, the author may also publish it; the row then
    names the same person twice."""
    row = await _as_read(session, caller, message_id, if_match)
    _check_holds(caller, row)
    if not alone:
        refuse_same_person(
            caller, row["written_by"], because=Detail("you_wrote_it_somebody_else_publishes")
        )
    if row["state"] != "draft":
        raise CONFLICT.because("is_already", row["state"])
    if row["valid_until"] < clock.today():
        raise CONFLICT.because("it_has_expired_set_later_end_date")
    return await _change(
        session, row, state="published", published_by=caller.subject, published_at=clock.now()
    )


async def withdraw_message(
    session: AsyncSession, caller: Principal, message_id: UUID
) -> RiskMessageView:
    """Withdraw a message. A second withdrawal changes nothing."""
    row = await queries.one_own(session, caller, message_id)
    _check_holds(caller, row)
    if row["state"] == "withdrawn":
        return view(row)
    return await _withdrawn(session, row, caller.subject)


async def _withdrawn(session: AsyncSession, row: Any, by: str) -> RiskMessageView:
    now, word = clock.now(), {"withdrawn": True}
    await tell_restricted(session, RISK_MESSAGE, row["id"], row["version"] + 1, word)
    return await _change(session, row, state="withdrawn", withdrawn_by=by, withdrawn_at=now)


async def withdraw_again(session: AsyncSession, own: UUID, word: Word) -> int:
    """Withdraw the message again after a restore. Return 1 if the restore had made it public again, else 0."""
    row = await queries.one_locked(session, own)
    if row is None or row["state"] == "withdrawn" or not word.get("withdrawn"):
        return 0
    await _withdrawn(session, row, "ruta-directory")
    return 1


async def _as_read(
    session: AsyncSession, caller: Principal, message_id: UUID, if_match: str | None
) -> Any:
    """Return the locked message. `if_match` is the version that the caller read. Raise 412 if the message has changed
    since then."""
    row = await queries.one_own(session, caller, message_id)
    if if_match is not None:
        check_if_match(if_match, etag_of(row["version"]))
    return row


async def _change(session: AsyncSession, row: Any, **values: Any) -> RiskMessageView:
    changed = {**row, **values, "version": row["version"] + 1}
    await session.execute(
        sa.update(risk_messages)
        .where(risk_messages.c.id == row["id"])
        .values(**values, version=changed["version"])
    )
    return view(changed)


def own_view(caller: Principal, row: Any, *, alone: bool) -> OwnRiskMessage:
    return OwnRiskMessage(**view(row).model_dump(), possible_steps=legal(caller, row, alone=alone))


def legal(caller: Principal, row: Any, *, alone: bool) -> list[str]:
    """Return the steps that the caller can take now. Each use case above applies the same rules."""
    decides = Role.COORDINATOR in caller.roles
    steps = {
        "rewrite": row["state"] == "draft",
        "publish": decides
        and row["state"] == "draft"
        and row["valid_until"] >= clock.today()
        and (alone or not is_same_person(caller, row["written_by"])),
        "withdraw": decides and row["state"] == "published",
    }
    return [step for step, may in steps.items() if may and _holds(caller, row)]


def _holds(caller: Principal, row: Any) -> bool:
    return not caller.areas or bool(
        row["areas"] and all(covers(caller, each) for each in row["areas"])
    )


def _check_holds(caller: Principal, row: Any) -> None:
    """Raise 403 if the message also covers areas outside the caller's own areas. Such a caller can neither publish nor
    end it."""
    if not _holds(caller, row):
        raise FORBIDDEN.because("message_is_also_for_areas_that_are")


def _check(caller: Principal, body: NewRiskMessage) -> None:
    if body.aor not in caller.aors:
        raise FORBIDDEN.because("is_none_of_your_areas_of_responsibility", body.aor)
    for number, area in enumerate(body.areas):
        if not covers(caller, area):
            raise INVALID.because("is_outside_your_areas", pointer=f"/areas/{number}")
    if caller.areas and not body.areas:
        raise INVALID.because("your_mandate_covers_only_some_areas_name", pointer="/areas")
    today = clock.today()
    if not today <= body.valid_until <= _latest(today):
        raise INVALID.because(
            "from_today_to_days_ahead_old_warning",
            LONGEST_DAYS,
            pointer="/valid_until",
        )


def _latest(today: date) -> date:
    return today + timedelta(days=LONGEST_DAYS)


def view(row: Any) -> RiskMessageView:
    return RiskMessageView.model_validate(
        {name: row[name] for name in RiskMessageView.model_fields}
    )


async def in_force(
    session: AsyncSession, area: str | None, limit: int = 50
) -> Sequence[RiskMessageView]:
    rows = await queries.published(session, clock.today(), area, limit)
    return [view(row) for row in rows]
