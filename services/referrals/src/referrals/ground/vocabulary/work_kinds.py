"""The kinds of work that wait for somebody. Pure. Codes only grow; readers have words of their own for them."""

from enum import StrEnum
from typing import Literal

Whose = Literal["mine", "team", "organisation"]


class WorkKind(StrEnum):
    REFERRAL_TO_ACKNOWLEDGE = "referral_to_acknowledge"
    REFERRAL_TO_DECIDE = "referral_to_decide"
    REFERRAL_TO_START = "referral_to_start"
    REFERRAL_TO_CLOSE = "referral_to_close"
    REFERRAL_ON_HOLD = "referral_on_hold"
    REFERRAL_ASKED_BACK = "referral_asked_back"
    REFERRAL_UNMET = "referral_unmet"
    REFERRAL_TO_CONFIRM = "referral_to_confirm"
    REFERRAL_DRAFT = "referral_draft"
    TASK = "task"
    REVIEW = "review"
    TRANSFER_OFFERED = "transfer_offered"
    MATCH = "match"
    REPORT_HANDED_OVER = "report_handed_over"
    CONSENT_TO_DECIDE = "consent_to_decide"
    EXCEPTION_TO_DECIDE = "exception_to_decide"
    CASE_TO_LOOK_AT = "case_to_look_at"
    BREAK_GLASS_TO_DECIDE = "break_glass_to_decide"
    CERTIFICATE_ENDING = "certificate_ending"
    SUBMISSION_QUARANTINED = "submission_quarantined"
    RETENTION_ENDING = "retention_ending"
    LINE_REPORT = "line_report"
    LINE_EXCEPTION_TO_DECIDE = "line_exception_to_decide"


Verb = Literal[
    "acknowledge",
    "decide",
    "start",
    "close",
    "resume",
    "answer",
    "choose_another",
    "confirm",
    "send_or_discard",
    "finish",
    "review",
    "ask_the_person",
    "register_or_give_back",
    "look",
    "renew",
    "correct",
    "erase",
    "read",
]

VERBS: dict[WorkKind, Verb] = {
    WorkKind.REFERRAL_TO_ACKNOWLEDGE: "acknowledge",
    WorkKind.REFERRAL_TO_DECIDE: "decide",
    WorkKind.REFERRAL_TO_START: "start",
    WorkKind.REFERRAL_TO_CLOSE: "close",
    WorkKind.REFERRAL_ON_HOLD: "resume",
    WorkKind.REFERRAL_ASKED_BACK: "answer",
    WorkKind.REFERRAL_UNMET: "choose_another",
    WorkKind.REFERRAL_TO_CONFIRM: "confirm",
    WorkKind.REFERRAL_DRAFT: "send_or_discard",
    WorkKind.TASK: "finish",
    WorkKind.REVIEW: "review",
    WorkKind.TRANSFER_OFFERED: "decide",
    WorkKind.MATCH: "ask_the_person",
    WorkKind.REPORT_HANDED_OVER: "register_or_give_back",
    WorkKind.CONSENT_TO_DECIDE: "decide",
    WorkKind.EXCEPTION_TO_DECIDE: "decide",
    WorkKind.CASE_TO_LOOK_AT: "look",
    WorkKind.BREAK_GLASS_TO_DECIDE: "decide",
    WorkKind.CERTIFICATE_ENDING: "renew",
    WorkKind.SUBMISSION_QUARANTINED: "correct",
    WorkKind.RETENTION_ENDING: "erase",
    WorkKind.LINE_REPORT: "read",
    WorkKind.LINE_EXCEPTION_TO_DECIDE: "decide",
}
