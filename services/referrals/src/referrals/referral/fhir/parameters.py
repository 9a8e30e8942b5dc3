"""The search parameters of each resource, and the query parser. Pure.

An unknown name or value is an error, because ignoring it would return everything or nothing. Lenient handling skips
unknown names and reports them.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from urllib.parse import parse_qsl
from uuid import UUID

from common.words.codelists import categories
from common.words.referral_states import ReferralState

from referrals.referral.fhir import codes, mapping

DEFAULT_COUNT, MOST = 50, 500
_MOST_VALUES = _MOST_PARAMETERS = 100
# These accept only one value, because several values could not be combined.
_ONCE = frozenset({"_count", "_sort", "_summary", "_total", "_totalMethod", "_format", "cursor"})


class NotAsked(Exception):
    """The query has an unsupported parameter: its name, and the reason."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True)
class Parameter:
    """A search parameter. `column`: the kind's column. `known`: our values by FHIR code. `systems`: the code systems
    that a token may name. `targets`: the kinds that a reference may name."""

    kind: Literal["token", "reference", "date"]
    column: str
    says: str
    known: Mapping[str, Collection[Any]] | None = None
    systems: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kind:
    """A resource: its search parameters, sort orders, and possible includes (by reference parameter)."""

    name: str
    parameters: Mapping[str, Parameter]
    sorts: Mapping[str, str] = field(default_factory=lambda: {"_id": "id"})
    newest_first: bool = True

    @property
    def includes(self) -> frozenset[str]:
        return frozenset(n for n, p in self.parameters.items() if p.kind == "reference")


@dataclass(frozen=True)
class Within:
    """A time inside the interval [low, high), or outside it. None leaves that end open."""

    low: datetime | None = None
    high: datetime | None = None
    outside: bool = False


@dataclass(frozen=True)
class Condition:
    """The column has one of the values, or is in one of the intervals."""

    column: str
    values: tuple[Any, ...] = ()
    spans: tuple[Within, ...] = ()


@dataclass(frozen=True)
class Search:
    """A parsed query whose conditions must all be true. `used` contains the accepted parameters, for links; `ignored`
    contains the others."""

    conditions: tuple[Condition, ...] = ()
    includes: frozenset[str] = frozenset()
    sort: str = "_id"
    descending: bool = True
    count: int = DEFAULT_COUNT
    totals: bool = True
    cursor: str | None = None
    used: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()


def _told(states: Mapping[Any, str]) -> dict[str, list[str]]:
    """Return our own values by FHIR code."""
    found: dict[str, list[str]] = {}
    for own, code in states.items():
        found.setdefault(code, []).append(str(own))
    return found


_BUSINESS = {state.value: [state.value] for state in ReferralState} | {
    code: [state.value] for state, code in mapping.BUSINESS_CODE.items()
}
_URGENCIES = {code: [own] for code, own in mapping.URGENCY.items()}
_ID = Parameter("token", "id", "The id.")
_CHANGED = Parameter("date", "changed_at", "When it was changed last.")
_PATIENT = Parameter("reference", "case_id", "The person: a case code.", targets=("Patient",))
_PRIORITY = Parameter("token", "urgency", "How urgent it is.", _URGENCIES, (codes.PRIORITY,))
_REQUESTER = Parameter(
    "reference", "from_organisation", "The organisation that refers.", targets=("Organization",)
)
_BY_CHANGE = {"_id": "id", "_lastUpdated": "changed_at"}


def _status(states: Mapping[Any, str], system: str) -> Parameter:
    return Parameter("token", "status", "Its status.", _told(states), (system,))


