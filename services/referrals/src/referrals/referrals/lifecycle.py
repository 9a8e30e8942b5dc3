"""The states of a referral and who may move it from one to the next. Pure: the whole table is here.

Source: HL7 Gravity SDOH and BSeR referral workflows, adapted to protection referrals. Terminal
states never reopen; a second attempt is a new referral that `replaces` the first.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    DRAFT = "draft"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    INFO_REQUESTED = "info_requested"
    WAITLISTED = "waitlisted"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    SCHEDULED = "scheduled"
    IN_SERVICE = "in_service"
    ON_HOLD = "on_hold"
    COMPLETED = "completed"
    NOT_DELIVERED = "not_delivered"
    RECALLED = "recalled"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    ENTERED_IN_ERROR = "entered_in_error"


class Party(StrEnum):
    """On whose behalf a command comes. One organisation may be both sides of its own referral."""

    REFERRER = "referrer"
    RECIPIENT = "recipient"
    PERSON = "person"
    SYSTEM = "system"


class Command(StrEnum):
    SEND = "send"
    ACKNOWLEDGE = "acknowledge"
    REQUEST_INFORMATION = "request-information"
    ANSWER_INFORMATION = "answer-information"
    WAITLIST = "waitlist"
    ACCEPT = "accept"
    DECLINE = "decline"
    SCHEDULE = "schedule"
    START = "start"
    HOLD = "hold"
    RESUME = "resume"
    COMPLETE = "complete"
    REPORT_NOT_DELIVERED = "report-not-delivered"
    RECALL = "recall"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"
    ENTER_IN_ERROR = "enter-in-error"


TERMINAL = frozenset(
    {
        State.DECLINED,
        State.COMPLETED,
        State.NOT_DELIVERED,
        State.RECALLED,
        State.WITHDRAWN,
        State.EXPIRED,
        State.ENTERED_IN_ERROR,
    }
)
OPEN = frozenset(State) - TERMINAL
UNDECIDED = frozenset({State.SENT, State.ACKNOWLEDGED, State.WAITLISTED})
UNDER_WAY = frozenset({State.ACCEPTED, State.SCHEDULED, State.IN_SERVICE})
DELIVERED = frozenset({State.COMPLETED})


@dataclass(frozen=True)
class Rule:
    """One row of the table. `target` None: back to the state before the hold."""

    command: Command
    sources: frozenset[State]
    target: State | None
    parties: frozenset[Party]


def _rule(
    command: Command, sources: AbstractSet[State], target: State | None, *parties: Party
) -> Rule:
    return Rule(command, frozenset(sources), target, frozenset(parties))


RULES: dict[Command, Rule] = {
    rule.command: rule
    for rule in (
        _rule(Command.SEND, {State.DRAFT}, State.SENT, Party.REFERRER),
        _rule(Command.ACKNOWLEDGE, {State.SENT}, State.ACKNOWLEDGED, Party.RECIPIENT),
        _rule(
            Command.REQUEST_INFORMATION,
            {State.ACKNOWLEDGED},
            State.INFO_REQUESTED,
            Party.RECIPIENT,
        ),
        _rule(
            Command.ANSWER_INFORMATION, {State.INFO_REQUESTED}, State.ACKNOWLEDGED, Party.REFERRER
        ),
        _rule(Command.WAITLIST, {State.ACKNOWLEDGED}, State.WAITLISTED, Party.RECIPIENT),
        _rule(Command.ACCEPT, UNDECIDED, State.ACCEPTED, Party.RECIPIENT),
        _rule(Command.DECLINE, UNDECIDED, State.DECLINED, Party.RECIPIENT),
        _rule(Command.SCHEDULE, {State.ACCEPTED}, State.SCHEDULED, Party.RECIPIENT),
        _rule(
            Command.START,
            {State.ACCEPTED, State.SCHEDULED},
            State.IN_SERVICE,
            Party.RECIPIENT,
        ),
        _rule(Command.HOLD, UNDER_WAY, State.ON_HOLD, Party.RECIPIENT),
        _rule(Command.RESUME, {State.ON_HOLD}, None, Party.RECIPIENT),
        _rule(Command.COMPLETE, UNDER_WAY | {State.ON_HOLD}, State.COMPLETED, Party.RECIPIENT),
        _rule(
            Command.REPORT_NOT_DELIVERED,
            UNDER_WAY | {State.ON_HOLD},
            State.NOT_DELIVERED,
            Party.RECIPIENT,
        ),
        _rule(Command.RECALL, OPEN, State.RECALLED, Party.REFERRER),
        _rule(
            Command.WITHDRAW,
            OPEN,
            State.WITHDRAWN,
            Party.REFERRER,
            Party.RECIPIENT,
            Party.PERSON,
        ),
        _rule(Command.EXPIRE, {State.SENT, State.ACKNOWLEDGED}, State.EXPIRED, Party.SYSTEM),
        _rule(
            Command.ENTER_IN_ERROR,
            frozenset(State) - {State.ENTERED_IN_ERROR},
            State.ENTERED_IN_ERROR,
            Party.REFERRER,
        ),
    )
}


class IllegalTransition(Exception):
    """The present state does not allow the command; `legal` are the ones that it allows."""

    def __init__(self, command: Command, state: State, legal: tuple[Command, ...]) -> None:
        super().__init__(f"{command} is not possible in state {state}")
        self.command = command
        self.state = state
        self.legal = legal


class NotYours(Exception):
    """The command belongs to the other side of the referral."""

    def __init__(self, command: Command, parties: frozenset[Party]) -> None:
        super().__init__(f"{command} belongs to {', '.join(sorted(parties))}")
        self.command = command
        self.parties = parties


def legal_commands(state: State, parties: AbstractSet[Party]) -> tuple[Command, ...]:
    """What `parties` may do in `state`, in the order of the table."""
    return tuple(c for c, rule in RULES.items() if state in rule.sources and rule.parties & parties)


def next_state(
    command: Command, state: State, parties: AbstractSet[Party], before_hold: State | None = None
) -> State:
    """The state after `command`; NotYours before IllegalTransition if both apply."""
    rule = RULES[command]
    if not rule.parties & parties:
        raise NotYours(command, rule.parties)
    if state not in rule.sources:
        raise IllegalTransition(command, state, legal_commands(state, parties))
    if rule.target is not None:
        return rule.target
    if before_hold not in UNDER_WAY:
        raise IllegalTransition(command, state, ())
    return before_hold


def diagram() -> str:
    """The table as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2", "    [*] --> draft"]
    for rule in RULES.values():
        for source in sorted(rule.sources, key=list(State).index):
            if rule.command is Command.ENTER_IN_ERROR:
                continue
            targets = [rule.target] if rule.target else sorted(UNDER_WAY, key=list(State).index)
            lines.extend(f"    {source} --> {target}: {rule.command}" for target in targets)
    lines.extend(f"    {state} --> [*]" for state in State if state in TERMINAL)
    return "\n".join(lines) + "\n"
