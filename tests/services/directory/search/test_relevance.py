"""The search finds services by people's own words. People judged each query over a fixed set of services.

Only one half of the queries was used to tune words and weights; the other half measures the result.
"""

import csv
import io
import sys
from collections import Counter
from pathlib import Path

import pytest
from common.db.session import Database
from directory.files.imports.service import take_in
from directory.ground.demo_data import demo_services
from httpx import AsyncClient

from tests.services.directory.conftest import V1, Publish, as_, ids_seen
from tests.services.directory.imports.test_taking_in import order
from tests.services.directory.search.asked import (
    FIRST,
    FOLDER,
    SERVICES,
    agreement,
    questions,
    success,
)
from tests.support.principals import principal

pytestmark = pytest.mark.slow

GOAL = 0.9
(DECISION,) = (Path(__file__).parents[4] / "docs" / "decisions").glob("0046-*.md")
KAPPA = 0.8
""""Almost perfect" on the scale of Landis and Koch (1977)."""


@pytest.fixture
async def judged(database: Database, api: AsyncClient) -> AsyncClient:
    who = principal("im-officer")
    async with database.transaction(who) as session:
        await take_in(session, who, order(SERVICES.read_bytes(), source="judged"))
    return api


@pytest.mark.parametrize("half", ["tuned", "held"])
@pytest.mark.parametrize("language", ["es", "en"])
async def test_one_of_the_first_five_answers_the_question(
    judged: AsyncClient, language: str, half: str
) -> None:
    async def search(text: str) -> list[str]:
        asked = {"search": text, "per_page": str(FIRST)}
        answer = await judged.get(f"{V1}/services", params=asked, headers=as_("im-officer"))
        assert answer.status_code == 200, answer.text
        return [each["name"] for each in answer.json()["contents"]]

    found = await success(search, language, half)
    sys.stdout.write(f"{language} {half}: {found.asked - len(found.missed)} of {found.asked}\n")
    assert found.share >= GOAL, (round(found.share, 3), found.missed)
    if half == "held":
        counts = f"{found.asked - len(found.missed)} of {found.asked}"
        assert counts in " ".join(DECISION.read_text("utf-8").split())


async def test_unverified_services_in_english_are_found_among_verified_ones_by_what_they_say(
    judged: AsyncClient, database: Database
) -> None:
    """The test adds a directory in English next to ours. Nobody has endorsed or verified its services, and we know none
    of its places."""
    rows = list(csv.DictReader((FOLDER / "mixed_en.csv").read_text("utf-8").splitlines()))
    text = io.StringIO()
    columns = ["external_id", "organisation", "name", "description", "categories", "address"]
    table = csv.DictWriter(text, [*columns, "visibility"], extrasaction="ignore")
    table.writeheader()
    for row in rows:
        table.writerow({**row, "organisation": "County", "visibility": "public"})
    who = principal("im-officer")
    async with database.transaction(who) as session:
        await take_in(session, who, order(demo_services(), source="demo"))
        await take_in(session, who, order(text.getvalue().encode(), source="county"))
    missed = []
    for row in rows:
        asked = {"search": row["question"], "per_page": str(FIRST)}
        answer = await judged.get(f"{V1}/services", params=asked, headers=as_("im-officer"))
        if row["name"] not in [each["name"] for each in answer.json()["contents"]]:
            missed.append(row["question"])
    assert 1 - len(missed) / len(rows) >= GOAL, missed


@pytest.mark.parametrize("without", ["-mujeres", '-"para mujeres"', "-women", "-mujeres -hombres"])
async def test_what_a_minus_excludes_is_not_found(
    api: AsyncClient, publish: Publish, without: str
) -> None:
    """The exclusion applies in either language. "Not in Spanish, or not in English" would exclude almost nothing."""
    await publish(
        name="Atención psicológica para mujeres",
        translations={"en": {"name": "Psychological care for women", "description": "x"}},
    )
    other = await publish(name="Atención psicológica", description="Para todas las personas")
    assert len(await ids_seen(api, "anonymous", search="psicológica")) == 2
    assert await ids_seen(api, "anonymous", search=f"psicológica {without}") == [other]
    # The search does not suggest the excluded service as a possible meaning either.
    assert await ids_seen(api, "anonymous", search=f"mujeres {without}") == []


def test_the_set_is_large_and_half_of_it_is_held_back() -> None:
    counted = Counter((each.language, each.half) for each in questions())
    assert sum(counted.values()) >= 200
    for language in ("es", "en"):
        assert abs(counted[language, "tuned"] - counted[language, "held"]) <= 1
        assert counted[language, "held"] >= 50


@pytest.mark.parametrize("language", ["es", "en"])
def test_two_readings_agree_and_what_is_relevant_was_marked_by_one_of_them(language: str) -> None:
    asked = [each for each in questions() if each.language == language]
    assert agreement(asked) >= KAPPA
    for each in asked:
        first, second = each.marked
        assert first & second <= each.relevant <= first | second, each.text
        assert each.relevant, each.text
