"""Formats audit entries for display. Pure."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from typing import Any
from urllib.parse import urlencode

from common.tables_io.cells import GuardedCsv
from markupsafe import Markup

from console import written_dates
from console.codes import Codes
from console.doings import Beside, done, is_id, road
from console.moments import Moments
from console.referral_views import short_code
from console.texts import Wording

FILTERS = ("action", "case", "doer", "organisation_id", "case_id", "target_id", "from", "to")
ACTIONS = (
    "disclosure.read",
    "case.read",
    "case.searched",
    "case.erased",
    "consent.recorded",
    "consent.withdrawn",
    "referral.sent",
    "break_glass.asked",
    "break_glass.open",
    "break_glass.read",
    "exception.requested",
    "exception.reviewed",
    "line.report_read",
    "line.report_handed_over",
    "screening.read",
    "audit.read",
    "audit.exported",
    "audit.verified",
)
"""Actions to choose from; the record contains more and shows all of them in words."""


@dataclass(frozen=True)
class Entry:
    at: str
    what: str
    who: str
    organisation: str
    target: str
    code: str
    only: str
    chain: str
    number: int | None
    beside: tuple[str, ...]


def asked_of(
    values: Mapping[str, str], offset: str, filters: Iterable[str] = FILTERS
) -> dict[str, str]:
    """Return the API query. A typed day becomes its first and last moment in local time."""
    asked = {name: values[name].strip() for name in filters if values.get(name, "").strip()}
    for name in {"from", "to"} & asked.keys():
        asked[name] = written_dates.day(asked[name])
    if _is_day(asked.get("from", "")):
        asked["from"] = f"{asked['from']}T00:00:00{offset}"
    if _is_day(asked.get("to", "")):
        asked["to"] = f"{asked['to']}T23:59:59{offset}"
    return asked


def _is_day(text: str) -> bool:
    return len(text) == 10


def is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def address(
    path: str, values: Mapping[str, str], filters: Iterable[str] = FILTERS, **more: str
) -> str:
    """Return `path` with the same filters, which contain only ids and codes."""
    kept = {name: values[name] for name in filters if values.get(name)}
    text = urlencode({**kept, **{name: value for name, value in more.items() if value}})
    return f"{path}?{text}" if text else path


def entries(
    items: Iterable[Mapping[str, Any]],
    names: Mapping[str, str],
    lists: Mapping[str, Mapping[str, str]],
    say: Wording,
    moments: Moments,
) -> list[Entry]:
    beside = Beside(say, Codes(say.language), moments, names, lists)
    return [_entry(one, beside) for one in items]


def _entry(one: Mapping[str, Any], beside: Beside) -> Entry:
    names, say, moments = beside.names, beside.say, beside.moments
    organisation = one["organisation_id"] or ""
    return Entry(
        moments.at(one["at"]),
        done(one["action"], say),
        _doer(one["client"], names),
        _organisation(organisation, names),
        say.known(f"audit.target.{one['target_type']}", "audit.target.other"),
        entry(one["target_id"], names),
        address("/console/audit", {"target_id": one["target_id"]}),
        one["chain"],
        one["sequence"],
        tuple(beside.lines(one["action"], one["detail"])),
    )


def _doer(client: str, names: Mapping[str, str]) -> str:
    """Return the person's sign-in name, or a short code if it is unknown."""
    return names.get(client) or (short_code(client) if is_id(client) else client)


def _organisation(identifier: str, names: Mapping[str, str]) -> str:
    """Return the organisation's name in the directory. Auditors and coordinators belong to none, so theirs is empty."""
    return names.get(identifier, short_code(identifier) if identifier else "")


def by(subject: str, client: str) -> str:
    """Return who acted and through which client; a client that acts on its own appears once."""
    return " · ".join(dict.fromkeys((subject, client)))


def named(table: str, names: Mapping[str, str]) -> str:
    """Add to the API's table the names that the page shows."""
    rows = list(csv.DictReader(StringIO(table)))
    out = StringIO()
    written = GuardedCsv(out)
    heads = list(rows[0]) if rows else next(csv.reader(StringIO(table)), [])
    written.row([*heads, "person", "organisation"])
    for row in rows:
        organisation = names.get(row["organisation_id"], "")
        written.row([*row.values(), names.get(row["client"], ""), organisation])
    return out.getvalue()


def reads(
    items: Iterable[Mapping[str, Any]], names: Mapping[str, str], say: Wording, moments: Moments
) -> list[tuple[str, ...]]:
    """Return rows of time, reader, organisation, entry (or the log itself) and access route."""
    return [
        (
            moments.at(one["at"]),
            _doer(one["client_id"], names),
            _organisation(one["organisation_id"] or "", names),
            _only(one["service_id"], names) if one["service_id"] else say("audit.reads.log"),
            road(one["route"], say),
        )
        for one in items
    ]


def entry(identifier: str, names: Mapping[str, str]) -> str:
    """Return the name, or the short code that pages show instead if the auditor may not see the name."""
    return names.get(identifier) or short_code(identifier)


def _only(identifier: str, names: Mapping[str, str]) -> Markup:
    """Return the entry as a link to the reads of this entry alone."""
    to = address("/console/audit/reads", {"service_id": identifier}, ("service_id",))
    return Markup('<a class="govuk-link" href="{}">{}</a>').format(to, entry(identifier, names))


_KINDS = ("reads", "changes", "exceptions", "break_glass", "exports")


def kind_of(action: str) -> str:
    """Return the section of the statement that counts this action."""
    for begins, kind in (("break_glass.", "break_glass"), ("exception.", "exceptions")):
        if action.startswith(begins):
            return kind
    if "exception_" in action:
        return "exceptions"
    if action.endswith("exported"):
        return "exports"
    return "reads" if action.endswith(("read", "searched")) else "changes"


def counts(
    by_action: Mapping[str, int], say: Wording, values: Mapping[str, str]
) -> list[tuple[str, int, list[tuple[str, int, str]]]]:
    """Return the total for each kind, and its actions as text with links to their entries."""
    found = []
    for kind in _KINDS:
        rows = [
            (done(action, say), count, address("/console/audit", {**values, "action": action}))
            for action, count in by_action.items()
            if kind_of(action) == kind
        ]
        found.append((say(f"audit.statement.{kind}"), sum(row[1] for row in rows), rows))
    return found


def patterns(
    items: Iterable[Mapping[str, Any]],
    names: Mapping[str, str],
    say: Wording,
    moments: Moments,
    values: Mapping[str, str],
) -> list[tuple[str, str, str, str, str]]:
    """Return rows of pattern, reader, organisation, numbers as text, and link to the entries."""
    return [
        (
            say(f"audit.pattern.{one['pattern']}"),
            _doer(one["doer"], names),
            _organisation(one["organisation_id"] or "", names),
            say(
                "audit.pattern.numbers",
                n=one["count"],
                cases=one["cases"],
                first=moments.at(one["first"]),
                last=moments.at(one["last"]),
            ),
            address("/console/audit", {**values, "doer": one["doer"]}),
        )
        for one in items
    ]
