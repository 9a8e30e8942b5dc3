"""Formats the rows of the work list. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from console.codes import Codes
from console.moments import Moments
from console.referral_views import left, short_code
from console.texts import Wording

REPORTS = frozenset({"line_report", "report_handed_over"})
RANKS = ("first", "urgent", "routine", "upkeep")


@dataclass(frozen=True)
class Row:
    """A row. `path` is None if the console has no page for this work yet."""

    due: str
    left: str
    late: bool
    verb: str
    code: str
    urgency: str
    what: str
    path: str | None


@dataclass(frozen=True)
class Group:
    name: str
    rows: tuple[Row, ...]


def groups(
    items: Iterable[Mapping[str, Any]],
    say: Wording,
    codes: Codes,
    moments: Moments,
    kinds: Mapping[str, str],
) -> list[Group]:
    """Return the items grouped by rank, in their order, without empty groups. `kinds` are the labels of subjects of
    anonymous-line reports."""
    found: dict[str, list[Row]] = {name: [] for name in RANKS}
    for item in items:
        about = kinds.get(item.get("about") or "", "") if item["kind"] in REPORTS else ""
        found[item.get("rank", "routine")].append(_row(item, about, say, codes, moments))
    return [Group(name, tuple(rows)) for name, rows in found.items() if rows]


def _row(item: Mapping[str, Any], about: str, say: Wording, codes: Codes, moments: Moments) -> Row:
    area, said = item.get("area"), item.get("said")
    if not about and item.get("about"):
        about = _about(item["about"], say, codes)
    parts = [
        say(f"kind.{item['kind']}", n=item["count"])
        if "count" in item
        else say.known(f"kind.{item['kind']}", "kind.other")
    ]
    if said:
        parts.append(said)
    if about:
        parts.append(about)
    if area:
        parts.append(codes.place(area))
    late = item["group"] == "overdue"
    return Row(
        due=moments.due(item["due"]),
        left=left(item["due"], say, moments, late=late) if item["due"] else "",
        late=late,
        verb=say.known(f"verb.{item['verb']}", "verb.other"),
        code="" if "count" in item else code_of(item["ids"], item.get("case_reference")),
        urgency=item.get("urgency") or "",
        what=" · ".join(parts),
        path=path_of(item["kind"], item["ids"]),
    )


def _about(code: str, say: Wording, codes: Codes) -> str:
    keys = (f"about.{code}", f"aor.{code}", f"entry.{code}")
    key = next((key for key in keys if say.has(key)), None)
    return say(key) if key else codes.need(code)


def code_of(ids: Mapping[str, str], case_reference: str | None) -> str:
    """Return the code that every other page shows: the end of the id for a referral or report, or the case code for the
    organisation's own case."""
    for name in ("referral_id", "report_id"):
        if name in ids:
            return short_code(ids[name])
    return case_reference or short_code(next(iter(ids.values()), ""))


_REFERRAL, _CASE = "/console/referrals/{referral_id}", "/console/cases/{case_id}"
_PAGES: Mapping[str, str] = {
    "referral_to_acknowledge": _REFERRAL,
    "referral_to_decide": _REFERRAL,
    "referral_to_start": _REFERRAL,
    "referral_to_close": _REFERRAL,
    "referral_on_hold": _REFERRAL,
    "referral_asked_back": _REFERRAL,
    "referral_appointment": _REFERRAL,
    "referral_unmet": _REFERRAL,
    "referral_to_confirm": _REFERRAL,
    "referral_consent_ending": _REFERRAL,
    "referral_draft": _REFERRAL,
    "task": "/console/tasks/{task_id}",
    "entry_due": "/console/cases/{case_id}/entries/{entry_id}",
    "review": "/console/cases/{case_id}/reviews/{review_id}",
    "transfer_offered": "/console/transfers/{transfer_id}",
    "match": "/console/matches",
    "report_handed_over": "/console/handed-over/{report_id}",
    "certificate_ending": "/console/certificates/{certificate_id}",
    "submission_quarantined": "/console/intake/{submission_id}",
    "retention_ending": "/console/cases/{case_id}/erasing",
    "line_report": "/console/line/{report_id}",
    "line_exception_to_decide": "/console/line/exceptions",
    "case_to_look_at": _CASE,
    "consent_to_decide": "/console/decisions",
    "exception_to_decide": "/console/decisions",
    "break_glass_to_decide": "/console/decisions",
    "organisations_to_call": "/console/late",
    "entry_submitted": "/console/entries/{service_id}",
    "verification": "/console/entries/{service_id}",
    "capacity_doubted": "/console/entries/{service_id}",
    "bulletin_to_sign": "/console/bulletins/{bulletin_id}",
    "bulletin_to_publish": "/console/bulletins/{bulletin_id}",
    "release_to_agree": "/console/releases/{release_id}",
    "closing_ready": "/console/releases/closings/{closing_id}",
    "closing_needs_attention": "/console/releases/closings/{closing_id}",
    "import_tried": "/console/imports/{import_id}",
    "import_refused": "/console/imports/{import_id}",
}
"""Kind of task → its page; other kinds have no page yet."""


def path_of(kind: str, ids: Mapping[str, str]) -> str | None:
    """Return the URL of the page for this kind of work."""
    page = _PAGES.get(kind)
    try:
        return page.format(**ids) if page else None
    except KeyError:
        return None
