"""The referral state table: which party may move a referral, and to which state. Pure.

Source: HL7 Gravity SDOH and BSeR referral workflows, adapted to protection. Terminal states never reopen; a second
attempt is a new referral that `replaces` the first.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from common.words.choices import reasons
from common.words.referral_states import OPEN, TERMINAL, ReferralState


class Party(StrEnum):
    """The party for which a command acts. An organisation that refers to itself is both sides; such internal work never
    counts."""

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


UNDECIDED = frozenset({ReferralState.SENT, ReferralState.ACKNOWLEDGED, ReferralState.WAITLISTED})
UNDER_WAY = frozenset({ReferralState.ACCEPTED, ReferralState.SCHEDULED, ReferralState.IN_SERVICE})
SHARING_ENDS = frozenset(
    {
        ReferralState.DECLINED,
        ReferralState.RECALLED,
        ReferralState.WITHDRAWN,
        ReferralState.EXPIRED,
        ReferralState.ENTERED_IN_ERROR,
    }
)
"""States in which the recipient need not read the content (any more): reading ends with the referral."""
DECISIONS = frozenset({ReferralState.ACCEPTED, ReferralState.DECLINED, ReferralState.WAITLISTED})


@dataclass(frozen=True)
class Rule:
    """One row of the table. If `target` is None, the command returns to the state before the hold."""

    command: Command
    sources: frozenset[ReferralState]
    target: ReferralState | None
    parties: frozenset[Party]


def _rule(
    command: Command,
    sources: AbstractSet[ReferralState],
    target: ReferralState | None,
    *parties: Party,
) -> Rule:
    return Rule(command, frozenset(sources), target, frozenset(parties))


RULES: dict[Command, Rule] = {
    rule.command: rule
    for rule in (
        _rule(Command.SEND, {ReferralState.DRAFT}, ReferralState.SENT, Party.REFERRER),
        _rule(
            Command.ACKNOWLEDGE, {ReferralState.SENT}, ReferralState.ACKNOWLEDGED, Party.RECIPIENT
        ),
        _rule(
            Command.REQUEST_INFORMATION,
            {ReferralState.ACKNOWLEDGED},
            ReferralState.INFO_REQUESTED,
            Party.RECIPIENT,
        ),
        _rule(
            Command.ANSWER_INFORMATION,
            {ReferralState.INFO_REQUESTED},
            ReferralState.ACKNOWLEDGED,
            Party.REFERRER,
        ),
        _rule(
            Command.WAITLIST,
            {ReferralState.ACKNOWLEDGED},
            ReferralState.WAITLISTED,
            Party.RECIPIENT,
        ),
        _rule(Command.ACCEPT, UNDECIDED, ReferralState.ACCEPTED, Party.RECIPIENT),
        _rule(Command.DECLINE, UNDECIDED, ReferralState.DECLINED, Party.RECIPIENT),
        _rule(
            Command.SCHEDULE,
            {ReferralState.ACCEPTED, ReferralState.SCHEDULED},
            ReferralState.SCHEDULED,
            Party.RECIPIENT,
        ),
        _rule(
            Command.START,
            {ReferralState.ACCEPTED, ReferralState.SCHEDULED},
            ReferralState.IN_SERVICE,
            Party.RECIPIENT,
        ),
        _rule(Command.HOLD, UNDER_WAY, ReferralState.ON_HOLD, Party.RECIPIENT),
        _rule(Command.RESUME, {ReferralState.ON_HOLD}, None, Party.RECIPIENT),
        _rule(
            Command.COMPLETE,
            UNDER_WAY | {ReferralState.ON_HOLD},
            ReferralState.COMPLETED,
            Party.RECIPIENT,
        ),
        _rule(
            Command.REPORT_NOT_DELIVERED,
            UNDER_WAY | {ReferralState.ON_HOLD},
            ReferralState.NOT_DELIVERED,
            Party.RECIPIENT,
        ),
        _rule(Command.RECALL, OPEN, ReferralState.RECALLED, Party.REFERRER),
        _rule(
            Command.WITHDRAW,
            OPEN,
            ReferralState.WITHDRAWN,
            Party.REFERRER,
            Party.RECIPIENT,
            Party.PERSON,
        ),
        _rule(
            Command.EXPIRE,
            {ReferralState.SENT, ReferralState.ACKNOWLEDGED},
            ReferralState.EXPIRED,
            Party.SYSTEM,
        ),
        _rule(
            Command.ENTER_IN_ERROR,
            frozenset(ReferralState) - {ReferralState.ENTERED_IN_ERROR},
            ReferralState.ENTERED_IN_ERROR,
            Party.REFERRER,
        ),
    )
}


class IllegalTransition(Exception):
    """The current state does not allow the command; `legal` lists the commands that it allows."""

    def __init__(self, command: Command, state: ReferralState, legal: tuple[Command, ...]) -> None:
        super().__init__(f"{command} is not possible in state {state}")
        self.command = command
        self.state = state
        self.legal = legal


class NotYours(Exception):
    """Only the other side of the referral may run the command."""

    def __init__(self, command: Command, parties: frozenset[Party]) -> None:
        super().__init__(f"{command} belongs to {', '.join(sorted(parties))}")
        self.command = command
        self.parties = parties


def legal_commands(state: ReferralState, parties: AbstractSet[Party]) -> tuple[Command, ...]:
    """Return the commands that `parties` may run in `state`, in table order."""
    return tuple(c for c, rule in RULES.items() if state in rule.sources and rule.parties & parties)


def next_state(
    command: Command,
    state: ReferralState,
    parties: AbstractSet[Party],
    before_hold: ReferralState | None = None,
) -> ReferralState:
    """Return the state after `command`; raise NotYours before IllegalTransition if both apply."""
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
    """Return the table as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2", "    [*] --> draft"]
    for rule in RULES.values():
        for source in sorted(rule.sources, key=list(ReferralState).index):
            if rule.command is Command.ENTER_IN_ERROR:
                continue
            targets = (
                [rule.target] if rule.target else sorted(UNDER_WAY, key=list(ReferralState).index)
            )
            lines.extend(f"    {source} --> {target}: {rule.command}" for target in targets)
    lines.extend(f"    {state} --> [*]" for state in ReferralState if state in TERMINAL)
    return "\n".join(lines) + "\n"


_DECLINES = reasons("decline")
if unsaid := [code for code, each in _DECLINES.items() if not each.ask_again_days]:
    raise LookupError(f"reasons.csv: the ask_again_days of {', '.join(unsaid)} are not decided")
ASK_AGAIN_AFTER = {
    code: timedelta(days=int(each.ask_again_days))
    for code, each in _DECLINES.items()
    if each.ask_again_days != "never"
}
"""By reason for declining; after any other reason the service is not suggested again."""


def may_offer_again(reason: str | None, declined_at: datetime, now: datetime) -> bool:
    wait = ASK_AGAIN_AFTER.get(reason or "")
    return wait is not None and declined_at + wait <= now
