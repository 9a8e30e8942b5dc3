"""The responses that a link offers, and the step that each causes. Pure."""

from dataclasses import dataclass

from common.words import choices as words
from common.words.choices import Reason
from common.words.referral_states import ReferralState

from referrals.referral.referrals.lifecycle import RULES, Command

_LISTS = {"decline": "decline", "not_delivered": "report-not-delivered"}
"""The list of reasons for each answer that needs one."""


@dataclass(frozen=True)
class Answer:
    """A response from the form, as a lifecycle step."""

    command: Command
    reason: str | None = None
    outcome: str | None = None
    focal_point: str | None = None


class Incomplete(Exception):
    """The form lacks the response, or a field that the response needs."""


def choices(state: ReferralState) -> tuple[str, ...]:
    """Return the responses to offer in a state; none if the request is closed."""
    if state is ReferralState.SENT:
        return ("acknowledge", "accept", "decline")
    if state in (ReferralState.ACKNOWLEDGED, ReferralState.WAITLISTED):
        return ("accept", "decline")
    if state in RULES[Command.COMPLETE].sources:
        return ("complete", "partly", "not_delivered")
    return ()


def reasons(state: ReferralState) -> dict[str, Reason]:
    of = next((_LISTS[each] for each in choices(state) if each in _LISTS), None)
    return {code: words.reasons(of)[code] for code in words.offered(of, "link")} if of else {}


def read(state: ReferralState, answer: str, reason: str, focal_point: str) -> Answer:
    """Return the step for a form; raise Incomplete if a value is missing or was not offered."""
    if answer not in choices(state):
        raise Incomplete
    if answer in _LISTS and reason not in reasons(state):
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
