"""The state table, row by row, and the diagram generated from it."""

import pytest
from common.words.referral_states import OPEN, TERMINAL, ReferralState
from referrals.referral.referrals.lifecycle import (
    RULES,
    Command,
    IllegalTransition,
    NotYours,
    Party,
    diagram,
    legal_commands,
    next_state,
)

ALL = frozenset(Party)
# The rules' table: from → to, by the party that acts.
TABLE = {
    (Command.SEND, Party.REFERRER): ("draft", "sent"),
    (Command.ACKNOWLEDGE, Party.RECIPIENT): ("sent", "acknowledged"),
    (Command.REQUEST_INFORMATION, Party.RECIPIENT): ("acknowledged", "info_requested"),
    (Command.ANSWER_INFORMATION, Party.REFERRER): ("info_requested", "acknowledged"),
    (Command.WAITLIST, Party.RECIPIENT): ("acknowledged", "waitlisted"),
    (Command.ACCEPT, Party.RECIPIENT): ("sent acknowledged waitlisted", "accepted"),
    (Command.DECLINE, Party.RECIPIENT): ("sent acknowledged waitlisted", "declined"),
    (Command.SCHEDULE, Party.RECIPIENT): ("accepted scheduled", "scheduled"),
    (Command.START, Party.RECIPIENT): ("accepted scheduled", "in_service"),
    (Command.HOLD, Party.RECIPIENT): ("accepted scheduled in_service", "on_hold"),
    (Command.COMPLETE, Party.RECIPIENT): ("accepted scheduled in_service on_hold", "completed"),
    (Command.REPORT_NOT_DELIVERED, Party.RECIPIENT): (
        "accepted scheduled in_service on_hold",
        "not_delivered",
    ),
    (Command.EXPIRE, Party.SYSTEM): ("sent acknowledged", "expired"),
}


@pytest.mark.parametrize(("command", "party"), TABLE)
def test_each_row_of_the_table_and_nothing_else(command: Command, party: Party) -> None:
    sources, target = TABLE[command, party]
    for state in ReferralState:
        if state.value in sources.split():
            assert next_state(command, state, {party}) == target
        else:
            with pytest.raises(IllegalTransition):
                next_state(command, state, {party})
    for other in ALL - {party}:
        with pytest.raises(NotYours):
            next_state(command, ReferralState(sources.split()[0]), {other})


@pytest.mark.parametrize("state", ReferralState)
def test_recall_and_withdraw_from_any_open_state_and_error_from_any(state: ReferralState) -> None:
    for command, party, target in (
        (Command.RECALL, Party.REFERRER, ReferralState.RECALLED),
        (Command.WITHDRAW, Party.PERSON, ReferralState.WITHDRAWN),
        (Command.WITHDRAW, Party.RECIPIENT, ReferralState.WITHDRAWN),
    ):
        if state in OPEN:
            assert next_state(command, state, {party}) is target
        else:
            with pytest.raises(IllegalTransition):
                next_state(command, state, {party})
    if state is not ReferralState.ENTERED_IN_ERROR:
        after = next_state(Command.ENTER_IN_ERROR, state, {Party.REFERRER})
        assert after is ReferralState.ENTERED_IN_ERROR


@pytest.mark.parametrize(
    "before", [ReferralState.ACCEPTED, ReferralState.SCHEDULED, ReferralState.IN_SERVICE]
)
def test_a_hold_ends_where_it_began(before: ReferralState) -> None:
    assert next_state(Command.RESUME, ReferralState.ON_HOLD, {Party.RECIPIENT}, before) is before


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_terminal_states_never_reopen(state: ReferralState) -> None:
    for rule in RULES.values():
        if state in rule.sources:
            assert rule.command is Command.ENTER_IN_ERROR


def test_a_refusal_names_what_is_legal() -> None:
    with pytest.raises(IllegalTransition) as refused:
        next_state(Command.START, ReferralState.SENT, {Party.RECIPIENT})
    assert refused.value.legal == legal_commands(ReferralState.SENT, {Party.RECIPIENT})
    assert Command.ACCEPT in refused.value.legal


def test_the_diagram_shows_every_state() -> None:
    text = diagram()
    for state in ReferralState:
        if state is not ReferralState.ENTERED_IN_ERROR:
            assert f" {state}" in text
    assert "sent --> accepted: accept" in text