def _of_referral(states: Mapping[Any, str], system: str) -> dict[str, Parameter]:
    status = Parameter("token", "state", "Its status.", _told(states), (system,))
    return {
        "_id": _ID,
        "_lastUpdated": _CHANGED,
        "status": status,
        "requester": _REQUESTER,
        "patient": _PATIENT,
        "subject": _PATIENT,
        "priority": _PRIORITY,
    }


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "Task",
            {
                **_of_referral(mapping.STATUS, codes.TASK_STATUS),
                "owner": Parameter(
                    "reference",
                    "to_organisation",
                    "The organisation that it is addressed to.",
                    targets=("Organization",),
                ),
                "business-status": Parameter(
                    "token",
                    "state",
                    "Its state in our own words, or in those of BSeR.",
                    _BUSINESS,
                    (codes.SYSTEM, codes.BSER),
                ),
                "focus": Parameter(
                    "reference", "id", "What it is to fulfil.", targets=("ServiceRequest",)
                ),
                "authored-on": Parameter("date", "created_at", "When it was written."),
                "modified": _CHANGED,
            },
            {**_BY_CHANGE, "authored-on": "created_at", "modified": "changed_at"},
        ),
        Kind(
            "ServiceRequest",
            {
                **_of_referral(mapping.REQUEST_STATUS, codes.REQUEST_STATUS),
                "performer": Parameter(
                    "reference",
                    "performer",
                    "The service, or the organisation, that is asked.",
                    targets=("HealthcareService", "Organization"),
                ),
                "code": Parameter(
                    "token",
                    "category",
                    "The need: a service category.",
                    {code: [code] for code in categories()},
                    (codes.SYSTEM,),
                ),
                "authored": Parameter("date", "created_at", "When it was written."),
            },
            {**_BY_CHANGE, "authored": "created_at"},
        ),
        Kind(
            "Consent",
            {
                "_id": _ID,
                "_lastUpdated": _CHANGED,
                "status": _status(mapping.CONSENT_STATUS, codes.CONSENT_STATUS),
                "patient": _PATIENT,
                "date": Parameter("date", "given_at", "When the person decided."),
            },
            {**_BY_CHANGE, "date": "given_at"},
        ),
        Kind(
            "Patient",
            {
                "_id": _ID,
                "identifier": Parameter("token", "id", "The case code.", systems=(codes.CASE,)),
            },
        ),
        Kind(
            "Organization",
            {
                "_id": _ID,
                "identifier": Parameter(
                    "token", "id", "Its id in the directory.", systems=(codes.ORGANISATION,)
                ),
            },
        ),
        Kind(
            "HealthcareService",
            {
                "_id": _ID,
                "identifier": Parameter(
                    "token", "id", "Its id in the directory.", systems=(codes.SERVICE,)
                ),
                "organization": Parameter(
                    "reference", "organisation_id", "Who offers it.", targets=("Organization",)
                ),
                "service-category": Parameter(
                    "token",
                    "categories",
                    "What it does.",
                    {code: [code] for code in categories()},
                    (codes.SYSTEM,),
                ),
                "active": Parameter(
                    "token",
                    "choosable",
                    "Whether it takes referrals now.",
                    {"true": [True], "false": [False]},
                ),
            },
        ),
    )
}
CONTROLS: Mapping[str, str] = {
    "_count": f"How many a page holds, {MOST} at most; 0 gives the total alone.",
    "_sort": "By what it is sorted; with `-` before it the last comes first.",
    "_include": "What else is to be given, as `Task:owner`. Several, each of its own.",
    "_summary": "`count` gives the total alone.",
    "_total": "`none` leaves the total out.",
    "cursor": "Where the page begins: as the link `next` of the page before says it.",
}


