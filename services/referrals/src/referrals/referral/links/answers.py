"""What can be answered through a link, and what each answer means. Pure."""

from dataclasses import dataclass

from common.words.referral_states import ReferralState

from referrals.referral.referrals.lifecycle import RULES, Command

_DECLINE = ("capacity", "eligibility", "coverage", "safety", "conflict_of_interest")
_NOT_DELIVERED = ("unreachable", "no_show", "declined_by_person", "unavailable")


@dataclass(frozen=True)
class Answer:
    """A form's answer as a step of the lifecycle."""

    command: Command
    reason: str | None = None
    outcome: str | None = None
    focal_point: str | None = None


class Incomplete(Exception):
    """The form lacks the answer, or what the answer needs."""


def choices(state: ReferralState) -> tuple[str, ...]:
    """Answers that the page offers in a state; none: the request is closed."""
    if state is ReferralState.SENT:
        return ("acknowledge", "accept", "decline")
    if state in (ReferralState.ACKNOWLEDGED, ReferralState.WAITLISTED):
        return ("accept", "decline")
    if state in RULES[Command.COMPLETE].sources:
        return ("complete", "partly", "not_delivered")
    return ()


def reasons(state: ReferralState) -> tuple[str, ...]:
    offered = choices(state)
    if "decline" in offered:
        return _DECLINE
    return _NOT_DELIVERED if "not_delivered" in offered else ()


def read(state: ReferralState, answer: str, reason: str, focal_point: str) -> Answer:
    """The step that a form stands for; Incomplete if something is missing or not offered."""
    if answer not in choices(state):
        raise Incomplete
    if answer in ("decline", "not_delivered") and reason not in reasons(state):
        raise Incomplete
    if answer == "accept" and not focal_point.strip():
        raise Incomplete
    match answer:
        case "acknowledge":
            return Answer(Command.ACKNOWLEDGE)
        case "accept":
            return Answer(Command.ACCEPT, focal_point=focal_point.strip())
        case "decline":
            return Answer(Command.DECLINE, reason=reason)
        case "not_delivered":
            return Answer(Command.REPORT_NOT_DELIVERED, reason=reason)
        case _:
            outcome = "delivered" if answer == "complete" else "partly_delivered"
            return Answer(Command.COMPLETE, outcome=outcome)
