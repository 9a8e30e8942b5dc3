"""Commands that transfer or close a case. Pure."""

from common.words.choices import offered, words

from console.commands import Command, Field

_CASE = "/referrals/v1/cases/{case_id}"
_TRANSFER = "/referrals/v1/transfers/{transfer_id}"
CLOSE = Command(
    "end",
    f"{_CASE}/close",
    (Field("reason", "choice", offered("end", "case")),),
)
ASSIGN = Command("assign", f"{_CASE}/assign", (Field("assigned_to", "pick"),))
IMPLICATED = Command(
    "implicated",
    f"{_CASE}/implicated-organisations",
    (Field("organisation_ids", "several"),),
    method="put",
)
REOPEN = Command(
    "reopen",
    f"{_CASE}/reopen",
    (Field("reason", "choice", offered("reopen", "case")),),
)
ERASE = Command(
    "erase",
    f"{_CASE}/erase",
    (
        Field("basis", "choice", offered("erase", "case")),
        Field("confirm", "text"),
    ),
)
# The consent; the offer follows in the same batch.
OFFER = Command(
    "offer",
    "/referrals/v1/consents",
    (
        Field("case_id", "given"),
        Field("recipient_organisation_id", "pick"),
        Field("decided_by", "choice", ("person", "caregiver", "best_interest")),
        Field("child_assent", "choice", ("agrees", "dissents", "not_asked")),
        Field("method", "choice", ("verbal", "signed")),
        Field("language", "pick"),
    ),
)
# Sent with the offer, for the other organisation's decision.
OFFERED = Command(
    "offered",
    "/referrals/v1/transfers",
    (
        Field("need", "pick"),
        Field("urgency", "choice", tuple(words("urgencies"))),
        Field("why", "choice", offered("offered", "transfer")),
    ),
)
ACCEPT = Command("take", f"{_TRANSFER}/accept")
# For a case in a succession: what the person told the successor organisation.
ACCEPT_ASKED = Command(
    "take-asked",
    f"{_TRANSFER}/accept",
    (
        Field("consent/decided_by", "choice", ("person", "caregiver")),
        Field("consent/child_assent", "choice", ("agrees", "dissents", "not_asked")),
        Field("consent/method", "choice", ("verbal", "signed")),
        Field("consent/language", "pick"),
    ),
)
DECLINE = Command(
    "not-now",
    f"{_TRANSFER}/decline",
    (
        Field(
            "reason",
            "choice",
            offered("decline", "transfer"),
        ),
    ),
)
RECALL = Command(
    "take-back",
    f"{_TRANSFER}/recall",
    (
        Field(
            "reason",
            "choice",
            offered("take-back", "transfer"),
        ),
    ),
)
