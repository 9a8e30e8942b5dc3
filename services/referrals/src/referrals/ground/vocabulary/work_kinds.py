"""The kinds of waiting work. Pure. Codes are only ever added; each has a row in `codelists/work_kinds.csv`."""

from enum import StrEnum
from typing import Annotated, Literal

from common.words.choices import OneOf, words_of

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
    REFERRAL_CONSENT_ENDING = "referral_consent_ending"
    REFERRAL_APPOINTMENT = "referral_appointment"
    REFERRAL_DRAFT = "referral_draft"
    TASK = "task"
    REVIEW = "review"
    ENTRY_DUE = "entry_due"
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


ROWS = words_of("work_kinds", WorkKind)
"""In the order of work with the same deadline: danger to a person first."""
Verb = Annotated[str, OneOf("work_kinds", column="verb")]
