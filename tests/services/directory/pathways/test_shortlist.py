"""The shortlist asks hard conditions in SQL and the rules decide again: both must agree."""

import random
from uuid import UUID

import pytest
from common import clock, codelists
from common.database import Database
from common.sight import audience_of
from services_directory.pathways.definition.graph import Urgency
from services_directory.pathways.definition.profile import Profile, disagreements
from services_directory.pathways.matching import candidate_queries
from services_directory.pathways.matching.ranking import Situation, exclusions
from services_directory.pathways.matching.reach import demand
from services_directory.reading.statement import Statement

from tests.services.directory.pathways.profiles import PLACES
from tests.support.principals import principal

NEEDS = sorted(codelists.categories())


def some_profiles(seed: int) -> list[Profile]:
    """Profiles that differ in everything a hard condition asks."""
    chance = random.Random(seed)  # noqa: S311 - reproducible test data
    drawn = [
        Profile.model_validate(
            {
                "area": chance.choice(["VE", "VE20", "VE2004", "VE2313", "VE2315", "VE0709"]),
                "age": chance.choice([None, 2, 3, 11, 12, 17, 18, 40]),
                "sex": chance.choice([None, "female", "male", "other"]),
                "populations": chance.choice([[], ["IND"], ["TRA", "MIG"]]),
                "nationality": chance.choice([None, "VEN", "COL"]),
                "has_documents": chance.choice([None, True, False]),
                "languages": chance.choice([[], ["guc"], ["spa"]]),
            }
        )
        for _ in range(25)
    ]
    return [profile for profile in drawn if not disagreements(profile)]


@pytest.mark.parametrize("who", ["anonymous", "ngo-refugio", "gbv-coordinator", "tip-coordinator"])
async def test_sql_and_rules_name_the_same_fitting_services(
    database: Database, scenario: dict[str, UUID], who: str
) -> None:
    audience, today = audience_of(principal(who)), clock.now().date()
    seen = 0
    chance = random.Random(7)  # noqa: S311 - reproducible test data
    async with database.transaction() as session:
        for profile in some_profiles(seed=len(who)):
            wanted = [demand(need, chance.choice(list(Urgency))) for need in NEEDS]
            everything = await candidate_queries.shortlist(
                session, Statement(), audience, wanted, profile.area, ["TRUE"], "d.name", 1000
            )
            demands = {each.need: each for each in wanted}
            by_rules = {
                (need, candidate.service_id)
                for need, candidates in everything.candidates.items()
                for candidate in candidates
                if not exclusions(
                    candidate, Situation(profile, frozenset(), demands[need], PLACES, today)
                )
            }
            found = await candidate_queries.fitting(session, audience, profile, wanted, today)
            by_sql = {
                (need, candidate.service_id)
                for need, candidates in found.candidates.items()
                for candidate in candidates
            }
            assert by_sql >= by_rules, profile  # the query asks for reach generously
            for need, service_id in by_sql - by_rules:
                (one,) = [
                    each for each in everything.candidates[need] if each.service_id == service_id
                ]
                why = exclusions(one, Situation(profile, frozenset(), demands[need], PLACES, today))
                assert {reason.code for reason in why} <= {
                    "out_of_reach", "reach_unknown", "language_missing",
                }  # fmt: skip
            seen += len(by_rules)
    assert seen > 30
