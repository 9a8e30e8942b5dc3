"""Two hundred ordinary questions over the demonstration's services, in the words people use."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from common import codelists
from common.database import Database
from httpx import AsyncClient
from services_directory.demo_data import demo_services
from services_directory.imports.service import take_in
from services_directory.search.thesaurus import suggestions, understood

from tests.services.directory.conftest import V1, as_
from tests.services.directory.imports.test_taking_in import order
from tests.support.principals import principal

QUESTIONS = list(
    csv.DictReader((Path(__file__).parent / "questions.csv").read_text("utf-8").splitlines())
)
GOAL = 0.9


@pytest.fixture
async def demo(database: Database, api: AsyncClient) -> AsyncClient:
    async with database.transaction(principal("im-officer")) as session:
        await take_in(session, principal("im-officer"), order(demo_services(), source="demo"))
    return api


async def found_categories(api: AsyncClient, question: str) -> list[set[str]]:
    answer = await api.get(
        f"{V1}/services", params={"search": question, "per_page": 5, "full": "true"},
        headers=as_("gbv-coordinator"),
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    return [set(item.get("categories", [])) for item in answer.json()["contents"]]


@pytest.mark.parametrize("half", [0, 1], ids=["tuned on", "held back"])
@pytest.mark.parametrize("language", ["es", "en"])
async def test_one_of_the_first_five_services_is_what_was_asked_for(
    demo: AsyncClient, database: Database, language: str, half: int
) -> None:
    async with database.transaction() as session:
        offered = set(
            await session.scalars(
                sa.text("SELECT DISTINCT unnest(categories) FROM service_documents")
            )
        )
    asked = [row for row in QUESTIONS if row["language"] == language][half::2]
    missed = []
    count = 0
    for row in asked:
        wanted = set(row["categories"].split(";"))
        if not wanted & offered:
            continue  # nobody offers it: no search can find it
        count += 1
        found = await found_categories(demo, row["question"])
        if not any(wanted & each for each in found):
            missed.append(row["question"])
    assert count > 40
    assert 1 - len(missed) / count >= GOAL, missed


def test_the_set_has_two_hundred_questions_with_known_categories() -> None:
    assert len(QUESTIONS) >= 200
    known = codelists.categories()
    assert all(code in known for row in QUESTIONS for code in row["categories"].split(";"))


def said(search: str) -> Iterator[tuple[str, str]]:
    return ((each.said, each.categories[0]) for each in understood(search))


def test_the_longest_phrase_is_understood_and_plurals_find_their_singular() -> None:
    assert list(said("casa de abrigo en Maracaibo")) == [("casa de abrigo", "GBV-SHELTER")]
    assert list(said("Abogados")) == [("abogados", "GP-DOC")]
    assert list(said("Maracaibo")) == []


async def test_the_answer_says_what_was_understood(demo: AsyncClient) -> None:
    answer = await demo.get(
        f"{V1}/services", params={"search": "abogado", "explain": "true"}, headers=as_("anonymous")
    )
    assert answer.status_code == 200, answer.text
    (meant,) = answer.json()["understood"]
    assert meant["said"] == "abogado"
    assert "asistencia legal" in meant["categories"][0]["es"].lower()


async def test_suggestions_come_while_somebody_types(demo: AsyncClient) -> None:
    answer = await demo.get(
        f"{V1}/services/suggestions", params={"search": "abog"}, headers=as_("anonymous")
    )
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    assert items[0]["said"] == "abogado"
    assert [each.said for each in suggestions("lawy", "en")] == ["lawyer"]
    assert suggestions("x", "es") == []
