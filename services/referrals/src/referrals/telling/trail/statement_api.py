"""The statement that an auditor signs for a period: what was done, what is unusual, and whether the chains are
intact."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from common.errors import INVALID
from common.http import Session, router
from fastapi import Query
from pydantic import BaseModel, Field

from referrals.ground.audit import anchors, span_queries
from referrals.ground.audit.anchors import BrokenAnchor, FindingCode
from referrals.ground.audit.service import record
from referrals.ground.audit.span_queries import MANY_CASES, NIGHT_BEGINS, NIGHT_ENDS, PatternCode
from referrals.ground.dependencies import ServiceSettingsOf
from referrals.ground.row_security import acting_as_service
from referrals.referral.referrals.schemas import Moment
from referrals.telling.trail.api import Auditor

statements = router("/referrals/v1/audit/statement", ["audit"])
_LONGEST = timedelta(days=366)
_MOST_CHAINS = 300


class PatternView(BaseModel):
    """Reads that an auditor should ask about. There may be a good reason for them."""

    pattern: PatternCode = Field(
        description=f"`many_cases`: at least {MANY_CASES} different cases on one day; `at_night`: between "
        f"{NIGHT_BEGINS:02}:00 and {NIGHT_ENDS:02}:00 in the home country; `bulk`: exports of many rows."
    )
    doer: str = Field(description="A person's id or a client.")
    organisation_id: UUID | None
    count: int = Field(description="How many readings.")
    cases: int = Field(description="How many different cases or records.")
    first: datetime
    last: datetime


class ChainFinding(BaseModel):
    """An inconsistency in one chain."""

    chain: UUID
    sequence: int = Field(description="The position of the entry in its chain.")
    code: FindingCode


class Statement(BaseModel):
    """The content of the record for a period."""

    entries: int = Field(description="How many entries.")
    doers: int = Field(description="How many different people and clients acted.")
    organisations: int = Field(description="How many organisations acted.")
    by_action: dict[str, int] = Field(description="How many entries of each action.")
    chains: int = Field(description="How many chains got entries.")
    chains_verified: int = Field(
        description=f"How many of them were recomputed: at most {_MOST_CHAINS}, the newest first."
    )
    adds_up: bool = Field(
        description="Every recomputed chain is intact and agrees with the anchor."
    )
    anchor: Literal["read", "absent", "broken"] = Field(
        description="Whether the file outside the database was read."
    )
    findings: list[ChainFinding] = Field(description="Inconsistencies of recomputed chains.")
    patterns: list[PatternView] = Field(description="Unusual access, most readings first.")


@statements.get("")
async def state(
    *,
    session: Session,
    caller: Auditor,
    settings: ServiceSettingsOf,
    since: Annotated[Moment, Query(alias="from", description="From this moment on.")],
    until: Annotated[
        Moment, Query(alias="to", description="Before this moment; at most a year later.")
    ],
) -> Statement:
    """Sum up the record of a span for an auditor's statement. The record also contains this look."""
    if not since < until <= since + _LONGEST:
        raise INVALID.because("span_of_a_year_at_most", pointer="/to")
    done = await span_queries.done_between(session, since, until)
    patterns = await span_queries.unusual(session, since, until, settings.home_timezone)
    verified, anchor, findings = 0, "read", list[ChainFinding]()
    anchored: Mapping[str, Mapping[int, str]] = {}
    path = settings.audit_anchor_file
    if path is None or not await asyncio.to_thread(path.exists):
        anchor = "absent"
    else:
        try:
            anchored = await asyncio.to_thread(anchors.anchored_chains, path)
        except BrokenAnchor:
            anchor = "broken"
    async with acting_as_service(session):
        for chain in await span_queries.chains_between(session, since, until, _MOST_CHAINS):
            _, found = await anchors.verify_chain(session, chain, anchored.get(str(chain), {}))
            findings += [ChainFinding(chain=chain, sequence=f.sequence, code=f.code) for f in found]
            verified += 1
    await record(
        session,
        caller,
        "audit.stated",
        chain=caller.organisation,
        target_type="organisation",
        detail={"entries": done.entries},
    )
    return Statement.model_validate(
        {
            "entries": done.entries,
            "doers": done.doers,
            "organisations": done.organisations,
            "by_action": done.by_action,
            "chains": done.chains,
            "chains_verified": verified,
            "adds_up": not findings and anchor != "broken",
            "anchor": anchor,
            "findings": findings,
            "patterns": [vars(one) for one in patterns],
        }
    )
