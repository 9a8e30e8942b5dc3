"""The steps of a referral as forms. Pure. Only the API's `legal_transitions` decide which steps are possible now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from common.words import choices
from common.words.languages import LANGUAGES

from console.commands import Command, Field

_NOTE = Field("note", "area")
_VERSION = Field("expected_version", "given")


def _step(name: str, *fields: Field, versioned: bool = True) -> Command:
    path = f"/referrals/v1/referrals/{{referral_id}}/{name}"
    return Command(name, path, (*fields, _VERSION) if versioned else fields)


STEPS: Mapping[str, Command] = {
    step.name: step
    for step in (
        # Sent under the consent that is currently valid.
        _step("send", Field("grant_id", "given")),
        _step("acknowledge"),
        _step("accept", Field("focal_point", "text"), _NOTE),
        _step("request-information", Field("question", "area")),
        _step("waitlist", Field("expected_on", "date"), Field("person_agrees", "agreed")),
        _step(
            "decline",
            Field(
                "reason",
                "choice",
                choices.offered("decline", "referral"),
            ),
            Field("suggested_service_id", "pick"),
            _NOTE,
        ),
        _step("schedule", Field("appointment_at", "moment"), Field("place", "text"), _NOTE),
        _step("start", Field("started_on", "date")),
        _step(
            "hold",
            Field(
                "reason",
                "choice",
                choices.offered("hold", "referral"),
            ),
            Field("review_on", "date"),
            _NOTE,
        ),
        _step("resume"),
        _step(
            "complete",
            Field("outcome", "choice", ("delivered", "partly_delivered")),
            Field("completed_on", "date"),
            _NOTE,
        ),
        _step(
            "report-not-delivered",
            Field("reason", "choice", choices.offered("report-not-delivered", "referral")),
            _NOTE,
        ),
        _step("answer-information", Field("payload/situation", "area")),
        _step(
            "recall",
            Field(
                "reason",
                "choice",
                choices.offered("recall", "referral"),
            ),
            _NOTE,
        ),
        _step(
            "confirm",
            Field("confirmed_by", "choice", ("person", "referrer")),
            Field("agrees", "agreed"),
            versioned=False,
        ),
        _step(
            "enter-in-error",
            Field("reason", "choice", choices.offered("enter-in-error", "referral")),
            _NOTE,
        ),
    )
}
"""In the order of the page: the first possible one is the main button."""
# Not a step: it does not change the referral's state.
LINK = Command(
    "link",
    "/referrals/v1/referrals/{referral_id}/answer-links",
    (Field("language", "choice", LANGUAGES),),
)
RENEW = Command(
    "renew-consent",
    "/referrals/v1/referrals/{referral_id}/renew-consent",
    (Field("grant_id", "given"), _VERSION),
)
"""Continues the referral under a consent that is already recorded."""
ASK_AGAIN = Command(
    "ask-again",
    "/referrals/v1/consents",
    (
        Field("items", "several"),
        Field("decided_by", "pick"),
        Field("child_assent", "pick"),
        Field("method", "pick"),
        Field("case_id", "given"),
    ),
)
"""Records that the person agrees again and continues the referral under it, both or none."""
_MAIN = frozenset(
    {
        "send",
        "acknowledge",
        "accept",
        "start",
        "complete",
        "resume",
        "answer-information",
        "confirm",
    }
)


@dataclass(frozen=True)
class Offered:
    step: Command
    main: bool


def offered(legal: Iterable[str], *, confirmable: bool) -> list[Offered]:
    """Return the page's forms: one main step, with the others collapsed."""
    wanted = {*legal, *(["confirm"] if confirmable else [])}
    found = [step for command, step in STEPS.items() if command in wanted]
    main = next((step.name for step in found if step.name in _MAIN), None)
    return [Offered(step, step.name == main) for step in found]
