"""Checks whether an emergency notice reached anybody: a message was sent, a system was called, or a person read it."""

from uuid import UUID

import sqlalchemy as sa

from referrals.ground.audit.queries import was_read
from referrals.ground.notices.kinds import NoticeKind
from referrals.ground.notices.queries import any_about, some_about
from referrals.telling.channels.queries import is_owed, was_told
from referrals.telling.webhooks.queries import was_called

Column = sa.ColumnElement[UUID]
_OF_REFERRAL = (
    NoticeKind.REFERRAL_SENT,
    NoticeKind.REFERRAL_REMINDER,
    NoticeKind.REFERRAL_SUPERVISOR,
)


def reached(referral: Column, recipient: Column) -> sa.ColumnElement[bool]:
    return sa.or_(
        some_about(referral, recipient, _OF_REFERRAL, _handed_over),
        was_read(referral, "disclosure.read", recipient),
    )


def reached_or_owed(referral: Column, recipient: Column) -> sa.ColumnElement[bool]:
    """Return the SQL condition that the notice reached the recipient, or that a message is waiting for its next
    attempt."""
    return sa.or_(
        reached(referral, recipient), some_about(referral, recipient, _OF_REFERRAL, is_owed)
    )


def report_reached(report: Column) -> sa.ColumnElement[bool]:
    return sa.or_(
        any_about(report, NoticeKind.LINE_REPORT_URGENT, was_told),
        was_read(report, "line.report_read"),
    )


def _handed_over(notice: Column) -> sa.ColumnElement[bool]:
    return sa.or_(was_told(notice), was_called(notice))
