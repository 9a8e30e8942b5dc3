"""Cases, transfers and reports on the line count once, and the organisations concerned see them."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from common.db.session import Database
from common.events import referrals as kinds
from common.ids import new_id
from httpx import AsyncClient
from reporting.count.caseload.models import caseload_facts
from reporting.count.indicators.models import indicator_reads
from reporting.recording.service import Recorder

from tests.services.reporting.conftest import AUDIENCE
from tests.services.reporting.events import (
    NOON,
    REFUGIO,
    SALUD,
    Arrived,
    enveloped,
    record,
    record_together,
)
from tests.services.reporting.releases.test_story import as_
from tests.support.principals import bearer

URL = "/reports/v1/indicators/caseload?from=2026-10&to=2026-11"


def case(kind: type[kinds.CaseData], area: str = "VE2313", days: int = 0, **more: Any) -> Arrived:
    at, case_id = NOON + timedelta(days=days), new_id()
    event = kind.model_validate(
        {
            "version": 1,
            "case_id": case_id,
            "organisation_id": REFUGIO,
            "area": area,
            "occurred_at": at,
            **more,
        }
    )
    return enveloped(event, case_id, at)


def transfer(kind: type[kinds.TransferData]) -> Arrived:
    event = kind(
        version=1,
        transfer_id=new_id(),
        case_id=new_id(),
        from_organisation=REFUGIO,
        to_organisation=SALUD,
        occurred_at=NOON,
    )
    return enveloped(event, event.transfer_id, NOON)


def line_report(kind: str, area: str | None) -> Arrived:
    event = kinds.LineReportReceived(
        version=1, report_id=new_id(), area=area, kind=kind, occurred_at=NOON
    )
    return enveloped(event, event.report_id, NOON)


def caseload_events() -> list[Arrived]:
    """Return two opened cases, one of them closed in the next month, an accepted transfer and two reports."""
    return [
        case(kinds.CaseRegistered),
        case(kinds.CaseRegistered, area="VE2001"),
        case(kinds.CaseClosed, days=30, reason="needs_met"),
        transfer(kinds.TransferOffered),
        transfer(kinds.TransferAccepted),
        line_report("trafficking", "VE2001"),
        line_report("trafficking", None),
    ]


async def rows(api: AsyncClient, client: str, **changes: Any) -> set[tuple[Any, ...]]:
    answer = await api.get(URL, headers=bearer(client, audience=AUDIENCE, **changes))
    assert answer.status_code == 200, answer.text
    return {
        (row["scope"], row["month"], row["area"], row["what"], row["kind"], row["count"])
        for row in answer.json()["rows"]
    }


async def test_an_organisation_sees_its_own_cases_and_both_sides_their_transfer(
    api: AsyncClient, database: Database, recorder: Recorder
) -> None:
    await record_together(database, recorder, caseload_events())
    assert await rows(api, "ngo-refugio") == {
        ("holder", "2026-10", "VE20", "case_registered", None, 1),
        ("holder", "2026-10", "VE23", "case_registered", None, 1),
        ("holder", "2026-11", "VE23", "case_closed", None, 1),
        ("holder", "2026-11", "VE23", "case_closed:needs_met", None, 1),
        ("giver", "2026-10", "unknown", "transfer_offered", None, 1),
        ("giver", "2026-10", "unknown", "transfer_accepted", None, 1),
    }
    assert await rows(api, "ngo-salud") == {
        ("receiver", "2026-10", "unknown", "transfer_offered", None, 1),
        ("receiver", "2026-10", "unknown", "transfer_accepted", None, 1),
    }
    assert await rows(api, "ngo-legal") == set()


async def test_reports_of_the_line_are_for_those_who_plan_and_in_their_states(
    api: AsyncClient, database: Database, recorder: Recorder
) -> None:
    await record_together(database, recorder, caseload_events())
    everywhere = {
        ("line", "2026-10", "VE20", "line_report", "trafficking", 1),
        ("line", "2026-10", "unknown", "line_report", "trafficking", 1),
    }
    assert await rows(api, "tip-coordinator") == everywhere
    assert await rows(api, "im-officer") == everywhere
    assert await rows(api, "tip-coordinator", areas=["VE20"]) == {min(everywhere)}
    for client in ("health-cluster", "auditor", "anonymous"):
        assert (await api.get(URL, headers=as_(client))).status_code in {401, 403}


async def test_what_is_published_twice_counts_once_and_no_case_is_kept(
    api: AsyncClient, database: Database, recorder: Recorder
) -> None:
    events = caseload_events()
    await record_together(database, recorder, events)
    await record(database, recorder, events[::-1])
    assert ("holder", "2026-10", "VE23", "case_registered", None, 1) in await rows(
        api, "ngo-refugio"
    )
    async with database.transaction() as session:
        kept = (await session.execute(sa.select(caseload_facts))).mappings().all()
        cases = {str(getattr(event, "case_id", "")) for event, _ in events} - {""}
        assert not any(str(value) in cases for row in kept for value in row.values())
        read = await session.scalars(sa.select(indicator_reads.c.what))
        assert list(read) == ["caseload"]


@pytest.mark.parametrize("query", ["from=2026-12&to=2026-11", "from=2026-11a", "to=x"])
async def test_months_that_make_no_sense_are_refused(api: AsyncClient, query: str) -> None:
    answer = await api.get(f"/reports/v1/indicators/caseload?{query}", headers=as_("ngo-salud"))
    assert answer.status_code == 422