def read(kind: Kind, query: Iterable[tuple[str, str]], *, lenient: bool) -> Search:
    """Parse a query. Raise NotAsked for an invalid value and, unless lenient, for an unknown name."""
    query = list(query)
    conditions: list[Condition] = []
    includes: set[str] = set()
    controls: dict[str, str] = {}
    used: list[tuple[str, str]] = []
    ignored: list[str] = []
    for name, value in query:
        bare, _, modifier = name.partition(":")
        parameter = kind.parameters.get(bare)
        if parameter is not None and modifier in _modifiers(parameter):
            conditions.append(_condition(bare, parameter, modifier, value))
        elif name == "_include":
            includes.add(_include(kind, value))
        elif name in _ONCE:
            if name in controls:
                raise NotAsked(name, "may be said once")
            controls[name] = value
        elif lenient:
            ignored.append(name[:60])
            continue
        else:
            known = sorted([*kind.parameters, *CONTROLS])
            raise NotAsked(name[:60], f"no such parameter; known: {', '.join(known)}")
        if name != "cursor":
            used.append((name, value))
    sort = controls.get("_sort", "-_id" if kind.newest_first else "_id")
    column = sort.removeprefix("-")
    if column not in kind.sorts:
        raise NotAsked("_sort", f"not sorted by this; known: {', '.join(kind.sorts)}")
    _check_format(controls.get("_format"))
    counts = _only_counts(controls.get("_summary"))
    if controls.get("_totalMethod") not in (None, "count"):  # fhirpy sends it when counting
        raise NotAsked("_totalMethod", "only count")
    return Search(
        conditions=tuple(conditions),
        includes=frozenset(includes),
        sort=column,
        descending=sort.startswith("-"),
        count=0 if counts else _count(controls.get("_count")),
        totals=_totals(controls.get("_total")) or counts,
        cursor=controls.get("cursor"),
        used=tuple(used),
        ignored=tuple(ignored),
    )


def _modifiers(parameter: Parameter) -> Collection[str]:
    return ("", "identifier", *parameter.targets) if parameter.kind == "reference" else ("",)


def _condition(name: str, parameter: Parameter, modifier: str, text: str) -> Condition:
    parts = text.split(",")
    if len(parts) > _MOST_VALUES:
        raise NotAsked(name, f"at most {_MOST_VALUES} values")
    if parameter.kind == "date":
        return Condition(parameter.column, spans=tuple(_span(name, part) for part in parts))
    one = _token if parameter.kind == "token" else _reference
    found = [value for part in parts for value in one(name, parameter, modifier, part)]
    return Condition(parameter.column, tuple(dict.fromkeys(found)))


def _token(name: str, parameter: Parameter, _modifier: str, text: str) -> Collection[Any]:
    system, bar, code = text.rpartition("|")
    if bar and system not in parameter.systems:
        known = ", ".join(parameter.systems) or "none"
        raise NotAsked(name, f"no such system; known: {known}")
    if parameter.known is None:
        return [_uuid(name, code)]
    if code not in parameter.known:
        raise NotAsked(name, f"no such code; known: {', '.join(sorted(parameter.known))}")
    return parameter.known[code]


_SYSTEMS = {
    "Organization": codes.ORGANISATION,
    "Patient": codes.CASE,
    "HealthcareService": codes.SERVICE,
    "ServiceRequest": codes.REFERRAL,
}


def _reference(name: str, parameter: Parameter, modifier: str, text: str) -> Collection[UUID]:
    if modifier == "identifier":
        system, bar, value = text.rpartition("|")
        if bar and system not in {_SYSTEMS[target] for target in parameter.targets}:
            raise NotAsked(name, "no such system of identifiers")
        return [_uuid(name, value)]
    *before, value = text.split("/")
    if before and before[-1] not in parameter.targets:
        raise NotAsked(name, f"names one of: {', '.join(parameter.targets)}")
    return [_uuid(name, value)]


