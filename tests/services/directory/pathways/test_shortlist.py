"""The shortlist checks hard conditions in SQL and the rules check them again. Both must agree."""

import random
from collections.abc import Sequence
from uuid import UUID

import pytest
import sqlalchemy as sa
from common import clock
from common.db.session import Database
from common.sight import Audience, audience_of
from common.words import codelists
from directory.ground.access import visible_sql
from directory.ground.hsds.columns import columns_of
from directory.ground.hsds.preference import CAPACITY, MERITS, STATUS, Worth
from directory.ground.reading.rows_queries import fetch
from directory.ground.reading.statement import Statement
from directory.pathways.definition.graph import Urgency
from directory.pathways.definition.profile import Moment, Profile, disagreements
from directory.pathways.matching import candidate_queries
from directory.pathways.matching.candidate_rows import Found
from directory.pathways.matching.proximity import proximity
from directory.pathways.matching.ranking import Situation, exclusions, merits, rank
from directory.pathways.matching.reach import Demand, demand
from directory.record.documents.prepared import quality
from sqlalchemy.ext.asyncio import AsyncSession

from tests.services.directory.pathways.profiles import PLACES, TODAY, service
from tests.support.principals import principal

NEEDS = sorted(codelists.categories())


def some_profiles(seed: int) -> list[Profile]:
    """Return profiles that differ in every fact used by a hard condition."""
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
                "moment": chance.choice(
                    [None, {"weekday": 3, "time": "10:00"}, {"weekday": 7, "time": "23:30"}]
                ),
            }
        )
        for _ in range(25)
    ]
    return [profile for profile in drawn if not disagreements(profile)]


async def give_seasons(session: AsyncSession) -> None:
    """Give the scenario's services all kinds of hours: valid on any day, ended, beginning today or tomorrow, and
    unreadable. Documents are cached by ETag."""
    statement = """
        UPDATE service_documents SET
            etag = etag || ' in season',
            open_minutes = (ARRAY['{}', '{[600,700)}', '{}', '{}', '{}', '{[0,1440)}'])[kind]::int4multirange,
            season_days = CASE WHEN kind > 1 THEN ARRAY[
                daterange(current_date - 9, (ARRAY[NULL, 9, -2, -1, 0, 40])[kind] + current_date),
                daterange(current_date + (ARRAY[1, 0, 1, 2, 1, -1])[kind], NULL)
            ] END,
            season_minutes = CASE WHEN kind > 1 THEN ARRAY['[0,10080)', '[3400,3600)']::int4range[] END,
            hours_unread = kind = 4
        FROM (SELECT service_id AS id, 1 + abs(hashtext(name)) % 6 AS kind FROM service_documents) k
        WHERE k.id = service_id
    """
    await session.execute(sa.text(statement))


async def offered(
    session: AsyncSession, audience: Audience, wanted: Sequence[Demand], area: str
) -> Found:
    """Return all offers for the needs, in any place and for any person."""
    return await candidate_queries.shortlist(
        session,
        Statement(),
        audience,
        wanted,
        Profile(area=area),
        [candidate_queries.OFFERS],
        [("d.name", "")],
        1000,
    )


@pytest.mark.parametrize("who", ["anonymous", "ngo-refugio", "gbv-coordinator", "tip-coordinator"])
async def test_sql_and_rules_name_the_same_fitting_services(
    database: Database, scenario: dict[str, UUID], who: str
) -> None:
    audience, today = audience_of(principal(who)), clock.today()
    seen = 0
    chance = random.Random(7)  # noqa: S311 - reproducible test data
    async with database.transaction() as session:
        await give_seasons(session)
        for profile in some_profiles(seed=len(who)):
            wanted = [
                demand(need, chance.choice(list(Urgency)), safety=chance.random() < 0.5)
                for need in NEEDS
            ]
            everything = await offered(session, audience, wanted, profile.area)
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
            assert by_sql >= by_rules, profile  # The query checks reach only roughly.
            for need, service_id in by_sql - by_rules:
                (one,) = [
                    each for each in everything.candidates[need] if each.service_id == service_id
                ]
                why = exclusions(one, Situation(profile, frozenset(), demands[need], PLACES, today))
                assert {reason.code for reason in why} <= {
                    "out_of_reach", "reach_unknown", "language_missing", "arrives_late", "opens_late",
                }  # fmt: skip
            seen += len(by_rules)
    assert seen > 30


@pytest.mark.parametrize("areas", [[], ["VE23"], ["VE20"]], ids=["everywhere", "here", "elsewhere"])
@pytest.mark.parametrize(
    "who", ["ngo-refugio", "ngo-legal", "gbv-coordinator", "tip-coordinator", "im-officer"]
)
async def test_no_level_is_left_out_at_which_something_is_read(
    database: Database, scenario: dict[str, UUID], who: str, areas: list[str]
) -> None:
    audience = audience_of(principal(who, areas=areas))
    wanted = [demand(need, Urgency.ROUTINE) for need in NEEDS]
    s = Statement()
    needs = s.argument(NEEDS, "text[]")
    text = f"""
        SELECT need, d.service_id::text AS id, d.level
        FROM service_documents d JOIN unnest({needs}) AS need ON need = ANY(d.categories)
        WHERE {visible_sql(audience, s.argument)}
    """
    async with database.transaction() as session:
        found = await offered(session, audience, wanted, "VE2313")
        read = await fetch(session, text, s)
    shown = {(need, each.service_id) for need, some in found.candidates.items() for each in some}
    assert shown == {(row["need"], row["id"]) for row in read}
    aors = codelists.categories()
    leasts = {audience.least(aors[row["need"]].pathway) for row in read}
    assert all(row["level"] >= audience.least(aors[row["need"]].pathway) for row in read)
    assert len(leasts) > 1 or areas, "needs of the caller's own areas and others"


