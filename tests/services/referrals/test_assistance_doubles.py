"""Duplicates across organisations: a keyed match under a consent that reveals nothing else."""

from datetime import timedelta
from typing import Any

import pytest
from common import clock
from httpx import Response
from referrals.screening.assistance import matching_service
from referrals.screening.assistance.matching import Matching

from tests.services.referrals.story import LEGAL, REFUGIO, SALUD, Story
from tests.services.referrals.test_stored_answers import transfer

NGO, OTHER = "ngo-refugio", "ngo-salud"
CONSENT = {"decided_by": "person", "method": "verbal"}


def identity(**changes: Any) -> dict[str, Any]:
    return {"name": "Yolimar Canaria Perdomo", "birth_date": "1997-03-02", **changes}


def code(response: Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


async def known(story: Story, who: str, **changes: Any) -> str:
    return str((await story.case(who, identity=identity(**changes)))["id"])


async def agree(story: Story, who: str, case: str) -> Response:
    return await story.call(who, "PUT", f"/cases/{case}/matching", CONSENT)


async def matches(story: Story, who: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await story.get(who, "/matches")).json()["items"]
    return found


async def test_nothing_is_compared_without_both_persons_consents(story: Story) -> None:
    mine, theirs = await known(story, NGO), await known(story, OTHER)
    assert (await agree(story, NGO, mine)).status_code == 200
    assert await matches(story, NGO) == []
    first = await agree(story, OTHER, theirs)
    assert set(first.json()) == {"case_id", "comparable", "given_at"}
    for who, own in ((NGO, mine), (OTHER, theirs)):
        found = await matches(story, who)
        assert [(m["case_id"], m["status"]) for m in found] == [(own, "possible")]
        assert (found[0]["other_organisation"], found[0]["other_reference"]) == (None, None)
    notices = await story.rows("SELECT organisation_id, subject_type FROM notices WHERE kind = 'match.possible'")  # fmt: skip
    assert {n.organisation_id for n in notices} == {REFUGIO, SALUD}


async def test_each_learns_of_the_other_only_when_both_agreed(story: Story) -> None:
    mine, theirs = (
        await known(story, NGO),
        await known(story, OTHER, name="PERDOMO, Yolimar Canaria"),
    )
    await agree(story, NGO, mine)
    await agree(story, OTHER, theirs)
    match = (await matches(story, NGO))[0]["id"]
    half = await story.made(NGO, f"/matches/{match}/agree", {})
    assert (half["you_agreed"], half["other_organisation"]) == (True, None)
    assert (await matches(story, OTHER))[0]["you_agreed"] is False
    whole = await story.made(OTHER, f"/matches/{match}/agree", {})
    assert whole["other_organisation"] == str(REFUGIO)
    assert (await matches(story, NGO))[0]["other_organisation"] == str(SALUD)
    assert (await story.get(OTHER, f"/cases/{mine}")).status_code == 404, "no record is shared"
    assert (await story.post("ngo-legal", f"/matches/{match}/agree")).status_code == 404
    assert await matches(story, "ngo-legal") == []


async def test_refusing_ends_it_for_both_and_names_nobody(story: Story) -> None:
    mine, theirs = await known(story, NGO), await known(story, OTHER)
    await agree(story, NGO, mine)
    await agree(story, OTHER, theirs)
    match = (await matches(story, NGO))[0]["id"]
    await story.made(NGO, f"/matches/{match}/agree", {})
    await story.made(OTHER, f"/matches/{match}/refuse", {})
    seen = (await matches(story, NGO))[0]
    assert (seen["status"], seen["you_agreed"], seen["other_organisation"]) == (
        "ended",
        False,
        None,
    )
    assert code(await story.post(NGO, f"/matches/{match}/agree")) == (409, "conflict")


async def test_withdrawing_removes_the_digests_and_the_match(story: Story) -> None:
    mine, theirs = await known(story, NGO), await known(story, OTHER)
    await agree(story, NGO, mine)
    await agree(story, OTHER, theirs)
    for _ in range(2):
        assert (await story.call(NGO, "DELETE", f"/cases/{mine}/matching")).status_code == 204
    tokens = await story.rows("SELECT DISTINCT case_id FROM match_tokens")
    assert [str(t.case_id) for t in tokens] == [theirs]
    assert (await matches(story, OTHER))[0]["status"] == "ended"


async def test_an_implicated_organisation_is_never_told(story: Story) -> None:
    mine, theirs = await known(story, NGO), await known(story, OTHER)
    marked = {"organisation_ids": [str(SALUD), str(LEGAL)]}
    await story.call(NGO, "PUT", f"/cases/{mine}/implicated-organisations", marked)
    await agree(story, OTHER, theirs)
    await agree(story, NGO, mine)
    assert await matches(story, NGO) == []
    assert await matches(story, OTHER) == []
    assert await story.rows("SELECT 1 FROM notices WHERE kind LIKE 'match%'") == []


@pytest.mark.parametrize("agreed", [True, False])
async def test_who_takes_a_case_over_learns_nothing_of_its_doubles_and_nobody_learns_of_them(
    story: Story, agreed: bool
) -> None:
    mine, theirs = await known(story, NGO), await known(story, OTHER)
    marked = {"organisation_ids": [str(LEGAL)]}
    await story.call(OTHER, "PUT", f"/cases/{theirs}/implicated-organisations", marked)
    await agree(story, NGO, mine)
    await agree(story, OTHER, theirs)
    match = (await matches(story, NGO))[0]["id"]
    if agreed:
        await story.made(NGO, f"/matches/{match}/agree", {})
        await story.made(OTHER, f"/matches/{match}/agree", {})
    await transfer(story, mine)
    for who in ("ngo-legal", OTHER):
        refused = await story.post(who, f"/matches/{match}/agree")
        assert refused.status_code == 409, refused.text
        (seen,) = await matches(story, who)
        told = (seen["status"], seen["other_organisation"], seen["other_reference"])
        assert told == ("ended", None, None)
    assert await matches(story, NGO) == []


async def test_each_comparison_counts_towards_the_day_also_of_one_case_under_other_names(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each comparison counts towards the daily limit. Otherwise one invented case, renamed or withdrawn again and
    again, could check any number of people."""
    monkeypatch.setattr(matching_service, "MOST_PER_DAY", 2)
    case, other = await known(story, NGO), await known(story, OTHER)
    asked = []
    for name in ("Ana Pérez Canaria", "Luisa Pérez Canaria", "Yolimar Canaria Perdomo"):
        body = {"identity": identity(name=name)}
        assert (await story.call(NGO, "PATCH", f"/cases/{case}", body)).status_code == 200
        asked.append((await agree(story, NGO, case)).status_code)
        await story.call(NGO, "DELETE", f"/cases/{case}/matching")
    assert asked == [200, 200, 429]
    assert (await agree(story, OTHER, other)).status_code == 200, "of each organisation by itself"
    with clock.shifted(timedelta(days=1, seconds=1)):
        assert (await agree(story, NGO, case)).status_code == 200


async def test_a_child_does_not_decide_this_alone(story: Story) -> None:
    child = (await story.child(8))["id"]
    answer = await agree(story, NGO, child)
    assert code(answer) == (409, "wrong_decider")
    assert await story.rows("SELECT 1 FROM match_tokens") == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"name": "Ana Pérez", "birth_date": "1990-01-02"}, {"name": "PEREZ ana", "birth_date": "1990-01-02"}, True),
        ({"name": "Ana Pérez", "birth_date": "1990-01-02"}, {"name": "Ana Pérez", "birth_date": "1990-01-03"}, False),
        ({"name": "Ana Pérez", "age": 30}, {"name": "Ana Pérez", "age": 30}, False),
        ({"name": "Ana", "birth_date": "1990-01-02"}, {"name": "Ana", "birth_date": "1990-01-02"}, False),
        ({"document": {"number": "V-12.345.678"}}, {"document": {"number": "v12345678"}}, True),
        ({"document": {"number": "12"}}, {"document": {"number": "12"}}, False),
    ],
)  # fmt: skip
def test_only_what_is_unlikely_to_be_shared_is_compared(
    one: dict[str, Any], other: dict[str, Any], same: bool
) -> None:
    matching = Matching(b"k" * 32)
    assert bool(matching.digests(one) & matching.digests(other)) is same
    assert not matching.digests(one) & Matching(b"x" * 32).digests(one)
