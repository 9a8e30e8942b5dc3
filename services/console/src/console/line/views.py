"""Formats reports for display; the queue contains none of their text. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from console.codes import Codes
from console.moments import Moments
from console.referral_views import short_code
from console.texts import Wording


@dataclass(frozen=True)
class Row:
    id: str
    code: str
    kind: str
    urgent: bool
    status: str
    language: str
    area: str
    messages: int
    wish: bool
    waiting: str
    at: str
    until: str
    taken: str


def row(
    one: Mapping[str, Any],
    kinds: Mapping[str, Mapping[str, str]],
    names: Mapping[str, str],
    say: Wording,
    moments: Moments,
) -> Row:
    codes = Codes(say.language)
    hours = -moments.hours_left(one["last_at"]) - 1
    return Row(
        one["id"],
        short_code(one["id"]),
        kinds.get(one["kind"], {}).get(say.language, one["kind"]),
        one["urgent"],
        say.known(f"line.status.{one['status']}", "code.other"),
        say.known(f"language.{one['language']}", "code.other"),
        codes.place(one["area"]),
        one["messages"],
        one["wants_case"],
        say("line.waits_days", n=hours // 24) if hours >= 48 else say("line.waits_hours", n=hours),
        moments.at(one["received_at"]),
        moments.day(one["expires_at"]),
        names.get(one["taken_by"] or "", "") or (say("line.somebody") if one["taken_by"] else ""),
    )


@dataclass(frozen=True)
class Message:
    desk: bool
    at: str
    text: str


def thread(report: Mapping[str, Any], say: Wording, moments: Moments) -> list[Message]:
    return [
        Message(one["author"] == "desk", moments.at(one["at"]), one["text"] or say("line.gone"))
        for one in report["thread"]
    ]


def may_hand_over(report: Mapping[str, Any], approved: Mapping[str, Any] | None) -> bool:
    """Return whether the reporter's wish or an approved exception allows a handover of the report."""
    return bool(report["wants_case"]) or approved is not None
