"""Which service ranks first and why, which does not fit and why, and the response if none fits."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from common.words.languages import LANGUAGES
from directory.ground.hsds.opening_hours import WEEK_MINUTES, Season
from directory.pathways.definition.graph import Urgency
from directory.pathways.definition.profile import Moment, Profile, Sex
from directory.pathways.matching.candidates import Candidate, ReferralWay
from directory.pathways.matching.ranking import (
    Situation,
    rank,
)
from directory.pathways.matching.reach import demand
from directory.pathways.matching.shortfall import explain
from directory.pathways.texts.sentences import say_reason

from tests.services.directory.pathways.profiles import PLACES, TODAY, service

SOMEBODY = Profile(area="VE2313", age=27)


def situation(profile: Profile = SOMEBODY, urgency: Urgency = Urgency.AT_ONCE) -> Situation:
    return Situation(profile, frozenset({"GBV"}), demand("HLT", urgency), PLACES, TODAY)


def order(*candidates: Candidate, profile: Profile = SOMEBODY) -> list[str]:
    return [each.candidate.service_id for each in rank(candidates, situation(profile))[0]]


def excluded(candidate: Candidate, profile: Profile = SOMEBODY) -> list[str]:
    _, missed = rank([candidate], situation(profile))
    return [reason.code for each in missed for reason in each.excluded_by]


def test_capacity_then_status_then_language_decide_between_equals() -> None:
    waits, partly = (
        service("b", capacity_state="waitlist"),
        service("c", functional_status="partially_functional"),
    )
    assert order(waits, partly, service("a")) == ["a", "c", "b"]
    wayuu = Profile(area="VE2313", age=27, languages=frozenset({"guc"}))
    speaks = service("z", languages=frozenset({"guc"}))
    assert order(service("a", languages=frozenset({"spa"})), speaks, profile=wayuu) == ["z", "a"]


def test_the_same_municipality_beats_another_one_of_the_state() -> None:
    assert order(service("a", area="VE2317"), service("z", area="VE2313")) == ["z", "a"]


def test_what_gives_hours_for_other_dates_only_does_not_fit() -> None:
    """TODAY is the UTC day. West of UTC, a season that ended yesterday may still be open."""
    always = (0, WEEK_MINUTES)
    over = Season(None, TODAY - timedelta(days=2), always)
    last = Season(None, TODAY - timedelta(days=1), always)
    soon = Season(TODAY + timedelta(days=1), None, always)
    assert excluded(service(seasons=(over, soon))) == ["out_of_season"]
    assert not excluded(service(seasons=(last,)))
    assert not excluded(service(seasons=(over,), open_minutes=((480, 960),)))
    assert not excluded(service(seasons=(over,), hours_unread=True))


def test_hours_that_cannot_be_read_are_to_be_asked_for() -> None:
    at_night = SOMEBODY.model_copy(update={"moment": Moment(weekday=6, time="23:00")})
    codes = {"hours_unread", "closed_now", "open_now"}

    def said(**hours: Any) -> set[str]:
        (best,), _ = rank([service(**hours)], situation(at_night, Urgency.ROUTINE))
        return {reason.code for reason in best.reasons} & codes

    assert said() == set()
    assert said(open_minutes=((480, 960),)) == {"closed_now"}
    assert said(open_minutes=((480, 960),), hours_unread=True) == {"hours_unread"}
    assert said(open_minutes=((0, 10080),), hours_unread=True) == {"open_now"}


def test_what_is_open_now_comes_first_at_night() -> None:
    at_night = SOMEBODY.model_copy(update={"moment": Moment(weekday=6, time="23:00")})
    office = service("a", open_minutes=((480, 960),))
    always = service("z", open_minutes=((0, 10080),))
    fitting, _ = rank([office, always], situation(at_night, Urgency.ROUTINE))
    assert [each.candidate.service_id for each in fitting] == ["z", "a"]


def test_ties_are_broken_by_id_so_that_the_order_is_always_the_same() -> None:
    assert order(service("b"), service("a")) == ["a", "b"]


def test_points_are_the_sum_of_the_reasons_points() -> None:
    fitting, _ = rank([service("a")], situation())
    assert fitting[0].points == sum(reason.points for reason in fitting[0].reasons) > 0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"maximum_age": 17}, "age_outside"),
        ({"sexes": frozenset({"male"})}, "sex_outside"),
        ({"populations": frozenset({"REF"})}, "population_outside"),
        ({"nationalities": frozenset({"COL"})}, "nationality_outside"),
        ({"documents": frozenset({"cedula"})}, "documents_required"),
        ({"areas": frozenset({"VE20"}), "area": "VE2020"}, "other_area"),
        ({"functional_status": "suspended"}, "status_suspended"),
        ({"functional_status": "closed"}, "status_closed"),
        ({"capacity_state": "full"}, "capacity_full"),
        ({"valid_until": date(2026, 11, 24)}, "stale"),
        ({"valid_until": None}, "stale"),
        ({"endorsed_by": frozenset()}, "not_endorsed"),
        ({"referral": ReferralWay(method="not_accepted")}, "referrals_not_accepted"),
    ],
)
def test_each_hard_condition_excludes_by_its_own_name(change: dict[str, Any], code: str) -> None:
    known = Profile(
        area="VE2313",
        age=27,
        sex=Sex.FEMALE,
        populations=frozenset({"IND"}),
        nationality="VEN",
        has_documents=False,
    )
    assert excluded(replace(service("a"), **change), known) == [code]


def test_a_near_miss_is_the_one_with_the_fewest_exclusions() -> None:
    one = service("z", capacity_state="full")
    two = service("a", capacity_state="full", valid_until=None)
    _, missed = rank([two, one], situation())
    assert [each.candidate.service_id for each in missed] == ["z", "a"]
    assert explain(missed).excluded == (("capacity_full", 2), ("stale", 1))


def test_the_nearest_alternative_fits_in_everything_but_the_area() -> None:
    far = service("far", area="VE0709", areas=frozenset({"VE0709"}))
    near = service("near", area="VE2312", areas=frozenset({"VE2312"}))
    _, missed = rank([far, near, service("full", capacity_state="full")], situation())
    found = explain(missed)
    assert found.nearest is not None
    assert found.nearest.candidate.service_id == "near"
    assert [each.candidate.service_id for each in found.near_misses] == ["full"]
    _, missed = rank([far], situation())
    only_far = explain(missed).nearest
    assert only_far is not None
    assert 1100 < (only_far.proximity.kilometres or 0) < 1250


def test_places_without_a_point_of_their_own_claim_no_exact_distance() -> None:
    mara = Profile(area="VE2312")  # The area tables contain no seat for this area.
    assert PLACES.require("VE2312").point is None
    _, missed = rank([service("a", area="VE2313")], situation(mara))
    assert (missed[0].proximity.kind, missed[0].proximity.kilometres) == ("same_state", None)
    assert [reason.code for reason in missed[0].excluded_by] == ["reach_unknown"]
    _, missed = rank([service("a", area="VE0709", areas=frozenset({"VE0709"}))], situation(mara))
    assert missed[0].proximity.approximate


def test_every_reason_is_said_in_both_languages() -> None:
    wayuu = Profile.model_validate(
        {
            "area": "VE2313",
            "languages": ["guc"],
            "moment": {"weekday": 1, "time": "09:00"},
            "has_documents": False,
        }
    )
    candidates = [
        service("a", minimum_age=18, sexes=frozenset({"female"}), open_minutes=((0, 9),)),
        service("b", capacity_state=None, remote=True, languages=frozenset({"guc"})),
        service("c", area="VE2020", areas=frozenset({"VE20"})),
        service("d", area="VE0101", areas=frozenset({"VE"})),
        service("e", area=None, areas=frozenset({"VE"})),
        service("f", referral=ReferralWay(response_delay="72h")),
        service("g", referral=ReferralWay(response_delay="same_day")),
    ]
    fitting, missed = rank(candidates, situation(wayuu))
    reasons = [r for each in fitting for r in each.reasons]
    reasons += [r for each in missed for r in each.excluded_by]
    for reason in reasons:
        said = say_reason(reason)
        assert set(said) == set(LANGUAGES)
        assert "{" not in said["es"] + said["en"]
        assert "–" not in said["es"] + said["en"]


@pytest.mark.parametrize(
    ("urgency", "late", "in_time"),
    [
        (Urgency.AT_ONCE, ["24h", "72h", "one_week"], ["same_day", "case_by_case", None]),
        (Urgency.WITHIN_24_HOURS, ["72h", "one_month"], ["same_day", "24h"]),
        (Urgency.WITHIN_72_HOURS, ["one_week"], ["24h", "72h"]),
        (Urgency.WITHIN_A_WEEK, ["one_month"], ["72h", "one_week"]),
        (Urgency.ROUTINE, [], ["one_month"]),
    ],
)
def test_a_service_that_answers_after_the_urgency_does_not_fit(
    urgency: Urgency, late: list[str], in_time: list[str | None]
) -> None:
    def fits(delay: str | None) -> bool:
        one = service("a", referral=ReferralWay(response_delay=delay))
        return bool(rank([one], situation(urgency=urgency))[0])

    assert not any(fits(delay) for delay in late)
    assert all(fits(delay) for delay in in_time)


def test_what_is_left_of_a_clinical_window_is_a_limit_too() -> None:
    def delays(remaining: int) -> tuple[str, ...]:
        wanted = demand("GBV-CMR", Urgency.WITHIN_72_HOURS, remaining_hours=remaining)
        return wanted.deadline.delays

    assert delays(30) == ("same_day", "24h")
    assert delays(2) == ("same_day",)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (
            {"area": "VE0101", "areas": frozenset({"VE"})},
            "out_of_reach",
        ),  # In Caracas, for everybody.
        ({"area": "VE01", "areas": frozenset({"VE"})}, "out_of_reach"),  # Shown by state only.
        ({"area": None, "areas": frozenset({"VE"})}, "reach_unknown"),
        (
            {"area": None, "areas": frozenset({"VE"}), "modes": frozenset({"outreach"})},
            "reach_unknown",
        ),
        ({"area": None, "areas": frozenset({"VE23"})}, "reach_unknown"),
        ({"area": "VE2311", "areas": frozenset({"VE23"})}, "out_of_reach"),  # Perijá
        ({"area": None, "areas": frozenset({"VE2313"})}, None),
        ({"area": "VE2311", "areas": frozenset({"VE23"}), "modes": frozenset({"outreach"})}, None),
        ({"area": "VE0101", "areas": frozenset({"VE"}), "modes": frozenset({"hotline"})}, None),
        (
            {"area": "VE23", "areas": frozenset({"VE23"})},
            None,
        ),  # The service's safe house is in this state.
        ({"area": "VE231301", "areas": frozenset({"VE23"})}, None),
    ],
)
def test_reach_goes_by_mode_and_what_nobody_knows_is_not_near(
    change: dict[str, Any], code: str | None
) -> None:
    assert excluded(replace(service("a"), **change)) == ([code] if code else [])


def test_an_interpreter_of_other_languages_is_none() -> None:
    warao = Profile(area="VE2313", languages=frozenset({"wba"}))

    def found(**fields: Any) -> list[str]:
        wanted = demand("INT", Urgency.AT_ONCE)
        _, missed = rank(
            [service("a", need="INT", **fields)],
            Situation(warao, frozenset({"GBV"}), wanted, PLACES, TODAY),
        )
        return [reason.code for each in missed for reason in each.excluded_by]

    assert found(languages=frozenset({"aoc", "spa"})) == ["language_missing"]
    assert found(languages=frozenset({"wba"})) == []
    assert found(languages=frozenset()) == []
