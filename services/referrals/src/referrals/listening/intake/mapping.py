"""Maps a form-tool submission to an instrument's answers, by configuration. Pure. Paths identify answers; spaces
separate multiple choices. Errors name the location, never the value."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from referrals.screening.screenings.answers import Answer, checked
from referrals.screening.screenings.instrument import Instrument, Kind, Question

_ROW = re.compile(r"\[\d+\]")
_LAST_ROW = re.compile(r"\[\d+\]$")
_SUBMISSION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_.\-]{3,99}")
CORRECTED, EDITED = "meta/deprecatedID", "edited"
"""The field that marks a corrected submission, and the mark of one that kept its id."""
_WHOLE = re.compile(r"-?\d{1,12}")
_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,9})?")


@dataclass(frozen=True)
class FormMapping:
    """A form's mapping.

    `fields`: path → question; other paths map by their last part. `values`: for each question, a form's code → our
    code. `ignore`: paths to skip, with `*` at the end for a prefix. For forms that create cases: `needs`: service types
    as categories, `drafts`: the service to refer to, `consents`: paths about consent.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    ignore: frozenset[str] = frozenset()
    area: str | None = None
    area_values: Mapping[str, str] = field(default_factory=dict)
    fixed_area: str | None = None
    country: str | None = None
    needs: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    drafts: Mapping[str, UUID] = field(default_factory=dict)
    consents: frozenset[str] = frozenset()

    @cached_property
    def paths(self) -> frozenset[str]:
        """Return the paths that the mapping uses."""
        return frozenset((*self.fields, *self.needs, *self.consents, self.area or ""))

    def place_of(self, path: str) -> str:
        """Return the path as the mapping writes it: for its own row (`services[0]/type`), or for all rows
        (`services/type`)."""
        every = bare(path)
        return next((p for p in (path, _LAST_ROW.sub("", path)) if p in self.paths), every)

    def ignores(self, path: str) -> bool:
        return path in self.ignore or any(
            each.endswith("*") and path.startswith(each[:-1]) for each in self.ignore
        )


@dataclass(frozen=True)
class Reason:
    """A quarantine reason: a code, and a JSON pointer into the submission."""

    code: str
    pointer: str
    detail: str


@dataclass
class Translated:
    """A mapped submission. If it has any `reasons`, no part of it may become a screening."""

    answers: dict[str, Answer] = field(default_factory=dict)
    area: str | None = None
    reasons: list[Reason] = field(default_factory=list)


def submission_id(submission: Mapping[str, Any]) -> str | None:
    """Return the tool's own submission id; None if no usable id exists."""
    for name in ("_uuid", "meta/instanceID"):
        value = submission.get(name)
        if isinstance(value, str):
            text = value.removeprefix("uuid:")
            if _SUBMISSION_ID.fullmatch(text):
                return text
    return None


def first_id(submission: Mapping[str, Any]) -> str | None:
    """Return a submission's first id across corrections. KoboToolbox gives a correction a new id and refers to the old
    id. Other systems keep the id and send `edited`."""
    own = submission_id(submission)
    for name in ("meta/rootUuid", CORRECTED):
        found = submission_id({"_uuid": submission.get(name)})
        if found is not None and found != EDITED:
            return found
    return own


def is_corrected(submission: Mapping[str, Any]) -> bool:
    return bool(submission.get(CORRECTED))


def translate(
    instrument: Instrument, mapping: FormMapping, said: Mapping[str, Any], today: date
) -> Translated:
    """Map a whole submission, or return the reasons for refusing it."""
    found = Translated(area=mapping.fixed_area)
    places: dict[str, str] = {}
    for path, value in said.items():
        if path == mapping.area:
            _take_area(found, mapping, path, value)
        else:
            _take(found, instrument, mapping, path, value, places)
    for flaw in checked(instrument, found.answers, today):
        found.reasons.append(Reason(flaw.code, places[flaw.question], flaw.detail))
    return found


def _take(
    found: Translated,
    instrument: Instrument,
    mapping: FormMapping,
    path: str,
    value: Any,
    places: dict[str, str],
) -> None:
    name = mapping.fields.get(path) or path.rsplit("/", 1)[-1]
    question = instrument.by_id.get(name)
    if question is None:
        detail = "No question of the instrument answers to this path: map it or ignore it."
        found.reasons.append(Reason("unmapped_field", pointer_to(path), detail))
        return
    if not question.answerable:
        return
    if name in places:
        detail = "Two paths map to one question."
        found.reasons.append(Reason("mapped_twice", pointer_to(path), detail))
        return
    places[name] = pointer_to(path)
    answer = _answer(question, value, mapping.values.get(name, {}))
    if answer is None:
        detail = f"This cannot be read as the answer of a question of type {question.kind}."
        found.reasons.append(Reason("unreadable_value", pointer_to(path), detail))
        return
    found.answers[name] = answer


def _answer(question: Question, value: Any, values: Mapping[str, str]) -> Answer | None:
    text = " ".join(text_of(each) for each in (value if isinstance(value, list) else [value]))
    match question.kind:
        case Kind.ONE_OF:
            return values.get(text, text)
        case Kind.MANY_OF:
            return [values.get(code, code) for code in text.split()]
        case Kind.INTEGER:
            return int(text) if _WHOLE.fullmatch(text) else None
        case Kind.DECIMAL:
            return float(text) if _NUMBER.fullmatch(text) else None
        case Kind.DATE:
            return day_of(text)
        case _:
            return text


def bare(path: str) -> str:
    """Return the path without row numbers, which represents all rows."""
    return _ROW.sub("", path)


def text_of(value: Any) -> str:
    """Return a scalar as text; write true and false as in JSON."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value).strip()


def day_of(text: str) -> str:
    """Return the day of a timestamp. Return other text unchanged, so that its reader rejects it."""
    return text[:10] if text[10:11] == "T" else text


def place_code(mapping: FormMapping, value: Any) -> str | None:
    """Return the P-code for the form's own place name; None if unknown."""
    text = text_of(value)
    code = mapping.area_values.get(text, text)
    return code if len(code) <= 20 and re.fullmatch(r"[A-Z]{2,3}[0-9A-Z]*", code) else None


def _take_area(found: Translated, mapping: FormMapping, path: str, value: Any) -> None:
    code = place_code(mapping, value)
    if code is None:
        detail = "This is no P-code: add it to 'area_values'."
        found.reasons.append(Reason("unknown_area", pointer_to(path), detail))
        return
    found.area = code


def moment_of(submission: Mapping[str, Any]) -> datetime | None:
    """Return the time of the submission: its end, its start, or its receipt by the tool, whichever is the first
    readable one."""
    return next(_moments(submission), None)


def _moments(submission: Mapping[str, Any]) -> Iterator[datetime]:
    for name in ("end", "start", "_submission_time"):
        value = submission.get(name)
        if not isinstance(value, str):
            continue
        try:
            read = datetime.fromisoformat(value)
            at = read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
        except (ValueError, OverflowError):  # a phone with a wrong clock may send the year 1
            continue
        yield at


def pointer_to(path: str) -> str:
    return "/" + path[:200].replace("~", "~0").replace("/", "~1")
