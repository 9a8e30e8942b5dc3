"""Pure rules outside the lifecycle: age bands, deadlines, disclosure, addresses and the blind index."""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from uuid import uuid4

import pytest
from common.webhooks.addresses import UnsafeUrl, check_url, networks
from common.webhooks.addresses import is_allowed as address_allowed
from common.webhooks.retries import PAUSES, next_attempt
from hypothesis import given
from hypothesis import strategies as st
from referrals.case.cases.person import age_band, age_of
from referrals.ground.keys.blind_index import BlindIndex, name_tokens
from referrals.ground.timers.deadlines import (
    Policy,
    calendar_of,
    deadline,
    default_policies,
    policy_of,
)
from referrals.ground.vocabulary.ages import (
    Assent,
    Caregiver,
    Decider,
    Verdict,
    WrongDecider,
    judge,
)
from referrals.ground.vocabulary.disclosure import Item, NotGranted, NotOnRecord, compose
from referrals.telling.bulk.api import UnknownReference, is_allowed, resolve


@pytest.mark.parametrize(
    ("age", "decider", "assent", "caregiver", "expected"),
    [
        (30, Decider.PERSON, None, Caregiver.UNKNOWN, Verdict.VALID),
        (None, Decider.PERSON, None, Caregiver.UNKNOWN, Verdict.VALID),
        (30, Decider.CAREGIVER, None, Caregiver.AVAILABLE, "adult_decides"),
        (30, Decider.BEST_INTEREST, None, Caregiver.ABSENT, "adult_decides"),
        (None, Decider.CAREGIVER, None, Caregiver.AVAILABLE, "adult_decides"),
        (4, Decider.CAREGIVER, None, Caregiver.AVAILABLE, Verdict.VALID),
        (8, Decider.CAREGIVER, None, Caregiver.AVAILABLE, Verdict.VALID),
        (8, Decider.CAREGIVER, Assent.DISSENTS, Caregiver.AVAILABLE, Verdict.NEEDS_SUPERVISOR),
        (8, Decider.PERSON, Assent.AGREES, Caregiver.AVAILABLE, "child_cannot_decide_alone"),
        (8, Decider.CAREGIVER, Assent.AGREES, Caregiver.IMPLICATED, "caregiver_implicated"),
        (8, Decider.CAREGIVER, Assent.AGREES, Caregiver.ABSENT, "caregiver_absent"),
        (8, Decider.BEST_INTEREST, None, Caregiver.IMPLICATED, Verdict.NEEDS_SUPERVISOR),
        (13, Decider.CAREGIVER, None, Caregiver.AVAILABLE, "assent_missing"),
        (13, Decider.CAREGIVER, Assent.AGREES, Caregiver.AVAILABLE, Verdict.VALID),
        (16, Decider.CAREGIVER, Assent.DISSENTS, Caregiver.AVAILABLE, Verdict.NEEDS_SUPERVISOR),
        (16, Decider.PERSON, Assent.AGREES, Caregiver.ABSENT, Verdict.NEEDS_SUPERVISOR),
        (17, Decider.CAREGIVER, Assent.AGREES, Caregiver.AVAILABLE, Verdict.VALID),
    ],
)
def test_who_decides_by_age_band(
    age: int | None,
    decider: Decider,
    assent: Assent | None,
    caregiver: Caregiver,
    expected: Verdict | str,
) -> None:
    if isinstance(expected, Verdict):
        assert judge(age, decider, assent, caregiver) is expected
    else:
        with pytest.raises(WrongDecider) as refused:
            judge(age, decider, assent, caregiver)
        assert refused.value.code == expected


items = st.sets(st.sampled_from([item.value for item in Item]))


@given(payload=items, from_case=items, on_record=items, granted=items)
def test_a_snapshot_never_holds_more_than_was_granted(
    payload: set[str], from_case: set[str], on_record: set[str], granted: set[str]
) -> None:
    values = dict.fromkeys(payload, "given")
    record = dict.fromkeys(on_record, "record")
    excess, missing = (payload | from_case) - granted, from_case - payload - on_record
    if excess:
        with pytest.raises(NotGranted) as refused:
            compose(values, from_case, record, granted)
        assert set(refused.value.items) == excess
    elif missing:
        with pytest.raises(NotOnRecord) as absent:
            compose(values, from_case, record, granted)
        assert set(absent.value.items) == missing
    else:
        snapshot = compose(values, from_case, record, granted)
        assert set(snapshot) == payload | from_case <= granted


def test_an_age_that_was_told_grows_with_the_years() -> None:
    today = datetime(2026, 6, 1, tzinfo=UTC).date()
    assert age_of({"age": 16, "recorded_on": "2024-06-02"}, today) == 17
    assert age_of({"birth_date": "2008-06-02"}, today) == 17
    assert age_of({}, today) is None
    assert [age_band(a) for a in (None, 0, 11, 12, 17, 18, 59, 60)] == [
        "unknown", "0-11", "0-11", "12-17", "12-17", "18-59", "18-59", "60+",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("urgency", "kind", "hours"),
    [
        ("emergency", "acknowledge", 1),
        ("urgent", "acknowledge", 24),
        ("emergency", "decide", 24),
        ("urgent", "decide", 72),
    ],
)
def test_urgent_clocks_run_at_night_and_on_holidays(urgency: str, kind: str, hours: int) -> None:
    friday = datetime(2026, 12, 24, 20, tzinfo=UTC)
    policy = policy_of("GBV", urgency, kind, {})
    assert deadline(friday, policy, calendar_of("VE")) == friday + timedelta(hours=hours)


