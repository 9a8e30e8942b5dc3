"""Operational indicators: exact, for the caller's organisation or the coordinator's areas. Ruta records each read."""

import hashlib
import statistics
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from common.db.session import Database
from common.events.directory import CapacityChanged, ServicePublished, ServiceWithdrawn
from common.events.referrals import EscalationRaised
from common.ids import new_id
from httpx import AsyncClient
from reporting.count.facts.models import referral_steps
from reporting.count.indicators.models import indicator_reads
from reporting.count.indicators.vector import (
    BINS,
    COUNTS,
    DECLINE_REASONS,
    HOUR_EDGES,
    LENGTH,
    MILESTONES,
    NOT_DELIVERED_REASONS,
    percentile,
)
from reporting.recording.service import Recorder

from tests.services.reporting.conftest import AUDIENCE
from tests.services.reporting.events import (
    DECLINED,
    DELIVERED,
    LEGAL,
    NOON,
    SALUD,
    Journey,
    enveloped,
    record,
    record_together,
)
from tests.support.principals import bearer

LAID_OUT_BY = {"0001": ("12b40eb7ffec", 146)}
"""By revision: a digest of the names in their order, and how many numbers there are."""
URL = "/reports/v1/indicators?from=2026-10&to=2026-10"


async def read(api: AsyncClient, client: str, more: str = "", **changes: Any) -> dict[str, Any]:
    answer = await api.get(URL + more, headers=bearer(client, audience=AUDIENCE, **changes))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def counts(indicators: dict[str, Any], scope: str) -> dict[str, int]:
    rows = next(each for each in indicators["scopes"] if each["scope"] == scope)["rows"]
    return {name: n for name, n in rows[0]["counts"].items() if n} if rows else {}


async def test_accepted_delivered_and_confirmed_are_kept_apart(
    api: AsyncClient, database: Database, recorder: Recorder
) -> None:
    journey = Journey()
    events = journey.events(*DELIVERED)
    await record(database, recorder, events[:3])
    assert counts(await read(api, "gbv-coordinator"), "aor") == {
        "sent": 1, "acknowledged": 1, "accepted": 1, "open": 1,
    }  # fmt: skip
    await record(database, recorder, events[3:])
    delivered = counts(await read(api, "gbv-coordinator"), "aor")
    assert delivered == {"sent": 1, "acknowledged": 1, "accepted": 1, "delivered": 1}
    await record(database, recorder, [journey.confirmed(version=6, hours=60)])
    assert counts(await read(api, "gbv-coordinator"), "aor") == {**delivered, "confirmed": 1}


async def test_what_an_organisation_refers_to_itself_is_counted_nowhere(
    api: AsyncClient, database: Database, recorder: Recorder
) -> None:
    """No number counts internal work as a delivered referral, and no release contains its steps."""
    await record(database, recorder, Journey(recipient=SALUD, sender=SALUD).events(*DELIVERED))
    taken_over = Journey(recipient=SALUD)
    await record(database, recorder, taken_over.events(("sent", 0), ("accepted", 1)))
    await record(database, recorder, [taken_over.state("recalled", 3, 2, reason="own_work")])
    assert counts(await read(api, "gbv-coordinator"), "aor") == {
        "sent": 1, "acknowledged": 1, "accepted": 1, "recalled": 1,
    }  # fmt: skip
    async with database.transaction() as session:
        told = await session.scalars(
            sa.select(referral_steps.c.state).where(referral_steps.c.countable)
        )
    assert "completed" not in told.all()


async def test_an_organisation_sees_only_its_own_on_both_sides(
    api: AsyncClient, database: Database, recorder: Recorder
) -> None:
    await record(database, recorder, Journey().events(*DELIVERED))
    await record(database, recorder, Journey(sender=LEGAL).events(*DECLINED))
    refugio = await read(api, "ngo-refugio")
    assert {each["scope"] for each in refugio["scopes"]} == {"sender", "recipient"}
    assert counts(refugio, "sender")["sent"] == 1
    assert counts(refugio, "recipient") == {}
    assert counts(await read(api, "ngo-salud"), "recipient")["sent"] == 2
    assert counts(await read(api, "ngo-legal"), "sender")["declined"] == 1


async def test_a_coordinator_sees_its_own_area_of_responsibility_and_its_own_states(
    api: AsyncClient, database: Database, recorder: Recorder
) -> None:
    await record(database, recorder, Journey().events(*DELIVERED))
    await record(database, recorder, Journey(area="VE20").events(*DECLINED))
    assert counts(await read(api, "gbv-coordinator"), "aor")["sent"] == 2
    assert counts(await read(api, "cp-coordinator"), "aor") == {}
    assert counts(await read(api, "gbv-coordinator", areas=["VE23"]), "aor")["sent"] == 1
    # Membership in one municipality does not cover the state.
    assert counts(await read(api, "gbv-coordinator", areas=["VE2313"]), "aor") == {}


@pytest.mark.parametrize("client", ["anonymous", "auditor", "health-cluster"])
async def test_nobody_else_sees_exact_numbers(api: AsyncClient, client: str) -> None:
    answer = await api.get(URL, headers=bearer(client, audience=AUDIENCE))
    assert answer.status_code in {401, 403}


async def test_every_read_is_recorded(api: AsyncClient, database: Database) -> None:
    await read(api, "gbv-coordinator", "&by=area")
    async with database.transaction() as session:
        rows = (await session.execute(sa.select(indicator_reads))).all()
    assert [(row.client_id, row.parameters["by"]) for row in rows] == [
        ("gbv-coordinator", ["area"])
    ]