def _uuid(name: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotAsked(name, "no such id: ids here are UUIDs") from None


_DATE = re.compile(
    r"(?P<prefix>eq|ne|gt|lt|ge|le|sa|eb)?"
    r"(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)"
    r"(T(?P<time>\d\d:\d\d(:\d\d(\.(?P<fraction>\d{1,6}))?)?)(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?"
)


def _span(name: str, text: str) -> Within:
    """Return the interval of a date, as wide as its precision (FHIR R4 §3.1.1.5.6)."""
    found = _DATE.fullmatch(text.replace(" ", "+"))
    try:
        if found is None:
            raise ValueError(text)
        low, high = _ends(found)
    except (ValueError, OverflowError):
        raise NotAsked(
            name,
            "a date such as 2026-11-27 or 2026-11-27T10:00:00Z, after eq, ne, gt, lt, ge or le",
        ) from None
    match found["prefix"]:
        case "ne":
            return Within(low, high, outside=True)
        case "gt" | "sa":
            return Within(low=high)
        case "ge":
            return Within(low=low)
        case "lt" | "eb":
            return Within(high=low)
        case "le":
            return Within(high=high)
    return Within(low, high)


def _ends(found: re.Match[str]) -> tuple[datetime, datetime]:
    year, month, day = int(found["year"]), int(found["month"] or 1), int(found["day"] or 1)
    if found["time"] is None:
        low = datetime(year, month, day, tzinfo=UTC)
        if found["day"]:
            return low, low + timedelta(days=1)
        after = (
            date(year, month, 28) + timedelta(days=4) if found["month"] else date(year + 1, 1, 1)
        )
        return low, datetime(after.year, after.month, 1, tzinfo=UTC)
    text = f"{year:04}-{month:02}-{day:02}T{found['time']}{found['zone'] or 'Z'}"
    low = datetime.fromisoformat(text)
    if found["fraction"]:
        return low, low + timedelta(microseconds=10 ** (6 - len(found["fraction"])))
    exact = timedelta(minutes=1) if found["time"].count(":") == 1 else timedelta(seconds=1)
    return low, low + exact


def _include(kind: Kind, text: str) -> str:
    of, _, rest = text.partition(":")
    name, _, target = rest.partition(":")
    known = kind.includes
    if of != kind.name or name not in known:
        says = ", ".join(f"{kind.name}:{each}" for each in sorted(known)) or "none"
        raise NotAsked("_include", f"nothing is given along by this; known: {says}")
    if target and target not in kind.parameters[name].targets:
        raise NotAsked("_include", f"names one of: {', '.join(kind.parameters[name].targets)}")
    return name


def _count(text: str | None) -> int:
    if text is None:
        return DEFAULT_COUNT
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise NotAsked("_count", "a whole number from 0")
    return min(int(text), MOST)


def _totals(text: str | None) -> bool:
    if text not in (None, "none", "estimate", "accurate"):
        raise NotAsked("_total", "one of none, estimate, accurate")
    return text != "none"


def _only_counts(summary: str | None) -> bool:
    if summary not in (None, "count", "false"):
        raise NotAsked("_summary", "one of count, false")
    return summary == "count"


def _check_format(text: str | None) -> None:
    if text is not None and text not in ("json", "application/json", "application/fhir+json"):
        raise NotAsked("_format", "only json")


def of_form(body: bytes) -> list[tuple[str, str]]:
    """Return the form's parameters; raise ValueError if the form is not UTF-8 or has too many."""
    return parse_qsl(
        body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS
    )


def prefers_lenient(prefer: str | None) -> bool:
    """Return whether the client prefers lenient handling (RFC 7240, FHIR R4 §3.1.1.3.2); the default is strict."""
    wishes = re.split(r"[,;]", prefer or "")
    return "handling=lenient" in {wish.replace(" ", "").replace('"', "").lower() for wish in wishes}


def described(kind: Kind) -> Iterator[dict[str, Any]]:
    for name, parameter in kind.parameters.items():
        says = parameter.says
        if parameter.known:
            says += f" One of {', '.join(sorted(parameter.known))}, or several with commas between."
        elif parameter.kind == "date":
            says += " A date or moment, with `ge`, `lt` and the like before it."
        elif parameter.targets:
            says += f" `{parameter.targets[0]}/` and its id, or the id alone."
        yield _text(name, says, 4000)
    count = {"type": "integer", "minimum": 0, "maximum": MOST, "default": DEFAULT_COUNT}
    for name, says in CONTROLS.items():
        if name == "_include" and not kind.includes:
            continue
        found = _text(name, says, 1000)
        yield found if name != "_count" else {**found, "schema": count}


def _text(name: str, says: str, longest: int) -> dict[str, Any]:
    schema = {"anyOf": [{"type": "string", "maxLength": longest}, {"type": "null"}]}
    return {"name": name, "in": "query", "required": False, "description": says, "schema": schema}


def by_id(kind: Kind, ids: Sequence[Any]) -> tuple[Condition, ...]:
    return (Condition(kind.parameters["_id"].column, tuple(ids)),)
