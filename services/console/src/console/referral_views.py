"""Rows of referral lists, for all pages. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from common.words.choices import words

from console.codes import Codes
from console.moments import Moments
from console.texts import Wording

_COLOURS = {code: row["colour"] for code, row in words("referral_states").items()}


def short_code(identifier: str) -> str:
    """Return the last eight characters of an id: enough to find a referral, without naming anybody."""
    return identifier.replace("-", "")[-8:].upper()


@dataclass(frozen=True)
class Row:
    path: str
    code: str
    need: str
    area: str
    urgency: str
    state: str
    colour: str
    due: str
    left: str
    late: bool
    unheard: bool


def rows(
    referrals: Iterable[Mapping[str, Any]], say: Wording, codes: Codes, moments: Moments
) -> list[Row]:
    return [row(one, say, codes, moments) for one in referrals]


def row(one: Mapping[str, Any], say: Wording, codes: Codes, moments: Moments) -> Row:
    due = one["due"]
    return Row(
        f"/console/referrals/{one['id']}",
        short_code(one["id"]),
        codes.need(one["category"]),
        codes.place(one["area"]),
        one["urgency"],
        say.known(f"state.{one['state']}", "state.other"),
        f"govuk-tag--{_COLOURS.get(one['state'], 'grey')}",
        moments.due(due),
        left(due, say, moments, late=one["overdue"]) if due else "",
        one["overdue"],
        one.get("unheard_at") is not None,
    )


def place_of_appointment(steps: Iterable[Mapping[str, Any]]) -> str:
    """Return the place named for the last appointment."""
    return _last_said(steps, "schedule", "place")


def question_asked(steps: Iterable[Mapping[str, Any]]) -> str:
    """Return the recipient's last question."""
    return _last_said(steps, "request-information", "question")


def _last_said(steps: Iterable[Mapping[str, Any]], command: str, name: str) -> str:
    said = [step["detail"] or {} for step in steps if step["command"] == command]
    return str(said[-1].get(name) or "") if said else ""


_DAY_HOURS = 48
"""From this many hours on, times are given in days."""


def left(due: str, say: Wording, moments: Moments, *, late: bool) -> str:
    """Return the time left until the deadline, or since it passed."""
    days = moments.days_left(due)
    if days is not None:
        if days == 0:
            return say("work.due.today")
        return say("work.due.late_days" if days < 0 else "work.due.left_days", n=abs(days))
    hours = moments.hours_left(due)
    if late:
        over = -hours - 1
        if over < 1:
            return say("work.due.late_now")
        if over >= _DAY_HOURS:
            return say("work.due.late_days", n=over // 24)
        return say("work.due.late_hours", n=over)
    if hours < 1:
        return say("work.due.soon")
    if hours >= _DAY_HOURS:
        return say("work.due.left_days", n=hours // 24)
    return say("work.due.left_hours", n=hours)
