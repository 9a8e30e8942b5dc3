"""Seventy profiles in a fictional directory: the first step, the service for it, and the gaps.

A person compared the stored pages line by line with the reference. `RUTA_WRITE_GOLDEN=1` writes them again; a person
then decides whether they are still right.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from common.db.session import Database
from directory.record.services.upsert import upsert_service
from httpx import AsyncClient

from tests.services.directory.conftest import as_
from tests.services.directory.pathways.scenario import ALWAYS, document
from tests.support.principals import principal

GOLDEN = Path(__file__).parent / "golden"
FIRST = 5

# Entries that once misled the ranking: a complaint channel as the hotline, one office for a whole country, an
# interpreter of another language. The right entry is next to each.
MISLEADING = {
    "gbv-coordinator": [
        document("Buzón Ficticio de Quejas", ["HOT", "PSEA"], "VE0101", ["VE"],
                 organisation="Red Ficticia", modes=("hotline",), delay="72h"),
        document("Centro Ficticio de Chacao", ["GBV-CM", "GBV-PSS", "HLT"], "VE1507", ["VE"],
                 organisation="Centro Ficticio", delay="same_day"),
        document("Intérpretes pemón", ["INT"], "VE0705", ["VE"], languages=("aoc", "spa"),
                 delay="same_day", organisation="Red Ficticia de Intérpretes",
                 pathway=[{"aor": "GBV"}]),
        document("Equipo móvil Delta", ["GBV-CM", "GBV-PSS"], "VE1004", ["VE10"],
                 organisation="Fundación Ficticia Delta", modes=("outreach",), delay="same_day"),
        document("Hospital Ficticio de Caracas", ["GBV-CMR", "HLT"], "VE0101", ["VE01", "VE15"],
                 organisation="Hospital Ficticio", schedule=ALWAYS, delay="same_day"),
    ],
}  # fmt: skip

SURVIVOR = {"age": 27, "sex": "female", "situations": ["sexual_violence"]}
GIRL = {"age": 14, "sex": "female"}
BOY = {"age": 9, "sex": "male"}
MINER = {"age": 34, "sex": "male", "situations": ["forced_labour"], "has_documents": False}
TRAFFICKED = {"age": 22, "sex": "female", "situations": ["trafficking"]}
BEATEN = {"age": 31, "sex": "female", "situations": ["partner_violence"]}
ABUSED_BY_AID = {"age": 24, "sex": "female", "situations": ["aid_worker_abuse"]}
ANYBODY = {"age": 40, "sex": "male"}

PROFILES: list[dict[str, Any]] = [
    *({**SURVIVOR, "area": area, "hours_since_incident": hours}
      for area in ("VE2313", "VE0101", "VE2004", "VE1004") for hours in (3, 60, 100, 200)),
    *({**SURVIVOR, "area": area, "hours_since_incident": 10, "immediate_danger": True}
      for area in ("VE2313", "VE0101", "VE2023", "VE0709")),
    {**SURVIVOR, "area": "VE2313"},
    {**SURVIVOR, "area": "VE2313", "hours_since_incident": 20, "languages": ["guc"]},
    {**SURVIVOR, "area": "VE1004", "hours_since_incident": 20, "languages": ["wba"]},
    {**SURVIVOR, "area": "VE0709", "hours_since_incident": 20, "languages": ["aoc"]},
    {**SURVIVOR, "area": "VE2313", "hours_since_incident": 20, "languages": ["spa"]},
    {**SURVIVOR, "area": "VE2313", "sex": "male", "hours_since_incident": 20},
    {**SURVIVOR, "area": "VE2313", "sex": "other", "hours_since_incident": 20},
    *({**ABUSED_BY_AID, "area": area, "hours_since_incident": hours}
      for area in ("VE2313", "VE0101", "VE0709") for hours in (5, 90)),
    {**ABUSED_BY_AID, **GIRL, "area": "VE2313", "hours_since_incident": 30},
    {**ABUSED_BY_AID, "area": "VE2313", "immediate_danger": True},
    *({**BEATEN, "area": area, "immediate_danger": danger}
      for area in ("VE2313", "VE0101", "VE1507") for danger in (True, False)),
    *({**GIRL, "area": area, "situations": ["trafficking", "child_separated"],
       "immediate_danger": danger} for area in ("VE2004", "VE2313") for danger in (True, False)),
    {**GIRL, "area": "VE2023", "situations": ["sexual_violence"], "hours_since_incident": 40},
    {**GIRL, "area": "VE0101", "situations": ["sexual_exploitation"], "hours_since_incident": 80},
    {**BOY, "area": "VE2004", "situations": ["child_separated"], "populations": ["UASC"]},
    {**BOY, "area": "VE2313", "situations": ["child_violence"]},
    {**BOY, "area": "VE0709", "situations": ["child_violence"], "immediate_danger": True},
    {**GIRL, "age": 16, "area": "VE0701", "situations": ["child_recruitment"]},
    *({**MINER, "area": area, "immediate_danger": danger}
      for area in ("VE0709", "VE0701") for danger in (True, False)),
    *({**TRAFFICKED, "area": area, "immediate_danger": danger}
      for area in ("VE2023", "VE0101", "VE2313") for danger in (True, False)),
    {**TRAFFICKED, "area": "VE07", "needs": ["TIP-RETURN"]},
    {**ANYBODY, "area": "VE2313"},
    {**ANYBODY, "area": "VE0101", "immediate_danger": True},
    {**ANYBODY, "area": "VE2023", "situations": ["displacement"], "has_documents": False},
    {**ANYBODY, "area": "VE0701", "situations": ["illness"]},
    {**ANYBODY, "area": "VE2313", "populations": ["REF"]},
    {**ANYBODY, "age": 70, "area": "VE2313", "populations": ["OLD"]},
    {**ANYBODY, "area": "VE0101", "situations": ["detention"]},
    {"area": "VE2313"},
    {"area": "VE0101", "needs": ["INT"], "languages": ["wba"]},
    {"area": "VE2313", "needs": ["INT"], "languages": ["guc"]},
    {"area": "VE2313", "needs": ["GBV-SHELTER"]},
    {"area": "VE0101", "needs": ["GBV-SHELTER"], "immediate_danger": True},
    {"area": "VE1004", "needs": ["CP-ALTCARE"], "age": 8},
]  # fmt: skip


@pytest.fixture
async def misleading(database: Database, scenario: dict[str, UUID]) -> None:
    async with database.transaction() as session:
        for coordinator, documents in MISLEADING.items():
            for each in documents:
                await upsert_service(session, principal(coordinator), each)


def test_the_set_is_large_enough() -> None:
    assert len(PROFILES) >= 60


async def test_each_profile_is_answered_as_it_was_judged(
    api: AsyncClient, misleading: None
) -> None:
    answer = await api.post(
        "/directory/v1/pathways/resolve/batch",
        json={"profiles": PROFILES},
        headers=as_("ngo-refugio"),
    )
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    for language in ("es", "en"):
        text = "\n".join(
            line
            for at, (profile, item) in enumerate(zip(PROFILES, items, strict=True), 1)
            for line in _answered(at, profile, item, language)
        )
        stored = GOLDEN / f"profiles.{language}.md"
        if os.environ.get("RUTA_WRITE_GOLDEN"):
            stored.write_text(text + "\n", encoding="utf-8")
        assert text + "\n" == stored.read_text(encoding="utf-8")
    _hold_for_all(items)


def _hold_for_all(items: list[dict[str, Any]]) -> None:
    """Check the rules that every response must follow, whatever is stored."""
    for item in items:
        assert item["emergency_numbers"][0]["number"] == "911"
        assert [step["folded"] for step in item["steps"]] == [
            at >= FIRST for at in range(len(item["steps"]))
        ]
        for step in item["steps"]:
            available = step["coverage"] in ("available", "waitlist")
            assert available == bool(step["services"])
            for service in step["services"]:
                codes = {reason["code"] for reason in service["reasons"]}
                assert not codes & {"opens_late", "answers_late", "out_of_reach", "reach_unknown"}
                if step["urgency"] == "at_once" and service["ways"] == ["referral"]:
                    assert service["referral"].get("response_delay") in (None, "same_day")


def _answered(
    at: int, profile: dict[str, Any], item: dict[str, Any], language: str
) -> Iterator[str]:
    facts = ", ".join(f"{name}={value}" for name, value in profile.items())
    yield f"## {at}. {facts}"
    yield ""
    yield " · ".join(each["aor"] for each in item["pathways"])
    for step in item["steps"][:FIRST]:
        who = "; ".join(
            service["name"] + (f" ({service['kilometres']} km)" if "kilometres" in service else "")
            for service in step["services"][:2]
        )
        near = step.get("gap", {}).get("nearest")
        away = f"; ← {near['name']} ({near.get('kilometres', '?')} km)" if near else ""
        yield (
            f"{step['order']}. {step['label'][language]} · {step['urgency_says'][language]}"
            f" · {step['coverage_says'][language]}" + (f": {who}" if who else "") + away
        )
    rest = [step["need"] for step in item["steps"][FIRST:]]
    yield f"+ {', '.join(rest)}"
    yield f"∅ {', '.join(item['gaps'])}"
    yield ""