async def test_reasons_and_unmet_needs_by_area_and_category(
    api: AsyncClient, database: Database, recorder: Recorder
) -> None:
    declined = Journey()
    steps = declined.events(("sent", 0))
    steps.append(declined.state("declined", 2, 3, reason="capacity"))
    missed = Journey(area="VE20", category="GBV-LEGAL")
    steps += missed.events(("sent", 0), ("accepted", 1))
    steps.append(missed.state("not_delivered", 3, 9, reason="no_show"))
    await record_together(database, recorder, steps)
    rows = (await read(api, "gbv-coordinator", "&by=area,category"))["scopes"][0]["rows"]
    found = {(row["area"], row["category"]): row for row in rows}
    assert set(found) == {("VE23", "GBV-PSS"), ("VE20", "GBV-LEGAL")}
    assert found["VE23", "GBV-PSS"]["decline_reasons"]["capacity"] == 1
    assert found["VE20", "GBV-LEGAL"]["not_delivered_reasons"]["no_show"] == 1
    assert [row["unmet"] for row in rows] == [1, 1]
    by_month = (await read(api, "gbv-coordinator", "&by=month,area"))["scopes"][0]["rows"]
    assert {(row["month"], row["area"]): row["counts"]["sent"] for row in by_month} == {
        ("2026-10", "VE23"): 1,
        ("2026-10", "VE20"): 1,
    }
    assert all(row["timing"] is None for row in rows)
    one = (await read(api, "gbv-coordinator", "&category=GBV-PSS"))["scopes"][0]["rows"]
    assert one[0]["counts"]["sent"] == 1


async def test_overdue_until_something_happens(
    api: AsyncClient, database: Database, recorder: Recorder
) -> None:
    journey = Journey()
    await record(database, recorder, journey.events(("sent", 0)))
    raised = EscalationRaised(
        version=2, referral_id=journey.referral_id, step="reminder",
        due_at=NOON + timedelta(hours=72), organisation_id=SALUD, category="GBV-PSS",
        urgency="routine",
    )  # fmt: skip
    await record(database, recorder, [enveloped(raised, journey.referral_id, raised.due_at)])
    assert counts(await read(api, "gbv-coordinator"), "aor")["overdue"] == 1
    late = journey.state("acknowledged", 3, 80, late=True)
    await record(database, recorder, [late])
    after = counts(await read(api, "gbv-coordinator"), "aor")
    assert "overdue" not in after
    assert after["late"] == 1


async def test_median_and_ninetieth_percentile_lie_in_the_bin_of_the_exact_ones(
    api: AsyncClient, database: Database, recorder: Recorder
) -> None:
    hours = [0.3 + 1.7 * n for n in range(60)]
    events = [e for h in hours for e in Journey().events(("sent", 0), ("acknowledged", h))]
    await record_together(database, recorder, events)
    row = (await read(api, "gbv-coordinator"))["scopes"][0]["rows"][0]
    timing = row["timing"]["acknowledged"]
    assert timing["reached"] == 60
    for given, exact in (
        (timing["median_hours"], statistics.median(hours)),
        (timing["p90_hours"], statistics.quantiles(hours, n=10)[-1]),
    ):
        low = max(edge for edge in (0, *HOUR_EDGES) if edge <= exact)
        high = min(edge for edge in HOUR_EDGES if edge > exact)
        assert low <= given <= high


def test_a_percentile_beyond_the_last_bin_is_not_invented() -> None:
    bins = [0] * BINS
    assert percentile(bins, 0.5) is None
    bins[-1] = 3
    assert percentile(bins, 0.5) is None


async def test_capacity_of_listed_services_within_the_scope(
    api: AsyncClient, database: Database, recorder: Recorder
) -> None:
    def service(kind: type[Any], version: int, service_id: Any, **state: Any) -> Any:
        event = kind(
            version=version, service_id=service_id, organisation_id=SALUD, **state,
        )  # fmt: skip
        return enveloped(event, service_id, NOON)

    full, gone = new_id(), new_id()
    facts: dict[str, Any] = {
        "categories": ("GBV-PSS",), "aors": ("GBV",), "areas": ("VE23",),
        "visibility": "partners", "referable": True, "capacity_state": "accepting",
    }  # fmt: skip
    events = [
        service(CapacityChanged, 2, full, capacity_state="full", referable=False),
        service(ServicePublished, 1, full, **facts),
        service(ServicePublished, 1, gone, **facts),
        service(ServiceWithdrawn, 2, gone, **(facts | {"referable": False})),
    ]
    await record(database, recorder, events)
    for client, scope in (("gbv-coordinator", 0), ("ngo-salud", 1)):
        found = (await read(api, client))["scopes"][scope]["capacity"]
        assert found == [{"category": "GBV-PSS", "state": "full", "services": 1}]
    assert (await read(api, "cp-coordinator"))["scopes"][0]["capacity"] == []


@pytest.mark.parametrize(
    "query",
    [
        "&by=name",
        "&area=VE2313",
        "&area=XX",
        "&category=nothing",
        "&from=2026-11",
        "&from=2026-10a",
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(api: AsyncClient, query: str) -> None:
    url = "/reports/v1/indicators?to=2026-10" + query
    answer = await api.get(url, headers=bearer("gbv-coordinator", audience=AUDIENCE))
    assert answer.status_code == 422
    assert answer.json()["pointer"]


def test_the_layout_of_stored_vectors_changes_with_a_revision() -> None:
    """Stored vectors are read by position. A change must also migrate them (CONTRIBUTING has a recipe); otherwise all
    past numbers are misread."""
    places = (*DECLINE_REASONS.items(), *NOT_DELIVERED_REASONS.items())
    names = (*COUNTS, *(f"{name}={at}" for name, at in places), *MILESTONES)
    laid_out = hashlib.sha256(" ".join(names).encode()).hexdigest()[:12]
    assert (laid_out, LENGTH) == LAID_OUT_BY["0001"]
