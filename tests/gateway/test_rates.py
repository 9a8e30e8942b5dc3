"""The front's rate limits with the test's own clock: which requests pass, how many remain, and when to retry."""

import re
from collections.abc import Callable

import pytest
from common.errors import Problem
from common.settings import explain
from gateway.front.edge.limits import Rate, Rates
from gateway.front.settings import FrontSettings
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

BEGIN = 1_800_000_000.0  # This time is on a whole minute.


def passed(rate: Rate, who: str, *moments: float) -> list[bool]:
    return [rate.count(who, BEGIN + moment)[0] for moment in moments]


def test_what_was_asked_a_window_ago_weighs_as_much_as_of_it_is_still_near() -> None:
    rate = Rate("4/minute")
    assert passed(rate, "a", 50, 50, 50, 50, 50) == [True] * 4 + [False]
    # Half of the last window still counts, so two of its four requests count.
    assert passed(rate, "a", 90, 90, 90) == [True, True, False]
    assert rate.reset_seconds("a", BEGIN + 90) == 1, "the next of the four ends to count at once"
    # Half of the previous window counts, so one of its two requests counts; the four before it no longer count.
    assert passed(rate, "a", 150, 150, 150, 150) == [True, True, True, False]


def test_each_asks_for_itself_and_whoever_is_away_for_two_windows_is_forgotten() -> None:
    rate = Rate("2/10 seconds")
    assert passed(rate, "a", 0, 0, 0) == [True, True, False]
    assert passed(rate, "b", 0) == [True]
    assert passed(rate, "b", 25) == [True]
    assert not rate._before, "nobody is remembered for longer"
    assert set(rate._counts) == {"b"}


@given(
    st.integers(1, 20),
    st.lists(st.floats(0, 30, allow_nan=False), max_size=60),
)
def test_no_window_lets_more_pass_than_the_quota_and_looking_changes_nothing(
    quota: int, pauses: list[float]
) -> None:
    rate, now, let = Rate(f"{quota}/minute"), BEGIN, list[float]()
    for pause in pauses:
        now += pause
        before = rate.spent("a", now)
        assert rate.spent("a", now) == before
        allowed, left = rate.count("a", now)
        assert allowed == (before < quota)
        assert left == max(0, quota - before - 1)
        assert 1 <= rate.reset_seconds("a", now) <= 61
        if allowed:
            let.append(now)
        fixed = [moment for moment in let if moment // 60 == now // 60]
        assert len(fixed) <= quota


def test_a_refusal_says_when_and_counts_nothing() -> None:
    clock: Callable[[], float] = lambda: BEGIN + 15  # noqa: E731 - one moment
    rates = Rates({"anonymous": "1/minute"}, clock)
    rates.refuse_if_spent("anonymous", "a")
    allowance = rates.spend("anonymous", "a")
    assert dict(allowance.headers()) == {
        b"ratelimit-policy": b'"anonymous";q=1;w=60',
        b"ratelimit": b'"anonymous";r=0;t=46',
    }
    with pytest.raises(Problem) as refused:
        rates.refuse_if_spent("anonymous", "a")
    assert refused.value.headers["Retry-After"] == "46"
    assert refused.value.kind.status == 429
    rates.refuse_if_spent("anonymous", "b")


@pytest.mark.parametrize(
    "given", ["", "600", "0/minute", "6/fortnight", "1/minute; 2/hour", "-1/day"]
)
def test_what_is_no_rate_is_refused_at_the_start(given: str) -> None:
    with pytest.raises(ValueError, match="no rate"):
        Rate(given)
    rates = [name for name in FrontSettings.model_fields if name.startswith("rate_")]
    assert len(rates) == 5
    for name in rates:
        with pytest.raises(ValidationError) as refused:
            FrontSettings.model_validate({name: given})
        said = explain(refused.value)
        assert re.search(rf"RUTA_{name.upper()}: .*no rate such as 600/minute", said), said