def test_routine_clocks_count_working_days_of_the_country() -> None:
    policy = policy_of("GP", "routine", "acknowledge", {})
    # Wednesday 23 December 2026, 10:00 in Caracas. The 24th, the 25th and the weekend are days off.
    sent = datetime(2026, 12, 23, 14, tzinfo=UTC)
    due = deadline(sent, policy, calendar_of("VE"))
    assert due == datetime(2026, 12, 30, 14, tzinfo=UTC)


def test_a_pathways_own_policy_comes_before_the_general_one() -> None:
    own = Policy(30, 10, 20, 30, working_time=False)
    assert policy_of("GBV", "urgent", "decide", {("GBV", "urgent", "decide"): own}) is own
    general = default_policies()["*", "urgent", "decide"]
    assert policy_of("CP", "urgent", "decide", {("GBV", "urgent", "decide"): own}) is general


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hook",
        "https://127.0.0.1/x",
        "https://[::1]/",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:a00:1::]/",
        "https://[::10.0.0.1]/",
        "https://[::8.8.8.8]/",
        "https://[::ffff:0:10.0.0.1]/",
        "https://[64:ff9b::8.8.8.8]/",
        "https://[64:ff9b:1::10.0.0.1]/",
        "https://[64:ff9b:1:ffff::8.8.8.8]/",
        "https://[2002:808:808::1]/",
        "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
        "https://[fec0::1]/",
        "https://[fc00::1]/",
        "https://[fe80::1]/",
        "https://[ff0e::1]/",
        "https://[100::1]/",
        "https://[2001:db8::1]/",
        "https://[3fff::1]/",
        "https://[5f00::1]/",
        "https://[::]/",
        "https://[2600:1f00::5efe:a00:1]/",
        "https://100.64.0.1/",
        "https://192.0.0.8/",
        "https://192.88.99.1/",
        "https://198.18.0.1/",
        "https://203.0.113.1/",
        "https://224.0.0.1/",
        "https://240.0.0.1/",
        "https://255.255.255.255/",
        "https://0.0.0.0/",
        "https://127。0。0。1/",
        "https://１２７.0.0.1/",
        "https://127%2e0%2e0%2e1/",
        "https://[fe80::1%25eth0]/",
        "https://0x7f.1/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://user:pw@example.org/",
        "https://example.org/#x",
        "https://example.org:22/",
        "https://exa mple.org/",
        "ftp://example.org/",
        "https:///x",
        "https://example.org:99999/",
        "gopher://example.org",
    ],
)
def test_webhooks_do_not_go_where_only_we_can_go(url: str) -> None:
    with pytest.raises(UnsafeUrl):
        check_url(url)


def test_webhooks_go_to_public_https() -> None:
    for url in (
        "https://example.org/hook?x=1",
        "https://8.8.8.8/",
        "https://example.org:8443/",
        "https://[2606:4700:4700::1111]/",
        "https://xn--ejmplo-qta.org/",
    ):
        check_url(url)
    assert not address_allowed("fe80::1%eth0")
    assert not address_allowed("not an address")


@given(st.ip_addresses(v=4))
def test_an_address_that_only_carries_another_is_never_called(inner: IPv4Address) -> None:
    """An address that embeds another is never called. A translator would decide which host is reached, even if the
    inner address is public."""
    low = int(inner)
    for prefix in ("::", "::ffff:0:0", "::ffff:0:0:0", "64:ff9b::", "64:ff9b:1::", "2001::"):
        assert not address_allowed(str(IPv6Address(int(IPv6Address(prefix)) | low)))
    assert not address_allowed(str(IPv6Address(0x2002 << 112 | low << 80)))


def test_the_operator_may_allow_a_translated_network_by_name() -> None:
    assert address_allowed("64:ff9b::808:808", networks("64:ff9b::/96"))


def test_deliveries_are_retried_for_days_and_then_given_up() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    waits = [next_attempt(n, now, 0) for n in range(1, len(PAUSES) + 2)]
    assert waits[-1] is None
    assert sum(PAUSES) > 3 * 86_400
    assert all(w is not None and w > now for w in waits[:-1])


def test_names_are_compared_without_accents_case_or_order() -> None:
    assert name_tokens("Pérez,  José María") == name_tokens("jose maria PEREZ")
    index, one, other = BlindIndex(b"k" * 32), uuid4(), uuid4()
    stored = index.digests(one, {"name": "José Pérez", "document": {"number": "V-12.345"}})
    assert index.wanted(one, name="perez") <= stored
    assert index.wanted(one, document="v12345") <= stored
    assert not index.wanted(other, name="perez") & stored


def test_batches_refer_to_what_they_made_and_reach_no_other_route() -> None:
    made = {"c": {"id": "1"}}
    assert resolve({"a": ["${c.id}"], "n": 1}, made) == {"a": ["1"], "n": 1}
    with pytest.raises(UnknownReference):
        resolve("${d.id}", made)
    assert is_allowed("/referrals/v1/referrals/1/send")
    for path in ("/referrals/v1/bulk", "/referrals/v1/webhooks", "/internal/x", "/healthz",
                 "/referrals/v1/cases/../webhooks", "/referrals/v1/cases/search"):  # fmt: skip
        assert not is_allowed(path)
