"""Evidence of an invented half year: releases of all programmes, activities, a work plan and an external series."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from uuid import UUID

from common.words.places import Places
from reporting.count.activities.activity import Activity
from reporting.count.activities.codes import activity_codes
from reporting.count.activities.work_plan import Target
from reporting.count.context.series import OutsideSeries, SeriesPoint
from reporting.ground.periods import Period, PeriodKind
from reporting.ground.programmes.catalogue import shipped
from reporting.ground.programmes.definition import Programme
from reporting.ground.protection.protected import ExpectedError, ProtectedCube
from reporting.protect.releases.queries import PublishedRelease
from reporting.publish.bulletins.composing.compose import compose
from reporting.publish.bulletins.composing.evidence import Evidence
from reporting.publish.bulletins.document.content import Content
from reporting.publish.bulletins.rendering.forms import rendered

PERIODS = tuple(f"2026-{month:02}{half}" for month in range(6, 12) for half in "ab")
QUARTERS = ("2026-Q2", "2026-Q3")
STATES = ("VE23", "VE20", "VE07", "VE01", "unknown")
WEIGHTED = {
    "area": STATES,
    "sex": ("female", "male", "unknown"),
    "category": ("GBV-PSS", "GBV-SHELTER", "CP-CM", "GP-DOC", "TIP-SAFE", "HLT-SRH", "FSC"),
    "need": ("GBV-SHELTER", "TIP-SAFE", "CP-ALTCARE", "INT", "GP-DOC"),
    "origin": ("VE23", "VE20", "VE07"),
    "destination": ("VE01", "CO", "BR"),
}


def cube(programme: Programme, period: str, persons: int) -> ProtectedCube:
    """Return a cube of plausible multiples of k, always the same for one programme and period."""
    chance = random.Random(f"{programme.id}{period}")  # noqa: S311 - test data, no secret
    cells: dict[tuple[str, ...], int] = {}
    for _ in range(persons // programme.k):
        at = tuple(
            chance.choice([c for c in WEIGHTED.get(d.name, d.codes) if c in d.codes] or d.codes)
            for d in programme.cube_dimensions
        )
        cells[at] = cells.get(at, 0) + programme.k
    return ProtectedCube(
        programme=programme.id,
        period=period,
        k=programme.k,
        profile=programme.profile,
        dimensions=programme.cube_dimensions,
        cells=cells,
        expected_errors=(
            ExpectedError("total", Decimal("9.8"), Decimal("0.021")),
            ExpectedError("cell", Decimal("4.4"), None),
        ),
    )


def releases(periods: Sequence[str] = PERIODS) -> dict[UUID, PublishedRelease]:
    found: dict[UUID, PublishedRelease] = {}
    for number, programme in enumerate(shipped()):
        quarterly = programme.period_kind is PeriodKind.QUARTER
        for place, period in enumerate(QUARTERS if quarterly else periods):
            release_id = UUID(int=(0x0190B000 << 96) + number * 1000 + place)
            persons = 1320 - 400 * number % 900 + 66 * place
            found[release_id] = PublishedRelease(
                release_id,
                programme.id,
                period,
                1,
                datetime(2026, 12, 1, tzinfo=UTC),
                cube(programme, period, persons),
            )
    return found


def activities(periods: Sequence[str] = PERIODS) -> list[Activity]:
    chance = random.Random("activities")  # noqa: S311 - test data, no secret
    codes = [c for c in activity_codes().values() if c.code.startswith("TIP/")]
    found: list[Activity] = []
    for period in map(Period.parse, periods):
        for number in range(24):
            code = codes[number % len(codes)]
            exact = code.counts == "participants"
            groups = [chance.randint(3, 60) for _ in range(4)]
            found.append(
                Activity(
                    id=UUID(int=chance.getrandbits(120)),
                    organisation_id=UUID(int=number % 7),
                    version=1,
                    changed_at=datetime(2026, 11, 30, tzinfo=UTC),
                    external_id=f"{period.id}-{number}",
                    report_month=period.start.replace(day=1),
                    type=code.type,
                    activity_code=code.code,
                    activity_detail=None,
                    org_leader="Fundación Refugio",
                    org_leader_type="NNGO",
                    org_implementer=f"Fundación {chr(65 + number % 7)}",
                    org_implementer_type="NNGO",
                    project_code=None,
                    project_name=None,
                    adm1_pcode=STATES[number % 9 % 4],
                    adm2_pcode=None,
                    adm3_pcode=None,
                    tlocation="community",
                    location_name=None,
                    start=period.start,
                    end=None,
                    status="Completed",
                    quantity=chance.randint(1, 900 if code.type == "materials" else 6),
                    women=groups[0] if exact else None,
                    men=groups[1] if exact else None,
                    girls=groups[2] if exact else None,
                    boys=groups[3] if exact else None,
                    other_adults=None,
                    other_children=None,
                    reached=sum(groups) if exact else None,
                    masked=not exact,
                )
            )
    return found


def targets() -> dict[UUID, Target]:
    wanted = [
        ("people-trained", None, 9000),
        ("people-trained", "VE23", 2500),
        ("awareness-sessions", None, 150),
        ("materials-distributed", None, 20000),
        ("officials-trained", "VE20", 400),
    ]
    return {
        UUID(int=900 + n): Target(
            UUID(int=900 + n), "2026", code, area, date(2026, 1, 1), date(2026, 12, 31), aim
        )
        for n, (code, area, aim) in enumerate(wanted)
    }


def series() -> dict[UUID, OutsideSeries]:
    made = OutsideSeries(
        id=UUID(int=990),
        code="risk-index",
        edition=1,
        title={"es": "Índice de riesgo de protección", "en": "Protection risk index"},
        unit={"es": "de cero a cien", "en": "zero to one hundred"},
        source="Observatorio de ejemplo",
        url="https://example.org/series/risk",
        licence="CC BY",
        retrieved_on=date(2026, 11, 20),
        method=None,
        points=(
            SeriesPoint(date(2026, 10, 1), "VE23", Decimal("63.25")),
            SeriesPoint(date(2026, 10, 1), "VE20", Decimal("58.5")),
            SeriesPoint(date(2026, 9, 1), "VE23", Decimal("61.5")),
            SeriesPoint(date(2025, 9, 1), "VE23", Decimal("40.5")),
        ),
    )
    return {made.id: made}


def evidence(periods: Sequence[str] = PERIODS) -> Evidence:
    return Evidence(releases(periods), activities(periods), targets(), series(), Places.load())


@cache
def bulletin(period: str = "2026-11a") -> Content:
    return compose(Period.parse(period), evidence(), shipped())


@cache
def files_of(period: str, language: str) -> dict[str, bytes]:
    """Return all formats of that bulletin. Drawing takes seconds, so tests share them."""
    return rendered(bulletin(period), language, draft=False)
