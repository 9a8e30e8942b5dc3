"""The single list of notice kinds, for feed, webhook and message."""

from enum import StrEnum, auto
from typing import Self

from common.words.referral_states import ReferralState


class News(StrEnum):
    """The people who should receive a notice, in the organisations whose feed contains it."""

    RECIPIENT = auto()
    SENDER = auto()
    EVERYBODY = auto()
    SUPERVISORS = auto()
    COORDINATORS = auto()
    NOBODY = auto()


class NoticeKind(StrEnum):
    """A notice kind, written `subject.event`; tests compare the kinds with the states. An action by the other side is
    news. One's own action is not, and the confirmation of a plan can wait."""

    news: News
    ends: bool
    """The notice announces that data may no longer be read or used, so it is sent even after the end."""

    def __new__(cls, kind: str, news: News | None = None, ends: bool = False) -> Self:
        if news is None:
            raise TypeError(f"{kind}: for whom is it news?")
        self = str.__new__(cls, kind)
        self._value_ = kind
        self.news, self.ends = news, ends
        return self

    REFERRAL_DRAFT = "referral.draft", News.NOBODY
    REFERRAL_SENT = "referral.sent", News.RECIPIENT
    REFERRAL_ACKNOWLEDGED = "referral.acknowledged", News.NOBODY
    REFERRAL_INFO_REQUESTED = "referral.info_requested", News.SENDER
    REFERRAL_WAITLISTED = "referral.waitlisted", News.SENDER
    REFERRAL_ACCEPTED = "referral.accepted", News.SENDER
    REFERRAL_DECLINED = "referral.declined", News.SENDER, True
    REFERRAL_SCHEDULED = "referral.scheduled", News.SENDER
    REFERRAL_IN_SERVICE = "referral.in_service", News.NOBODY
    REFERRAL_ON_HOLD = "referral.on_hold", News.SENDER
    REFERRAL_COMPLETED = "referral.completed", News.SENDER
    REFERRAL_NOT_DELIVERED = "referral.not_delivered", News.SENDER
    REFERRAL_RECALLED = "referral.recalled", News.RECIPIENT, True
    REFERRAL_WITHDRAWN = "referral.withdrawn", News.EVERYBODY, True
    REFERRAL_EXPIRED = "referral.expired", News.SENDER, True
    REFERRAL_ENTERED_IN_ERROR = "referral.entered_in_error", News.RECIPIENT, True
    REFERRAL_CONFIRMED = "referral.confirmed", News.NOBODY
    REFERRAL_ALTERNATIVE_SUGGESTED = "referral.alternative_suggested", News.SENDER
    REFERRAL_DISCLOSURE_CHANGED = "referral.disclosure_changed", News.RECIPIENT, True
    REFERRAL_SHARING_ENDED = "referral.sharing_ended", News.RECIPIENT, True
    REFERRAL_CONSENT_ENDING = "referral.consent_ending", News.SENDER
    REFERRAL_CONSENT_ENDED = "referral.consent_ended", News.EVERYBODY, True
    REFERRAL_CONSENT_RENEWED = "referral.consent_renewed", News.RECIPIENT
    REFERRAL_SERVICE_NOT_REFERABLE = "referral.service_not_referable", News.SENDER
    REFERRAL_APPOINTMENT = "referral.appointment", News.EVERYBODY
    REFERRAL_REMINDER = "referral.reminder", News.EVERYBODY
    REFERRAL_SUPERVISOR = "referral.supervisor", News.SUPERVISORS
    REFERRAL_ALTERNATIVE = "referral.alternative", News.SENDER
    REFERRAL_EXPIRY = "referral.expiry", News.SENDER
    REFERRAL_UNHEARD = "referral.unheard", News.EVERYBODY
    TRANSFER_OFFERED = "transfer.offered", News.RECIPIENT
    TRANSFER_ACCEPTED = "transfer.accepted", News.SENDER
    TRANSFER_DECLINED = "transfer.declined", News.SENDER
    TRANSFER_RECALLED = "transfer.recalled", News.RECIPIENT
    CASE_RECONSENT_NEEDED = "case.reconsent_needed", News.EVERYBODY
    CONSENT_WITHDRAWN = "consent.withdrawn", News.EVERYBODY
    EXCEPTION_REQUESTED = "exception.requested", News.SUPERVISORS
    BREAK_GLASS_ASKED = "break_glass.asked", News.SUPERVISORS
    BREAK_GLASS_OPEN = "break_glass.open", News.SUPERVISORS
    BREAK_GLASS_REFUSED = "break_glass.refused", News.SUPERVISORS
    BREAK_GLASS_READ = "break_glass.read", News.SUPERVISORS
    MATCH_POSSIBLE = "match.possible", News.EVERYBODY
    MATCH_AGREED = "match.agreed", News.EVERYBODY
    LATE_CALLED = "late.called", News.SUPERVISORS
    LINE_REPORT_URGENT = "line.report_urgent", News.COORDINATORS
    LINE_REPORT_CHANGED = "line.report_changed", News.EVERYBODY
    LINE_REPORT_HANDED_OVER = "line.report_handed_over", News.EVERYBODY
    LINE_EXCEPTION_ASKED = "line.exception_asked", News.SUPERVISORS
    ORGANISATION_UNHEARD = "organisation.unheard", News.COORDINATORS
    CHANNEL_SWITCHED_OFF = "channel.switched_off", News.SUPERVISORS
    WEBHOOK_HELD = "webhook.held", News.SUPERVISORS
    WEBHOOK_PING = "webhook.ping", News.NOBODY


# Each referral state has a notice.
_ = [NoticeKind(f"referral.{state}") for state in ReferralState]
ENDS = frozenset(kind for kind in NoticeKind if kind.ends)