async def test_what_is_offered_in_a_place_is_asked_in_the_words_of_its_index(
    database: Database,
) -> None:
    """The query uses the same expressions as the index. Otherwise PostgreSQL would read the whole directory for each
    need."""
    async with database.transaction() as session:
        rows = await fetch(
            session,
            "SELECT indexdef FROM pg_indexes WHERE indexname ~ '^service_documents_[0-3]_offered$'",
            Statement(),
        )
    asked = candidate_queries.OFFERS_HERE.partition(" && ")[0].replace("d.", "")
    assert len(rows) == 4
    assert all(f"USING gin ({asked})" in row["indexdef"] for row in rows)


def another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Change the order in place, as an editor of the table would, so that a waiting list ranks before free places."""
    monkeypatch.setitem(CAPACITY, "waitlist", Worth(400, 40.0))
    monkeypatch.setitem(STATUS, "partially_functional", Worth(170, 20.0))
    for reason in ("answers_in_time", "by_call", "by_walk_in", "language_met", "open_now"):
        monkeypatch.setitem(MERITS, reason, 1000 + MERITS[reason])


@pytest.mark.parametrize("changed", [False, True], ids=["as it is", "changed"])
async def test_sql_gives_the_points_that_the_rules_give(
    database: Database,
    scenario: dict[str, UUID],
    monkeypatch: pytest.MonkeyPatch,
    changed: bool,
) -> None:
    if changed:
        another_order(monkeypatch)
    audience, today = audience_of(principal("gbv-coordinator")), clock.today()
    profile = Profile(
        area="VE2313",
        languages=frozenset({"guc"}),
        moment=Moment(weekday=3, time="10:00"),
    )
    wanted = [demand(need, Urgency.WITHIN_72_HOURS) for need in NEEDS]
    compared: dict[int, int] = {}
    async with database.transaction() as session:
        await give_seasons(session)
        everything = await offered(session, audience, wanted, profile.area)
        s = Statement()
        points = candidate_queries.promising(s, profile, today)
        text = f"""
            SELECT d.service_id::text AS id, d.level, {points} AS points
            FROM service_documents d CROSS JOIN (
                SELECT TRUE AS limited, ARRAY['same_day', '24h', '72h'] AS delays
            ) n
        """
        of_sql = {(row["id"], row["level"]): row["points"] for row in await fetch(session, text, s)}
    asked = {*MERITS, *(f"capacity_{code}" for code in CAPACITY), *(f"status_{c}" for c in STATUS)}
    for each in wanted:
        situation = Situation(profile, frozenset({"GBV"}), each, PLACES, today)
        for candidate in everything.candidates.get(each.need, []):
            near = proximity(candidate, profile.area, PLACES)
            if near.kind == "remote":  # A profile without a place fits any site.
                continue
            by_rules = sum(
                reason.points
                for reason in merits(candidate, near, situation)
                if reason.code in asked
            )
            assert by_rules in {
                points for (id_, _), points in of_sql.items() if id_ == str(candidate.service_id)
            }, candidate.name
            compared[by_rules] = compared.get(by_rules, 0) + 1
    assert len(compared) > 4, "services that differ"


def test_plans_and_searches_follow_the_one_order(monkeypatch: pytest.MonkeyPatch) -> None:
    waits, has_room = service("a", capacity_state="waitlist"), service("b")
    situation = Situation(
        Profile(area="VE2313"), frozenset({"GBV"}), demand("HLT", Urgency.ROUTINE), PLACES, TODAY
    )

    def preferred() -> tuple[str, bool]:
        fitting, _ = rank([waits, has_room], situation)
        searched = [
            quality(columns_of({"id": "a", "name": "a", "capacity_state": state}))
            for state in ("waitlist", "accepting")
        ]
        return fitting[0].candidate.service_id, searched[0] < searched[1]

    assert preferred() == ("b", True)
    another_order(monkeypatch)
    assert preferred() == ("a", False)


@pytest.mark.parametrize("read", [1, 2, 20])
async def test_the_nearest_states_hide_nothing_of_the_rest(
    database: Database,
    scenario: dict[str, UUID],
    monkeypatch: pytest.MonkeyPatch,
    read: int,
) -> None:
    """Searching the nearest states first gives the same result in the same order."""
    monkeypatch.setattr(candidate_queries, "OTHERS_READ", read)
    audience, today = audience_of(principal("gbv-coordinator")), clock.today()
    wanted = [demand(need, Urgency.WITHIN_72_HOURS) for need in NEEDS]
    of_near = 0
    async with database.transaction() as session:
        for profile in some_profiles(seed=read):
            asked = (session, audience, profile, wanted, today)
            whole = await candidate_queries._away(*asked, None)
            found = await candidate_queries._elsewhere(*asked)
            assert found.candidates == whole.candidates, profile
            assert found.etags == whole.etags
            assert found.sensitive == whole.sensitive
            of_near += sum(len(each) == read for each in found.candidates.values())
    assert of_near or read == 20, "nothing was found in the nearest states alone"
