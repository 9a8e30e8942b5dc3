"""The case attributes that anonymous statistics may use now; checked for every event and export."""

from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from common import clock
from common.events.codes import ReportingAttributes
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases import person
from referrals.case.consents import decision
from referrals.case.consents.decision import Kind, Move, Person, Refused, Road, Word
from referrals.ground.keys.sealed_columns import open_column
from referrals.ground.keys.store import CaseKeys, KeyDestroyed
from referrals.ground.vocabulary.ages import ADULT_AGE, Caregiver, Decider


async def countable(
    session: AsyncSession, keys: CaseKeys, case_id: UUID
) -> ReportingAttributes | None:
    """Return the codes that an event or export may contain now, or None if it may contain none."""
    asked, attributes = await decided(session, keys, case_id)
    return attributes if asked else None


async def decided(
    session: AsyncSession, keys: CaseKeys, case_id: UUID
) -> tuple[bool, ReportingAttributes | None]:
    """Return whether the person ever made a decision about statistics, and what statistics may use now."""
    # The newest active consent to statistical use, or else the newest withdrawn one, with everything the decision
    # needs; NULL if nobody ever asked the person.
    told = await session.scalar(sa.select(sa.func.reporting_word(case_id)))
    if told is None:
        return False, None
    found = orjson.loads(told)
    return True, _counted(case_id, found, await _known(keys, case_id, found))


def _counted(case_id: UUID, found: Mapping[str, Any], of: Person) -> ReportingAttributes | None:
    """Return what the decision allows under a statistics consent loaded with the case."""
    until = found["valid_until"]
    word = Word(
        kind=Kind.REPORTING,
        status=found["status"],
        case_id=case_id,
        valid_until=None if until is None else datetime.fromisoformat(until),
        decided_by=found["decided_by"],
        assent=found["assent"],
        confirmed=found["confirmed"],
    )
    move = Move(Road.COUNT, case_id)
    try:
        decision.allowed(decision.Asked(move, word, of, now=clock.now()))
    except Refused:
        return None
    return ReportingAttributes.model_validate(found["attributes"])


async def _known(keys: CaseKeys, case_id: UUID, found: Mapping[str, Any]) -> Person:
    """Decrypt the age only if the decision depends on it: for a child, or when somebody else decided."""
    caregiver, erased = Caregiver(found["caregiver"]), found["case_status"] == "erased"
    if found["identity"] is None:
        return Person(None, caregiver, erased=True)
    if found["decided_by"] == Decider.PERSON and not found["minor"]:
        return Person(None if found["minor"] is None else ADULT_AGE, caregiver, erased)
    try:
        key = await keys.of(case_id)
    except KeyDestroyed:
        return Person(None, caregiver, erased=True)
    identity = open_column(
        key,
        b64decode(found["identity"]),
        organisation=UUID(found["organisation"]),
        row=case_id,
        column="identity",
    )
    return Person(person.age_of(identity, clock.today()), caregiver, erased)
