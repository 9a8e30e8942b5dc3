"""The checker finds every planted fault (losses, duplicates, ghosts, torn traces) and nothing else."""

from collections import Counter

from drills.faults.checker import (
    SYSTEM,
    Change,
    Layer,
    Summary,
    Verdict,
    check_commands,
    check_layer,
    check_proofs,
    check_waiting,
    faults_of,
)
from drills.faults.expected_counts import Ended, counts_by_aor
from drills.faults.history import Command, History, Outcome
from drills.faults.payloads import differences


def acknowledged(key: str, kind: str = "referral.accept", version: int = 3, **more: str) -> Command:
    return Command(
        key, "ngo-salud", kind, "kill-postgres", more.get("target", "r1"), Outcome.ACKNOWLEDGED,
        more.get("made", "r1"), version,
    )  # fmt: skip


def change(
    version: int = 3, kind: str = "referral.accept", target: str = "r1", client: str = "ngo-salud"
) -> Change:
    return Change(kind, target, version, client)


def verdicts(history: History, *changes: Change) -> list[Verdict]:
    return [finding.verdict for finding in check_commands(history, changes)]


def test_what_was_acknowledged_and_is_there_once_is_no_finding() -> None:
    assert verdicts(History([acknowledged("k1")]), change()) == []


def test_an_acknowledged_command_without_a_row_is_lost() -> None:
    findings = check_commands(History([acknowledged("k1")]), [])
    assert [(f.verdict, f.fault) for f in findings] == [(Verdict.LOST, "kill-postgres")]


def test_two_acknowledgements_of_one_row_lose_one_of_them() -> None:
    """Two keys with one effect count as a loss, because one of the two callers was told something untrue."""
    history = History([acknowledged("k1"), acknowledged("k2")])
    assert verdicts(history, change()) == [Verdict.LOST]


def test_a_command_that_took_effect_twice_is_a_duplicate() -> None:
    history = History([acknowledged("k1")])
    assert verdicts(history, change(3), change(4)) == [Verdict.DUPLICATED]


def test_the_same_row_twice_is_a_duplicate() -> None:
    assert verdicts(History([acknowledged("k1")]), change(), change()) == [Verdict.DUPLICATED]


def test_a_refused_command_that_took_effect_is_a_ghost() -> None:
    refused = Command("k1", "ngo-salud", "referral.accept", "stop-broker", "r1", Outcome.REFUSED)
    assert verdicts(History([refused]), change()) == [Verdict.GHOST]


def test_what_nobody_asked_for_is_a_ghost() -> None:
    assert verdicts(History(), change()) == [Verdict.GHOST]


def test_an_unknown_command_may_have_happened_or_not_but_not_twice() -> None:
    unknown = Command("k1", "ngo-salud", "referral.accept", "kill-postgres", "r1")
    assert verdicts(History([unknown])) == []
    assert verdicts(History([unknown]), change()) == []
    assert verdicts(History([unknown]), change(3), change(4)) == [Verdict.GHOST]


def test_an_unknown_command_explains_nothing_of_another_client_or_target() -> None:
    unknown = Command("k1", "ngo-legal", "referral.accept", "kill-postgres", "r1")
    assert verdicts(History([unknown]), change()) == [Verdict.GHOST]
    unknown = Command("k1", "ngo-salud", "referral.accept", "kill-postgres", "r2")
    assert verdicts(History([unknown]), change()) == [Verdict.GHOST]


def test_a_creation_of_unknown_outcome_explains_one_row_of_its_client() -> None:
    unknown = Command("k1", "ngo-salud", "case.register", "kill-postgres")
    made = change(1, "case.register", "c1")
    assert verdicts(History([unknown]), made) == []
    other = change(1, "case.register", "c2")
    assert verdicts(History([unknown]), made, other) == [Verdict.GHOST]


def test_what_the_system_does_by_itself_needs_no_command() -> None:
    assert verdicts(History(), change(5, "referral.expire", client=SYSTEM)) == []


def test_a_withdrawn_consent_ends_its_referral_once() -> None:
    withdrawal = Command(
        "k1", "ngo-salud", "consent.withdraw", "none", "g1", Outcome.ACKNOWLEDGED, "g1", 2, ("r1",)
    )
    own = change(2, "consent.withdraw", "g1")
    ended = change(4, "referral.withdraw")
    assert verdicts(History([withdrawal]), own, ended) == []
    again = change(5, "referral.withdraw")
    assert verdicts(History([withdrawal]), own, ended, again) == [Verdict.GHOST]


def test_an_answer_that_no_fault_excuses_is_a_finding() -> None:
    assert verdicts(History(wrong_answers=["HTTP 500"])) == [Verdict.GHOST]


def layer(expected: list[str], found: list[str]) -> list[Verdict]:
    made = Layer("events")
    for key in expected:
        made.expect(key)
    for key in found:
        made.see(key)
    return sorted(f.verdict for f in check_layer(made, {"a": "kill-postgres"}))


def test_traces_agree_exactly() -> None:
    assert layer(["a", "b"], ["b", "a"]) == []
    assert layer(["a"], []) == [Verdict.LOST]
    assert layer(["a"], ["a", "a"]) == [Verdict.DUPLICATED]
    assert layer([], ["a"]) == [Verdict.GHOST]
    assert layer(["a", "a"], ["a"]) == [Verdict.TORN]


def test_a_finding_names_the_fault_during_which_its_target_changed() -> None:
    made = Layer("events")
    made.expect("r1", 3)
    (finding,) = check_layer(made, faults_of(History([acknowledged("k1")])))
    assert finding.fault == "kill-postgres"


def test_what_is_read_unlike_it_was_sent_is_torn() -> None:
    sent = {"area": "VE2313", "identity": {"name": "Ana", "age": 30}}
    as_sent = {**sent, "id": "x", "identity": {"name": "Ana", "age": 30, "document": None}}
    assert list(differences(sent, as_sent)) == []
    for read, where in (
        ({}, ["/area", "/identity"]),
        ({**as_sent, "identity": None}, ["/identity"]),
        ({**as_sent, "identity": {"name": "Eva"}}, ["/identity/name", "/identity/age"]),
    ):
        assert list(differences(sent, read)) == where
    assert verdicts(History(misread=["a case"])) == [Verdict.TORN]


def test_what_still_waits_is_stuck() -> None:
    assert [f.verdict for f in check_waiting({"outbox": 2, "inbox": 0})] == [Verdict.STUCK]


def test_what_was_never_tried_is_a_finding() -> None:
    assert check_proofs(History(read_back=3, sent_at_once=1)) == []
    assert [each.what for each in check_proofs(History(read_back=3))] == [
        "nothing was sent at once: not exercised"
    ]


def test_the_summary_counts_what_must_be_zero() -> None:
    history = History([acknowledged("k1"), acknowledged("k2", made="r9")])
    summary = Summary(check_commands(history, [change(3), change(4)]))
    assert (summary.lost, summary.duplicated) == (1, 1)


def test_a_report_is_recomputed_from_how_referrals_ended() -> None:
    ended = [
        Ended("GBV", "completed", "delivered"),
        Ended("GBV", "completed", "partly_delivered"),
        Ended("CP", "declined", None),
        Ended("CP", "accepted", None),
        Ended("CP", "entered_in_error", None),
    ]
    assert counts_by_aor(ended) == Counter(
        {("GBV", "delivered"): 2, ("GBV", "partly_delivered"): 1, ("CP", "declined"): 1}
    )
