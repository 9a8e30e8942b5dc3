"""Two hundred ordinary questions about the demo services, in people's own words."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from common.db.session import Database
from common.words import codelists
from directory.files.imports.service import take_in
from directory.find.search.thesaurus import ThesaurusError, read, thesaurus
from directory.ground.demo_data import demo_services
from httpx import AsyncClient

from tests.services.directory.conftest import V1, as_
from tests.services.directory.imports.test_taking_in import order
from tests.support.principals import principal

pytestmark = pytest.mark.slow

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
            continue  # No service offers these categories, so no search can find one.
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
    return ((each.said, each.categories[0]) for each in thesaurus().understood(search))


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
    assert [each.said for each in thesaurus().suggestions("lawy", "en")] == ["lawyer"]
    assert thesaurus().suggestions("x", "es") == []


HEAD = "concept,broader,categories,es,en,other"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (["a,b,,uno,,", "b,c,,dos,,", "c,a,,tres,,"], "line 4: 'a' would be broader than itself: a → b → c → a"),
        (["a,,GP-DOC,uno,,", "b,b,,dos,,"], "line 3: 'b' would be broader than itself: b → b"),
        (["a,z,,uno,,"], "line 2: no concept is named 'z'"),
        (["a,,NOPE,uno,,"], "line 2: no category has the code 'NOPE'"),
        (["a,,GP-DOC,uno,,", "a,,GP-DOC,dos,,"], "line 3: 'a' stands in line 2 already"),
        (["a,,GP-DOC,,,"], "line 2: 'a' has no words"),
    ],
)  # fmt: skip
def test_a_thesaurus_that_cannot_be_right_is_refused_with_its_place(
    rows: list[str], told: str
) -> None:
    with pytest.raises(ThesaurusError) as refused:
        read([HEAD, *rows])
    assert str(refused.value) == told


def test_a_concept_means_its_own_categories_before_those_of_what_is_broader() -> None:
    rows = ["law,,GP-DOC,abogado,lawyer,", "family,law,GBV-LEGAL,divorcio,divorce,"]
    (meant,) = read([HEAD, *rows]).understood("divorcio")
    assert meant.categories == ("GBV-LEGAL", "GP-DOC")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("abogdo", "abogado"),
        ("psycologist", "psychologist"),
        ("ospital", "hospital"),
        ("casa", None),
    ],
)
def test_slips_are_set_right_by_the_words_that_are_known(written: str, meant: str | None) -> None:
    assert thesaurus().corrected(written) == meant


async def test_each_entry_says_which_words_found_it(demo: AsyncClient) -> None:
    asked = {"search": "abogdo", "explain": "true"}
    answer = (await demo.get(f"{V1}/services", params=asked, headers=as_("anonymous"))).json()
    assert answer["read_as"] == {"search": "abogado", "any_word": False}
    (because,) = answer["ranking"][0]["because"]
    assert because["said"] == "abogado"
    assert {each["es"] for each in because["categories"]} <= {
        codelists.categories().label(code, "es")
        for code in ("GP-DOC", "GBV-LEGAL", "CP-JUSTICE", "TIP-JUSTICE")
    }


async def test_whose_service_it_is_counts_below_what_it_is(
    demo: AsyncClient, database: Database
) -> None:
    names = "external_id,organisation,name,categories,visibility\nX-1,Abogados sin Hambre,Merienda,FSC,public\n"
    async with database.transaction(principal("im-officer")) as session:
        await take_in(session, principal("im-officer"), order(names.encode(), source="names"))
    found = await demo.get(
        f"{V1}/services", params={"search": "abogados", "per_page": 500}, headers=as_("anonymous")
    )
    listed = [each["name"] for each in found.json()["contents"]]
    assert listed.index("Merienda") == len(listed) - 1 > 0


async def test_what_words_mean_is_found_however_it_is_put_in_order_or_written(
    demo: AsyncClient,
) -> None:
    of_all = [
        {"page": "50"},
        {"format": "ndjson"},
        {"format": "geojson"},
        {"modified_after": "2020-01-01"},
    ]
    of_services = [
        {"sort": "name"},
        {"sort": "modified"},
        {"sort": "distance"},
        {"facets": "area,category"},
    ]
    refused = []
    for words in ("abogado", "vivienda segura para mi hija", "acompanamineto mujres"):
        for name, ways in (("services", of_all + of_services), ("service_at_locations", of_all)):
            for way in ways:
                params = {"search": words} | way
                answer = await demo.get(f"{V1}/{name}", params=params, headers=as_("anonymous"))
                if answer.status_code != 200:
                    refused.append((name, params, answer.text[:200]))
    assert not refused
